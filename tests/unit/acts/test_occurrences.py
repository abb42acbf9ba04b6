"""Grouping on the record: what a new fact may change, and what it leaves alone."""

from __future__ import annotations

from tests.support.facts import BEIJING_CITY, catalogue, quake
from tests.support.products import GROUPING, hills
from tests.support.town import Town, good

SANYA = ("18.25", "109.50", "海南三亚")


def waiting() -> tuple[Town, str]:
    """A town in which nothing settles: its product asks a source that is silent."""
    town = Town().set_up()
    listing = town.list_product(hills(sources=("third.rapid",)))
    town.at("2016-02-01")
    return town, listing


def states(town: Town, listing: str) -> list[tuple[str, str]]:
    return [(case["state"], case["reason"]) for case in town.cases(listing)]


def test_sequences_far_away_are_not_even_looked_at() -> None:
    """Three thousand kilometres and two days apart: neither knows of the other."""
    town, listing = waiting()
    good(town.tell(quake("2016-01-10 00:00:00", "5.2", BEIJING_CITY)))
    before = town.table("occurrence")
    good(town.tell(quake("2016-01-12 00:00:00", "5.6", SANYA)))
    after = town.table("occurrence")
    assert before.items() < after.items()
    assert len(town.cases(listing)) == 2


def test_a_chain_of_sequences_is_moved_whole_when_an_earlier_shock_comes_late() -> None:
    """Each sequence decides where the next begins: 0 h, 60 h, 120 h, 180 h, read backwards."""
    town, listing = waiting()
    times = ["2016-01-17 12:00", "2016-01-15 00:00", "2016-01-12 12:00", "2016-01-10 00:00"]
    for when in times:
        good(town.tell(catalogue(f"{when}:00", "5.2")))
    found = sorted(town.table("occurrence").values(), key=lambda o: str(o["origin"]))
    assert [len(o["shocks"]) for o in found] == [2, 2]
    live = [s for s in states(town, listing) if s[1] != "part_of_an_earlier_sequence"]
    assert live == [("awaiting_rapid_report", "no_rapid_report")] * 2
    other, _ = waiting()
    good(other.tell(*(catalogue(f"{when}:00", "5.2") for when in times)))
    assert [len(o["shocks"]) for o in other.table("occurrence").values()] == [2, 2]


def test_an_epicentre_that_is_corrected_takes_its_shock_along() -> None:
    """First placed near the sequence, then found to be in Beijing: it leaves the sequence."""
    town, _ = waiting()
    good(town.tell(quake("2016-01-10 00:00:00", "5.2")))
    good(town.tell(quake("2016-01-11 00:00:00", "5.1", key="moved")))
    assert [len(o["shocks"]) for o in town.table("occurrence").values()] == [2]
    moved = quake("2016-01-11 00:00:00", "5.1", BEIJING_CITY, key="moved", revision=1)
    good(town.tell(moved))
    assert sorted(len(o["shocks"]) for o in town.table("occurrence").values()) == [1, 1]


def test_two_listings_of_one_rule_share_their_occurrences() -> None:
    town, listing = waiting()
    second = town.list_product(hills("valleys", sources=("third.rapid",)))
    good(town.tell(quake("2016-01-10 00:00:00", "5.2")))
    assert town.case(listing)["occurrence"] == town.case(second)["occurrence"]
    assert len(town.table("occurrence")) == 1
    assert list(town.table("rule").values()) == [GROUPING, GROUPING]
