"""Which backups a member has written, in a file beside its keys.

A signature bears no time: whoever has stolen a log key can sign a backup of an old size after the
key was replaced. So what a replaced key has signed counts only where it is named here.
"""

from __future__ import annotations

import json
from pathlib import Path

from ...measures.identity import digest
from ..whole_files import write_whole

FILE = "backups.json"
MOST = 1_000  # names that are kept, the newest


def note(folder: Path, manifest: bytes) -> None:
    """Name a backup by its manifest: on the disk when this returns."""
    names = [*(each for each in _read(folder) if each != digest(manifest)), digest(manifest)]
    write_whole(folder / FILE, json.dumps(names[-MOST:]).encode("ascii"))


def noted(folder: Path) -> frozenset[str]:
    """The backups that are named there; none where the file is lost or is none."""
    return frozenset(_read(folder))


def _read(folder: Path) -> list[str]:
    try:
        value = json.loads((folder / FILE).read_bytes())
    except (OSError, ValueError):
        return []
    return [str(each) for each in value] if isinstance(value, list) else []
