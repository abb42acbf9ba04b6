"""The engine's messages as bytes: the small part of ABCI 2.0 that an application of ours reads.

Written by hand from the published files `tendermint/abci/types.proto` and `types/*.proto` of
CometBFT v0.38.26 (Apache-2.0): protocol buffers are keys and lengths, forty lines, where generated
code would be 80 KB and pin a runtime. Fields that we do not name are passed over, as the format
wants; decision 10 says why, and the tests ask the real engine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...errors import OutsideFault

LARGEST = 120_000_000  # bytes of one message; the engine's own limit is 100 MB
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
MASK64 = 2**64 - 1


@dataclass(frozen=True)
class Of:
    """One field: its number, what it is (int, str, bytes or a message), whether it repeats."""

    number: int
    kind: Any
    many: bool = False


Message = Mapping[str, Of]

SNAPSHOT: Message = {
    "height": Of(1, int), "format": Of(2, int), "chunks": Of(3, int), "hash": Of(4, bytes),
    "metadata": Of(5, bytes),
}  # fmt: skip
KEY: Message = {"ed25519": Of(1, bytes)}
VALIDATOR: Message = {"pub_key": Of(1, KEY), "power": Of(2, int)}

SIGNER: Message = {"address": Of(1, bytes)}
SIGNATURE: Message = {"validator": Of(1, SIGNER), "block_id_flag": Of(3, int)}
SIGNATURES: Message = {"votes": Of(2, SIGNATURE, many=True)}

REQUESTS: Mapping[int, tuple[str, Message]] = {
    1: ("echo", {"message": Of(1, str)}),
    2: ("flush", {}),
    3: ("info", {"version": Of(1, str), "abci_version": Of(4, str)}),
    5: ("init_chain", {"chain_id": Of(2, str), "validators": Of(4, VALIDATOR, many=True),
                       "app_state_bytes": Of(5, bytes), "initial_height": Of(6, int)}),
    6: ("query", {"data": Of(1, bytes), "path": Of(2, str), "height": Of(3, int)}),
    8: ("check_tx", {"tx": Of(1, bytes), "type": Of(2, int)}),
    11: ("commit", {}),
    12: ("list_snapshots", {}),
    13: ("offer_snapshot", {"snapshot": Of(1, SNAPSHOT), "app_hash": Of(2, bytes)}),
    14: ("load_snapshot_chunk", {"height": Of(1, int), "format": Of(2, int), "chunk": Of(3, int)}),
    15: ("apply_snapshot_chunk", {"index": Of(1, int), "chunk": Of(2, bytes)}),
    16: ("prepare_proposal", {"max_tx_bytes": Of(1, int), "txs": Of(2, bytes, many=True),
                              "height": Of(5, int)}),
    17: ("process_proposal", {"txs": Of(1, bytes, many=True), "height": Of(5, int)}),
    18: ("extend_vote", {"height": Of(2, int)}),
    19: ("verify_vote_extension", {"height": Of(3, int)}),
    20: ("finalize_block", {"txs": Of(1, bytes, many=True),
                            "decided_last_commit": Of(2, SIGNATURES), "hash": Of(4, bytes),
                            "height": Of(5, int)}),
}  # fmt: skip

RESPONSES: Mapping[str, tuple[int, Message]] = {
    "exception": (1, {"error": Of(1, str)}),
    "echo": (2, {"message": Of(1, str)}),
    "flush": (3, {}),
    "info": (4, {"data": Of(1, str), "version": Of(2, str), "app_version": Of(3, int),
                 "last_block_height": Of(4, int), "last_block_app_hash": Of(5, bytes)}),
    "init_chain": (6, {"app_hash": Of(3, bytes)}),
    "query": (7, {"code": Of(1, int), "log": Of(3, str), "value": Of(7, bytes)}),
    "check_tx": (9, {"code": Of(1, int), "log": Of(3, str)}),
    "commit": (12, {"retain_height": Of(3, int)}),
    "list_snapshots": (13, {"snapshots": Of(1, SNAPSHOT, many=True)}),
    "offer_snapshot": (14, {"result": Of(1, int)}),
    "load_snapshot_chunk": (15, {"chunk": Of(1, bytes)}),
    "apply_snapshot_chunk": (16, {"result": Of(1, int)}),
    "prepare_proposal": (17, {"txs": Of(1, bytes, many=True)}),
    "process_proposal": (18, {"status": Of(1, int)}),
    "extend_vote": (19, {"vote_extension": Of(1, bytes)}),
    "verify_vote_extension": (20, {"status": Of(1, int)}),
    "finalize_block": (21, {"tx_results": Of(2, {"code": Of(1, int)}, many=True),
                            "validator_updates": Of(3, VALIDATOR, many=True),
                            "app_hash": Of(5, bytes)}),
}  # fmt: skip


def request(data: bytes) -> tuple[str, dict[str, Any]]:
    """Which request it is, and what it says.

    Errors   OutsideFault for bytes that are none, or of a kind that this program does not know.
    """
    for number, _, value in _fields(data):
        if number in REQUESTS and isinstance(value, bytes):
            name, message = REQUESTS[number]
            return name, decode(message, value)
    raise OutsideFault("the engine asks what this program does not know", retry=False)


def response(name: str, values: Mapping[str, Any]) -> bytes:
    """A response, ready to be framed."""
    number, message = RESPONSES[name]
    body = encode(message, values)
    return varint(number << 3 | BYTES) + varint(len(body)) + body


def decode(message: Message, data: bytes) -> dict[str, Any]:
    """What a message says; a field that is not there is nothing of its kind."""
    named = {of.number: (name, of) for name, of in message.items()}
    found: dict[str, Any] = {
        name: [] if of.many else None if isinstance(of.kind, Mapping) else of.kind()
        for name, of in message.items()
    }
    for number, wire, value in _fields(data):
        if number not in named:
            continue
        name, of = named[number]
        read = _read(of, wire, value)
        if of.many:
            found[name].append(read)
        else:
            found[name] = read
    return found


def encode(message: Message, values: Mapping[str, Any]) -> bytes:
    """The bytes of a message, fields in the order of their numbers; nothing is left out."""
    parts = []
    for name, of in sorted(message.items(), key=lambda item: item[1].number):
        given = values.get(name)
        several: Sequence[Any] = (given or ()) if of.many else () if given is None else (given,)
        parts += [_written(of, value) for value in several]
    return b"".join(parts)


def varint(number: int) -> bytes:
    """A whole number in groups of seven bits, least first; below zero as 64 bits."""
    number &= MASK64
    parts = bytearray()
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    parts.append(number)
    return bytes(parts)


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """The number that stands at a place, and where it ends.

    Errors   OutsideFault where it does not end.
    """
    number = shift = 0
    while at < len(data) and shift < 70:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number & MASK64, at
        shift += 7
    raise OutsideFault("a message of the engine is cut short", retry=False)


def _fields(data: bytes) -> Iterator[tuple[int, int, int | bytes]]:
    at = 0
    while at < len(data):
        key, at = read_varint(data, at)
        wire = key & 7
        if wire == VARINT:
            value, at = read_varint(data, at)
            yield key >> 3, wire, value
            continue
        if wire == BYTES:
            length, at = read_varint(data, at)
        elif wire in (FIXED64, FIXED32):
            length = 8 if wire == FIXED64 else 4
        else:
            raise OutsideFault("a message of the engine is of no known form", retry=False)
        if at + length > len(data):
            raise OutsideFault("a message of the engine is cut short", retry=False)
        yield key >> 3, wire, data[at : at + length]
        at += length


def _read(of: Of, wire: int, value: int | bytes) -> Any:
    if of.kind is int:
        if wire != VARINT or not isinstance(value, int):
            raise OutsideFault("a message of the engine holds another kind", retry=False)
        return value - (1 << 64) if value >= 1 << 63 else value
    if wire != BYTES or not isinstance(value, bytes):
        raise OutsideFault("a message of the engine holds another kind", retry=False)
    if of.kind is bytes:
        return value
    return value.decode("utf-8", "replace") if of.kind is str else decode(of.kind, value)


def _written(of: Of, value: Any) -> bytes:
    if of.kind is int:
        return varint(of.number << 3 | VARINT) + varint(value)
    if isinstance(of.kind, Mapping):
        body = encode(of.kind, value)
    else:
        body = value.encode("utf-8") if of.kind is str else value
    return varint(of.number << 3 | BYTES) + varint(len(body)) + body
