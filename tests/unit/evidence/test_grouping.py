"""Shocks and sequences: the real ones of the catalogue, several sources, what is pinned."""

from __future__ import annotations

import json
import random

import pytest

from miaopei.adapters.feeds import read, shipped
from miaopei.errors import Refused
from miaopei.evidence.grouping import Fact, Occurrence, group, occurrence_id
from miaopei.measures.identity import content_id
from miaopei.measures.instant import beijing_text, from_beijing
from tests.unit.evidence.facts import RULE, fact, on_file, only, shock

CATALOGUE = read(shipped.earthquake_file("cenc_catalogue_2015_2021.csv")).observations


def catalogue(order: int | None = None) -> list[Fact]:
    """The whole catalogue as facts, recorded in the file's order or in a shuffled one."""
    rows = list(CATALOGUE)
    if order is not None:
        random.Random(order).shuffle(rows)
    return [Fact(o, 1_700_000_000 + i, i, "cenc", True) for i, o in enumerate(rows)]


def at(found: list[Occurrence], time: str) -> Occurrence:
    return next(o for o in found if o.origin == from_beijing(time))


def test_yangbi_2021_is_one_sequence_with_its_four_shocks_of_magnitude_5() -> None:
    sequence = at(group(catalogue(), RULE), "2021-05-21 21:21:26")
    values = {o.id: o.values for o in CATALOGUE}
    strong = [values[s.id] for s in sequence.shocks if values[s.id]["magnitude_tenths"] >= 50]
    assert [(beijing_text(v["origin"]), v["magnitude_raw"]) for v in strong] == [
        ("2021-05-21 21:21:26", "5.6"),
        ("2021-05-21 21:48:35", "6.5"),
        ("2021-05-21 21:55:29", "5.0"),
        ("2021-05-21 22:31:12", "5.2"),
    ]


def test_tonghai_2018_is_one_sequence_over_two_days() -> None:
    found = group(catalogue(), RULE)
    sequence = at(found, "2018-08-13 01:44:24")
    assert from_beijing("2018-08-14 03:50:36") in {
        o.instant for o in CATALOGUE for s in sequence.shocks if s.id == o.id
    }
    assert all(o.origin != from_beijing("2018-08-14 03:50:36") for o in found)


def test_every_shock_of_magnitude_5_and_more_is_in_exactly_one_sequence() -> None:
    found = group(catalogue(), RULE)
    held = [i for o in found for s in o.shocks for i in s.observations]
    strong = {o.id for o in CATALOGUE if o.values["magnitude_tenths"] >= 50}
    assert len(held) == len(set(held))
    assert strong <= set(held)
    assert all(o.values["magnitude_type"] == "Ms" for o in CATALOGUE if o.id in strong)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_the_whole_catalogue_in_any_order_gives_the_same_sequences(order) -> None:
    assert group(catalogue(order), RULE) == group(catalogue(), RULE)


def test_an_occurrence_is_named_by_rule_and_founder_and_survives_json() -> None:
    first = shock("2021-05-21 21:21:26", "5.6")
    found = only([fact(first)])
    rule = content_id("grouping", RULE)
    assert found.founding == first.id
    assert found.id == content_id("occurrence", {"rule": rule, "founding": first.id})
    assert found.id == occurrence_id(RULE, first.id)
    assert Occurrence.from_json(json.loads(json.dumps(found.as_json()))) == found


@pytest.mark.parametrize(
    "weak",
    [
        shock("2021-05-21 21:21:26", "4.9"),
        shock("2021-05-21 21:21:26", "5.6", kind="ML"),
        shock("2021-05-21 21:21:26", "5.6", event="collapse"),
        shock("2021-05-21 21:21:26", "5.6", source="usgs.comcat", kind="Ms"),
    ],
    ids=["below", "local magnitude", "collapse", "source not counted"],
)
def test_what_does_not_count_opens_nothing(weak) -> None:
    assert group([fact(weak)], RULE) == []


def test_a_sequence_lasts_72_hours_and_reaches_50_kilometres() -> None:
    first = shock("2021-05-21 21:21:26", "5.6", "25.00", "100.00")
    last = shock("2021-05-24 21:21:26", "5.0", "25.44", "100.00")  # 48.9 km
    late = shock("2021-05-24 21:21:27", "5.0", "25.00", "100.00")
    far = shock("2021-05-22 00:00:00", "5.0", "25.46", "100.00")  # 51.1 km
    before = shock("2021-05-21 21:21:25", "4.0", "25.00", "100.00")
    found = group(on_file(first, last, late, far, before), RULE)
    assert {o.founding: {s.id for s in o.shocks} for o in found} == {
        first.id: {first.id, last.id},
        far.id: {far.id},
        late.id: {late.id},
    }


def test_several_agencies_words_on_one_shock_are_one_shock() -> None:
    rapid = shock("2018-08-13 01:44:00", "5.0", "24.19", "102.71", source="cenc.rapid", kind="M")
    final = shock("2018-08-13 01:44:24", "5.1", "24.18", "102.72")
    american = shock(
        "2018-08-13 01:44:26", "5.0", "24.30", "102.91", source="usgs.comcat", kind="mb"
    )
    assert [set(s.observations) for s in only(on_file(rapid, final, american)).shocks] == [
        {rapid.id, final.id, american.id}
    ]


def test_aftershocks_within_a_minute_stay_shocks_of_their_own() -> None:
    """Two rows of one source are two shocks; another source's row joins the nearer."""
    main = shock("2021-05-21 21:48:35", "6.5")
    after = shock("2021-05-21 21:49:05", "5.0")
    rapid = shock("2021-05-21 21:48:37", "6.4", source="cenc.rapid", kind="M")
    found = only(on_file(after, rapid, main))
    assert [set(s.observations) for s in found.shocks] == [{main.id, rapid.id}, {after.id}]


def test_revisions_under_one_key_are_one_shock_however_far_they_move() -> None:
    first = shock("2021-05-21 21:48:35", "6.0", "25.00", "99.00", key="us7000e532")
    moved = shock("2021-05-21 21:50:00", "6.1", "25.76", "100.01", key="us7000e532", revision=2)
    found = only([fact(first, 60), fact(moved, 120)])
    assert found.founding == first.id
    assert (found.lat_udeg, found.lon_udeg) == (25_760_000, 100_010_000)
    assert found.shocks[0].observations == (first.id, moved.id)


def test_a_shock_at_the_same_second_elsewhere_is_another_occurrence() -> None:
    here = shock("2021-05-21 21:48:35", "6.5")
    there = shock("2021-05-21 21:48:35", "6.5", "34.60", "98.40", source="cenc.rapid", kind="M")
    assert len(group(on_file(here, there), RULE)) == 2


def test_a_pinned_sequence_keeps_founder_and_window_when_an_earlier_shock_arrives() -> None:
    main = shock("2021-05-21 21:48:35", "6.4", source="cenc.rapid", kind="M")
    fore = shock("2021-05-21 21:21:26", "5.6")
    earliest = shock("2021-05-19 21:00:00", "5.0")
    pinned = only(on_file(main))
    unpinned = only(on_file(main, fore))
    assert unpinned.founding == fore.id
    kept = group(on_file(main, fore, earliest), RULE, [pinned])
    assert [(o.id, o.origin, {s.id for s in o.shocks}) for o in kept] == [
        (pinned.id, pinned.origin, {main.id, fore.id, earliest.id})
    ]


def test_two_pinned_sequences_never_merge_and_their_shocks_never_move() -> None:
    one = shock("2021-05-21 00:00:00", "5.0")
    two = shock("2021-05-24 12:00:00", "5.0")
    pinned = group(on_file(one, two), RULE)
    assert len(pinned) == 2
    between = shock("2021-05-22 12:00:00", "6.0")
    kept = group(on_file(one, two, between), RULE, pinned)
    assert [o.id for o in kept] == [o.id for o in pinned]
    assert [{s.id for s in o.shocks} for o in kept] == [{one.id, between.id}, {two.id}]


def test_the_catalogues_word_joins_the_pinned_shock_of_the_rapid_report() -> None:
    rapid = shock("2021-05-21 21:48:35", "6.4", source="cenc.rapid", kind="M")
    pinned = only(on_file(rapid))
    final = shock("2021-05-21 21:48:33", "6.5")
    (kept,) = group(on_file(rapid, final), RULE, [pinned])
    assert kept.id == pinned.id
    assert [s.observations for s in kept.shocks] == [(rapid.id, final.id)]


def test_a_pinned_sequence_stands_even_where_its_facts_are_not_given() -> None:
    pinned = only(on_file(shock("2021-05-21 21:48:35", "6.4")))
    assert group([], RULE, [pinned]) == [pinned]


@pytest.mark.parametrize("field", ["same_shock_seconds", "threshold_tenths", "counted_types", "km"])
def test_a_rule_without_one_of_its_figures_is_refused(field) -> None:
    with pytest.raises(Refused) as refused:
        group([], {**RULE, field: 0})
    assert refused.value.refusals[0].facts["field"] == field
