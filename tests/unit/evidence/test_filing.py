"""What evidence refuses of a product before it is filed, and that whatever passes can be read."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miaopei.claims.verify import evidence as verifier
from miaopei.errors.texts import say
from miaopei.evidence.filing import check, check_grouping
from miaopei.evidence.findings import MEASURES
from miaopei.evidence.shocks import Rule
from miaopei.measures.place import threshold
from miaopei.products.shelf import shelf
from tests.support.products import hills
from tests.unit.evidence.facts import RULE

DALI = shelf().find("yunnan_dali").as_json()
OUTAGE = shelf().find("power_restoration").as_json()
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
Spoil = Callable[[dict[str, Any]], Any]


def spoilt(product: dict[str, Any], spoil: Spoil) -> dict[str, Any]:
    value = copy.deepcopy(product)
    spoil(value)
    return value


def grouped(**changes: Any) -> Spoil:
    return lambda product: product["grouping"].update(changes)


def asked(**changes: Any) -> Spoil:
    return lambda product: product["inputs"][1].update(changes)


def placed(**changes: Any) -> Spoil:
    return lambda product: product["area"].update(changes)


def test_every_product_on_the_shelf_passes() -> None:
    for product in (*shelf(), hills()):
        assert check(product.as_json()) == [], product.id


@pytest.mark.parametrize(
    ("product", "code", "spoil"),
    [
        (DALI, "unknown_grouping", grouped(kind="shock")),
        (DALI, "unknown_grouping", grouped(kind=["shocks"])),
        (DALI, "bad_rule", grouped(counted_types=[])),
        (DALI, "bad_rule", grouped(counted_types=["Ms", 5])),
        (DALI, "bad_rule", grouped(source=["cenc.rapid"])),
        (DALI, "bad_rule", grouped(sources=["cenc.rapid", "cenc.rapid"])),
        (DALI, "bad_rule", lambda p: p["grouping"].pop("same_shock_km")),
        (DALI, "bad_rule", lambda p: p.update(grouping=None)),
        (OUTAGE, "bad_rule", grouped(hours=48)),
        (DALI, "rule_out_of_range", grouped(hours=0)),
        (DALI, "rule_out_of_range", grouped(hours=10**9)),
        (DALI, "rule_out_of_range", grouped(km=0)),
        (DALI, "rule_out_of_range", grouped(km=10_008)),
        (DALI, "rule_out_of_range", grouped(threshold_tenths=101)),
        (DALI, "rule_out_of_range", grouped(hours=1, same_shock_seconds=3_601)),
        (DALI, "reach_too_wide", grouped(km=9_908, same_shock_km=100)),
        (DALI, "unknown_measure", asked(measure="shock.depth")),
        (OUTAGE, "measure_needs_shocks", asked(measure="shock.role")),
        (DALI, "unknown_item", lambda p: p["inputs"][2].update(params={"item": "bridges"})),
        (DALI, "bad_input", asked(params={"item": "civil_houses"})),
        (OUTAGE, "bad_input", asked(params={"reading": ""})),
        (DALI, "bad_input", lambda p: p["inputs"][1].pop("freeze_seconds")),
        (DALI, "bad_input", lambda p: p["inputs"][1].pop("close_after_seconds")),
        (DALI, "bad_input", asked(sources=[])),
        (DALI, "bad_input", asked(operators=True)),
        (DALI, "bad_input", asked(revision="last")),
        (DALI, "bad_input", lambda p: p.update(inputs={})),
        (DALI, "source_twice", asked(sources=["cenc.rapid", "cenc.rapid"])),
        (DALI, "source_twice", asked(fallback=["cenc.rapid"])),
        (DALI, "more_operators_than_sources", asked(operators=2)),
        (DALI, "bad_product_area", lambda p: p.update(area=None)),
        (DALI, "bad_product_area", placed(resolution=-1)),
        (DALI, "bad_product_area", placed(resolution=9)),
        (DALI, "bad_product_area", placed(resolution=10**9)),
        (DALI, "bad_product_area", placed(resolution=True)),
        (DALI, "bad_product_area", placed(cells=["cn-prefectures-h3-v1"])),
        (DALI, "bad_product_area", placed(own=[])),
        (DALI, "bad_product_area", placed(own=["532900", "532900"])),
        (DALI, "bad_product_area", placed(surrounding=["5329", {}])),
        (DALI, "bad_product_area", lambda p: p["area"].pop("surrounding")),
        (OUTAGE, "bad_product_area", placed(own=[{}])),
        (DALI, "area_code_twice", placed(surrounding=["532900"])),
    ],
)
def test_what_could_not_be_read_is_refused_by_name(
    product: dict[str, Any], code: str, spoil: Spoil
) -> None:
    refusals = check(spoilt(product, spoil))
    assert f"evidence.{code}" in {r.code for r in refusals}
    for refusal in refusals:
        assert "?" not in say(refusal) + say(refusal, "zh")
        assert not say(refusal).startswith(refusal.code)


def test_all_faults_are_told_at_once() -> None:
    value = spoilt(DALI, grouped(hours=0, km=-1))
    value["inputs"][0]["measure"] = value["inputs"][1]["measure"] = "depth"
    assert [r.code for r in check(value)] == [
        *["evidence.rule_out_of_range"] * 2, *["evidence.unknown_measure"] * 2,
    ]  # fmt: skip


SIZES = st.integers(-2, 10_100) | st.integers()


@given(st.dictionaries(st.sampled_from(sorted(set(RULE) - {"kind"})), SIZES | ANY))
def test_a_grouping_that_passes_can_be_read_as_far_as_it_reaches(changes: dict[str, Any]) -> None:
    grouping = {**RULE, **changes}
    if not check_grouping(grouping):
        how = Rule.read(grouping)
        reach = how.km + how.same_shock_km
        assert threshold(2 * reach * 1000) < threshold(how.km * 1000)


@given(ANY, st.sampled_from(["grouping", "area", "inputs", "measure", "sources", "params", "name"]))
def test_nothing_that_is_filed_makes_the_check_itself_fail(value: Any, at: str) -> None:
    product = copy.deepcopy(DALI)
    for place in (product, product["inputs"][0]):
        if at in place:
            place[at] = value
    assert isinstance(check(product), list)
    assert check(value)


def test_a_receipt_is_verified_by_the_same_measures() -> None:
    assert set(verifier.MEASURES) == set(MEASURES)
