"""Where the epicentre lies: by name and by position, the six named events, and what is held."""

from __future__ import annotations

import pytest

from miaopei.evidence.findings import Found, Held, Waiting
from tests.unit.evidence.facts import DALI, YUXI, ask, on_file, shock

ROLE = "shock.role"
SIX = [  # the catalogue's rows; roles as the paper paid them (0 outside, 1 own, 2 surrounding)
    ("2015-10-30 19:26:39", "5.0", "25.04", "99.44", "云南昌宁", 2, 0),
    ("2016-05-18 00:48:48", "5.1", "26.08", "99.58", "云南洱源", 1, 0),
    ("2017-03-27 07:55:01", "5.1", "25.89", "99.8", "云南漾濞", 1, 0),
    ("2018-08-13 01:44:24", "5.1", "24.18", "102.72", "云南通海", 0, 1),
    ("2018-09-08 10:31:29", "5.9", "23.26", "101.53", "云南墨江", 2, 2),
    ("2021-05-21 21:48:35", "6.5", "25.7", "99.88", "云南漾濞", 1, 0),
]


@pytest.mark.parametrize(("time", "size", "lat", "lon", "name", "dali", "yuxi"), SIX)
def test_the_six_named_events_have_their_roles(time, size, lat, lon, name, dali, yuxi) -> None:
    facts = on_file(shock(time, size, lat, lon, name=name))
    for area, role in ((DALI, dali), (YUXI, yuxi)):
        found = ask(facts, ROLE, "2022-01-01", area=area)
        assert isinstance(found, Found)
        assert (found.value, found.how) == (role, "name_and_position")
        assert found.because == (facts[0].observation.id,)


def held(name: str, lat: str, lon: str, **given) -> Found | Held:
    facts = on_file(shock("2012-12-30 06:51:23", "5.1", lat, lon, name=name))
    found = ask(facts, ROLE, "2013-06-01", **given)
    assert isinstance(found, Found | Held)
    return found


def test_weishan_2012_is_held_for_a_person() -> None:
    """The catalogue's 2012-12-30 row (ML 3.2) with an invented Ms 5.1: named Weishan (Dali), the
    point lies elsewhere.
    """
    found = held("云南巍山", "25.12", "99.97")
    assert isinstance(found, Held)
    assert (found.state, found.reason, found.owner) == ("held_person", "roles_differ", "operator")
    assert (found.facts["by_name"], found.facts["by_position"]) == (1, 2)


def test_a_person_may_resolve_it_and_is_named() -> None:
    told = {"shock_role": {"value": 1, "person": "李某", "reason": "现场核定", "act": "ab"}}
    found = held("云南巍山", "25.12", "99.97", resolutions=told)
    assert isinstance(found, Found)
    assert (found.value, found.how, found.detail["person"]) == (1, "person", "李某")
    assert found.detail["instant"]


def test_an_unknown_name_is_outside_only_where_the_position_is() -> None:
    far = held("Somewhere", "28.20", "104.90")
    assert isinstance(far, Found)
    assert (far.value, far.how) == (0, "position_name_unknown")
    near = held("大理附近", "25.70", "99.88")
    assert isinstance(near, Held)
    assert near.reason == "place_name_unknown"


def test_a_foreign_name_with_a_point_inside_is_held() -> None:
    found = held("缅甸", "25.70", "99.88")
    assert isinstance(found, Held)
    assert found.reason == "roles_differ"


def test_a_border_name_with_two_roles_is_unknown() -> None:
    found = held("云南漾濞、四川盐源交界", "25.70", "99.88")
    assert isinstance(found, Held)
    assert found.reason == "place_name_unknown"


def test_cells_that_are_not_on_file_never_mean_outside() -> None:
    found = held("云南漾濞", "25.70", "99.88", area={**DALI, "cells": "another-set"})
    assert isinstance(found, Held)
    assert found.reason == "area_not_filed"


def test_the_role_waits_where_the_magnitude_waits() -> None:
    facts = on_file(shock("2021-05-21 21:48:35", "6.5"))
    found = ask(facts, ROLE, facts[0].observation.instant + 7 * 3600)
    assert isinstance(found, Waiting)
    assert found.state == "awaiting_rapid_report"


def test_the_role_follows_the_observation_that_the_magnitude_used() -> None:
    rapid = shock(
        "2018-08-13 01:44:00",
        "5.0",
        "24.19",
        "102.71",
        source="cenc.rapid",
        kind="M",
        name="云南玉溪市通海县",
    )
    final = shock("2018-08-13 01:44:24", "5.1", "24.18", "102.72", name="云南华宁")
    facts = on_file(rapid, final)
    magnitude = ask(facts, "shock.magnitude", "2018-08-20")
    assert isinstance(magnitude, Found)
    found = ask(facts, ROLE, "2018-08-20", area=YUXI, known={"magnitude": magnitude})
    assert isinstance(found, Found)
    assert (found.value, found.because) == (1, (rapid.id,))
    assert found.detail["place"] == "云南玉溪市通海县"
    alone = ask(facts, ROLE, "2018-08-20", area=YUXI)
    assert isinstance(alone, Found)
    assert alone.because == found.because
