"""The signed act: what is signed, what its id covers, what is read back and what is refused."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from miaopei.acts.envelope import Act, from_json, sign, signature_holds
from miaopei.errors import Refused

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def an_act(**body: Any) -> Act:
    return sign(KEY, "c" * 64, "time", "me", "r", body or {"time": 5})


def plain(act: Act) -> bytes:
    """The canonical bytes without the signature, by the standard library alone."""
    value = {k: v for k, v in act.as_json().items() if k != "sig"}
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def test_the_signature_is_ed25519_over_the_prefix_and_the_canonical_bytes() -> None:
    """docs/specs/record.md, section 2."""
    act = an_act(text="大理")
    public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(act.key))
    public.verify(bytes.fromhex(act.sig), b"miaopei/v1/act\0" + plain(act))
    assert signature_holds(act)


def test_the_id_is_the_content_id_without_the_signature() -> None:
    act = an_act()
    assert act.id == hashlib.sha256(b"miaopei/v1/act\0" + plain(act)).hexdigest()
    assert replace(act, sig="00").id == act.id


@pytest.mark.parametrize("field", ["chain", "kind", "by", "key", "ref"])
def test_the_id_covers_every_other_field(field: str) -> None:
    assert replace(an_act(), **{field: "x"}).id != an_act().id
    assert not signature_holds(replace(an_act(), **{field: "00" * 32}))


def test_the_size_is_that_of_the_canonical_bytes() -> None:
    act = an_act(text="大理")
    assert act.size == len(json.dumps(act.as_json(), separators=(",", ":"), ensure_ascii=False)
                           .encode())  # fmt: skip


def test_an_act_is_read_back_as_it_was() -> None:
    assert from_json(json.loads(json.dumps(an_act().as_json()))) == an_act()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"v": 2}, "act.malformed"),
        ({"extra": 1}, "act.malformed"),
        ({"by": None}, "act.malformed"),
        ({"body": []}, "act.malformed"),
        ({"body": {"x": 0.5}}, "identity.not_integer"),
        ({"body": {"x": 2**53}}, "identity.too_large"),
        ({"body": {"x": "e\u0301"}}, "identity.not_nfc"),
        ({"body": {"中": 1}}, "identity.bad_key"),
        ({"ref": "x" * 60_000}, "act.too_large"),
    ],
)
def test_what_is_no_act_is_refused(change: dict[str, Any], code: str) -> None:
    with pytest.raises(Refused) as refused:
        from_json({**an_act().as_json(), **change})
    assert refused.value.refusals[0].code == code


def test_a_field_that_is_missing_is_refused() -> None:
    value = an_act().as_json()
    del value["ref"]
    with pytest.raises(Refused, match=r"act\.malformed"):
        from_json(value)


def test_a_signature_in_other_letters_is_not_the_same_signature() -> None:
    assert not signature_holds(replace(an_act(), sig=an_act().sig.upper()))
