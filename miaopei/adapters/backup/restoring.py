"""Putting a backup back: all of it is checked before anything is written.

The log is applied again and every leaf compared; the shared tables are made anew, never copied.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import Refused
from ...ledger import checkpoint
from ...ledger.certificate import founders, from_json
from ...ledger.checkpoint import Checkpoint
from ...ledger.merkle import Frontier, leaf_hash
from ...ledger.quorum import check as check_certificate
from ...ledger.tiles import WIDTH, Tile, decode_bundle
from ...measures.identity import digest
from ...node.order.convening import Founding
from ...node.order.keep import certify as certify_head
from ...node.ports import Identity
from ...node.proof.given import keep_given
from ...node.proof.logkeys import signer_of
from ...node.proof.rebuild import Progress, Rebuilt, reapply
from ...node.vault.erasing import replay
from ..postgres.store import PostgresStore
from . import kept, signed
from .file import BLOB, FORMAT, MANIFEST, SNAPSHOT, blob_names, manifest, no, opened, part
from .private import fill_all, late_blocks
from .private import opened as opened_private


@dataclass
class Restored(Rebuilt):
    """What a restore saw. `private`: all that the member had, and not a snapshot; `late`: of blocks
    too that were not certified then, so that it fits the entries only once the engine brings those.
    """

    private: bool = False
    late: bool = False


def restore(
    path: Path,
    store: PostgresStore,
    identity: Identity,
    erased: Iterable[str] = (),
    *,
    founding: Founding | None = None,
    unsigned: bool = False,
    beside: Path | None = None,
    progress: Progress | None = None,
) -> Restored:
    """Put a backup into an empty store: check, apply the log again, then what lies beside it.

    Persons whose erasure the record or `erased` names are erased again in the same transaction:
    nobody is served before. With the `founding` of a consortium the root must be certified by its
    members, and a snapshot of another member will do: then nothing private comes with it.
    `unsigned` takes a file of before as well, whose private part nobody has signed, or a log key
    that was replaced since: else such a one is named in the folder `beside` it, of the member's
    keys.
    Errors   Refused backup.* for a file that is not ours or not whole; ledger.quorum_*.
    """
    with opened(path) as tar:
        leaves, private = _checked(tar, identity, founding, beside, unsigned=unsigned)
        done = reapply(leaves, len(leaves), store, progress)
        seen = Restored(done.leaves, done.blocks, done.rows, done.differences)
        if not seen.same:
            return seen
        seen.private = private is not None
        media = _media(leaves)
        with store.writing() as block:
            for name, data in _blobs(tar):
                block.put_blob(data, media.get(name, "original"))
            if private is None:
                keep_given(block, block.head().height)
                certify_head(block, block.head(), identity.log)
            else:
                seen.late = bool(late_blocks(private, block.head().height))
                fill_all(block, private)
            replay(block, identity, erased)
    return seen


def check(
    path: Path,
    identity: Identity,
    founding: Founding | None = None,
    *,
    unsigned: bool = False,
    beside: Path | None = None,
) -> None:
    """Whether a backup or snapshot may be restored from, before anything is given up for it.

    Errors   as `restore`.
    """
    with opened(path) as tar:
        _checked(tar, identity, founding, beside, unsigned=unsigned)


def _checked(
    tar: tarfile.TarFile,
    identity: Identity,
    founding: Founding | None,
    beside: Path | None,
    *,
    unsigned: bool,
) -> tuple[list[bytes], Any]:
    """The entries, and what is private, or None in a snapshot."""
    said = manifest(tar)
    whole = said["format"] != SNAPSHOT
    if not whole and founding is None:
        raise no("not_a_backup")
    if whole and said["format"] != FORMAT and not unsigned:
        raise no("unsigned", format=str(said["format"]))
    if whole:
        head = _head(said, identity, alone=founding is None)
        size, root = head.size, head.root
    else:
        size, root = _said(said)
    if founding is not None:
        _certified(said, root, founding)
    if said.get("blobs") != len(blob_names(tar)):
        raise no("altered", part="blobs")
    leaves = list(_entries(tar, size))
    if Frontier().extend(leaf_hash(leaf) for leaf in leaves).root() != root:
        raise no("altered", part="entries")
    if whole and founding is not None:  # the entries are the members' own: what keys they name, too
        whose = signer_of(leaves, said["checkpoint"])
        if whose is None:
            raise no("altered", part="checkpoint")
        if whose != identity.member:
            raise no("other_member", whose=whose, member=identity.member)
    if said["format"] == FORMAT:
        noted = frozenset[str]() if beside is None else kept.noted(beside)
        of = None if founding is None else leaves
        signed.demand(tar, said, identity, of, None if unsigned else noted)
    for _ in _blobs(tar):
        pass
    return leaves, opened_private(tar, identity, leaves) if whole else None


def _said(manifest: Mapping[str, Any]) -> tuple[int, bytes]:
    """Size and root of a snapshot: the members' certificate and the entries bear them out."""
    size, root = manifest.get("size"), manifest.get("root")
    if type(size) is not int or size < 1 or not isinstance(root, str):
        raise no("altered", part=MANIFEST)
    try:
        return size, bytes.fromhex(root)
    except ValueError:
        raise no("altered", part=MANIFEST) from None


def _blobs(tar: tarfile.TarFile) -> Iterator[tuple[str, bytes]]:
    for name in blob_names(tar):
        data = part(tar, BLOB + name)
        if digest(data) != name:
            raise no("altered", part=BLOB + name)
        yield name, data


def _certified(manifest: Mapping[str, Any], root: bytes, founding: Founding) -> None:
    """The root is that of a certificate which the members that the genesis file names have signed.

    Errors   Refused backup.not_certified, ledger.*.
    """
    if manifest.get("certificate") is None:
        raise no("not_certified")
    shown = from_json(manifest["certificate"])
    if check_certificate(shown, founding.chain, founders(founding.file)).root != root:
        raise no("altered", part="root")


def _media(leaves: list[bytes]) -> dict[str, str]:
    """Blob -> what it is, by the acts that name it."""
    found = {}
    for leaf in leaves:
        body = json.loads(leaf).get("act", {}).get("body", {})
        for item in body.values():
            if isinstance(item, dict) and {"blob", "media"} <= set(item):
                found[item["blob"]] = item["media"]
    return found


def _head(manifest: Mapping[str, Any], identity: Identity, *, alone: bool) -> Checkpoint:
    """The head that a backup was written at: where one member orders, signed by our key; in a
    consortium by one that our seat had then, which the entries say once they are read.
    """
    try:
        head = checkpoint.parse(manifest["checkpoint"])
    except Refused:
        raise no("altered", part="checkpoint") from None
    if alone:
        try:
            vkey = checkpoint.verifier_key(head.origin, identity.log)
            return checkpoint.verify(manifest["checkpoint"], vkey)
        except Refused:
            raise no("other_keys", origin=head.origin) from None
    return head


def _entries(tar: tarfile.TarFile, size: int) -> Iterator[bytes]:
    for first in range(0, size, WIDTH):
        tile = Tile(None, first // WIDTH, min(WIDTH, size - first))
        try:
            yield from decode_bundle(part(tar, tile.path))
        except Refused:
            raise no("altered", part=tile.path) from None
