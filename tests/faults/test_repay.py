"""Money that was paid too much comes back: accounts, settled amounts and later revisions agree."""

from __future__ import annotations

from typing import Any

import pytest

from miaopei.accounts.chart import Account
from miaopei.market.listing import Overpaid
from miaopei.measures.money import wan
from miaopei.node.effects.decider import Decider
from miaopei.terms.filing import Revision
from tests.faults.test_law_of_amounts import NIGHT, READ, claims_of
from tests.support.facts import quake
from tests.support.products import hills
from tests.support.rails import PaperBank
from tests.support.town import CARRIERS, ONE_CARRIER, Town, codes

LEAD = CARRIERS[0]


def overpaid() -> tuple[Town, str, dict[str, Any]]:
    """6.2 pays 600 万元, revised to 5.6 it owes 300: 300 are asked back; the act that repays it."""
    town = Town(rail=PaperBank()).set_up()
    product = hills(revision=Revision.REVISION_COUNTS)
    given = {"placement": ONE_CARRIER, "overpaid": Overpaid.RECEIVABLE}
    listing = town.list_product(product, **given)
    (row,) = town.issue([town.policy(listing)])
    town.accounts({f"carrier/{LEAD}": "C"})
    tell(town, "6.2", 0, READ)
    tell(town, "5.6", 1, "2016-05-18 02:00:00")
    case = town.case(listing)
    due = town.table("receivable")[f"{listing}/{case['occurrence']}/house"]
    assert due == {LEAD: claims_of(town, listing)[0].pay_fen - wan(300)}
    part = {"carrier": LEAD, "repaid_fen": due[LEAD]}
    body = {name: case[name] for name in ("listing", "occurrence", "benefit")}
    return town, listing, {
        **body, "policy": row.policy, "year": 2015, "carriers": [part], "reference": "B-1",
    }  # fmt: skip


def tell(town: Town, magnitude: str, revision: int, at: str) -> None:
    """One revision of the shock's report, and every duty done."""
    town.tell(quake(NIGHT, magnitude, key="r", revision=revision), at=at)
    town.work()


def test_what_is_repaid_is_no_longer_settled_and_is_paid_again_when_it_is_owed_again() -> None:
    town, listing, body = overpaid()
    fen = body["carriers"][0]["repaid_fen"]
    assert town.balance().of(LEAD, Account.RECEIVABLE_FROM_OVERPAID) == fen
    assert town.send(town.act("repay", body)).ok
    assert town.balance().of(LEAD, Account.RECEIVABLE_FROM_OVERPAID) == 0
    assert list(town.table("receivable").values()) == [{}]
    last = list(town.table("journal").values())[-1]
    assert last["about"] == {"listing": listing, "year": "2015"}
    tell(town, "6.2", 2, "2016-05-18 03:00:00")
    claim = claims_of(town, listing)[-1]
    assert (claim.settled_fen, claim.pay_fen) == (wan(300), fen)
    assert town.executed_fen() == wan(300) + 2 * fen


def test_half_repaid_leaves_half_a_receivable_replaced_by_the_next_difference() -> None:
    town, listing, body = overpaid()
    fen = body["carriers"][0]["repaid_fen"]
    half = [{"carrier": LEAD, "repaid_fen": fen // 2}]
    assert town.send(town.act("repay", {**body, "carriers": half})).ok
    tell(town, "5.2", 2, "2016-05-18 03:00:00")
    claim = claims_of(town, listing)[-1]
    assert claim.settled_fen == wan(300) + fen - fen // 2
    left = claim.settled_fen - claim.owed_fen
    assert list(town.table("receivable").values()) == [{LEAD: left}]
    assert town.balance().of(LEAD, Account.RECEIVABLE_FROM_OVERPAID) == left


def test_a_decision_that_is_being_made_is_made_again_on_what_is_settled_now() -> None:
    town, listing, body = overpaid()
    town.tell(quake(NIGHT, "6.2", key="r", revision=2), at="2016-05-18 03:00:00")
    (duty,) = town.table("duty", "decide/").values()
    stale = Decider(town.node)._decide(duty["trigger"])
    assert stale is not None
    assert town.send(town.act("repay", body)).ok
    assert codes(town.send(stale)) == ["act.counter_moved"]
    town.work()
    assert claims_of(town, listing)[-1].settled_fen == wan(300)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"carriers": [{"carrier": LEAD, "repaid_fen": 10**12}]}, "act.repaid_too_much"),
        ({"carriers": [{"carrier": "stranger", "repaid_fen": 1}]}, "act.not_a_carrier"),
        ({"carriers": [{"carrier": LEAD, "repaid_fen": 0}]}, "act.bad_body"),
        ({"carriers": []}, "act.bad_body"),
        ({"reference": " "}, "act.bad_body"),
        ({"occurrence": "00" * 32}, "act.nothing_receivable"),
        ({"listing": "none"}, "act.listing_not_known"),
    ],
)
def test_what_is_refused(change: dict[str, Any], code: str) -> None:
    town, listing, body = overpaid()
    before = town.table("receivable")
    assert codes(town.send(town.act("repay", {**body, **change}))) == [code]
    assert town.table("receivable") == before
    assert town.table("repaid") == {}
    assert listing
