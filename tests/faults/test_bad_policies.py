"""Bad days of the book: policies that ended, were cancelled or came late, and limits used up."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from miaopei.claims.claim import ClaimLeaf
from miaopei.market.allocation import CapLine, share_of
from miaopei.market.listing import Overpaid
from miaopei.measures.money import wan
from miaopei.policies.row import Transaction
from miaopei.terms.filing import Revision
from tests.support.facts import quake
from tests.support.products import hills
from tests.support.town import ONE_CARRIER, Town

NIGHT, READ = "2016-05-18 00:48:48", "2016-05-18 01:00:00"
MARCH, MARCH_READ = "2017-03-27 07:55:01", "2017-03-27 08:05:01"


def shake(town: Town, when: str, magnitude: str, read: str) -> None:
    """A shock is recorded and every duty done."""
    town.tell(quake(when, magnitude), at=read)
    town.work()


def last(town: Town, listing: str) -> list[ClaimLeaf]:
    """The claims of the last settlement."""
    return town.claims(town.settlements(listing)[-1]["trigger"])


def a_town(**product: Any) -> tuple[Town, str]:
    town = Town().set_up()
    return town, town.list_product(hills(**product), placement=ONE_CARRIER)


# Who is covered ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("since", "until", "covered"),
    [
        ("2015-05-18", "2016-05-18", 0),  # ended at the stroke of midnight, 49 minutes before
        ("2015-05-18", "2016-05-17", 0),
        ("2015-05-18", "2016-05-19", 1),
        ("2016-05-18", "2017-05-18", 1),
        ("2016-05-19", "2017-05-19", 0),
    ],
)
def test_a_policy_counts_from_its_first_second_to_before_its_last(
    since: str, until: str, covered: int
) -> None:
    town, listing = a_town()
    town.issue([town.policy(listing, since, until)])
    shake(town, NIGHT, "5.6", READ)
    (settlement,) = town.settlements(listing)
    assert settlement["totals"]["in_force"] == covered
    assert town.paid_fen(listing) == wan(300) * covered
    assert town.case(listing)["state"] == "settled"


def test_a_policy_cancelled_the_day_before_is_not_paid() -> None:
    town, listing = a_town()
    gone, stays = town.issue([town.policy(listing), town.policy(listing)])
    town.at("2016-05-17 10:00:00")
    cancel = town.policy(
        listing, "2016-05-17", "2030-01-01", year_from="2015-01-01",
        transaction=Transaction.CANCEL, number=2, policy=gone.policy, premium_fen=0,
    )  # fmt: skip
    town.issue([cancel])
    shake(town, NIGHT, "5.6", READ)
    assert [c.policy for c in last(town, listing)] == [stays.policy]
    assert town.paid_fen(listing) == wan(300)


def test_a_cancelled_policy_that_is_reinstated_is_paid_once() -> None:
    town, listing = a_town()
    (row,) = town.issue([town.policy(listing)])
    for number, (since, what) in enumerate(
        (("2016-02-01", Transaction.CANCEL), ("2016-03-01", Transaction.REINSTATE)), 2
    ):
        town.at(f"{since} 10:00:00")
        town.issue(
            [
                town.policy(
                    listing, since, year_from="2015-01-01", transaction=what,
                    number=number, policy=row.policy, premium_fen=0,
                )
            ]
        )  # fmt: skip
    shake(town, NIGHT, "5.6", READ)
    assert [(c.policy, c.state) for c in last(town, listing)] == [(row.policy, "paid")]


@pytest.mark.parametrize(("arrears", "paid", "state"), [(False, 300, "held"), (True, 600, "paid")])
def test_a_back_dated_policy_issued_after_the_quake_is_held(
    arrears: bool, paid: int, state: str
) -> None:
    """It is in the book when the trigger is made, but was recorded after the shock."""
    town = Town().set_up()
    listing = town.list_product(hills(), placement=ONE_CARRIER, arrears=arrears)
    town.issue([town.policy(listing)])
    town.at("2016-05-18 00:55:00")
    (late,) = town.issue([town.policy(listing, "2016-05-01")])
    shake(town, NIGHT, "5.6", READ)
    first, second = last(town, listing)
    assert (first.state, second.state) == ("paid", state)
    assert (second.policy, second.gross_fen, second.owed_fen) == (late.policy, wan(300), wan(300))
    totals = town.settlements(listing)[0]["totals"]
    assert (totals["in_force"], totals["held"]) == (2, int(state == "held"))
    assert town.paid_fen(listing) == wan(paid)


def test_a_back_dated_policy_issued_after_the_trigger_does_not_count() -> None:
    town, listing = a_town()
    town.issue([town.policy(listing)])
    town.tell(quake(NIGHT, "5.6"), at=READ)
    town.node.submit([town.batch([town.policy(listing, "2016-05-01")])])
    town.work()
    (settlement,) = town.settlements(listing)
    assert settlement["totals"]["in_force"] == 1
    assert town.table("book")[listing]["size"] == 2
    assert town.paid_fen(listing) == wan(300)


def test_a_version_recorded_late_is_held_either_way_and_counts_where_it_changes_nothing() -> None:
    """Fewer or more shares, recorded after the shock for a time before it: the greater is kept."""
    town = Town().set_up()
    listing = town.list_product(hills(units=True), placement=ONE_CARRIER)
    rows = town.issue([town.policy(listing, shares=50) for _ in range(3)])
    town.at("2016-05-18 00:55:00")
    town.issue(
        [
            town.policy(
                listing, "2016-05-01", year_from="2015-01-01", transaction=Transaction.ENDORSE,
                number=2, policy=row.policy, premium_fen=0, shares=shares,
            )
            for row, shares in zip(rows, (40, 60, 50), strict=True)
        ]
    )  # fmt: skip
    shake(town, NIGHT, "5.6", READ)
    fewer, more, same = last(town, listing)
    assert (fewer.state, fewer.pay_fen, fewer.owed_fen) == ("held", 0, 50 * 100_000)
    assert (more.state, more.pay_fen, more.owed_fen) == ("held", 0, 60 * 100_000)
    assert (fewer.position, more.position) == (0, 4)
    assert (same.state, same.pay_fen) == ("paid", 50 * 100_000)


# The yearly limit -------------------------------------------------------------------------------


def test_the_second_event_of_a_year_is_cut_and_the_third_gets_nothing() -> None:
    """600 of 1,200 (in 万元), then 1,000 cut to 600, then nothing; the next year is full again."""
    town, listing = a_town()
    town.issue([town.policy(listing, "2016-01-01")])
    shake(town, NIGHT, "6.2", READ)
    shake(town, "2016-07-01 12:00:00", "6.6", "2016-07-01 12:10:00")
    shake(town, "2016-12-31 23:59:59", "6.6", "2017-01-01 00:10:00")
    shake(town, "2017-01-10 00:00:00", "6.6", "2017-01-10 00:10:00")
    found = [town.claims(s["trigger"])[0] for s in town.settlements(listing)]
    seen = [(c.state, c.spent_fen, c.gross_fen, c.pay_fen) for c in found]
    assert seen == [
        ("paid", 0, wan(600), wan(600)),
        ("cut", wan(600), wan(1_000), wan(600)),
        ("exhausted", wan(1_200), wan(1_000), 0),
        ("paid", 0, wan(1_000), wan(1_000)),
    ]


def test_the_year_is_that_of_the_shock_not_of_the_settlement() -> None:
    """Recorded in January, happened in December: it is taken from the year that ended."""
    town, listing = a_town()
    town.issue([town.policy(listing, "2016-01-01")])
    shake(town, "2017-01-05 00:00:00", "6.6", "2017-01-05 00:10:00")
    shake(town, "2016-12-20 00:00:00", "6.6", "2017-01-06 00:10:00")
    first, second = (town.claims(s["trigger"])[0] for s in town.settlements(listing))
    assert (first.spent_fen, second.spent_fen) == (0, 0)
    assert (first.pay_fen, second.pay_fen) == (wan(1_000), wan(1_000))


def test_two_occurrences_ready_at_once_stand_in_line_under_one_limit() -> None:
    """One is open at a time, in the order in which they became ready; the second sees the first."""
    town, listing = a_town()
    town.issue([town.policy(listing, "2016-01-01")])
    early = quake("2016-04-01 00:00:00", "6.6")
    town.tell(quake(NIGHT, "6.6"), early, at=READ)
    states = [c["state"] for c in town.cases(listing)]
    assert sorted(states) == ["deciding", "ready"]
    book = town.table("book")[listing]
    assert book["open"] in town.table("trigger")
    assert len(town.table("line", f"{listing}/")) == 1
    assert len(town.table("duty", "decide/")) == 1
    town.work()
    found = [town.claims(s["trigger"])[0] for s in town.settlements(listing)]
    assert [(c.state, c.spent_fen, c.pay_fen) for c in found] == [
        ("paid", 0, wan(1_000)),
        ("cut", wan(1_000), wan(200)),
    ]
    assert [s["counter"] for s in town.settlements(listing)] == [0, 1]
    assert town.table("line", f"{listing}/") == {}


def test_a_larger_shock_under_a_used_up_limit_pays_what_is_left_of_it() -> None:
    """First 600, elsewhere 300, then the first sequence rises to 1,000: 900 are left for it."""
    town, listing = a_town()
    town.issue([town.policy(listing, "2016-01-01")])
    shake(town, NIGHT, "6.2", READ)
    shake(town, "2016-05-30 00:00:00", "5.6", "2016-05-30 00:10:00")
    shake(town, "2016-05-18 20:00:00", "6.6", "2016-05-30 01:10:00")
    claim = last(town, listing)[0]
    assert (claim.gross_fen, claim.spent_fen, claim.owed_fen) == (wan(1_000), wan(300), wan(900))
    assert (claim.settled_fen, claim.pay_fen, claim.state) == (wan(600), wan(300), "cut")


def test_a_held_claim_keeps_its_greatest_amount_reserved_once() -> None:
    """Held at 300, then revised and held at 600: 600 are reserved for it, not 900."""
    town, listing = a_town(revision=Revision.REVISION_COUNTS)
    town.at("2016-05-18 00:55:00")
    town.issue([town.policy(listing, "2016-01-01")])
    for revision, raw in enumerate(("5.6", "6.2")):
        town.tell(quake(NIGHT, raw, key="r", revision=revision), at=f"2016-05-18 01:0{revision}:00")
        town.work()
        assert [(c.state, c.pay_fen) for c in last(town, listing)] == [("held", 0)]
    shake(town, "2016-07-01 20:00:00", "6.6", "2016-07-01 20:10:00")
    claim = last(town, listing)[0]
    assert (claim.spent_fen, claim.pay_fen, claim.state) == (wan(600), wan(600), "cut")


# The cap of an occurrence -----------------------------------------------------------------------


def test_a_cap_is_divided_to_the_last_fen_and_each_share_is_checked_alone() -> None:
    """Seven policies share 10 万元 and 3 fen by their shares, by largest remainder."""
    cap = wan(10) + 3
    town = Town().set_up()
    product = hills(units=True)
    listing = town.list_product(product, placement=ONE_CARRIER, cap_fen=cap)
    shares = [1, 2, 3, 5, 8, 13, 21]
    town.issue([town.policy(listing, shares=100 if n == 21 else n) for n in shares])
    shake(town, NIGHT, "5.6", READ)
    claims = last(town, listing)
    totals = town.settlements(listing)[0]["totals"]
    line = CapLine.from_json(totals["cap"])
    assert (line.total_fen, line.payable_fen) == (132 * 100_000, cap)
    assert sum(c.pay_fen for c in claims) == totals["pay_fen"] == cap
    for index, claim in enumerate(claims):
        assert claim.owed_fen == share_of(claim.terms_fen, index, line)
        exact = claim.terms_fen * cap
        assert abs(claim.owed_fen * line.total_fen - exact) < line.total_fen
    assert {c.state for c in claims} == {"cut"}


def test_a_cap_above_the_total_cuts_nothing() -> None:
    town = Town().set_up()
    listing = town.list_product(hills(), placement=ONE_CARRIER, cap_fen=wan(600))
    town.issue([town.policy(listing) for _ in range(2)])
    shake(town, NIGHT, "5.6", READ)
    assert {c.state for c in last(town, listing)} == {"paid"}
    assert town.paid_fen(listing) == wan(600)


@pytest.mark.parametrize("overpaid", list(Overpaid))
def test_a_revision_under_a_cap_never_pays_more_than_the_cap(overpaid: Overpaid) -> None:
    """Up, down and up again: what was settled above its new amount is taken from the cap first."""
    cap = wan(500)
    town = Town().set_up()
    product = hills(revision=Revision.REVISION_COUNTS)
    listing = town.list_product(product, placement=ONE_CARRIER, cap_fen=cap, overpaid=overpaid)
    town.issue([town.policy(listing) for _ in range(3)])
    paid = back = 0
    for revision, raw in enumerate(("5.2", "6.2", "5.0", "6.6")):
        town.tell(quake(NIGHT, raw, key="r", revision=revision), at=f"2016-05-18 01:0{revision}:00")
        town.work()
        totals = town.settlements(listing)[-1]["totals"]
        paid += totals["pay_fen"]
        back = totals["receivable_fen"]
        assert paid - back <= cap
        assert paid <= cap
    town.balance()


# Overflow --------------------------------------------------------------------------------------


def test_terms_that_might_leave_64_bits_are_refused_when_filed_and_cannot_be_listed() -> None:
    town, product = Town().set_up(), hills(units=True).as_json()
    wide = json.loads(
        re.sub(r'("high": ?)100(?=[,}])', r"\g<1>9000000000000000", json.dumps(product))
    )
    assert wide != product
    result = town.send(town.act("file_product", {"product": wide}))
    assert "terms.overflow" in {refusal.code for refusal in result.refusals}
    assert town.table("product") == {}


def test_a_figure_beyond_the_proof_is_refused_at_issue_with_the_policy_named() -> None:
    town, listing = a_town(units=True)
    good, wide = town.policy(listing, shares=100), town.policy(listing, shares=101)
    town.send(town.batch([good, wide]))
    town.decider.run()
    ((refusal,),) = town.decider.refusals().values()
    assert refusal["code"] == "policies.declared_out_of_range"
    facts = {"policy": wide.policy, "name": "shares", "value": 101, "low": 1, "high": 100}
    assert refusal["facts"] == facts
    assert town.table("book")[listing]["size"] == 0
