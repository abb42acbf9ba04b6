"""Batches sealed from the concentrator to this member: whoever carries them reads nobody's power.

A data key by the record's suite seals the signed payload and is wrapped for this member's box, as
blobs are. Signed first, sealed then: what is kept and shown later is the signed payload itself.
Source: docs/specs/outage.md, section 11.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...errors import RecordDamaged
from ...measures.suites import BoxKey, in_use
from ...node.ports import Identity
from ...node.vault.sealing import Random, reader_of, seal, unseal, unwrap_any, wrap
from ..grid.message import no
from ..grid.push.trust import write_open

FILE = "seal.json"  # beside a concentrator's certificate: for whom it seals, and how
MAGIC = b"miaopei.meters.sealed/1\n"
LENGTH = 2  # bytes, big-endian, of the length of the wrapped key
ROOM = 1024  # bytes that sealing adds at most


def sealed(payload: bytes, reader: bytes, random_bytes: Random) -> bytes:
    """A signed payload for one reader's public key."""
    body, key = seal(payload, random_bytes)
    wrapped = wrap(key, reader, random_bytes)
    return MAGIC + len(wrapped).to_bytes(LENGTH, "big") + wrapped + body


def is_sealed(payload: bytes) -> bool:
    """Whether a payload says that it is sealed."""
    return payload.startswith(MAGIC)


def opened(payload: bytes, boxes: Sequence[BoxKey]) -> bytes:
    """The signed payload that was sealed. Errors   Refused grid.not_for_us."""
    at = len(MAGIC) + LENGTH
    end = at + int.from_bytes(payload[len(MAGIC) : at], "big")
    try:
        key, _ = unwrap_any(payload[at:end], boxes)
        return unseal(payload[end:], key)
    except RecordDamaged:
        raise no("not_for_us") from None


def hand(into: Path, identity: Identity) -> None:
    """Write down for a concentrator for whom it seals: nothing secret."""
    into.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_open(into / FILE, {"suite": in_use.suite.name, "box": reader_of(identity.box)})
