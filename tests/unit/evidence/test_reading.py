"""Plain readings of other perils: quorum, revisions, deadlines."""

from __future__ import annotations

import pytest

from miaopei.errors.texts import say
from miaopei.evidence.findings import Closed, Found, Gathered, Held, Waiting, find, sentence
from miaopei.evidence.grouping import Fact, group
from miaopei.evidence.observation import Observation, check
from miaopei.measures.instant import DAY, HOUR, from_beijing
from tests.unit.evidence.facts import rule

START = from_beijing("2024-07-01 10:00:00")
GROUPING = {"kind": "reading"}
HOW = rule("value", name="minutes_late", freeze_seconds=DAY, close_after_seconds=9 * DAY)


def minutes(value: int, *, source: str = "grid.scada", event: str = "outage-7", revision: int = 0):
    values = {
        "at": START,
        "name": "minutes_late",
        "value": value,
        "unit": "minutes",
        "published_at": None,
    }
    return Observation("reading", source, event, revision, "reviewed", values)


def ask(facts, now, how=HOW, fixed=None, resolutions=None):
    (occurrence,) = [o for o in group(facts, GROUPING) if o.origin == START][:1]
    context = Gathered(facts, (), GROUPING, resolutions=resolutions or {})
    return find(how, occurrence, {}, context, now, fixed or {})


def on_file(*observations: Observation) -> list[Fact]:
    return [
        Fact(o, START + HOUR * (n + 1), n, o.source.partition(".")[0], True)
        for n, o in enumerate(observations)
    ]


def test_a_reading_is_an_observation_of_its_own_form() -> None:
    assert check(minutes(95), None, START) == []
    assert Observation.from_json(minutes(95).as_json()).instant == START


def test_each_event_key_is_one_occurrence() -> None:
    facts = on_file(minutes(95), minutes(96, revision=1), minutes(10, event="outage-8"))
    found = group(facts, GROUPING)
    assert sorted(len(o.shocks[0].observations) for o in found) == [1, 2]


def test_the_latest_reading_of_the_event_counts() -> None:
    facts = on_file(minutes(95), minutes(120, revision=1))
    found = ask(facts, START + 9 * HOUR)
    assert isinstance(found, Found)
    assert (found.value, found.detail["instant"]) == (120, START)
    first = ask(facts, START + HOUR)
    assert isinstance(first, Found)
    assert first.value == 95
    kept = ask(facts, START + 9 * HOUR, {**HOW, "revision": "first_settles"}, first.detail["used"])
    assert isinstance(kept, Found)
    assert kept.value == 95


def test_two_meters_must_agree_or_a_person_decides() -> None:
    two = {**HOW, "sources": ["grid.scada", "meter.park"], "operators": 2, "tolerance": 5}
    alone = ask(on_file(minutes(95)), START + 2 * HOUR, two)
    assert isinstance(alone, Waiting)
    assert (alone.state, alone.reason) == ("awaiting_quorum", "too_few_operators")
    near = ask(on_file(minutes(95), minutes(99, source="meter.park")), START + 2 * HOUR, two)
    assert isinstance(near, Found)
    assert near.value == 95
    apart = on_file(minutes(95), minutes(130, source="meter.park"))
    assert isinstance(ask(apart, START + 2 * HOUR, two), Waiting)
    held = ask(apart, START + DAY, two)
    assert isinstance(held, Held)
    assert held.reason == "sources_disagree"


@pytest.mark.parametrize("close", [None, 9 * DAY])
def test_one_meter_alone_past_the_deadline_is_put_before_a_person(close: int | None) -> None:
    two = {
        **HOW,
        "sources": ["grid.scada", "meter.park"],
        "operators": 2,
        "close_after_seconds": close,
    }
    alone = on_file(minutes(95), minutes(40, source="rumour.mill"))
    waits = ask(alone, START + DAY - 1, two)
    assert isinstance(waits, Waiting)
    assert waits.until == START + DAY
    for late in (START + DAY, START + 30 * DAY):
        held = ask(alone, late, two)
        assert isinstance(held, Held)
        assert (held.state, held.reason) == ("held_person", "too_few_operators")
        assert held.facts["values"] == [{"observation": minutes(95).id, "value": 95}]
        assert "2" in say(sentence(held))
    decided = {"minutes_late": {"value": 95, "reason": "read on site", "person": "p1", "act": "a1"}}
    found = ask(alone, START + DAY, two, resolutions=decided)
    assert isinstance(found, Found)
    assert (found.value, found.how) == (95, "person")


def test_what_waits_for_its_fallback_is_looked_at_when_the_fallback_may_speak() -> None:
    how = {**HOW, "fallback": ["meter.park"]}
    facts = on_file(minutes(95, source="meter.park"))
    waits = ask(facts, START + HOUR, how)
    assert isinstance(waits, Waiting)
    assert waits.until == START + DAY


def test_a_reading_from_the_fallback_counts_after_the_deadline_only() -> None:
    how = {**HOW, "fallback": ["meter.park"]}
    facts = on_file(minutes(95, source="meter.park"))
    assert isinstance(ask(facts, START + DAY - 1, how), Waiting)
    assert isinstance(ask(facts, START + DAY, how), Found)


def test_without_a_usable_reading_the_case_closes() -> None:
    facts = on_file(minutes(95, source="rumour.mill"))
    found = ask(facts, START + 9 * DAY)
    assert isinstance(found, Closed)
    assert found.reason == "no_reading"
