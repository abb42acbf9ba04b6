"""Canonical bytes against RFC 8785's own library, and what is refused."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
import rfc8785

from miaopei.errors import Refused
from miaopei.measures.identity import (
    DEEPEST,
    LARGEST,
    as_written,
    canonical,
    content_id,
    depth_of,
    digest,
    read_canonical,
)


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
    assert read_canonical(canonical(value)) == as_written(canonical(value)) == value


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b'{"a":1}}', b"[1,]", b"nul", b"\xff", b'"\xed\xa0\x80"', b" 1 ", b"\xef\xbb\xbf1"],
)
def test_what_was_damaged_on_the_disk_is_read_as_the_library_reads_it(data: bytes) -> None:
    def told(read: Callable[[bytes], Any]) -> Any:
        try:
            return read(data)
        except ValueError as error:
            return str(error)

    assert told(as_written) == told(json.loads)


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


def nested(depth: int) -> Any:
    """An empty list inside so many others."""
    value: list[Any] = []
    for _ in range(depth - 1):
        value = [value]
    return value


def under(frames: int, call: Callable[[], Any]) -> Any:
    """The answer of a call made from so many calls further down."""
    return call() if frames == 0 else under(frames - 1, call)


def test_how_deep_values_may_stand_within_one_another_is_a_number_of_ours() -> None:
    """The same from any depth of calls: else one member reads what another cannot."""
    fits = {"a": nested(DEEPEST - 1)}
    assert read_canonical(canonical(fits)) == fits
    for beyond in ({"a": nested(DEEPEST)}, nested(DEEPEST + 1), nested(300)):
        with pytest.raises(Refused) as refused:
            canonical(beyond)
        assert refused.value.refusals[0].as_json() == {
            "code": "identity.too_deep", "facts": {"limit": DEEPEST},
        }  # fmt: skip
    assert under(500, lambda: read_canonical(canonical(fits))) == fits


@pytest.mark.parametrize("frames", [0, 300, 600])
@pytest.mark.parametrize("depth", [DEEPEST + 1, 800, 970, 5_000, 200_000])
@pytest.mark.parametrize("beside", ["%s", "[1.5,%s]", "[%s,1.5]", "[%s", "[9007199254740992,%s]"])
def test_what_nests_too_deeply_is_refused_as_that_whatever_else_is_wrong(
    beside: str, depth: int, frames: int
) -> None:
    data = (beside % ("[" * depth + "]" * depth)).encode()
    with pytest.raises(Refused) as refused:
        under(frames, lambda: read_canonical(data))
    assert [r.code for r in refused.value.refusals] == ["identity.too_deep"]


def test_brackets_in_texts_are_no_depth() -> None:
    text = canonical({"a": "[" * 500, "b": ['\\"[{', "{" * 500]})
    assert depth_of(text) == 2
    assert read_canonical(text)["a"] == "[" * 500
