"""An observation: what its id covers, what its values may be, and what is refused by name."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from miaopei.errors import Refused
from miaopei.evidence import kinds
from miaopei.evidence.observation import Observation, check
from miaopei.evidence.source import Box, Source
from miaopei.measures.identity import content_id
from tests.unit.evidence.facts import deaths, report, shock

CHINA = Box(15_000_000, 70_000_000, 55_000_000, 140_000_000)
CENC = Source("cenc.catalogue", "cenc", {"zh": "台网", "en": "CENC"}, ("shock",), True, (), CHINA)
YANGBI = shock("2021-05-21 21:48:35", "6.5")


def with_values(observation: Observation, **values: object) -> Observation:
    return replace(observation, values={**observation.values, **values})


def codes(observation: Observation, received_at: int | None = None) -> list[str]:
    return [r.code for r in check(observation, CENC, received_at)]


def test_the_id_covers_every_field_and_nothing_of_the_receipt() -> None:
    assert YANGBI.id == content_id("observation", YANGBI.as_json())
    assert set(YANGBI.as_json()) == {"kind", "source", "event_key", "revision", "status", "values"}
    others = [
        replace(YANGBI, source="cenc.rapid"),
        replace(YANGBI, event_key="x"),
        replace(YANGBI, revision=1),
        replace(YANGBI, status="automatic"),
        with_values(YANGBI, magnitude_raw="6.4", magnitude_tenths=64),
    ]
    assert len({o.id for o in (YANGBI, *others)}) == 6


def test_it_survives_json_and_anything_else_is_refused() -> None:
    again = Observation.from_json(json.loads(json.dumps(YANGBI.as_json())))
    assert again == YANGBI
    assert again.id == YANGBI.id
    for broken in (
        None,
        [],
        {},
        {**YANGBI.as_json(), "received_at": 1},
        {**YANGBI.as_json(), "status": "rumour"},
        {**YANGBI.as_json(), "revision": -1},
        {**YANGBI.as_json(), "revision": True},
        {**YANGBI.as_json(), "source": ""},
    ):
        with pytest.raises(Refused) as refused:
            Observation.from_json(broken)
        assert refused.value.refusals[0].code == "evidence.bad_observation"


@pytest.mark.parametrize("odd", [[], {}, [["earthquake"]]])
def test_a_list_or_an_object_in_any_field_is_refused_by_name(odd: object) -> None:
    for seen in (YANGBI, report("2021-05-21", {}), deaths("2021-05-21", "532900", 3)):
        for name in ("kind", "source", "event_key", "revision", "status"):
            with pytest.raises(Refused) as refused:
                Observation.from_json({**seen.as_json(), name: odd})
            assert refused.value.refusals[0].code == "evidence.bad_observation", name
        for name in set(seen.values) - {"items", "totals"}:
            with pytest.raises(Refused) as refused:
                Observation.from_json(with_values(seen, **{name: odd}).as_json())
            assert refused.value.refusals[0].code == "evidence.bad_value", name


@pytest.mark.parametrize(
    ("raw", "tenths"),
    [
        ("4.95", 50),
        ("5.45", 55),
        ("4.94", 49),
        ("5.449", 54),
        ("6", 60),
        ("6.5", 65),
        ("-0.35", -4),
    ],
)
def test_a_magnitude_is_quantised_half_up_from_its_decimal_text(raw, tenths) -> None:
    assert kinds.tenths(raw) == tenths
    found = with_values(YANGBI, magnitude_raw=raw, magnitude_tenths=tenths)
    assert codes(found) == []
    assert codes(with_values(found, magnitude_tenths=tenths + 1)) == ["evidence.bad_value"]


@pytest.mark.parametrize(
    "values",
    [
        {"magnitude_raw": "strong"},
        {"magnitude_tenths": 6.5},
        {"magnitude_raw": "10.1", "magnitude_tenths": 101},
        {"depth_m": 900_000},
        {"cell": "8740403ffffffff"},
        {"event_type": "party"},
        {"place": "漾" * 201},
        {"origin": "2021-05-21"},
    ],
)
def test_values_out_of_form_or_range_are_refused_with_their_field(values) -> None:
    refusals = check(with_values(YANGBI, **values), CENC, None)
    assert [r.code for r in refusals] == ["evidence.bad_value"]
    assert refusals[0].facts["field"] in values


def test_every_fault_of_the_values_is_named_at_once() -> None:
    values = {**YANGBI.values, "depth_m": 1.5, "cell": "", "extra": 1}
    del values["place"]
    fields = {r.facts["field"] for r in kinds.misfits("shock", values)}
    assert fields == {"depth_m", "cell", "extra", "place"}


def test_swapped_parts_have_a_refusal_of_their_own() -> None:
    swapped = with_values(YANGBI, lat_udeg=99_880_000, lon_udeg=25_700_000)
    assert codes(swapped) == ["evidence.swapped"]
    near_equator = with_values(YANGBI, lat_udeg=75_000_000, lon_udeg=40_000_000)  # 40 N 75 E
    assert codes(near_equator) == ["evidence.swapped"]
    assert codes(with_values(YANGBI, lat_udeg=-33_000_000, lon_udeg=-70_000_000)) == [
        "evidence.outside_box"
    ]
    assert codes(with_values(YANGBI, lat_udeg=95_000_000, lon_udeg=200_000_000)) == [
        "evidence.out_of_range"
    ]


def test_one_dated_in_the_future_is_refused_beyond_a_small_tolerance() -> None:
    origin = YANGBI.instant
    assert codes(YANGBI, origin - 300) == []
    assert codes(YANGBI, origin - 301) == ["evidence.in_future"]
    early = with_values(YANGBI, published_at=origin - 1)
    assert codes(early, origin) == ["evidence.published_before_origin"]


def test_a_source_speaks_only_for_itself_and_its_kinds() -> None:
    assert codes(replace(YANGBI, source="cenc.rapid")) == ["evidence.unknown_source"]
    assert codes(replace(report("2021-05-21", {"532900": 1}), source=CENC.id)) == [
        "evidence.kind_not_allowed"
    ]
    assert codes(replace(YANGBI, kind="rumour")) == [
        "evidence.unknown_kind",
        "evidence.kind_not_allowed",
    ]


def test_a_report_has_six_digit_areas_known_items_and_a_real_day() -> None:
    good = report("2021-05-21", {"532900": 1_972_500}, total=1_972_500)
    assert Observation.from_json(good.as_json()) == good
    for values in (
        {"event_day": "2021-02-30"},
        {"event_day": "2021-5-21"},
        {"items": {"大理": {}}},
        {"items": {"532900": {"palaces": 1}}},
        {"items": {"532900": {"civil_houses": -1}}},
        {"totals": {"civil_houses": "many"}},
        {"version": 0},
    ):
        with pytest.raises(Refused):
            Observation.from_json(with_values(good, **values).as_json())
    with pytest.raises(Refused):
        Observation.from_json(with_values(deaths("2021-05-21", "532900", 3), count=-1).as_json())


def test_the_instant_of_a_day_is_its_beijing_start() -> None:
    assert report("2021-05-21", {}).instant == shock("2021-05-21 00:00:00", "5").instant


TABLE_3 = {  # 万元, as printed in Table 3 of the paper (doi 10.11899/zzfy20210303)
    "civil_houses": 197_250,
    "education": 4_490,
    "health": 2_030,
    "public_buildings": 7_620,
    "civil_affairs": 500,
    "power": 1_700,
    "transport": 51_030,
    "communications": 1_550,
    "municipal_facilities": 24_560,
    "water": 17_980,
    "culture_and_tourism": 10_150,
    "ethnic_and_religious": 550,
    "industry_firms": 3_520,
    "geological_hazards": 2_680,
}


def test_table_3_adds_up_to_its_groups_and_total() -> None:
    sums = kinds.subtotals({item: wan * 10 for item, wan in TABLE_3.items()})
    assert sums == {"houses": 2_118_900, "lifelines": 788_400, "other": 348_800, "total": 3_256_100}


@pytest.mark.parametrize(
    ("total", "code"),
    [
        (None, "total_missing"),
        (0, "total_zero"),
        (99, "total_below_part"),
        (100, None),
        (101, None),
    ],
)
def test_a_total_that_cannot_be_divided_by_is_named(total, code) -> None:
    values = report("2018-09-08", {"530400": 100}, total=total).values
    refusal = kinds.total_refusal(values, "civil_houses", 100)
    assert (refusal and refusal.code) == (code and f"evidence.{code}")
