"""Laws of receipts: whatever one bit, byte or value becomes, it is found and never raises.

Real receipts of the replayed Yunnan years: a payout of 130 kB and a refusal of 40 kB.
"""

from __future__ import annotations

import json
import random
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from miaopei.claims.receipt import Receipt, from_bytes, from_json
from miaopei.claims.verify import Verdict, explain, verify
from miaopei.errors import Refused
from miaopei.measures.identity import canonical
from miaopei.node.proof.receipts import Collector
from tests.unit.claims.replayed import DALI, IDENTITY, YUXI, world

FLIPS = {"payout": 120, "refusal": 880}  # together 1,000; a refusal is read in a third of the time
SLOW = settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])


@cache
def receipt(kind: str) -> Receipt:
    with world().node.reading() as (reading, state):
        collector = Collector(reading, IDENTITY)
        if kind == "refusal":
            cases = state.range("case", f"{YUXI}/")
            key = next(k for k, case in cases if case["reason"] == "no_terms_in_force")
            return collector.case_refusal(*key.split("/"))
        settlement = [id for _, id in state.range("settled", f"{DALI}/")][-1]
        trigger = state.need("settlement", settlement)["settlement"]["trigger"]
        return collector.payout(settlement, reading.claims(trigger)[0]["policy"])


def judged(data: bytes, kind: str) -> Verdict:
    """The verdict on a spoilt file: never an exception, never "holds", a check named, and said."""
    verdict = verify(data, receipt(kind).vkey)
    assert not verdict.holds
    assert verdict.failed
    failed = next(check for check in verdict.checks if not check.ok)
    assert failed.why is not None
    said = "NO RECEIPT FILE" if "no_receipt" in verdict.labels else "DOES NOT HOLD"
    assert explain(verdict, "en")[0].startswith(said)
    return verdict


@pytest.mark.parametrize("kind", FLIPS)
def test_a_flipped_bit_anywhere_is_found_and_located(kind: str) -> None:
    data = receipt(kind).to_bytes()
    drawn = random.Random(20210521)
    located = set()
    for _ in range(FLIPS[kind]):
        spoilt = bytearray(data)
        offset = drawn.randrange(len(data))
        spoilt[offset] ^= 1 << drawn.randrange(8)
        verdict = judged(bytes(spoilt), kind)
        located |= set(verdict.failed)
        if "bytes" not in verdict.failed and "shape" not in verdict.failed:
            assert "signer" in verdict.failed
    assert {"bytes", "inclusion", "signer"} <= located


def test_every_byte_of_what_no_other_check_reads_is_under_the_signature() -> None:
    """The receipt's own key text, its signer, and the spelling of its parts."""
    data = receipt("refusal").to_bytes()
    for part in (b'"vkey":"miaopei', b'"signer":"miaopei', b'"receipt":"refusal"'):
        start = data.index(part)
        for offset in range(start, start + len(part)):
            spoilt = bytearray(data)
            spoilt[offset] ^= 1
            judged(bytes(spoilt), "refusal")


@SLOW
@given(data=st.data())
def test_any_value_changed_dropped_or_moved_is_found(data: st.DataObject) -> None:
    value = json.loads(receipt("refusal").to_bytes())
    where = data.draw(st.sampled_from(_places("refusal")))
    before = canonical(value)
    _change(value, where, data)
    after = canonical(value)
    if after != before:
        judged(after, "refusal")


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text("abcdef0123456789", max_size=70),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(("leaf", "act", "value", "body", "kind")), inner)
    ),
    max_leaves=12,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(leaf=ANYTHING, role=st.sampled_from(("facts", "product", "trigger", "case", "genesis")))
def test_any_value_in_the_place_of_a_leaf_is_no_exception(leaf: Any, role: str) -> None:
    """Signed again by a member, so that it is read as deep as it can be."""
    value = json.loads(receipt("payout").to_bytes())
    (shown, *_) = value["leaves"][role]
    shown["leaf"] = {**shown["leaf"], "act": leaf} if "act" in shown["leaf"] else leaf
    value["sig"] = ""
    try:
        made = from_json(value).signed(IDENTITY.acts.sign)
    except Refused:
        return
    assert "inclusion" in judged(made.to_bytes(), "payout").failed


@given(st.binary(max_size=300))
def test_any_bytes_are_refused(data: bytes) -> None:
    assert not verify(data, receipt("refusal").vkey).holds


@given(cut=st.integers(0, 2**20))
def test_any_truncation_is_refused(cut: int) -> None:
    data = receipt("refusal").to_bytes()
    judged(data[: cut % len(data)], "refusal")


def test_reading_and_writing_are_each_other_s_inverse() -> None:
    for kind in FLIPS:
        data = receipt(kind).to_bytes()
        assert from_bytes(data).to_bytes() == data


@cache
def _places(kind: str) -> list[tuple[str | int, ...]]:
    """The path of every value of a receipt."""
    found: list[tuple[str | int, ...]] = []

    def walk(value: Any, at: tuple[str | int, ...]) -> None:
        if at:
            found.append(at)
        if isinstance(value, dict):
            for name, item in value.items():
                walk(item, (*at, name))
        elif isinstance(value, list):
            for index, item in enumerate(value[:4]):  # lists of cells and hashes are alike
                walk(item, (*at, index))

    walk(json.loads(receipt(kind).to_bytes()), ())
    return found


def _change(value: Any, where: tuple[str | int, ...], data: st.DataObject) -> None:
    holder = value
    for step in where[:-1]:
        holder = holder[step]
    last = where[-1]
    match data.draw(st.sampled_from(("drop", "swap", "other", "twice"))):
        case "drop":
            del holder[last]
        case "swap" if isinstance(holder, list) and len(holder) > 1:
            holder.reverse()
        case "twice" if isinstance(holder, list):
            holder.append(holder[last])
        case _:
            others = st.none() | st.integers(-5, 10**6) | st.text("0af", max_size=64) | st.just({})
            holder[last] = data.draw(others)
