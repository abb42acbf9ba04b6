"""The file that a backup or a snapshot is: a tar, its manifest, its parts by name."""

from __future__ import annotations

import io
import tarfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from ...errors import Fact, Refusal, Refused
from ...measures.identity import read_canonical

FORMAT = "miaopei.backup/3"
UNSIGNED = "miaopei.backup/2"  # of before: nobody has signed what is private in it
SNAPSHOT = "miaopei.snapshot/1"  # the same without what is private, for another member
MANIFEST, SIGNED, PRIVATE, WRAP = "manifest.json", "manifest.sig", "private", "private.wrap"
BLOB = "blob/"


@contextmanager
def opened(path: Path) -> Iterator[tarfile.TarFile]:
    """Errors   Refused backup.not_a_backup, backup.altered where a part is there twice."""
    with ExitStack() as closing:
        try:
            tar = closing.enter_context(tarfile.open(path, "r:"))
            names = tar.getnames()
        except (OSError, tarfile.TarError):
            raise no("not_a_backup") from None
        if twice := [name for name, count in Counter(names).items() if count > 1]:
            raise no("altered", part=twice[0])  # which of the two is read is nobody's choice
        yield tar


def manifest(tar: tarfile.TarFile) -> dict[str, Any]:
    """Errors   Refused backup.altered, backup.not_a_backup."""
    try:
        value = read_canonical(part(tar, MANIFEST))
    except Refused:
        raise no("altered", part=MANIFEST) from None
    if not isinstance(value, dict) or value.get("format") not in (FORMAT, UNSIGNED, SNAPSHOT):
        raise no("not_a_backup")
    return value


def part(tar: tarfile.TarFile, name: str) -> bytes:
    """Errors   Refused backup.part_missing."""
    try:
        file = tar.extractfile(name)
        data = None if file is None else file.read()
    except (KeyError, tarfile.TarError, OSError):
        data = None
    if data is None:
        raise no("part_missing", part=name)
    return data


def blob_names(tar: tarfile.TarFile) -> list[str]:
    """The blobs that are in it."""
    return [name.removeprefix(BLOB) for name in tar.getnames() if name.startswith(BLOB)]


def add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    """One part more."""
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(data), 0o600
    tar.addfile(entry, io.BytesIO(data))


def no(code: str, /, **facts: Fact) -> Refused:
    """What is refused of a backup."""
    return Refused(Refusal(f"backup.{code}", facts))
