"""The audit's own reading of a checkpoint, and the search for the one bit that spoilt it.

Shares nothing with `checkpoint` but the suite: it reads bytes by one pattern of its own. A
checkpoint is short, so a single flipped bit is found by trying each one until the signature holds.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass

from ...errors import Refusal, Refused
from ...measures.suites import in_use

_TEXT = rb"(?P<origin>[^\n]+)\n(?P<size>0|[1-9][0-9]{0,18})\n(?P<root>[A-Za-z0-9+/]{43}=)\n"
_BODY = rb"(?P<body>" + _TEXT + rb"(?:[^\n]+\n)*)\n"
_LINE = rb"\xe2\x80\x94 ([^ +\n]+) ([A-Za-z0-9+/]+={0,2})\n"
_NOTE = re.compile(_BODY + rb"(?P<lines>(?:" + _LINE + rb")+)")
_LINES = re.compile(_LINE)
_LOOSE = re.compile(_TEXT)
_KEY = re.compile(r"([^ +]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})")
_SEARCHED = 4096
_PARTS = ("origin", "size", "root")


@dataclass(frozen=True)
class Head:
    """What the checkpoint claims. `signed`: the log's key stands behind it, as read or repaired."""

    size: int
    root: bytes
    signed: bool


@dataclass(frozen=True)
class Spoilt:
    """A place in the checkpoint that keeps the signature from holding."""

    part: str
    offset: int | None
    bit: int | None


@dataclass(frozen=True)
class LogKey:
    """The name, key id and public key that the log's signature line must bear."""

    name: bytes
    key_id: bytes
    public: bytes


def read_key(vkey: str) -> LogKey:
    """Read a verifier key text ("name+key id+base64").

    Errors   Refused ledger.vkey_malformed.
    """
    match = _KEY.fullmatch(vkey)
    raw = _exact_base64(match[3].encode("ascii")) if match else None
    suite = in_use.suite
    kind, size = suite.note_type, len(suite.note_type) + suite.public_bytes
    if match is None or raw is None or not raw.startswith(kind) or len(raw) != size:
        raise Refused(Refusal("ledger.vkey_malformed", {"vkey": vkey[:120]}))
    name = match[1].encode("utf-8", "replace")
    key_id = suite.digest(name + b"\n" + raw)[:4]
    if key_id.hex() != match[2]:
        raise Refused(Refusal("ledger.vkey_malformed", {"vkey": vkey[:120]}))
    return LogKey(name, key_id, raw[len(kind) :])


def read_head(data: bytes, key: LogKey) -> tuple[Head | None, Spoilt | None]:
    """The head that the bytes claim, and what is wrong with them.

    A head that a single flipped bit spoilt is repaired and counts as signed; another that does not
    verify is given as claimed, unsigned; None where not even size and root can be read.
    """
    head = _signed_head(data, key)
    if head is not None:
        return head, None
    for offset, bit, repaired in _neighbours(data):
        head = _signed_head(repaired, key)
        if head is not None:
            return head, Spoilt(_part(repaired, offset), offset, bit)
    match = _LOOSE.match(data)
    if match is None:
        return None, Spoilt("text", None, None)
    return Head(int(match["size"]), base64.b64decode(match["root"]), signed=False), Spoilt(
        "unsigned", None, None
    )


def _signed_head(data: bytes, key: LogKey) -> Head | None:
    match = _NOTE.fullmatch(data)
    if match is None or match["origin"] != key.name or not _plain(data):
        return None
    root = base64.b64decode(match["root"])
    if base64.b64encode(root) != match["root"]:
        return None
    held = False
    for name, encoded in _LINES.findall(match["lines"]):
        value = _exact_base64(encoded)
        if value is None:
            return None
        if name == key.name and value[:4] == key.key_id:
            if not in_use.suite.verify(key.public, value[4:], match["body"]):
                return None
            held = True
    return Head(int(match["size"]), root, signed=True) if held else None


def _exact_base64(encoded: bytes) -> bytes | None:
    """Base64 whose unused last bits are zero: a bit flipped there is a flipped bit too."""
    if len(encoded) % 4:
        return None
    try:
        value = base64.b64decode(encoded)
    except ValueError:
        return None
    return value if base64.b64encode(value) == encoded else None


def _plain(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return not any(byte < 0x20 and byte != 0x0A for byte in data)


def _neighbours(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Every string of bytes that differs in one bit; none for a file too long to be worth it."""
    if len(data) > _SEARCHED:
        return
    changed = bytearray(data)
    for offset in range(len(data)):
        for bit in range(8):
            changed[offset] ^= 1 << bit
            yield offset, bit, bytes(changed)
            changed[offset] ^= 1 << bit


def _part(data: bytes, offset: int) -> str:
    """The part of a well-formed checkpoint in which an offset lies."""
    body, _, _ = data.rpartition(b"\n\n")
    if offset >= len(body):
        return "signature"
    line = data.count(b"\n", 0, offset)
    return _PARTS[line] if line < len(_PARTS) else "extension"
