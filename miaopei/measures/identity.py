"""Canonical bytes and content ids. Source: docs/specs/record.md, section 1.

Canonical form: JSON, keys sorted, no spaces, UTF-8 NFC, integers within 2**53 - 1, no fractions,
lists and objects at most `DEEPEST` within one another. In this subset RFC 8785 and plain sorting
give the same bytes, so any JSON library can check us.
"""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

from .. import errors
from ..errors import Refusal, Refused
from .suites import in_use

LARGEST = errors.LARGEST
SPACE = b"miaopei/v1/"
# Counted here, and far below where a library gives up: that differs with its version and with how
# many calls it is under, so that one member would read what another cannot. Terms as deep as they
# may be (`terms.canonical.DEEPEST`) come to 90 where they stand in a leaf.
DEEPEST = 128
TOO_DEEP = "too_deep"
_DECODER = json.JSONDecoder()
_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_NO_BRACKET = bytes(sorted(set(range(256)) - set(b"[]{}")))
_ENCODER, _PLAIN = (
    json.JSONEncoder(
        ensure_ascii=plain, sort_keys=True, separators=(",", ":"), check_circular=False
    )
    for plain in (False, True)
)


def canonical(value: Any, deepest: int = DEEPEST) -> bytes:
    """The one byte form of a value.

    Errors   Refused identity.* for fractions, integers beyond 2**53 - 1, other types, keys that are
             not plain ASCII, text that is not NFC or holds lone surrogates, more than `deepest`
             lists and objects within one another.
    """
    try:
        plain = _check(value, deepest)
    except _Unfit as unfit:
        raise (_too_deep(deepest) if unfit.name == TOO_DEEP else unfit.refused()) from None
    # The encoder that escapes what is not ASCII is ten times as quick over long text, and where it
    # has escaped nothing by number (a DEL, say) both give the same bytes.
    if plain and "\\u" not in (text := _PLAIN.encode(value)):
        return text.encode("ascii")
    return _ENCODER.encode(value).encode("utf-8")


def read_canonical(data: bytes) -> Any:
    """Read canonical bytes back; anything that does not re-encode to the same bytes is refused.

    What nests too deeply is refused as that, whatever else is wrong with it: how far a library
    reads on is its own affair.
    """
    try:
        value = json.loads(data, parse_float=_no_fraction, parse_constant=_no_fraction)
        if canonical(value) == data:
            return value
        refused = Refused(Refusal("identity.not_canonical", {"length": len(data)}))
    except Refused as error:
        refused = error
    except RecursionError:
        refused = _too_deep(DEEPEST)
    except ValueError as error:
        refused = Refused(Refusal("identity.not_json", {"why": str(error)[:120]}))
    if depth_of(data) > DEEPEST:
        refused = _too_deep(DEEPEST)
    raise refused from None


def as_written(data: bytes) -> Any:
    """Read back bytes that `canonical` gave and our own store has kept: not checked once more.

    Same as  json.loads(data): that first guesses an encoding, and skips space that is never there.
    """
    try:
        text = data.decode()
        value, end = _DECODER.raw_decode(text)
        if end == len(text):
            return value
    except ValueError:
        pass
    return json.loads(data)  # damaged: it says how, or reads it nevertheless as it ever did


def depth_of(data: bytes) -> int:
    """How many lists and objects stand within one another in JSON, sound or not, at the deepest."""
    depth = deepest = 0
    for bracket in _TEXT.sub(b"", data).translate(None, _NO_BRACKET):
        depth += 1 if bracket in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest


def digest(data: bytes) -> str:
    """The suite's hash of bytes, lower-case hex."""
    return in_use.digest(data).hex()


def content_id(kind: str, value: Any) -> str:
    """The id of a value of one kind: hash("miaopei/v1/" + kind + NUL + canonical bytes), hex."""
    return id_of(kind, canonical(value))


def id_of(kind: str, data: bytes) -> str:
    """The content id of a value whose canonical bytes are at hand."""
    return in_use.digest(SPACE + kind.encode("ascii") + b"\0" + data).hex()


class _Unfit(Exception):
    """What cannot be written, and the way to it, gathered from the inside out."""

    def __init__(self, name: str, value: object = None) -> None:
        self.name, self.value, self.way = name, value, list[str]()

    def refused(self) -> Refused:
        facts = {"at": "$" + "".join(reversed(self.way))}
        if self.name != "bad_text":
            facts["value"] = str(self.value)[:40]
        return Refused(Refusal(f"identity.{self.name}", facts))


def _too_deep(limit: int) -> Refused:
    return Refused(Refusal(f"identity.{TOO_DEEP}", {"limit": limit}))


def _no_fraction(text: str) -> Any:
    raise Refused(Refusal("identity.not_integer", {"at": "$", "value": text[:40]}))


def _check(value: Any, left: int) -> bool:
    """Whether all its text is ASCII. Every value of the record passes here, so the common kinds
    come first, and most of what stands in an object is looked at without a call of its own.
    `left`: how many lists and objects may stand within one another from here on.
    """
    kind, plain = type(value), True
    if kind is str:
        if not value.isascii():
            _check_text(value)
            return False
    elif kind is int:
        if not -LARGEST <= value <= LARGEST:
            raise _Unfit("too_large", value)
    elif kind is dict:
        if not left:
            raise _Unfit(TOO_DEEP)
        for key, item in value.items():
            if type(key) is not str or not key.isascii() or not key:
                raise _Unfit("bad_key", key)
            of = type(item)
            if (of is str and item.isascii()) or (of is int and -LARGEST <= item <= LARGEST):
                continue
            try:
                plain &= _check(item, left - 1)
            except _Unfit as unfit:
                unfit.way.append(f".{key}")
                raise
    elif kind is list or kind is tuple:
        if not left:
            raise _Unfit(TOO_DEEP)
        for index, item in enumerate(value):
            try:
                plain &= _check(item, left - 1)
            except _Unfit as unfit:
                unfit.way.append(f"[{index}]")
                raise
    elif value is not None and kind is not bool:
        raise _Unfit("not_integer", value)
    return plain


def _check_text(text: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise _Unfit("bad_text") from None
    if not unicodedata.is_normalized("NFC", text):
        raise _Unfit("not_nfc", text)
