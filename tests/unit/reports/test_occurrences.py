"""Scenes of both shapes of cover: sequences of shocks, and readings of one event."""

from __future__ import annotations

from miaopei.evidence.observation import Observation
from miaopei.measures.instant import HOUR, from_beijing
from miaopei.node.gateway import Row
from miaopei.products.shelf import shelf
from miaopei.reports.occurrences import Scene, Scenes, place_of
from tests.support.facts import quake, row
from tests.support.products import hills
from tests.support.town import ONE_CARRIER, Town, good

PLANNED = from_beijing("2021-07-01 18:00")


def town_with(product: str) -> Town:
    """A town with the grid as a source too, and one listing."""
    town = Town().set_up()
    key = {"key": town.me.acts.public_key().public_bytes_raw().hex(), "since": 0, "until": None}
    good(town.node.submit([
        town.act("register_source", {
            "id": source, "operator": source, "name": {"zh": source, "en": source},
            "kinds": ["reading"], "counted": True, "keys": [key], "box": None,
        })
        for source in ("grid.command", "grid.meter")
    ]))  # fmt: skip
    filed = hills() if product == "hills" else shelf().find(product)
    town.list_product(filed, placement=ONE_CARRIER)
    return town


def reading(name: str, value: int) -> Row:
    values = {"at": PLANNED, "name": name, "value": value, "unit": "minute", "published_at": None}
    return row(Observation("reading", "grid.command", "outage-7", 0, "final", values))


def scene(town: Town) -> Scene:
    """The only case's scene."""
    with town.state() as state:
        (case,) = (value for _, value in state.range("case", ""))
        found = Scenes(state, town.now).of(case)
        assert found is not None
        assert place_of(found, case) == (None if found.magnitude is None else 1)
    return found


def test_the_scene_of_an_outage_is_its_founding_reading() -> None:
    town = town_with("power_restoration")
    told = [reading("planned_restoration", PLANNED // 60), reading("outage_cause", 2)]
    assert town.tell(*told, at=PLANNED + HOUR)[0].refusals == ()
    seen = scene(town)
    assert seen.magnitude is None
    assert seen.main in [r.observation.values for r in told]
    assert seen.measured("value") == PLANNED // 60  # its readings are among the facts it looks at


def test_the_scene_of_a_quake_is_its_main_shock() -> None:
    town = town_with("hills")
    night = "2016-05-18 00:48:48"
    town.tell(quake(night, "5.0"), at="2016-05-18 01:00:00")
    seen = scene(town)
    assert (seen.tenths, seen.main["origin"]) == (50, from_beijing(night))
