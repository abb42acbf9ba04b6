"""Which magnitude settles: rapid report, freeze, fallback, revisions, late shocks, quorum."""

from __future__ import annotations

import itertools

import pytest

from miaopei.errors import Refused
from miaopei.errors.texts import say
from miaopei.evidence.findings import Closed, Found, Held, Waiting, sentence
from miaopei.evidence.grouping import Fact, group
from miaopei.measures.instant import HOUR, from_beijing
from tests.unit.evidence.facts import RULE, ask, fact, on_file, only, rule, shock

MAGNITUDE = "shock.magnitude"
FINAL = shock("2021-05-21 21:48:35", "6.5", name="云南漾濞")
RAPID = shock("2021-05-21 21:48:35", "6.4", source="cenc.rapid", kind="Ms", name="云南大理州漾濞县")
YANGBI = (
    shock("2021-05-21 21:21:26", "5.6", "25.65", "99.92"),
    FINAL,
    shock("2021-05-21 21:55:29", "5.0", "25.67", "99.89"),
    shock("2021-05-21 22:31:12", "5.2", "25.61", "99.97"),
)
LATER = "2021-06-01"


def test_yangbi_2021_settles_on_its_rapid_report() -> None:
    found = ask(on_file(*YANGBI, RAPID), MAGNITUDE, LATER)
    assert isinstance(found, Found)
    assert (found.value, found.how, found.because[0]) == (64, "official", RAPID.id)
    assert found.detail["observation"] == RAPID.id
    assert found.detail["instant"] == RAPID.instant
    assert {tenths for _, tenths in found.detail["used"].values()} == {64, 56, 50, 52}
    assert [(s["observation"], s["why"]) for s in found.detail["shown"]] == [
        (FINAL.id, "other_value")
    ]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_the_order_in_which_files_are_read_changes_nothing(order) -> None:
    """All three files are read in together, long after the event, in any order."""
    when = from_beijing("2022-01-01")
    words = [FINAL, RAPID, YANGBI[0]]
    facts = [Fact(words[i], when + n * 60, n, "cenc", True) for n, i in enumerate(order)]
    found = ask(facts, MAGNITUDE, when + 2 * HOUR)
    assert isinstance(found, Found)
    assert found.value == 64


def test_before_the_deadline_it_waits_for_the_rapid_report_and_says_until_when() -> None:
    facts = [fact(FINAL, 6 * HOUR)]
    found = ask(facts, MAGNITUDE, FINAL.instant + 7 * HOUR)
    assert isinstance(found, Waiting)
    assert (found.state, found.reason) == ("awaiting_rapid_report", "no_rapid_report")
    assert found.until == FINAL.instant + 12 * HOUR
    assert found.owner == "cenc.rapid"
    assert "速报" in say(sentence(found), "zh")


def test_at_the_deadline_the_catalogue_settles() -> None:
    facts = [fact(FINAL, 6 * HOUR)]
    assert isinstance(ask(facts, MAGNITUDE, FINAL.instant + 12 * HOUR - 1), Waiting)
    found = ask(facts, MAGNITUDE, FINAL.instant + 12 * HOUR)
    assert isinstance(found, Found)
    assert (found.value, found.how) == (65, "fallback")


def test_a_catalogue_read_in_late_leaves_the_rapid_file_an_hour() -> None:
    facts = [fact(FINAL, 900 * HOUR)]
    found = ask(facts, MAGNITUDE, FINAL.instant + 900 * HOUR)
    assert isinstance(found, Waiting)
    assert found.until == FINAL.instant + 901 * HOUR


def test_a_rapid_report_after_the_deadline_is_shown_and_moves_nothing() -> None:
    facts = [fact(FINAL, 6 * HOUR), fact(RAPID, 13 * HOUR)]
    found = ask(facts, MAGNITUDE, FINAL.instant + 20 * HOUR)
    assert isinstance(found, Found)
    assert (found.value, found.how) == (65, "fallback")
    assert [s["observation"] for s in found.detail["shown"]] == [RAPID.id]


def test_a_rapid_report_before_the_fallback_settles_even_after_the_deadline() -> None:
    facts = [fact(RAPID, 13 * HOUR), fact(FINAL, 14 * HOUR)]
    found = ask(facts, MAGNITUDE, FINAL.instant + 20 * HOUR)
    assert isinstance(found, Found)
    assert (found.value, found.how) == (64, "official")


@pytest.mark.parametrize("after", [2 * HOUR, 11 * HOUR])
def test_a_revised_rapid_value_counts_before_the_freeze_and_not_after(after) -> None:
    first = shock("2021-05-21 21:48:35", "5.9", source="cenc.rapid", kind="M", key="a")
    second = shock("2021-05-21 21:48:35", "6.4", source="cenc.rapid", kind="M", key="a", revision=1)
    third = shock("2021-05-21 21:48:35", "7.0", source="cenc.rapid", kind="M", key="a", revision=2)
    facts = [fact(first, 600), fact(second, after), fact(third, 13 * HOUR)]
    for now, value in [(1 * HOUR, 59), (12 * HOUR, 64), (100 * HOUR, 64)]:
        found = ask(facts, MAGNITUDE, first.instant + now)
        assert isinstance(found, Found)
        assert found.value == value


def test_a_settled_value_never_moves_and_the_others_are_shown() -> None:
    first = shock("2021-05-21 21:48:35", "6.4", source="cenc.rapid", kind="M", key="a")
    second = shock("2021-05-21 21:48:35", "6.9", source="cenc.rapid", kind="M", key="a", revision=1)
    facts = [fact(first, 600), fact(second, 1200), fact(FINAL, 6 * HOUR)]
    settled = ask(facts, MAGNITUDE, first.instant + 700)
    assert isinstance(settled, Found)
    found = ask(facts, MAGNITUDE, first.instant + 7 * HOUR, fixed=settled.detail["used"])
    assert isinstance(found, Found)
    assert (found.value, found.how, found.because) == (64, "settled_before", (first.id,))
    assert {(s["observation"], s["why"]) for s in found.detail["shown"]} == {
        (second.id, "other_value"),
        (FINAL.id, "other_value"),
    }


def test_under_the_other_rule_the_latest_revision_counts_up_and_down() -> None:
    counts = rule(MAGNITUDE, revision="revision_counts")
    first = shock("2021-05-21 21:48:35", "6.4", source="cenc.rapid", kind="M", key="a")
    up = shock("2021-05-21 21:48:35", "6.9", source="cenc.rapid", kind="M", key="a", revision=1)
    down = shock("2021-05-21 21:48:35", "4.8", source="cenc.rapid", kind="M", key="a", revision=2)
    facts = [fact(first, 600), fact(up, 24 * HOUR), fact(down, 48 * HOUR)]
    fixed = {first.id: [first.id, 64]}
    for now, value in [(1, 64), (25, 69), (49, 48)]:
        found = ask(facts, counts, first.instant + now * HOUR, fixed=fixed)
        assert isinstance(found, Found)
        assert found.value == value


def test_a_larger_shock_after_a_settled_foreshock_is_the_main_one() -> None:
    """A-07: the M6.4 after a settled M5.6 of the same sequence."""
    fore = shock("2021-05-21 21:21:26", "5.6", source="cenc.rapid", kind="M")
    main = shock("2021-05-21 21:48:35", "6.4", source="cenc.rapid", kind="M")
    facts = on_file(fore, main)
    settled = ask(facts, MAGNITUDE, fore.instant + 700)
    assert isinstance(settled, Found)
    assert settled.value == 56
    pinned = only([f for f in facts if f.recorded_at <= fore.instant + 700])
    (grown,) = group(facts, RULE, [pinned])
    found = ask(
        facts, MAGNITUDE, main.instant + 700, occurrence=grown, fixed=settled.detail["used"]
    )
    assert isinstance(found, Found)
    assert (found.value, found.detail["main"], found.detail["instant"]) == (
        64,
        main.id,
        main.instant,
    )
    assert grown.id == pinned.id


def test_a_tie_goes_to_the_earliest_shock() -> None:
    one = shock("2018-08-13 01:44:24", "5.0", "24.18", "102.72", source="cenc.rapid", kind="M")
    two = shock("2018-08-14 03:50:36", "5.0", "24.19", "102.73", source="cenc.rapid", kind="M")
    found = ask(on_file(two, one), MAGNITUDE, "2018-08-20")
    assert isinstance(found, Found)
    assert found.detail["main"] == one.id


def test_a_known_shock_settles_while_another_still_waits() -> None:
    facts = [fact(RAPID, 600), fact(YANGBI[0], 6 * HOUR)]
    found = ask(facts, MAGNITUDE, RAPID.instant + 6 * HOUR)
    assert isinstance(found, Found)
    assert found.value == 64
    assert found.detail["until"] == YANGBI[0].instant + 12 * HOUR


def test_a_small_known_shock_does_not_settle_for_a_large_one_that_waits() -> None:
    small = shock("2021-05-21 22:59:00", "3.2", "25.60", "99.93", source="cenc.rapid", kind="M")
    facts = [fact(FINAL, 2 * HOUR), fact(small, 600)]
    found = ask(facts, MAGNITUDE, FINAL.instant + 3 * HOUR)
    assert isinstance(found, Waiting)
    assert found.state == "awaiting_rapid_report"


def test_a_local_magnitude_is_never_compared_with_the_trigger() -> None:
    local = shock("2021-05-21 21:48:36", "7.0", source="cenc.rapid", kind="ML")
    found = ask(on_file(FINAL, local), MAGNITUDE, LATER)
    assert isinstance(found, Found)
    assert (found.value, found.how) == (65, "fallback")
    assert [s["why"] for s in found.detail["shown"]] == ["not_comparable"]


def test_other_agencies_are_shown_and_not_counted() -> None:
    american = shock("2021-05-21 21:48:37", "6.1", "25.7614", "100.0076", source="usgs.comcat")
    found = ask(on_file(RAPID, american), MAGNITUDE, LATER)
    assert isinstance(found, Found)
    assert found.value == 64
    assert [(s["source"], s["why"]) for s in found.detail["shown"]] == [
        ("usgs.comcat", "source_not_counted")
    ]


def test_what_turns_out_to_be_a_collapse_has_no_value() -> None:
    first = shock("2021-05-21 21:48:35", "5.4", source="cenc.rapid", kind="M", key="a")
    then = shock(
        "2021-05-21 21:48:35",
        "5.4",
        source="cenc.rapid",
        kind="M",
        key="a",
        revision=1,
        event="collapse",
    )
    facts = [fact(first, 600), fact(then, 1200)]
    assert isinstance(ask(facts, MAGNITUDE, first.instant + 700), Found)
    assert isinstance(ask(facts, MAGNITUDE, first.instant + 1300), Waiting)
    closing = rule(MAGNITUDE, close_after_seconds=30 * 24 * HOUR)
    found = ask(facts, closing, first.instant + 31 * 24 * HOUR)
    assert isinstance(found, Closed)
    assert (found.state, found.reason) == ("closed", "no_official_magnitude")


TWO = rule(MAGNITUDE, sources=["cenc.rapid", "gfz.geofon"], operators=2, tolerance=2, fallback=[])
GERMAN = shock("2021-05-21 21:48:37", "6.2", "25.75", "100.00", source="gfz.geofon", kind="M")


def test_two_operators_within_the_tolerance_settle_on_the_first_source_named() -> None:
    found = ask(on_file(GERMAN, RAPID), TWO, LATER)
    assert isinstance(found, Found)
    assert (found.value, found.because) == (64, (RAPID.id, GERMAN.id))


def test_two_sources_that_disagree_wait_and_then_are_held() -> None:
    strict = {**TWO, "tolerance": 1}
    facts = on_file(GERMAN, RAPID)
    waiting = ask(facts, strict, RAPID.instant + HOUR)
    assert isinstance(waiting, Waiting)
    assert (waiting.state, waiting.reason) == ("awaiting_quorum", "sources_disagree")
    held = ask(facts, strict, RAPID.instant + 13 * HOUR)
    assert isinstance(held, Held)
    assert (held.state, held.reason) == ("held_conflict", "sources_disagree")
    assert {v["tenths"] for v in held.facts["values"]} == {64, 62}


def test_one_operator_of_two_waits_and_then_a_person_is_asked() -> None:
    waiting = ask(on_file(RAPID), TWO, RAPID.instant + HOUR)
    assert isinstance(waiting, Waiting)
    assert (waiting.state, waiting.reason) == ("awaiting_quorum", "too_few_operators")
    held = ask(on_file(RAPID), TWO, RAPID.instant + 13 * HOUR)
    assert isinstance(held, Held)
    assert (held.state, held.reason) == ("held_person", "too_few_operators")


def test_one_operator_with_two_sources_is_still_one() -> None:
    both = rule(MAGNITUDE, sources=["cenc.rapid", "cenc.catalogue"], operators=2, tolerance=5)
    found = ask(on_file(RAPID, FINAL), both, RAPID.instant + 7 * HOUR)
    assert isinstance(found, Waiting)
    assert found.reason == "too_few_operators"


def test_a_persons_resolution_stands_in_for_a_conflict_and_is_named() -> None:
    strict = {**TWO, "tolerance": 1}
    told = {strict["name"]: {"value": 63, "person": "王某", "reason": "专家会商", "act": "ab"}}
    found = ask(on_file(GERMAN, RAPID), strict, LATER, resolutions=told)
    assert isinstance(found, Found)
    assert (found.value, found.how) == (63, "person")
    assert (found.detail["person"], found.detail["resolved"]) == ("王某", "sources_disagree")
    assert found.detail["instant"] in {RAPID.instant, GERMAN.instant}
    unheld = ask(on_file(GERMAN, RAPID), TWO, LATER, resolutions=told)
    assert isinstance(unheld, Found)
    assert unheld.value == 64


def test_an_unknown_measure_is_refused() -> None:
    with pytest.raises(Refused) as refused:
        ask(on_file(RAPID), rule("shock.colour"), LATER)
    assert refused.value.refusals[0].code == "evidence.unknown_measure"
