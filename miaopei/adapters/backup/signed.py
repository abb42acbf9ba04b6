"""Who has signed a backup: digest and size of every part that nothing else bears out.

Entries are borne out by the checkpoint, each blob by its name. What is private is sealed for our
public box key, so that anybody can make another: the manifest names it, and is signed as a whole by
the key of our checkpoints, since the same program holds it whenever a backup is written, and the
record says from when until when each such key was ours.
"""

from __future__ import annotations

import tarfile
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any

from ...errors import Refused
from ...measures.identity import canonical, digest, read_canonical
from ...measures.suites import in_use, public_hex
from ...node.ports import Identity
from ...node.proof.logkeys import keys_of
from .file import FORMAT, MANIFEST, PRIVATE, SIGNED, WRAP, blob_names, no, part

ALONE = FORMAT.encode("ascii") + b"\n"  # what it signs here is signed as nothing else


def named(parts: Mapping[str, bytes], blobs: Iterable[str]) -> dict[str, Any]:
    """What the manifest says of parts, and of which blobs there are."""
    shown = {name: {"digest": digest(data), "size": len(data)} for name, data in parts.items()}
    return {"parts": shown, "blobs_digest": _of_names(blobs)}


def signature(manifest: bytes, identity: Identity) -> bytes:
    """The part that signs a manifest."""
    by = public_hex(identity.log)
    return canonical({"by": by, "signature": identity.log.sign(ALONE + manifest).hex()})


def demand(
    tar: tarfile.TarFile,
    manifest: Mapping[str, Any],
    identity: Identity,
    leaves: Sequence[bytes] | None,
    noted: Container[str] | None = (),
) -> None:
    """The manifest is signed by this member, and the parts are those that it names.

    `leaves`, in a consortium, say which keys were this member's at that size of the record. What
    another than today's has signed is one of the backups that are `noted`; of None all are. Where
    today's stood before it, our file of keys is the older of the two, and nothing replaced it.
    Errors   Refused backup.not_signed, backup.earlier_key, backup.altered naming the part.
    """
    today, before = public_hex(identity.log), list[str]()
    keys_then = {today}
    if leaves is not None:
        keys = [key for key, _ in keys_of(leaves, "log").get(identity.member, [])]
        before = keys[:-1]  # these may sign nothing of this size
        keys_then |= {*keys[-1:]}
    try:
        said = read_canonical(part(tar, SIGNED))
        by, signed = str(said["by"]), bytes.fromhex(said["signature"])
        data = ALONE + part(tar, MANIFEST)
        good = by in keys_then and in_use.suite.verify(bytes.fromhex(by), signed, data)
    except (Refused, ValueError, KeyError, TypeError):
        good = False
    if not good:
        raise no("not_signed", member=identity.member)
    ours = noted is None or digest(part(tar, MANIFEST)) in noted
    if by != today and today not in before and not ours:
        raise no("earlier_key", member=identity.member, key=by[:16])
    if set(manifest.get("parts", ())) != {PRIVATE, WRAP}:
        raise no("altered", part=MANIFEST)
    for name, told in manifest["parts"].items():
        data = part(tar, name)
        if told != {"digest": digest(data), "size": len(data)}:
            raise no("altered", part=name)
    if manifest.get("blobs_digest") != _of_names(blob_names(tar)):
        raise no("altered", part="blobs")


def _of_names(names: Iterable[str]) -> str:
    return digest(canonical(sorted(names)))
