"""Canonical bytes against RFC 8785's own library, and what is refused."""

from __future__ import annotations

import hashlib

import pytest
import rfc8785

from miaopei.errors import Refused
from miaopei.measures.identity import LARGEST, canonical, content_id, digest, read_canonical


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"b": 1, "a": [True, None, "云南漾濞"], "aa": {"z": -LARGEST, "y": LARGEST}},
        {"text": '"\\\n\t\u0001/é€'},
        ["秒赔", 0, False],
        [chr(code) for code in range(128)],
        {"\x7f": "plain", "a": "\\u007f"},
        {"a": "\x7f" * 3, "b": "plain"},
    ],
)
def test_canonical_bytes_are_those_of_rfc_8785(value) -> None:
    assert canonical(value) == rfc8785.dumps(value)
    assert read_canonical(canonical(value)) == value


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ({"a": 1.5}, "identity.not_integer"),
        ({"a": LARGEST + 1}, "identity.too_large"),
        ({"é": 1}, "identity.bad_key"),
        ({"": 1}, "identity.bad_key"),
        ({"a": "e\u0301"}, "identity.not_nfc"),
        ({"a": "\ud800"}, "identity.bad_text"),
        ({"a": b"bytes"}, "identity.not_integer"),
        ({"a": {1, 2}}, "identity.not_integer"),
    ],
)
def test_what_has_no_canonical_form_is_refused_by_name(value, code) -> None:
    with pytest.raises(Refused) as refused:
        canonical(value)
    assert refused.value.refusals[0].code == code


@pytest.mark.parametrize(
    "data", [b'{"b":1,"a":2}', b'{"a": 1}', b'{"a":1}\n', b'{"a":1,"a":1}', b"", b"{", b'{"a":1.0}']
)
def test_bytes_that_are_not_canonical_are_refused(data) -> None:
    with pytest.raises(Refused):
        read_canonical(data)


def test_an_id_is_a_digest_separated_by_kind() -> None:
    expected = hashlib.sha256(b'miaopei/v1/row\x00{"a":1}').hexdigest()
    assert content_id("row", {"a": 1}) == expected
    assert content_id("claim", {"a": 1}) != expected
    assert digest(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
