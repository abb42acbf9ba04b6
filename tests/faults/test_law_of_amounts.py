"""What an actuary tried to get out of the record, or to keep from it, through the real acts.

Who cancels after the loss, which year a sequence counts in, a limit that fell, a shock known late.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from miaopei.claims import evaluate
from miaopei.claims.claim import ClaimLeaf
from miaopei.claims.receipt import Receipt
from miaopei.claims.verify import verify
from miaopei.claims.verify.verdict import Verdict
from miaopei.measures.instant import from_beijing
from miaopei.measures.money import wan
from miaopei.node.gateway import Row
from miaopei.node.proof.opened import Opener
from miaopei.node.proof.receipts import Collector
from miaopei.policies.row import PolicyRow, Transaction
from miaopei.products.yunnan_dali import PRODUCT
from miaopei.terms.filing import Product
from tests.support.facts import catalogue, deaths, quake
from tests.support.products import hills
from tests.support.town import ONE_CARRIER, Town

AREAS = ("532900", *PRODUCT.area["surrounding"])
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
            size = town.table("book")[listing]["size"]
            found = replace(found, before=Opener(reading).row(listing, size, other))
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


def test_a_claim_held_for_no_reason_is_found_by_the_receipt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The decider holds it although the version recorded late gives the same."""
    town, listing = a_town(hills(units=True))
    (row,) = town.issue([town.policy(listing, shares=50)])
    town.at(SOON)
    town.issue([changed(town, row, Transaction.ENDORSE)])
    nothing = np.zeros(1, np.int64)
    monkeypatch.setattr(evaluate, "_in_time", lambda *_: (nothing, nothing))
    shake(town, NIGHT, "5.6", READ)
    assert [(c.state, c.position) for c in claims_of(town, listing)] == [("held", 1)]
    assert failing(checked(collected(town, listing, row))) == {"in_force"}


# The year that a sequence counts in -------------------------------------------------------------

EVE, MORNING, MARCH = "2016-08-19 20:00:00", "2016-08-20 08:00:00", "2017-03-10 08:00:00"


def dali(since: str) -> tuple[Town, str]:
    """The Dali cover itself with one policy, whose years begin on the day of `since`."""
    town = Town().set_up(AREAS)
    listing = town.list_product(PRODUCT)
    town.issue([town.policy(listing, since, "2022-08-20")])
    return town, listing


def over_the_year(reading: Sequence[Sequence[Row]]) -> list[tuple[int, int, int]]:
    """Spent, owed and paid (in 万元) of each settlement, the shocks read together or apart."""
    town, listing = dali("2015-08-20")
    for rows in reading:
        town.tell(*rows, at=max(row.observation.instant for row in rows) + 600)
        town.work()
    town.balance()
    found = claims_of(town, listing)
    unit = wan(1)
    return [(c.spent_fen // unit, c.owed_fen // unit, c.pay_fen // unit) for c in found]


def test_a_sequence_over_the_turn_of_the_year_counts_whole_in_that_of_its_main_shock() -> None:
    """M6.5 on the last evening of a year, M7.0 on the first morning of the next, M7.1 in March."""
    eve, morning, march = quake(EVE, "6.5"), quake(MORNING, "7.0"), quake(MARCH, "7.1")
    apart = over_the_year([[eve], [morning], [march]])
    assert apart == [(0, 20_000, 20_000), (0, 42_000, 22_000), (42_000, 0, 0)]
    together = over_the_year([[eve, morning], [march]])
    # The lesser shock lies in another policy year, so it is decided too, and adds nothing.
    assert together == [(0, 42_000, 42_000), (0, 20_000, 0), (42_000, 0, 0)]
    assert sum(paid for *_, paid in apart) == sum(paid for *_, paid in together) == 42_000


def test_the_year_that_ended_is_free_of_a_sequence_that_moved_into_the_next() -> None:
    """Recorded late, a shock of the year before has that year's whole limit."""
    rows = [[quake(EVE, "6.5")], [quake(MORNING, "7.0")], [quake("2016-03-10 08:00:00", "7.1")]]
    town, listing = dali("2015-08-20")
    for (row,), read in zip(rows, (EVE, MORNING, "2016-08-21"), strict=True):
        town.tell(row, at=f"{read[:10]} 23:00:00")
        town.work()
    assert [c.spent_fen for c in claims_of(town, listing)] == [0, 0, 0]
    assert claims_of(town, listing)[-1].pay_fen == wan(42_000)


# A limit that fell in the course of the year ----------------------------------------------------


def test_a_limit_that_fell_below_what_is_spent_leaves_nothing_and_the_line_goes_on() -> None:
    """20,000 万元 paid in spring under the first version; from August the limit is 16,800."""
    town, listing = dali("2018-01-01")
    shake(town, "2018-03-01 08:00:00", "6.6", "2018-03-01 08:10:00")
    shake(town, "2018-09-20 08:00:00", "6.0", "2018-09-20 08:10:00")
    shake(town, "2019-02-01 08:00:00", "6.0", "2019-02-01 08:10:00")
    seen = [(c.state, c.gross_fen, c.spent_fen, c.pay_fen) for c in claims_of(town, listing)]
    assert seen == [
        ("paid", wan(20_000), 0, wan(20_000)),
        ("exhausted", wan(4_000), wan(16_800), 0),
        ("paid", wan(4_000), 0, wan(4_000)),
    ]
    assert town.decider.refusals() == {}
    assert {case["state"] for case in town.cases(listing)} == {"settled"}
    assert town.table("book")[listing]["open"] is None


# What arrives, or is known, late ----------------------------------------------------------------


def test_a_larger_shock_known_from_the_catalogue_alone_is_paid_at_its_own_deadline() -> None:
    """Twelve hours after it, with no further fact: the clock alone brings the difference."""
    town, listing = a_town()
    town.issue([town.policy(listing)])
    shake(town, NIGHT, "5.6", READ)
    larger = "2016-05-18 20:00:00"
    town.tell(catalogue(larger, "6.2"), at="2016-05-18 21:00:00")
    town.work()
    facts = len(town.table("observation"))
    assert town.paid_fen(listing) == wan(300)
    assert town.case(listing)["until"] == from_beijing("2016-05-19 08:00:00")
    town.at("2016-05-19 07:59:59")
    town.work()
    assert town.paid_fen(listing) == wan(300)
    town.at("2016-05-19 08:00:00")
    town.work()
    assert [c.pay_fen for c in claims_of(town, listing)] == [wan(300), wan(300)]
    case = town.case(listing)
    assert (case["state"], case["revision"], case["until"]) == ("settled", 2, None)
    assert len(town.table("observation")) == facts


def test_the_magnitude_that_paid_for_the_houses_also_counts_for_the_dead() -> None:
    """One contract, one magnitude: 5.0 settles, 4.9 within the hour moves nothing, three died."""
    town, listing = dali("2015-08-20")
    town.tell(quake(NIGHT, "5.0", key="r"), at="2016-05-18 00:58:48")
    town.work()
    assert town.paid_fen(listing) == wan(2_800)
    town.tell(quake(NIGHT, "4.9", key="r", revision=1), at="2016-05-18 01:30:00")
    town.work()
    assert town.case(listing, "deaths")["state"] == "awaiting_death_notice"
    town.tell(deaths("2016-05-18", 3), at="2016-05-20 10:00:00")
    town.work()
    case = town.case(listing, "deaths")
    assert (case["state"], case["facts"]["magnitude"]["value"]) == ("settled", 50)
    assert [c.pay_fen for c in claims_of(town, listing)] == [wan(2_800), wan(30)]


# What a batch may say ---------------------------------------------------------------------------

WHO, SOMEBODY = "ab" * 32, "cd" * 32


def held(town: Town, *rows: PolicyRow) -> list[str]:
    """Codes of what the decider finds in a batch; empty where it came in force."""
    town.send(town.batch(rows))
    town.decider.run()
    return [said["code"] for found in town.decider.refusals().values() for said in found]


@pytest.mark.parametrize("what", [t for t in Transaction if t is not Transaction.ISSUE], ids=str)
@pytest.mark.parametrize("together", [False, True])
def test_no_later_row_gives_a_policy_another_start_of_its_years(
    what: Transaction, *, together: bool
) -> None:
    town, listing = a_town()
    row = town.policy(listing, "2016-01-01")
    if not together:
        assert held(town, row) == []
    after = replace(changed(town, row, what), year_from=from_beijing("2016-05-01"))
    rows = [row, after] if together else [after]
    assert held(town, *rows) == ["policies.year_differs"]


def test_a_later_row_with_the_same_start_comes_in_force() -> None:
    town, listing = a_town()
    row = town.policy(listing, "2016-01-01")
    assert held(town, row, changed(town, row, Transaction.RENEW)) == []
    assert held(town, changed(town, row, Transaction.ENDORSE, number=3)) == []


@pytest.mark.parametrize(
    ("since", "until", "subject", "codes"),
    [
        ("2016-12-31", "2018-01-01", WHO, ["policies.subject_twice"]),
        ("2015-01-01", "2016-01-02", WHO, ["policies.subject_twice"]),
        ("2016-03-01", "2016-04-01", WHO, ["policies.subject_twice"]),
        ("2017-01-01", "2018-01-01", WHO, []),
        ("2015-01-01", "2016-01-01", WHO, []),
        ("2016-03-01", "2016-04-01", SOMEBODY, []),
        ("2016-03-01", "2016-04-01", None, []),
    ],
)
@pytest.mark.parametrize("together", [False, True])
def test_a_person_has_one_policy_at_a_time_in_a_book(
    since: str, until: str, subject: str | None, codes: list[str], *, together: bool
) -> None:
    town, listing = a_town()
    first = replace(town.policy(listing, "2016-01-01", "2017-01-01"), subject=WHO)
    second = replace(town.policy(listing, since, until), subject=subject)
    if not together:
        assert held(town, first) == []
    assert held(town, *([first, second] if together else [second])) == codes


def test_who_cancelled_may_be_covered_anew_and_not_be_reinstated_beside_it() -> None:
    town, listing = a_town()
    first = replace(town.policy(listing, "2016-01-01", "2018-01-01"), subject=WHO)
    second = replace(town.policy(listing, "2016-06-01", "2017-06-01"), subject=WHO)
    assert held(town, first, changed(town, first, since="2016-06-01"), second) == []
    again = changed(town, first, Transaction.REINSTATE, "2017-05-31", number=3)
    assert held(town, again) == ["policies.subject_twice"]


def test_two_policies_without_a_subject_stand_beside_each_other() -> None:
    town, listing = a_town()
    assert held(town, town.policy(listing), town.policy(listing)) == []
