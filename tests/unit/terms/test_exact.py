"""The exact reading: what is demanded, what is refused, what a trace says."""

from __future__ import annotations

import json

import pytest

from miaopei.errors import Refused
from miaopei.errors.texts import say
from miaopei.measures.money import wan
from miaopei.products.shelf import shelf
from miaopei.terms import bounds
from miaopei.terms import build as b
from miaopei.terms.exact import first_missing, replay, settle, trace_json
from miaopei.terms.uncut import uncut
from miaopei.terms.words import IfMissing, Kind, Terms

DALI = shelf().find("yunnan_dali").version(1).terms
HOUSE, DEATHS = DALI.benefit("house"), DALI.benefit("deaths")
DELAY = shelf().find("power_restoration").version(1).terms
OURS = b.source("测试", "test", dated="2026-01-01")


def refused(*args: object) -> str:
    with pytest.raises(Refused) as caught:
        settle(*args)  # type: ignore[arg-type]
    (refusal,) = caught.value.refusals
    assert refusal.facts.get("name") != ""
    for language in ("zh", "en"):
        assert "?" not in say(refusal, language)  # type: ignore[arg-type]
    return refusal.code


@pytest.mark.parametrize(
    ("known", "wanted"),
    [
        ({}, "role"),
        ({"role": 0}, None),
        ({"role": 1}, "magnitude"),
        ({"role": 1, "magnitude": 64}, None),  # inside: the loss report is never demanded
        ({"role": 2}, "magnitude"),
        ({"role": 2, "magnitude": 49}, None),
        ({"role": 2, "magnitude": 50}, "loss_area"),
        ({"role": 2, "magnitude": 50, "loss_area": 1}, "loss_total"),
        ({"role": 2, "magnitude": 50, "loss_total": 1}, "loss_area"),
        ({"role": 2, "magnitude": 50, "loss_area": 1, "loss_total": 1}, None),
        ({"role": 2, "magnitude": 50, "loss_area": 2, "loss_total": 1}, None),  # settle refuses it
    ],
)
def test_only_what_is_needed_is_waited_for(known: dict[str, int], wanted: str | None) -> None:
    assert first_missing(HOUSE, known) == wanted
    assert first_missing(HOUSE.body, known) == wanted


def test_the_death_cover_asks_for_a_notice_only_where_it_can_pay() -> None:
    assert first_missing(DEATHS, {"role": 0}) is None
    assert first_missing(DEATHS, {"role": 2, "magnitude": 49}) is None
    assert first_missing(DEATHS, {"role": 2, "magnitude": 50}) == "death_count"


def test_a_test_that_rests_on_the_policy_demands_both_branches() -> None:
    def seen(name: str) -> object:
        return b.observed(
            name, Kind.MONEY, low=0, high=9, zh=name, en=name, measure="value", sources=("s",),
            definition_zh="测", definition_en="measured", if_missing=IfMissing.HOLD,
        )  # fmt: skip

    choice = b.declared("choice", Kind.FLAG, low=0, high=1, zh="选", en="choice")
    left, right = seen("left"), seen("right")
    body = b.either(choice, left, right)  # type: ignore[arg-type]
    assert first_missing(body, {}) == "left"
    assert first_missing(body, {"left": 1}) == "right"
    assert first_missing(body, {"left": 1, "right": 1}) is None
    flag = b.at_least(left, b.nothing())  # type: ignore[arg-type]
    assert first_missing(b.every(choice, flag), {}) == "left"
    assert first_missing(b.any_of(b.not_(choice), flag), {}) == "left"


def test_what_the_facts_leave_to_pay() -> None:
    assert bounds.bounds(DALI, "house", {"role": 0}).most == 0
    assert bounds.bounds(DALI, "house", {"role": 2, "magnitude": 49}).most == 0
    assert bounds.bounds(DALI, "house", {"role": 1, "magnitude": 50}).most == wan(2_800)


SEEN = {"role": 1, "magnitude": 64}


@pytest.mark.parametrize(
    ("benefit", "observed", "spent", "code"),
    [
        ("roof", SEEN, {"house": 0}, "no_benefit"),
        ("house", {"role": 1}, {"house": 0}, "missing_input"),
        ("house", SEEN, {}, "missing_input"),
        ("house", {"role": 3, "magnitude": 64}, {"house": 0}, "out_of_range"),
        ("house", {"role": 1, "magnitude": 101}, {"house": 0}, "out_of_range"),
        ("house", {"role": 1, "magnitude": -1}, {"house": 0}, "out_of_range"),
        ("house", SEEN, {"house": -1}, "out_of_range"),
        ("house", SEEN, {"house": wan(42_000) + 1}, "out_of_range"),
        ("house", {"role": 1, "magnitude": 6.4}, {"house": 0}, "not_whole"),
        ("house", {"role": 1, "magnitude": True}, {"house": 0}, "not_whole"),
        ("house", {"role": 1, "magnitude": "64"}, {"house": 0}, "not_whole"),
    ],
)
def test_refused_rather_than_guessed(
    benefit: str, observed: dict[str, int], spent: dict[str, int], code: str
) -> None:
    assert refused(DALI, benefit, observed, {}, spent) == f"terms.{code}"


def test_an_unset_band_refuses_to_settle() -> None:
    magnitude = next(i for i in DALI.inputs if i.name == "magnitude")
    body = b.bands(magnitude, (0, 0), (50, 100), (60, None), (65, 300), source=OURS)
    clause = b.clause("cover", body, zh="按{magnitude}", en="by {magnitude}")
    terms = b.terms("made_up", 1, clause)
    assert settle(terms, "cover", {"magnitude": 59}, {}, {}).amount_fen == 100
    assert settle(terms, "cover", {"magnitude": 65}, {}, {}).amount_fen == 300
    for tenths in (60, 64):
        assert refused(terms, "cover", {"magnitude": tenths}, {}, {}) == "terms.band_unset"
        assert first_missing(clause, {"magnitude": tenths}) is None
    short = b.bands(magnitude, (50, 100), end=60, source=OURS)
    shorter = b.terms("made_up", 1, b.clause("cover", short, zh="按", en="by"))
    for tenths in (49, 60):
        assert refused(shorter, "cover", {"magnitude": tenths}, {}, {}) == "terms.outside_table"


def test_a_limit_inside_a_choice_is_a_limit_of_the_year_too() -> None:
    circle = shelf().find("quake_circle").version(1).terms
    seen = {"centre_x": 0, "centre_y": 0, "centre_z": 2**30, "magnitude": 75}
    own = {"place_x": 0, "place_y": 0, "place_z": 2**30, "sum_insured": 500}
    result = settle(circle, "circle", seen, own, {"circle": 400})
    assert (result.amount_fen, result.uncut_fen, result.shortfall_fen) == (100, 500, 400)


def test_what_a_limit_stands_beside_is_kept() -> None:
    """A cap an occurrence beside a part with a limit of its own: neither swallows the other."""
    magnitude = next(i for i in DALI.inputs if i.name == "magnitude")
    table = b.bands(magnitude, (0, 0), (50, 700), source=OURS)
    year, cap = (
        b.figure(name, fen, Kind.MONEY, zh=name, en=name, source=OURS)
        for name, fen in (("year", 1_000), ("cap", 600))
    )
    left = b.minus(year, b.spent("cover", year))
    terms = b.terms(
        "made_up", 1, b.clause("cover", b.least(b.least(table, left), cap), zh="", en="")
    )
    assert settle(terms, "cover", {"magnitude": 70}, {}, {"cover": 900}).uncut_fen == 600
    assert settle(terms, "cover", {"magnitude": 40}, {}, {"cover": 900}).uncut_fen == 0
    for magnitude_ in (40, 70):
        whole = settle(terms, "cover", {"magnitude": magnitude_}, {}, {"cover": 0})
        bare = settle(uncut(terms, "cover"), "cover", {"magnitude": magnitude_}, {}, {})
        assert bare.amount_fen == whole.uncut_fen


def test_a_trace_names_each_step_and_the_limit_before_and_after() -> None:
    result = settle(DALI, "house", SEEN, {}, {"house": wan(40_000)})
    assert result.amount_fen == wan(2_000)
    assert (result.uncut_fen, result.shortfall_fen) == (wan(10_000), wan(8_000))
    said = trace_json(result)
    assert json.loads(json.dumps(said)) == said
    steps = {step["name"]: step for step in _steps(said["trace"]) if "name" in step}
    assert steps["band_limit"]["value"] == wan(10_000)
    assert steps["magnitude"]["value"] == 64
    spent = next(step for step in _steps(said["trace"]) if step["word"] == "spent")
    assert (spent["left_before_fen"], spent["left_after_fen"]) == (wan(2_000), 0)
    assert {"role", "house_rule", "house_left", "house_year", "house"} <= set(steps)
    assert "loss_area" not in steps  # not demanded, so not in the trace
    assert replay(DALI, result.trace) == result


def _steps(node: dict[str, object]) -> list[dict[str, object]]:
    below = node.get("children", [])
    return [node, *(s for child in below for s in _steps(child))]  # type: ignore[attr-defined]


def test_a_limit_of_another_benefit_is_not_used_up_by_this_one() -> None:
    year = b.figure("year", 1_000, Kind.MONEY, zh="年", en="year", source=OURS)
    other = b.clause("other", b.minus(year, b.spent("other", year)), zh="{year}", en="{year}")
    both = b.clause("both", b.least(year, other), zh="{year}{other}", en="{year}{other}")
    terms: Terms = b.terms("made_up", 1, both, other)
    result = settle(terms, "both", {}, {}, {"other": 400})
    assert result.amount_fen == 600
    (limit,) = result.limits
    assert (limit.left_before_fen, limit.left_after_fen) == (600, 600)
