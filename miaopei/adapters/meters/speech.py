"""What a concentrator says: batches of readings, its state, and numbers it has lost. Values only.

A payload is `SIGNATURE\\nJSON`: Ed25519 (hex) over the domain and the JSON bytes as they stand.
Times are UTC seconds. Source: docs/specs/outage.md, section 10.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ...measures.shape import exactly
from ..grid.message import no

FORMAT = "miaopei.meters/1"
DOMAIN = b"miaopei.meters/1\n"
MEDIA = "application/vnd.miaopei.meters"
LARGEST = 512 * 1024  # bytes of one payload
MOST = 5_000  # readings of one batch
AHEAD = 300  # seconds that a batch or reading may be ahead of its receipt
SIGNATURE = 128  # hex digits
ONLINE, OFFLINE = "online", "offline"
POWERS = {"off": False, "on": True}
_BATCH = ("format", "kind", "concentrator", "sequence", "sent_at", "readings")
_STATE = ("format", "kind", "concentrator", "state", "session", "at", "last")
_LOST = ("format", "kind", "concentrator", "lost")


@dataclass(frozen=True)
class Reading:
    """One meter's power-off (`on` False) or power-on."""

    customer: str = field(repr=False)
    on: bool
    at: int


@dataclass(frozen=True)
class Batch:
    """Readings under one number of a concentrator; `wrong` of them could not be read, `foreign`
    were about customers that it does not read."""

    concentrator: str
    sequence: int
    sent_at: int
    readings: tuple[Reading, ...] = field(repr=False)
    wrong: int
    foreign: int = 0


@dataclass(frozen=True)
class Word:
    """Birth, heartbeat or death: `session` is when it connected, `last` its newest number."""

    concentrator: str
    online: bool
    session: int
    at: int
    last: int


@dataclass(frozen=True)
class Lost:
    """Numbers that the concentrator does not have any more."""

    concentrator: str
    numbers: tuple[int, ...]


def read(
    payload: bytes, keys: Sequence[str], named: str, received_at: int, revoked: Sequence[str] = ()
) -> Batch | Word | Lost:
    """A payload that the concentrator `named` by its topic has signed with one of its keys (hex).

    Errors   Refused grid.too_large, grid.forged, grid.revoked (signed with a key that counted
             once), grid.not_json, grid.bad_field, grid.in_future, grid.other_source.
    """
    if len(payload) > LARGEST:
        raise no("too_large", length=len(payload), limit=LARGEST)
    value = _opened(payload, keys, revoked, named)
    if value.get("format") != FORMAT:
        raise no("bad_field", field="format")
    if value.get("concentrator") != named:
        sender = str(value.get("concentrator"))[:60]
        raise no("other_source", source=named, sender=sender)
    match value.get("kind"):
        case "batch" if exactly(value, _BATCH):
            return _batch(value, received_at)
        case "state" if exactly(value, _STATE) and value["state"] in (ONLINE, OFFLINE):
            online = value["state"] == ONLINE
            times = (_whole(value, name) for name in ("session", "at", "last"))
            word = Word(named, online, *times)
            _in_time(word.at, received_at)
            return word
        case "lost" if exactly(value, _LOST) and isinstance(value["lost"], list):
            return Lost(named, tuple(n for n in value["lost"] if type(n) is int and n > 0))
        case _:
            raise no("bad_field", field="kind")


def _opened(
    payload: bytes, keys: Sequence[str], revoked: Sequence[str], named: str
) -> Mapping[str, Any]:
    head, parted, body = payload.partition(b"\n")
    if not parted or len(head) != SIGNATURE or not (keys or revoked):
        raise no("forged", why="no signature of a trusted key")
    try:
        signature = bytes.fromhex(head.decode("ascii"))
    except ValueError:
        raise no("forged", why="the signature is no hex") from None
    if not any(_signed(key, signature, body) for key in keys):
        if any(_signed(key, signature, body) for key in revoked):
            raise no("revoked", concentrator=named)
        raise no("forged", why="the signature does not hold")
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise no("not_json", why=type(error).__name__) from None
    if not isinstance(value, dict):
        raise no("bad_field", field="object")
    return value


def _signed(key: str, signature: bytes, body: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(signature, DOMAIN + body)
    except (InvalidSignature, ValueError):
        return False
    return True


def _batch(value: Mapping[str, Any], received_at: int) -> Batch:
    sent_at, sequence = _whole(value, "sent_at"), _whole(value, "sequence")
    _in_time(sent_at, received_at)
    given = value["readings"]
    if not isinstance(given, list) or not 0 < len(given) <= MOST or sequence < 1:
        raise no("bad_field", field="readings")
    readings = [_reading(each, received_at) for each in given]
    good = tuple(each for each in readings if each is not None)
    return Batch(value["concentrator"], sequence, sent_at, good, len(given) - len(good))


def _reading(value: Any, received_at: int) -> Reading | None:
    """One [customer, power, at]; None where it cannot be, its neighbours are read."""
    if not isinstance(value, list) or len(value) != 3:
        return None
    customer, power, at = value
    if not isinstance(customer, str) or not 0 < len(customer) <= 64:
        return None
    if not isinstance(power, str) or power not in POWERS:
        return None
    if type(at) is not int or not 0 <= at <= received_at + AHEAD:
        return None
    return Reading(customer, POWERS[power], at)


def _in_time(at: int, received_at: int) -> None:
    if at > received_at + AHEAD:
        raise no("in_future", sent_at=at, received_at=received_at, limit=AHEAD)


def _whole(value: Mapping[str, Any], name: str) -> int:
    found = value[name]
    if type(found) is not int or not 0 <= found < 2**53:
        raise no("bad_field", field=name)
    return found
