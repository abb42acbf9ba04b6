"""Attestations: signed, forged, expired, of another source, of other bytes; the register."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from miaopei.errors import Refused
from miaopei.evidence.attestation import Attestation, Original, attest, statement, verify
from miaopei.evidence.source import Key, Source
from miaopei.measures.identity import digest
from tests.unit.evidence.facts import shock

LINE = b"87,2021-05-21 21:48:35,99.88,25.7,10,Ms,6.5,\n"
FILE = digest(b"the whole file")
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = PRIVATE.public_key().public_bytes_raw().hex()
SEEN = shock("2021-05-21 21:48:35", "6.5")
AT = SEEN.instant + 600
SOURCE = Source(
    "cenc.catalogue",
    "cenc",
    {"zh": "台网", "en": "CENC"},
    ("shock",),
    True,
    (Key(PUBLIC, AT - 1000, AT + 1000),),
)
SIGNED = attest(PRIVATE, SEEN, "gateway-1", AT, Original.of(LINE, "text/csv", FILE, "line 87"))


def code(attestation: Attestation = SIGNED, source: Source | None = SOURCE, now: int = AT) -> str:
    refusal = verify(attestation, SEEN, source, now)
    return "" if refusal is None else refusal.code


def test_a_good_one_verifies_after_a_journey_through_json_by_any_ed25519_library() -> None:
    again = Attestation.from_json(json.loads(json.dumps(SIGNED.as_json())))
    assert again == SIGNED
    assert code(again) == ""
    public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(again.key))
    public.verify(bytes.fromhex(again.sig), statement(again))
    assert statement(again).startswith(b'miaopei/v1/attestation\0{"key":')
    assert again.original.data() == LINE
    assert again.original.digest == digest(LINE)


def test_long_originals_and_those_about_persons_are_named_by_digest_only() -> None:
    assert Original.of(b"x" * 4096, "text/csv", FILE, "p").bytes_b64 is not None
    assert Original.of(b"x" * 4097, "text/csv", FILE, "p").bytes_b64 is None
    private = Original.of(b"x", "text/csv", FILE, "p", persons=True)
    assert private.bytes_b64 is None
    assert (private.length, private.digest) == (1, digest(b"x"))


def test_an_unknown_source_or_key_is_refused() -> None:
    assert code(source=None) == "evidence.unknown_source"
    assert code(source=replace(SOURCE, id="usgs.comcat")) == "evidence.unknown_source"
    assert code(source=replace(SOURCE, keys=())) == "evidence.unknown_key"


@pytest.mark.parametrize(
    "forged",
    [
        replace(SIGNED, sig="00" * 64),
        replace(SIGNED, sig="zz"),
        replace(SIGNED, received_at=AT + 1),
        replace(SIGNED, receiver="somebody"),
        replace(SIGNED, original=replace(SIGNED.original, part="line 88")),
    ],
)
def test_any_change_after_signing_is_a_forgery(forged) -> None:
    assert code(forged) == "evidence.forged"


def test_a_key_counts_only_in_its_time() -> None:
    for at, expected in [
        (AT - 1001, "evidence.key_not_yet"),
        (AT - 1000, ""),
        (AT + 999, ""),
        (AT + 1000, "evidence.key_expired"),
    ]:
        signed = attest(PRIVATE, SEEN, "gateway-1", at, SIGNED.original)
        assert code(signed, now=at) == expected


def test_receipt_dated_in_the_future_is_refused_beyond_the_tolerance() -> None:
    assert code(now=AT - 300) == ""
    assert code(now=AT - 301) == "evidence.in_future"


def test_it_vouches_for_one_observation_only() -> None:
    other = shock("2021-05-21 21:48:35", "6.4")
    refusal = verify(SIGNED, other, SOURCE, AT)
    assert refusal is not None
    assert refusal.code == "evidence.id_mismatch"


def test_inline_bytes_must_be_those_of_the_digest() -> None:
    wrong = replace(SIGNED.original, digest=digest(b"other"))
    signed = attest(PRIVATE, SEEN, "gateway-1", AT, wrong)
    assert code(signed) == "evidence.original_mismatch"


@pytest.mark.parametrize(
    "change",
    [
        {"received_at": "now"},
        {"extra": 1},
        {"sig": None},
        {"original": {}},
        {"original": {**SIGNED.as_json()["original"], "bytes_b64": "not base64!"}},
        {"original": {**SIGNED.as_json()["original"], "length": -1}},
        {"original": {**SIGNED.as_json()["original"], "bytes_b64": "QUFB" * 2000}},
    ],
)
def test_broken_forms_are_refused(change) -> None:
    with pytest.raises(Refused) as refused:
        Attestation.from_json({**SIGNED.as_json(), **change})
    assert refused.value.refusals[0].code == "evidence.bad_attestation"


def test_the_register_reads_back_and_refuses_broken_entries() -> None:
    entry = SOURCE.as_json()
    assert Source.from_json(json.loads(json.dumps(entry))) == SOURCE
    boxed = {**entry, "box": [15_000_000, 70_000_000, 55_000_000, 140_000_000]}
    assert Source.from_json(boxed).as_json() == boxed
    for field, value in [
        ("id", "CENC"),
        ("operator", ""),
        ("name", {"zh": "台网"}),
        ("kinds", []),
        ("counted", 1),
        ("keys", [{"key": PUBLIC}]),
        ("keys", [{"key": PUBLIC, "since": 5, "until": 5}]),
        ("keys", [{"key": PUBLIC.upper(), "since": 0, "until": None}]),
        ("box", [55_000_000, 70_000_000, 15_000_000, 140_000_000]),
        ("box", [0, 0, 0]),
    ]:
        with pytest.raises(Refused) as refused:
            Source.from_json({**entry, field: value})
        assert refused.value.refusals[0].facts["field"] == field
