"""The contract's compiled form and how it is spoken to: calls, results, events, reasons.

The source is `anchors.vy`, written in Vyper. Contracts of before (`anchors-1.json`), in which one
writer's head was everybody's, are read and written still; none is deployed any more.
Source: Solidity ABI specification (static types).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError
from eth_utils.crypto import keccak

from ....errors import OutsideFault

PUT = "put(bytes32,uint64,bytes32)"
VOTE = "vote(address,bool)"
ANCHORED = "Anchored(uint64,bytes32,address)"
ALLOWED = "Allowed(address,bool)"
REVERTED = keccak(text="Error(string)")[:4]
SIZE_BITS = 64
FORMS = {2: "anchors.json", 1: "anchors-1.json"}
VERSION = 2


@cache
def form(version: int = VERSION) -> Mapping[str, Any]:
    """The compiled form."""
    path = Path(__file__).with_name(FORMS[version])
    made: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return made


def version_of(code: bytes) -> int | None:
    """Which of our contracts stands on a chain, by its whole code; None where it is another."""
    found = (v for v in FORMS if code == bytes.fromhex(form(v)["runtime"].removeprefix("0x")))
    return next(found, None)


def creation(origin: bytes, writers: Sequence[bytes], version: int = VERSION) -> bytes:
    """What puts the contract there, for the log of an origin (its SHA-256) and first writers."""
    code = bytes.fromhex(form(version)["creation"].removeprefix("0x"))
    return code + encode(["bytes32", "address[]"], [origin, list(writers)])


def put(origin: bytes, size: int, root: bytes) -> bytes:
    """The call that anchors a checkpoint: all that ever goes to the other ledger."""
    return _call(PUT, ["bytes32", "uint64", "bytes32"], [origin, size, root])


def read_put(data: bytes) -> tuple[bytes, int, bytes] | None:
    """Origin, size and root of a call that anchors; None for any other call."""
    if data[:4] != keccak(text=PUT)[:4] or len(data) != 4 + 3 * 32:
        return None
    try:
        origin, size, root = decode(["bytes32", "uint64", "bytes32"], data[4:])
    except DecodingError:
        return None
    return origin, size, root


def vote(writer: bytes, *, may: bool) -> bytes:
    """The call that says whether a key shall write."""
    return _call(VOTE, ["address", "bool"], [writer, may])


def ask(name: str) -> bytes:
    """The call that reads a field: head, origin, writers."""
    return keccak(text=f"{name}()")[:4]


def root_at(writer: bytes, size: int, version: int) -> bytes:
    """The call that reads a writer's root at a size: 32 zero bytes where there is none. Before,
    there was one root at a size, whoever wrote it.
    """
    if version == 1:
        return _call("roots(uint64)", ["uint64"], [size])
    return _call("roots(address,uint64)", ["address", "uint64"], [writer, size])


def head_of(writer: bytes) -> bytes:
    """The call that reads the largest size of a writer; not in the first form."""
    return _call("heads(address)", ["address"], [writer])


def there(size: int, root: bytes) -> bytes:
    """The call that reads whether anybody has anchored this very checkpoint."""
    return _call("there(uint64,bytes32)", ["uint64", "bytes32"], [size, root])


def may_write(writer: bytes) -> bytes:
    """The call that reads whether a key may write."""
    return _call("may_write(address)", ["address"], [writer])


def topic(event: str) -> str:
    """What a log entry of an event begins with."""
    return "0x" + keccak(text=event).hex()


@dataclass(frozen=True)
class Head:
    """The contract's own count of anchors, and the largest size."""

    count: int
    last: int

    @classmethod
    def of(cls, word: bytes) -> Head:
        """As it stands in one word of storage."""
        packed = int.from_bytes(word)
        return cls(packed >> SIZE_BITS, packed % (1 << SIZE_BITS))


@dataclass(frozen=True)
class Event:
    """One event of the contract, as a node tells it."""

    size: int
    root: bytes
    writer: str
    height: int
    entry: str


def anchored(log: Mapping[str, Any]) -> Event:
    """Errors   OutsideFault where a node tells no such event."""
    try:
        _, size, writer = log["topics"]
        return Event(
            size=int(size, 16),
            root=bytes.fromhex(log["data"].removeprefix("0x")),
            writer="0x" + writer[-40:].lower(),
            height=int(log["blockNumber"], 16),
            entry=str(log["transactionHash"]).lower(),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise OutsideFault(f"the chain tells no anchor: {error}", retry=True) from error


def allowed(log: Mapping[str, Any]) -> str:
    """Whom an event about a writer names."""
    return "0x" + str(log["topics"][1])[-40:].lower()


def reason(data: str) -> str:
    """Why a call was refused, in the contract's words; "" where it gave none."""
    try:
        raw = bytes.fromhex(data.removeprefix("0x"))
        if raw[:4] != REVERTED:
            return ""
        (said,) = decode(["string"], raw[4:])
    except (ValueError, DecodingError):
        return ""
    return str(said)


def _call(signature: str, types: Sequence[str], values: Sequence[object]) -> bytes:
    return keccak(text=signature)[:4] + encode(types, values)
