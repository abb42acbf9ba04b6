"""Canonical bytes and content ids. Source: docs/specs/record.md, section 1.

Canonical form: JSON, keys sorted, no spaces, UTF-8 NFC, integers within 2**53 - 1, no fractions.
In this subset RFC 8785 and plain sorting give the same bytes, so any JSON library can check us.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from typing import Any

from ..errors import Refusal, Refused

LARGEST = 2**53 - 1
SPACE = b"miaopei/v1/"


def canonical(value: Any) -> bytes:
    """The one byte form of a value.

    Errors   Refused identity.* for fractions, integers beyond 2**53 - 1, other types, keys that are
             not plain ASCII, text that is not NFC or holds lone surrogates.
    """
    _check(value, "$")
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode("utf-8")


def read_canonical(data: bytes) -> Any:
    """Read canonical bytes back; anything that does not re-encode to the same bytes is refused."""
    try:
        value = json.loads(data, parse_float=_no_fraction, parse_constant=_no_fraction)
        again = canonical(value)
    except Refused:
        raise
    except (ValueError, RecursionError) as error:
        raise Refused(Refusal("identity.not_json", {"why": str(error)[:120]})) from None
    if again != data:
        raise Refused(Refusal("identity.not_canonical", {"length": len(data)}))
    return value


def digest(data: bytes) -> str:
    """SHA-256 of bytes, lower-case hex."""
    return hashlib.sha256(data).hexdigest()


def content_id(kind: str, value: Any) -> str:
    """The id of a value of one kind: SHA-256("miaopei/v1/" + kind + NUL + canonical bytes), hex."""
    return id_of(kind, canonical(value))


def id_of(kind: str, data: bytes) -> str:
    """The content id of a value whose canonical bytes are at hand."""
    return hashlib.sha256(SPACE + kind.encode("ascii") + b"\0" + data).hexdigest()


def _no_fraction(text: str) -> Any:
    raise Refused(Refusal("identity.not_integer", {"at": "$", "value": text[:40]}))


def _check(value: Any, at: str) -> None:
    if value is None or isinstance(value, bool):
        return
    if type(value) is int:
        if not -LARGEST <= value <= LARGEST:
            raise Refused(Refusal("identity.too_large", {"at": at, "value": str(value)[:40]}))
    elif type(value) is str:
        _check_text(value, at)
    elif isinstance(value, dict):
        for key, item in value.items():
            if type(key) is not str or not key.isascii() or not key:
                raise Refused(Refusal("identity.bad_key", {"at": at, "value": str(key)[:40]}))
            _check(item, f"{at}.{key}")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            _check(item, f"{at}[{index}]")
    else:
        raise Refused(Refusal("identity.not_integer", {"at": at, "value": str(value)[:40]}))


def _check_text(text: str, at: str) -> None:
    if text.isascii():
        return
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise Refused(Refusal("identity.bad_text", {"at": at})) from None
    if not unicodedata.is_normalized("NFC", text):
        raise Refused(Refusal("identity.not_nfc", {"at": at, "value": text[:40]}))
