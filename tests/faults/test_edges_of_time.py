"""To the second, as the general conditions say it: deadlines, policy years from 29 February, terms.

And a report revised down after it was paid: what is owed, kept or asked back, and who verifies it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from miaopei.accounts.chart import Account
from miaopei.claims.claim import ClaimLeaf
from miaopei.claims.verify import verify
from miaopei.market.listing import Overpaid
from miaopei.measures.instant import DAY, HOUR, from_beijing
from miaopei.measures.money import wan
from miaopei.node import gateway
from miaopei.node.proof.receipts import Collector
from miaopei.products.yunnan_dali import PRODUCT
from tests.faults.test_bad_reports import (
    AREAS,
    DALI,
    DAYS,
    PRINTED,
    READ,
    SHOCK,
    TOTAL,
    a_town,
    share,
    states,
)
from tests.support.facts import CHANGNING, catalogue, deaths, losses, quake
from tests.support.town import Town, good

CLOSES = from_beijing(SHOCK) + 180 * DAY


def together(town: Town, row: gateway.Row, at: int) -> None:
    """The deadline and a row in one block, as where both fall into one second."""
    tick = town.act("time", {"time": at}, f"time-{at}")
    good(town.node.submit([tick, *gateway.acts_of(town.node, [row], at)]))
    town.work()


def apart(town: Town, row: gateway.Row, at: int) -> None:
    """The deadline in a block of its own, the row in the next block of the same second."""
    town.at(at)
    good(town.tell(row))
    town.work()


# deadlines --------------------------------------------------------------------------------------
@pytest.mark.parametrize("arrive", [together, apart])
@pytest.mark.parametrize("late", [-1, 0, 1])
def test_a_report_around_the_second_in_which_the_case_closes_is_paid(
    arrive: Any, late: int
) -> None:
    """In time, or what it opens again: the amount is the same."""
    town, listing = a_town()
    report = losses(DAYS, {DALI: 44_800}, TOTAL)
    if late == 1:
        town.at(CLOSES)
        assert states(town, listing) == ("closed", "no_assessed_loss_reported")
    arrive(town, report, CLOSES + late)
    assert states(town, listing)[0] == "settled"
    assert town.paid_fen(listing) == PRINTED


@pytest.mark.parametrize(
    ("arrive", "late", "counts"),
    [(together, -1, 60), (apart, -1, 60), (together, 0, 60), (apart, 0, 55), (together, 1, 55)],
)
def test_in_the_second_of_the_deadline_a_rapid_report_counts_until_the_catalogue_has(
    arrive: Any, late: int, counts: int
) -> None:
    town = Town().set_up(AREAS)
    listing = town.list_product(PRODUCT)
    town.issue([town.policy(listing, "2015-08-20", "2022-08-20")])
    good(town.tell(catalogue(SHOCK, "5.5"), at=READ))
    deadline = from_beijing(SHOCK) + 12 * HOUR
    if late == 1:
        town.at(deadline)
    arrive(town, quake(SHOCK, "6.0"), deadline + late)
    assert states(town, listing)[0] == "settled"
    assert town.case(listing)["facts"]["magnitude"]["value"] == counts


# 29 February ------------------------------------------------------------------------------------
def of_a_leap_day(until: str = "2022-08-20") -> tuple[Town, str]:
    """A policy from 29 February 2016; version 1 of the terms is in force until 2018-08-20."""
    town = Town().set_up(AREAS)
    listing = town.list_product(PRODUCT)
    town.issue([town.policy(listing, "2016-02-29", until)])
    return town, listing


def dead(town: Town, listing: str, *moments: str) -> list[ClaimLeaf]:
    """Claims of the death cover: 500 people of 8,000 万元 a policy year at each moment."""
    for moment in moments:
        town.at(moment)
        good(town.tell(quake(moment, "5.4", CHANGNING, key=moment)))
        good(town.tell(deaths(moment[:10], 500), at=f"{moment[:10]} 23:59:59"))
        town.work()
    return [claim for s in town.settlements(listing) for claim in town.claims(s["trigger"])]


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("2017-02-20 10:00:00", "2017-02-27 23:59:59", True),
        ("2017-02-20 10:00:00", "2017-02-28 00:00:00", False),
        ("2017-02-28 00:00:00", "2018-02-27 23:59:59", True),
        ("2020-02-20 10:00:00", "2020-02-28 23:59:59", True),  # a leap year
        ("2020-02-20 10:00:00", "2020-02-29 00:00:00", False),
        ("2019-02-28 00:00:00", "2020-02-28 23:59:59", True),  # 366 days
    ],
)
def test_a_policy_year_from_29_february_turns_on_the_28th_where_there_is_none(
    first: str, second: str, *, same: bool
) -> None:
    """Two events of one policy year share its limit."""
    found = dead(*of_a_leap_day(), first, second)
    left = (wan(5_000), wan(3_000)) if same else (0, wan(5_000))
    assert [(c.spent_fen, c.pay_fen) for c in found] == [(0, wan(5_000)), left]


@pytest.mark.parametrize(
    ("moment", "paid"),
    [
        ("2016-02-28 23:59:59", False),
        ("2016-02-29 00:00:00", True),
        ("2020-02-28 23:59:59", True),
        ("2020-02-29 00:00:00", False),
    ],
)
def test_a_policy_from_29_february_to_29_february_covers_its_first_second_and_not_its_last(
    moment: str, *, paid: bool
) -> None:
    town, listing = of_a_leap_day("2020-02-29")
    town.at(moment)
    good(town.tell(quake(moment, "6.0")))
    town.work()
    assert (town.paid_fen(listing) > 0) is paid


# a report that is revised down ------------------------------------------------------------------
def receipt_holds(town: Town, listing: str) -> bool:
    """Whether the receipt of the last revision verifies: the amounts worked out once more."""
    last = town.settlements(listing)[-1]
    (claim,) = town.claims(last["trigger"])
    with town.node.reading() as (reading, _):
        collector = Collector(reading, town.me)
        ask = collector.payout if claim.pay_fen else collector.policy_refusal
        receipt = ask(last["id"], claim.policy).signed(town.me.acts.sign)
    return verify(receipt.to_bytes(), receipt.vkey).holds


def revised(town: Town, listing: str, part: int, version: int) -> ClaimLeaf:
    """The claim of the revision that a version of the report makes."""
    good(town.tell(losses(DAYS, {DALI: part}, TOTAL, version=version), at=town.now + DAY))
    town.work()
    claim = town.claims(town.settlements(listing)[-1]["trigger"])[-1]
    assert receipt_holds(town, listing)
    return claim


def test_what_is_asked_back_is_the_difference_and_no_payout_is_below_zero() -> None:
    """Where the listing asks back: an open sum is replaced, never added to."""
    grouping = {k: v for k, v in PRODUCT.grouping.items() if k != "decides"}
    town = Town().set_up(AREAS)
    listing = town.list_product(replace(PRODUCT, grouping=grouping), overpaid=Overpaid.RECEIVABLE)
    town.issue([town.policy(listing, "2015-08-20", "2022-08-20")])
    good(town.tell(quake(SHOCK, "5.1", CHANGNING), at=READ))
    paid = 0
    for version, part in enumerate((44_800, 30_000, 0, 44_800, 60_000), 1):
        claim = revised(town, listing, part, version)
        owed = share(part)
        assert (claim.owed_fen, claim.settled_fen) == (owed, paid)
        assert claim.pay_fen == max(0, owed - paid)
        paid += claim.pay_fen
        open_fen = sum(sum(due.values()) for due in town.table("receivable").values())
        assert open_fen == max(0, paid - owed)
        assert town.balance().total(Account.RECEIVABLE_FROM_OVERPAID) == open_fen
    assert paid == share(60_000)


def test_where_nothing_is_taken_back_the_greatest_version_is_what_was_paid() -> None:
    town, listing = a_town()
    paid = 0
    for version, part in enumerate((44_800, 30_000, 0, 44_800, 60_000), 1):
        claim = revised(town, listing, part, version)
        assert claim.pay_fen == max(0, share(part) - paid)
        paid += claim.pay_fen
        assert town.table("receivable") == {}
    assert paid == share(60_000) == town.paid_fen(listing)


# one version, two figures -----------------------------------------------------------------------
def test_two_figures_told_at_once_are_held_and_a_person_decides() -> None:
    town, listing = a_town()
    rows = [losses(DAYS, {DALI: part}, TOTAL) for part in (44_800, 60_000)]
    good(town.tell(*rows, at=town.now + DAY))
    town.work()
    assert states(town, listing) == ("held_conflict", "version_disagrees")
    assert decided(town, listing, 44_800)
    assert town.paid_fen(listing) == PRINTED


def test_a_second_figure_after_settlement_moves_nothing_until_a_person_decides() -> None:
    town, listing = a_town()
    assert revised(town, listing, 44_800, 1).pay_fen == PRINTED
    good(town.tell(losses(DAYS, {DALI: 60_000}, TOTAL), at=town.now + DAY))
    town.work()
    assert town.paid_fen(listing) == PRINTED
    (part,) = town.case(listing)["open"]
    assert (part["state"], part["reason"]) == ("held_conflict", "version_disagrees")
    assert sorted(side["value"] for side in part["facts"]["held"]["values"]) == [44_800, 60_000]
    assert decided(town, listing, 60_000)
    assert town.paid_fen(listing) == share(60_000)
    assert receipt_holds(town, listing)


def decided(town: Town, listing: str, value: int) -> bool:
    """A person says which loss counts."""
    body = {"listing": listing, "occurrence": town.case(listing)["occurrence"]}
    body |= {"input": "loss_area", "value": value, "reason": "the printed copy", "person": "Wang"}
    told = town.send(town.act("resolve", body))
    town.work()
    return told.ok
