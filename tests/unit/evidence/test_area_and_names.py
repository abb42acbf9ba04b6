"""Cells against the h3 library and the published borders' facts; place names of the catalogue."""

from __future__ import annotations

import csv

import h3
import pytest

from miaopei.adapters.feeds import shipped
from miaopei.errors import Refused
from miaopei.evidence.area import AreaSet, holds, index_of, parent
from miaopei.evidence.names import OUTSIDE, PROVINCES, Names, Place
from miaopei.measures.identity import canonical

AREAS = {area.code: area for area in shipped.areas()}
NAMES = shipped.names()
SEATS = {  # the seats of government, degrees north and east as any atlas gives them
    "530100": (25.04, 102.71),
    "530300": (25.49, 103.80),
    "530400": (24.35, 102.54),
    "530500": (25.12, 99.17),
    "530600": (27.34, 103.72),
    "530700": (26.86, 100.23),
    "530800": (22.83, 100.97),
    "530900": (23.88, 100.09),
    "532300": (25.04, 101.53),
    "532500": (23.36, 103.38),
    "532600": (23.37, 104.23),
    "532800": (22.01, 100.80),
    "532900": (25.59, 100.23),
    "533100": (24.43, 98.58),
    "533300": (25.85, 98.86),
    "533400": (27.82, 99.71),
}


def where(lat: float, lon: float) -> list[str]:
    cell = h3.latlng_to_cell(lat, lon, 8)
    return [code for code, area in AREAS.items() if holds(area.cell_indexes, cell, 7)]


def test_parents_by_bits_are_those_of_the_h3_library() -> None:
    for lat, lon in [*SEATS.values(), (-33.4, -70.6), (71.2, 179.9)]:
        for finer in (8, 15):
            cell = h3.latlng_to_cell(lat, lon, finer)
            for resolution in range(finer):
                expected = index_of(h3.cell_to_parent(cell, resolution))
                assert parent(index_of(cell), resolution) == expected


def test_each_seat_of_government_lies_in_its_own_prefecture_and_no_other() -> None:
    assert set(SEATS) == set(AREAS)
    for code, position in SEATS.items():
        assert where(*position) == [code]


def test_the_prefectures_are_disjoint_and_cover_what_yunnan_covers() -> None:
    cells = [c for area in AREAS.values() for c in uncompacted(area)]
    assert len(cells) == len(set(cells))
    square_km = sum(h3.cell_area(c, unit="km^2") for c in cells)
    assert 383_000 < square_km < 395_000  # published: 38.3 (land survey) to 39.41 万平方公里
    dali = sum(h3.cell_area(c, unit="km^2") for c in uncompacted(AREAS["532900"]))
    assert abs(dali - 29_459) < 1_200  # the prefecture's published area


def uncompacted(area: AreaSet) -> list[str]:
    return list(h3.uncompact_cells([c.ljust(15, "f") for c in area.cells], area.resolution))


def test_places_outside_the_province_are_in_no_prefecture() -> None:
    for position in [(28.4, 104.9), (22.35, 101.67 + 1.5), (19.7, 96.1), (30.57, 104.06)]:
        assert where(*position) == []


def test_area_files_are_canonical_small_and_read_back() -> None:
    for area in AREAS.values():
        assert len(canonical(area.as_json())) < 50_000
        assert AreaSet.from_json(area.as_json()) == area
        assert AreaSet.from_json({**area.as_json(), "act": "x"}) == area


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("code", "5329"),
        ("name", {"zh": "大理"}),
        ("resolution", 9),
        ("cells", ["8840403ffff"]),
        ("cells", ["8540400", "8440403"]),
        ("cells", "8440403"),
        ("counties", [{"code": "532922"}]),
        ("names", [1]),
        ("set", ""),
    ],
)
def test_a_broken_area_is_refused(field, value) -> None:
    with pytest.raises(Refused) as refused:
        AreaSet.from_json({**AREAS["532900"].as_json(), field: value})
    assert refused.value.refusals[0].code == "evidence.bad_area"


@pytest.mark.parametrize(
    ("text", "prefecture", "county"),
    [
        ("云南昌宁", "530500", "530524"),
        ("云南 昌宁 ", "530500", "530524"),
        ("云南大理州漾濞县", "532900", "532922"),
        ("云南省大理白族自治州漾濞彝族自治县苍山西镇", "532900", "532922"),
        ("云南保山市昌宁县", "530500", "530524"),
        ("云南玉溪市通海县", "530400", "530423"),
        ("云南洱源", "532900", "532930"),
        ("云南江川", "530400", "530403"),
        ("云南江川县", "530400", "530403"),
        ("云南香格里拉", "533400", "533401"),
        ("云南保山", "530500", None),
        ("云南大理", "532900", None),
        ("云南红河", "532500", None),
        ("Changning 保山昌宁", "530500", "530524"),
        ("Yunlong 大理州云龙", "532900", "532929"),
        ("Tonghai 玉溪市通海", "530400", "530423"),
        ("Dali 大理州", "532900", None),
        ("漾濞", "532900", "532922"),
    ],
)
def test_official_names_mean_their_prefecture_and_county(text, prefecture, county) -> None:
    assert NAMES.find(text) == (Place(prefecture, county),)


@pytest.mark.parametrize(
    "text",
    [
        "老挝",
        "缅甸",
        "越南 ",
        "四川长宁",
        "贵州省关岭、贞丰交界",
        "缅甸---印度边境地区",
        "青海果洛州玛多县",
    ],
)
def test_other_provinces_and_countries_are_outside(text) -> None:
    assert NAMES.find(text) == (OUTSIDE,)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "云南",
        "长宁",
        "大理",
        "江城",
        "云龙",
        "26 km NW of Dali, China",
        "云南天府",
        "大理州昌宁",
    ],
)
def test_a_name_that_is_unknown_or_means_two_places_is_not_guessed(text) -> None:
    assert NAMES.find(text) == ()


def test_a_border_text_means_both_sides() -> None:
    assert NAMES.find("云南宁蒗、四川盐源交界") == (Place("530700", "530724"), OUTSIDE)
    assert NAMES.find("云南漾濞、洱源交界") == (
        Place("532900", "532922"),
        Place("532900", "532930"),
    )


def test_every_place_name_of_the_catalogue_is_known() -> None:
    text = shipped.earthquake_file("cenc_catalogue_2015_2021.csv").decode("utf-8")
    places = {row["震中位置"] for row in csv.DictReader(text.splitlines())}
    assert len(places) > 80
    assert [p for p in places if not NAMES.find(p)] == []


def test_provinces_are_the_34_of_gb_t_2260_and_names_need_no_order() -> None:
    assert len(PROVINCES) == 34
    assert PROVINCES["53"] == "云南"
    assert Names.of(reversed(shipped.areas())) == NAMES
