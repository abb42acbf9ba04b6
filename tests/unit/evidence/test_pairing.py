"""Which words of two sources are one shock: the real catalogue against rapid reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from miaopei.adapters.feeds import read, shipped
from miaopei.evidence.observation import Observation
from miaopei.evidence.shocks import Fact, Rule, joined, records
from miaopei.measures.instant import beijing_text
from miaopei.products.yunnan_index import GROUPING
from tests.unit.evidence.facts import RULE, on_file, only, shock

CATALOGUE = [
    o
    for o in read(shipped.earthquake_file("cenc_catalogue_2015_2021.csv")).observations
    if o.values["event_type"] == "earthquake"
]
RAPID = read(shipped.earthquake_file("cenc_rapid_reports.csv")).observations


def pairs(rule: Mapping[str, Any], *words: Observation) -> list[tuple[Observation, Observation]]:
    """The records of two sources that are taken for one shock."""
    facts = [Fact(o, 1_700_000_000 + n, n, "cenc", True) for n, o in enumerate(words)]
    found = joined(records(facts), Rule.read(rule), {})
    return [
        (one.facts[0].observation, other.facts[0].observation)
        for cluster in found
        for one in cluster.records
        for other in cluster.records
        if one.source < other.source
    ]


def by_the_minute(least: int, early: int = 0) -> list[Observation]:
    """The catalogue as a rapid source prints it: the minute only, magnitudes a little other."""
    found = []
    for n, of in enumerate(o for o in CATALOGUE if o.values["magnitude_tenths"] >= least):
        tenths = of.values["magnitude_tenths"] + n % 5 - 2
        told = {
            "origin": of.values["origin"] // 60 * 60 - early,
            "magnitude_tenths": tenths,
            "magnitude_raw": f"{tenths / 10:.1f}",
        }
        values = {**of.values, **told}
        found.append(Observation("shock", "cenc.rapid", of.event_key, 0, "automatic", values))
    return found


def right_and_wrong(rule: Mapping[str, Any], words: Sequence[Observation]) -> tuple[int, int]:
    """Pairs that are one earthquake, and pairs that are two."""
    found = pairs(rule, *CATALOGUE, *words)
    right = sum(one.event_key == other.event_key for one, other in found)
    return right, len(found) - right


@pytest.mark.parametrize("rule", [RULE, GROUPING], ids=["60 s", "like ones 120 s"])
def test_the_real_rapid_reports_join_their_own_rows_under_both_rules(rule) -> None:
    found = pairs(rule, *CATALOGUE, *RAPID)
    assert [beijing_text(one.instant) for one, _ in found] == [
        "2015-10-30 19:26:39", "2016-05-18 00:48:48", "2018-08-13 01:44:24", "2021-05-21 21:48:35",
    ]  # fmt: skip


def test_sixty_five_seconds_apart_are_one_shock_where_the_magnitudes_are_alike() -> None:
    rapid = shock("2018-08-13 01:44:00", "5.0", source="cenc.rapid", kind="M")
    final = shock("2018-08-13 01:45:05", "5.1")
    assert len(only(on_file(rapid, final), RULE).shocks) == 2
    assert len(only(on_file(rapid, final), GROUPING).shocks) == 1


@pytest.mark.parametrize(
    ("time", "magnitude", "lat"),
    [
        ("2018-08-13 01:46:01", "5.0", "25.70"),  # 121 s
        ("2018-08-13 01:45:05", "4.4", "25.70"),  # 0.6 smaller, more than 60 s
        ("2018-08-13 01:45:05", "5.0", "26.70"),  # 111 km
    ],
)
def test_what_is_too_late_too_unlike_or_too_far_is_another_shock(time, magnitude, lat) -> None:
    rapid = shock("2018-08-13 01:44:00", "5.0", source="cenc.rapid", kind="M")
    final = shock(time, magnitude, lat)
    assert pairs(GROUPING, rapid, final) == []


def test_the_like_row_is_joined_before_a_nearer_one_that_is_not() -> None:
    """A foreshock of 3.0 in the printed minute never takes the rapid report of the main shock."""
    rapid = shock("2021-05-21 21:48:00", "6.4", source="cenc.rapid", kind="M")
    fore = shock("2021-05-21 21:48:08", "3.0", kind="ML")
    main = shock("2021-05-21 21:48:35", "6.5")
    wrong, right = pairs(RULE, rapid, fore, main), pairs(GROUPING, rapid, fore, main)
    assert wrong == [(fore, rapid)]
    assert right == [(main, rapid)]


@pytest.mark.parametrize(
    ("least", "early", "before", "after"),
    [
        (45, 0, (70, 1), (71, 0)),
        (45, 15, (48, 4), (71, 0)),
        (40, 15, (100, 5), (140, 2)),
        (30, 15, (393, 11), (524, 8)),
    ],
)
def test_rapid_reports_by_the_minute_find_their_rows(least, early, before, after) -> None:
    """(right, wrong) pairs before and after: more of the right ones, fewer of the wrong."""
    words = by_the_minute(least, early)
    assert right_and_wrong(RULE, words) == before
    assert right_and_wrong(GROUPING, words) == after
