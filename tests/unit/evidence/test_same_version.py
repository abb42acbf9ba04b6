"""Two figures in one version of a report or notice: held, both shown, whatever the order."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from miaopei.adapters.feeds import shipped
from miaopei.errors.texts import say
from miaopei.evidence.findings import Found, Gathered, Held, find, sentence
from miaopei.evidence.grouping import Fact, group
from miaopei.evidence.observation import Observation
from miaopei.measures.instant import from_beijing
from miaopei.products.yunnan_index import GROUPING
from tests.unit.evidence.facts import DALI, RULE, deaths, report, rule, shock

YUNLONG = shock("2016-05-18 00:48:48", "5.1", "26.08", "99.58", name="云南洱源")
ONE = report("2016-05-18", {"532900": 96_000}, total=100_000)
OTHER = report("2016-05-18", {"532900": 95_390}, total=100_000)
NOW = from_beijing("2016-07-01")


def asked(measure: str, *words: Observation, grouping=GROUPING):
    on_file = [
        Fact(o, from_beijing("2016-06-01") + n, n, o.source, True)
        for n, o in enumerate((YUNLONG, *words))
    ]
    occurrences = group(on_file, grouping)
    context = Gathered(on_file, shipped.areas(), grouping, occurrences)
    return find(rule(measure), occurrences[0], DALI, context, NOW, {})


@pytest.mark.parametrize("words", list(itertools.permutations((ONE, OTHER))))
def test_two_figures_of_one_version_are_held_and_both_are_shown(words) -> None:
    held = asked("loss.area", *words)
    assert isinstance(held, Held)
    assert (held.state, held.reason) == ("held_conflict", "version_disagrees")
    assert held.facts["values"] == [
        {"observation": o.id, "value": o.values["items"]["532900"]["civil_houses"]} for o in words
    ]
    for language in ("zh", "en"):
        assert "national loss assessment" in say(sentence(held), language)


def test_another_place_name_in_the_same_version_is_no_way_round_it() -> None:
    renamed = report("2016-05-18", {"532900": 95_390}, total=100_000, name="大理州云龙县")
    assert isinstance(asked("loss.area", ONE, renamed), Held)


def test_equal_figures_are_no_conflict_but_another_total_is_one_for_the_total() -> None:
    again = report("2016-05-18", {"532900": 96_000}, total=120_000)
    assert isinstance(found := asked("loss.area", ONE, again), Found)
    assert found.value == 96_000
    held = asked("loss.total", ONE, again)
    assert isinstance(held, Held)
    assert [side["value"] for side in held.facts["values"]] == [100_000, 120_000]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_a_newer_version_settles_it(order) -> None:
    words = (ONE, OTHER, report("2016-05-18", {"532900": 95_000}, total=100_000, version=2))
    found = asked("loss.area", *(words[i] for i in order))
    assert isinstance(found, Found)
    assert found.value == 95_000


def test_two_notices_of_deaths_of_one_version_are_held() -> None:
    notices = (deaths("2016-05-18", "532900", 2), deaths("2016-05-18", "532900", 3))
    held = asked("deaths.area", *notices)
    assert isinstance(held, Held)
    assert [side["value"] for side in held.facts["values"]] == [2, 3]
    neighbours = replace(deaths("2016-05-18", "530500", 9), event_key="2016-05-18 530500 another")
    assert isinstance(asked("deaths.area", notices[0], neighbours), Found)


def test_a_filing_that_does_not_say_so_keeps_its_meaning_the_later_recorded_counts() -> None:
    found = asked("loss.area", ONE, OTHER, grouping=RULE)
    assert isinstance(found, Found)
    assert found.value == 95_390
