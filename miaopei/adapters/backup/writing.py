"""Writing a member's backup, or a snapshot for another member."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from ...errors import OutsideFault
from ...ledger import checkpoint
from ...ledger.tiles import WIDTH, Tile, encode_bundle
from ...measures.identity import canonical, read_canonical
from ...measures.suites import public_hex
from ...node.ports import Certify, Identity
from ...node.proof.logkeys import keys_of
from ...node.vault.sealing import MAGIC, seal, wrap
from ..postgres.reading import PostgresReading
from . import kept, signed
from .file import BLOB, FORMAT, MANIFEST, PRIVATE, SIGNED, SNAPSHOT, WRAP, add, no
from .private import dump

Random = Callable[[int], bytes]


def write(
    path: Path,
    reading: PostgresReading,
    identity: Identity,
    random: Random,
    *,
    certify: Certify | None = None,
    private: bool = True,
    beside: Path | None = None,
) -> int:
    """Write what is certified to a file that only its owner may read; the number of its entries.

    `certify` gives the certificate of the root that a block left, in a consortium; without
    `private` it is a snapshot for another member. A backup is named in the folder `beside` it, that
    of the member's keys.
    Errors   Refused backup.not_written; OutsideFault (retry) while the key that would sign it is
             being changed; what `certify` raises.
    """
    text = reading.checkpoint()
    size, root = checkpoint.parse(text).size, checkpoint.parse(text).root
    names = [name for name, data in reading.blobs() if private or not data.startswith(MAGIC)]
    manifest: dict[str, Any] = {
        "format": FORMAT if private else SNAPSHOT,
        **({"checkpoint": text} if private else {"root": root.hex()}),
        "size": size,
        "blobs": len(names),
    }
    if certify is not None:
        last = read_canonical(reading.leaf(size - 1))
        manifest["certificate"] = certify(int(last.get("height", 0)))
    parts = _private(reading, identity, size, random) if private else {}
    if private:
        manifest |= signed.named(parts, names)
    shown = canonical(manifest)
    sealed = {SIGNED: signed.signature(shown, identity)} if parts else {}
    parts = {MANIFEST: shown, **sealed, **parts}
    aside = path.with_name(f".{path.name}.writing")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file, tarfile.open(fileobj=file, mode="w") as tar:
            for name, data in parts.items():
                add(tar, name, data)
            for first in range(0, size, WIDTH):
                entries = list(reading.leaves(first, min(first + WIDTH, size)))
                add(tar, Tile(None, first // WIDTH, len(entries)).path, encode_bundle(entries))
            for name, data in reading.blobs():
                if private or not data.startswith(MAGIC):  # sealed ones come with the reader's key
                    add(tar, BLOB + name, data)
            tar.close()
            file.flush()
            os.fsync(file.fileno())
        if private and beside is not None:
            kept.note(beside, shown)
        aside.replace(path)
    except OSError as error:
        with suppress(OSError):
            aside.unlink()
        raise no("not_written", path=str(path), why=str(error.strerror or error)) from None
    return size


def _private(
    reading: PostgresReading, identity: Identity, size: int, random: Random
) -> dict[str, bytes]:
    """What is private, sealed for our own box, and the key to it."""
    keys = keys_of(reading.leaves(0, size), "log").get(identity.member, [])
    if keys and keys[-1][0] != public_hex(identity.log):
        raise OutsideFault("the key that signs it is being changed; try again", retry=True)
    sealed, key = seal(canonical(dump(reading)), random)
    box = identity.box.public_key().public_bytes_raw()
    return {PRIVATE: sealed, WRAP: wrap(key, box, random)}
