"""Sealed blobs of this node: written with their wrap at once, opened with our box key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ...errors import RecordDamaged
from ...ledger.merkle import Frontier, leaf_hash
from ...measures.identity import digest
from ..ports import Identity, Reading, Writing
from .sealing import frame, seal, unseal, unwrap, wrap

if TYPE_CHECKING:
    from ..node import Node


def seal_blob(
    block: Writing, node: Node, rows: Sequence[bytes], commitments: Sequence[bytes], media: str
) -> dict[str, Any]:
    """Seal rows for ourselves (in solo the group of one) and give the act's reference."""
    sealed, key = seal(frame(rows), node.random)
    reader = node.identity.box.public_key().public_bytes_raw()
    name = block.put_blob(sealed, media)
    block.put_wrap(name, reader.hex(), wrap(key, reader, node.random))
    root = Frontier().extend(leaf_hash(c) for c in commitments).root().hex()
    return {
        "blob": name,
        "length": len(sealed),
        "count": len(rows),
        "root": root,
        "media": media,
    }


def open_blob(reading: Reading, name: str, identity: Identity) -> bytes:
    """The plain bytes of a sealed blob.

    Errors   RecordDamaged (alarm) where the blob or its wrap is missing or altered.
    """
    reader = identity.box.public_key().public_bytes_raw().hex()
    sealed, wrapped = reading.blob(name), reading.wrapped(name, reader)
    if sealed is None or digest(sealed) != name:
        raise RecordDamaged("a blob is missing or altered", blob=name)
    if wrapped is None:
        raise RecordDamaged("no wrapped key for this reader", blob=name)
    return unseal(sealed, unwrap(wrapped, identity.box))
