"""Reinstating what payouts have used of a yearly limit: by the terms, and by the record."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import pytest

from miaopei.errors import Refused
from miaopei.measures.instant import from_beijing
from miaopei.measures.money import yuan
from miaopei.node.selling.asking import Desk
from miaopei.policies.book import effective
from miaopei.products import planned_outage_plus
from miaopei.terms.exact import settle
from tests.support.grid import COMMAND, METERS, back, plan, token
from tests.support.selling import Market
from tests.support.town import good

YEAR = yuan(200_000)
CUSTOMER = "3302810000001"
OUTAGE = {"off": "2026-05-01 08:00:00", "on": "2026-05-01 18:00:00"}
LATE = "2026-05-01 19:30:00"  # ninety minutes: two started hours at 50 yuan
PAID = 10_000


@pytest.mark.parametrize(
    ("spent", "reinstated", "due"),
    [
        (0, 0, yuan(100)),
        (YEAR, 0, 0),
        (YEAR - yuan(30), 0, yuan(30)),
        (YEAR, yuan(60), yuan(60)),
        (YEAR + yuan(60), yuan(60), 0),
        (YEAR + yuan(50), yuan(60), yuan(10)),
        (2 * YEAR, YEAR, 0),
        (0, YEAR, yuan(100)),
    ],
)
def test_the_limit_left_is_the_yearly_one_and_what_was_reinstated_less_what_was_spent(
    spent: int, reinstated: int, due: int
) -> None:
    (version,) = planned_outage_plus.PRODUCT.versions
    observed = {"in_scope": 1, "planned_restoration": 30_000_000, "outage_cause": 1}
    observed["actual_restoration"] = 30_000_000 + 90
    declared = {"deductible": 0, "occurrence_limit": yuan(5_000), "reinstated": reinstated}
    assert settle(version.terms, "delay", observed, declared, {"delay": spent}).amount_fen == due


@pytest.fixture(name="market")
def a_market() -> Market:
    """A market that sells the cover which can be reinstated, and hears both grid systems."""
    shipped = files("miaopei") / "data" / "offers" / "planned_outage_plus.json"
    changes = json.loads(shipped.read_bytes())["changes"]
    assert (changes["reinstate"], changes["reinstate_of_fen"]) == ("reinstated", YEAR)
    market = Market(product=planned_outage_plus.PRODUCT, changes=changes)
    market.desk = Desk(market.town.node, lambda number: [token(number)])
    key = {"key": market.town.me.acts.public_key().public_bytes_raw().hex(), "since": 0}
    for name in (COMMAND, METERS):
        body = {"id": name, "operator": f"{name}.centre", "name": {"zh": name, "en": name}}
        body |= {"kinds": ["outage", "restoration"], "counted": True, "box": None}
        body["keys"] = [{**key, "until": None}]
        good([market.town.send(market.town.act("register_source", body, name))])
    return market


def a_late_outage(market: Market) -> Any:
    """An insured customer is paid for a late restoration."""
    held = market.insure(CUSTOMER)
    assert held["state"] == "in_force"
    town = market.town
    good(town.tell(plan(town, [CUSTOMER], published="2026-04-28 09:00:00", **OUTAGE),
                   at="2026-04-28 10:00:00"))  # fmt: skip
    said = [back(town, {CUSTOMER: LATE}, off=OUTAGE["off"], source=s) for s in (COMMAND, METERS)]
    good(town.tell(*said, at="2026-05-01 20:00:00"))
    market.work()
    assert market.returned() == {f"H-{CUSTOMER}": PAID}
    return held


def test_a_payout_is_reinstated_for_a_premium_and_counts_once_it_is_paid(market: Market) -> None:
    """100 of 200,000 yuan for the year's 120: 6 fen, whatever time is left."""
    held = a_late_outage(market)
    asked = market.change(held["policy"], "reinstate", "2026-05-20", {"reinstated": PAID})
    assert (asked["state"], asked["premium_fen"]) == ("accepted", 6)
    market.pay(asked)
    market.work()
    with market.town.node.reading() as (reading, state):
        size = state.need("book", market.listing)["size"]
        rows = reading.rows(market.listing, size)
    found = [
        effective(rows, from_beijing(day), size)[0].chosen.row.declared["reinstated"]
        for day in ("2026-05-19", "2026-05-20", "2027-03-31")
    ]
    assert found == [0, PAID, PAID]


@pytest.mark.parametrize("again_from", ["2026-06-01", "2026-05-15"])
def test_no_more_is_reinstated_than_was_paid_and_not_twice(market: Market, again_from: str) -> None:
    """Neither after the first reinstatement nor from an instant before it."""
    held = a_late_outage(market)
    asked = market.change(held["policy"], "reinstate", "2026-05-20", {"reinstated": PAID + 1})
    assert (asked["state"], asked["reasons"][0]["code"]) == (
        *("refused", "underwriting.reinstates_too_much"),
    )
    first = market.change(held["policy"], "reinstate", "2026-05-20", {"reinstated": PAID}, key="2")
    market.pay(first)
    market.work()
    again = market.change(held["policy"], "reinstate", again_from, {"reinstated": 1})
    assert (again["state"], again["reasons"][0]["code"]) == (
        *("refused", "underwriting.reinstates_too_much"),
    )


def test_a_renewal_begins_with_nothing_reinstated(market: Market) -> None:
    held = a_late_outage(market)
    asked = market.change(held["policy"], "reinstate", "2026-05-20", {"reinstated": PAID})
    market.pay(asked)
    market.work()
    market.town.at("2027-03-01")
    renewed = market.change(held["policy"], "renew", "2027-04-01")
    assert renewed["premium_fen"] == yuan(120)
    market.pay(renewed)
    market.work()
    assert renewed["rows"][-1]["declared"]["reinstated"] == 0
    with pytest.raises(Refused):
        market.change(held["policy"], "endorse", "2026-06-01", {"reinstated": 5})
