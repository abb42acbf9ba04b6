"""What an actuary tried to get out of the record, or to keep from it, through the real acts.

Who cancels after the loss, which year a sequence counts in, a limit that fell, a shock known late.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from miaopei.claims.claim import ClaimLeaf
from miaopei.claims.receipt import Receipt
from miaopei.claims.verify import verify
from miaopei.claims.verify.verdict import Verdict
from miaopei.measures.money import wan
from miaopei.node.receipts import Collector
from miaopei.policies.row import PolicyRow, Transaction
from miaopei.terms.filing import Product
from tests.support.facts import quake
from tests.support.products import hills
from tests.support.town import ONE_CARRIER, Town

NIGHT, SOON, READ = "2016-05-18 00:48:48", "2016-05-18 00:55:00", "2016-05-18 01:00:00"


def shake(town: Town, when: str, magnitude: str, read: str) -> None:
    """A shock is recorded and every duty done."""
    town.tell(quake(when, magnitude), at=read)
    town.work()


def a_town(product: Product | None = None, *, arrears: bool = False) -> tuple[Town, str]:
    """A town with one listing of one carrier."""
    town = Town().set_up()
    given = product or hills()
    return town, town.list_product(given, placement=ONE_CARRIER, arrears=arrears)


def claims_of(town: Town, listing: str) -> list[ClaimLeaf]:
    """All claims of all settlements, in order."""
    return [claim for s in town.settlements(listing) for claim in town.claims(s["trigger"])]


def changed(
    town: Town,
    row: PolicyRow,
    what: Transaction = Transaction.CANCEL,
    since: str = "2016-05-01",
    *,
    number: int = 2,
    **declared: int,
) -> PolicyRow:
    """A further row of a policy from a day on; nothing is sent yet."""
    after = town.policy(row.book, since, number=number, transaction=what, premium_fen=0)
    same = replace(after, policy=row.policy, year_from=row.year_from, subject=row.subject)
    return replace(same, declared=declared or row.declared)


def collected(town: Town, listing: str, row: PolicyRow, *, other: int | None = None) -> Receipt:
    """The receipt of what the last settlement did not pay; `other`: a version opened beside it."""
    with town.node.reading() as (reading, _):
        collector = Collector(reading, town.me)
        found = collector.policy_refusal(town.settlements(listing)[-1]["id"], row.policy)
        if other is not None:
            rows = reading.rows(listing, town.table("book")[listing]["size"])
            found = replace(found, before=collector._open(rows, other, listing))
    return found.signed(town.me.acts.sign)


def checked(receipt: Receipt) -> Verdict:
    """What a stranger finds in it."""
    return verify(receipt.to_bytes(), receipt.vkey)


def failing(verdict: Verdict) -> set[str]:
    """Names of the checks that do not hold."""
    return {check.name for check in verdict.checks if not check.ok}


# Who knows of the loss changes nothing ----------------------------------------------------------


@pytest.mark.parametrize("arrears", [False, True])
def test_a_cover_cancelled_after_the_loss_is_held_and_stays_reserved(*, arrears: bool) -> None:
    """The debtor cancels seven minutes after the shock, from a day before it."""
    town, listing = a_town(arrears=arrears)
    gone, stays = town.issue([town.policy(listing, "2016-01-01") for _ in range(2)])
    town.at(SOON)
    town.issue([changed(town, gone)])
    shake(town, NIGHT, "6.2", READ)
    seen = [(c.policy, c.state, c.owed_fen, c.pay_fen) for c in claims_of(town, listing)]
    paid = (stays.policy, "paid", wan(600), wan(600))
    (settlement,) = town.settlements(listing)
    if arrears:
        assert seen == [paid]
        return
    assert seen == [(gone.policy, "held", wan(600), 0), paid]
    assert (settlement["totals"]["in_force"], settlement["totals"]["held"]) == (2, 1)
    assert town.case(listing)["state"] == "settled"
    # had it been brought back before the next shock, 600 of the year's 1,200 are still reserved
    town.at("2016-06-01")
    town.issue([changed(town, gone, Transaction.REINSTATE, "2016-06-02", number=3)])
    shake(town, "2016-07-01 12:00:00", "6.6", "2016-07-01 12:10:00")
    after = claims_of(town, listing)[2]
    assert (after.policy, after.state) == (gone.policy, "cut")
    assert (after.spent_fen, after.pay_fen) == (wan(600), wan(600))


def test_a_cancellation_late_of_what_gives_nothing_leaves_no_claim() -> None:
    """Below the scale, issued late as well, or cancelled in time: nothing is taken from anybody."""
    town, listing = a_town()
    before, twice = town.issue([town.policy(listing), town.policy(listing)])
    town.at("2016-05-10")
    town.issue([changed(town, before)])
    town.at(SOON)
    (late,) = town.issue([town.policy(listing)])
    town.issue([changed(town, row, number=3) for row in (before, late, twice)])
    town.issue([changed(town, twice, Transaction.REINSTATE, number=4)])
    shake(town, NIGHT, "5.6", READ)
    assert [(c.policy, c.state) for c in claims_of(town, listing)] == [(twice.policy, "paid")]
    assert town.settlements(listing)[0]["totals"]["in_force"] == 1


def test_a_receipt_of_a_held_claim_holds_and_says_so() -> None:
    """Cancelled, lowered and raised late; each at what gives more, with the other beside it."""
    town, listing = a_town(hills(units=True))
    rows = town.issue([town.policy(listing, shares=50) for _ in range(3)])
    town.at(SOON)
    cancel, fewer, more = (
        changed(town, rows[0]),
        changed(town, rows[1], Transaction.ENDORSE, shares=40),
        changed(town, rows[2], Transaction.ENDORSE, shares=60),
    )
    town.issue([cancel, fewer, more])
    shake(town, NIGHT, "5.6", READ)
    owed = [(c.state, c.position, c.gross_fen) for c in claims_of(town, listing)]
    assert owed == [("held", 0, 5_000_000), ("held", 1, 5_000_000), ("held", 5, 6_000_000)]
    for place, row in enumerate(rows):
        assert failing(checked(collected(town, listing, row))) == set()
        beside = collected(town, listing, row, other=(3, 4, 2)[place])
        assert failing(checked(beside)) == set()
        wrong = collected(town, listing, row, other=(1, 2, 0)[place])
        assert failing(checked(wrong)) == {"in_force"}
