"""Sequences of which every shock is decided: what is decided, skipped, left open."""

from __future__ import annotations

import pytest

from miaopei.errors import Refused
from miaopei.market.listing import Overpaid
from miaopei.measures.instant import HOUR, from_beijing
from miaopei.measures.money import wan
from miaopei.products.shelf import shelf
from tests.support.facts import quake
from tests.support.town import ONE_CARRIER, Town, codes

DALI = shelf().find("yunnan_dali")
IN_DALI = ("25.75", "98.90", "云南云龙")
NEXT_DOOR = ("25.80", "98.80", "云南泸水")
ELSEWHERE = ("25.85", "98.65", "缅甸")
NAMED_ELSEWHERE = ("25.75", "98.90", "缅甸")  # its position says Dali
WHEN = "2021-05-21"


def a_town(**listed) -> Town:
    town = Town().set_up(("532900", *DALI.area["surrounding"]))
    listing = town.list_product(DALI, placement=ONE_CARRIER, **listed)
    town.issue([town.policy(listing, "2021-01-01", "2022-01-01")])
    town.at(f"{WHEN} 21:00:00")
    return town


def told(town: Town, *shocks: tuple[str, str, tuple[str, str, str]]) -> list[int]:
    """Read one after the other, an hour after; what each settlement pays, in 万元."""
    for clock, magnitude, spot in shocks:
        when = f"{WHEN} {clock}"
        town.at(max(town.now + 60, from_beijing(when) + HOUR))
        town.tell(quake(when, magnitude, spot))
        town.work()
    return [s["totals"]["pay_fen"] // wan(1) for s in town.settlements("yunnan_dali")]


def test_a_larger_shock_elsewhere_takes_nothing_from_the_one_at_home() -> None:
    home, away = ("21:21:00", "5.6", IN_DALI), ("21:48:00", "6.9", ELSEWHERE)
    for order in ((home, away), (away, home)):
        town = a_town()
        assert told(town, *order) == [2_000]
        (case,) = (c for c in town.cases("yunnan_dali") if c["state"] == "settled")
        assert case["facts"]["magnitude"]["value"] == 56


def test_a_larger_shock_pays_the_difference_and_lesser_ones_are_not_decided_at_all() -> None:
    town = a_town()
    shocks = [("21:21:00", "5.6"), ("21:48:00", "6.4"), ("21:55:00", "5.0"), ("22:31:00", "5.2")]
    assert told(town, *((at, m, IN_DALI) for at, m in shocks)) == [2_000, 2_000]


def test_a_shock_that_waits_for_its_report_stays_open_beside_what_is_settled() -> None:
    town = a_town()
    assert told(town, ("21:21:00", "5.0", IN_DALI), ("21:48:00", "6.9", NEXT_DOOR)) == [1_120]
    case = town.case("yunnan_dali")
    assert case["state"] == "settled"
    assert [(each["state"], each["reason"]) for each in case["open"]] == [
        ("awaiting_report", "no_report")
    ]
    assert case["until"] == case["open"][0]["until"]


def test_a_shock_held_for_a_person_is_resolved_by_itself() -> None:
    town = a_town()
    shocks = ("21:21:00", "5.0", IN_DALI), ("21:48:00", "6.4", NAMED_ELSEWHERE)
    assert told(town, *shocks) == [1_120]
    case = town.case("yunnan_dali")
    assert [each["state"] for each in case["open"]] == ["held_person"]
    body = {
        "listing": "yunnan_dali", "occurrence": case["occurrence"], "input": "role", "value": 1,
        "reason": "the printed place is wrong", "person": "made up",
    }  # fmt: skip
    assert codes(town.send(town.act("resolve", body))) == []
    town.work()
    assert [s["totals"]["pay_fen"] for s in town.settlements("yunnan_dali")][1] == wan(2_880)
    case = town.case("yunnan_dali")
    assert (case["facts"]["role"]["how"], case.get("open")) == ("person", None)
    assert codes(town.send(town.act("resolve", body, "again"))) == ["act.nothing_held"]


def test_a_listing_that_asks_back_does_not_go_with_it() -> None:
    with pytest.raises(Refused) as refused:
        a_town(overpaid=Overpaid.RECEIVABLE)
    assert refused.value.refusals[0].code == "act.nothing_asked_back"


@pytest.mark.parametrize("steady", [None, [0], [5, 4], [0, 1], ["0", 9]])
def test_a_decision_says_around_which_time_its_book_is_the_same(steady) -> None:
    town = a_town()
    when = f"{WHEN} 21:21:00"
    town.at(from_beijing(when) + HOUR)
    town.tell(quake(when, "5.6", IN_DALI))
    (duty,) = town.table("duty", "decide/")
    act = town.decider._decide(duty.partition("/")[2])
    body = {**act.body, "steady": steady}
    if steady is None:
        del body["steady"]
    assert codes(town.send(town.act("decide", body, "spoilt"))) == ["act.bad_body"]
    assert act.body["steady"] == [from_beijing("2021-01-01"), from_beijing("2022-01-01")]
