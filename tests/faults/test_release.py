"""A held claim released by a person: the money moves by the same law, and no fen twice."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from miaopei.accounts.chart import Account
from miaopei.claims.claim import ClaimLeaf
from miaopei.claims.verify import verify
from miaopei.cli.record import _standing
from miaopei.measures.money import wan
from miaopei.node.mass.histories import _had, _settled
from miaopei.node.proof.receipts import Collector
from miaopei.node.proof.trail import StoreTrail
from miaopei.node.reserved import reserved
from miaopei.policies.row import PolicyRow
from miaopei.reports.lineage import caused, why
from tests.faults.test_law_of_amounts import NIGHT, READ, changed, claims_of
from tests.support.facts import quake
from tests.support.products import hills
from tests.support.rails import PaperBank
from tests.support.town import ONE_CARRIER, Town, codes

FULL = wan(300)


def held_town(*, cap_fen: int | None = None) -> tuple[Town, str, list[PolicyRow]]:
    """Two policies; the first cancelled after the shock, so that its claim is held at 300 万元."""
    town = Town(rail=PaperBank()).set_up()
    listing = town.list_product(hills(), placement=ONE_CARRIER, cap_fen=cap_fen)
    rows = town.issue([town.policy(listing) for _ in range(2)])
    town.accounts({f"carrier/{ONE_CARRIER.lead}": "C"})
    town.at(READ)
    town.send(town.batch([changed(town, rows[0])]))
    town.decider.run()
    town.tell(quake(NIGHT, "5.6"))
    town.work()
    assert by_policy(town, listing)[rows[0].policy].state == "held"
    return town, listing, rows


def by_policy(town: Town, listing: str) -> dict[str, ClaimLeaf]:
    """The claims of the last settlement."""
    return {c.policy: c for c in town.claims(town.settlements(listing)[-1]["trigger"])}


def body(town: Town, listing: str, row: PolicyRow, how: str, **more: Any) -> dict[str, Any]:
    """A release of one policy's claim."""
    return town.release_of(town.settlements(listing)[-1]["id"], row.policy, how, **more)


@pytest.mark.parametrize(
    ("how", "state", "fen"),
    [("reserved", "paid", FULL), ("other", "declined", 0), ("nothing", "declined", 0)],
)
def test_a_release_pays_what_was_decided_and_only_that(how: str, state: str, fen: int) -> None:
    town, listing, rows = held_town()
    assert town.executed_fen() == FULL
    assert town.send(town.act("release", body(town, listing, rows[0], how))).ok
    town.work()
    claim = by_policy(town, listing)[rows[0].policy]
    assert (claim.state, claim.gross_fen, claim.pay_fen) == (state, FULL, fen)
    assert by_policy(town, listing)[rows[1].policy].pay_fen == 0  # settled before, whole
    assert town.executed_fen() == FULL + fen
    assert town.case(listing)["revision"] == 2
    assert town.settlements(listing)[-1]["totals"]["held"] == 0
    assert town.balance().total(Account.CLAIMS_PAYABLE) == 0
    town.work()
    assert town.executed_fen() == FULL + fen


@pytest.mark.parametrize("how", ["reserved", "other", "nothing"])
def test_its_receipt_holds_and_needs_the_release(how: str) -> None:
    town, listing, rows = held_town()
    assert town.send(town.act("release", body(town, listing, rows[0], how))).ok
    town.work()
    last = town.settlements(listing)[-1]["id"]
    with town.node.reading() as (reading, _):
        collector = Collector(reading, town.me)
        ask = collector.payout if how == "reserved" else collector.policy_refusal
        receipt = ask(last, rows[0].policy).signed(town.me.acts.sign)
    found = verify(receipt.to_bytes(), receipt.vkey)
    assert found.holds, found.failed
    assert len(receipt.leaves["release"]) == 1
    hidden = {**receipt.leaves, "release": ()}
    object.__setattr__(receipt, "leaves", hidden)
    without = receipt.signed(town.me.acts.sign)
    assert not verify(without.to_bytes(), without.vkey).holds


def test_what_was_reserved_under_a_cap_is_given_to_the_others() -> None:
    """A cap of 400 万元 over two claims of 300: 200 each; declined, the other gets all 300."""
    town, listing, rows = held_town(cap_fen=wan(400))
    assert by_policy(town, listing)[rows[1].policy].pay_fen == wan(200)
    assert town.send(town.act("release", body(town, listing, rows[0], "nothing"))).ok
    town.work()
    assert by_policy(town, listing)[rows[1].policy].pay_fen == wan(100)
    assert town.executed_fen() == FULL


def test_a_release_while_a_trigger_is_open_is_counted_after_it() -> None:
    town, listing, rows = held_town()
    given = body(town, listing, rows[0], "reserved")
    town.tell(quake("2016-05-18 00:55:00", "6.2"), at="2016-05-18 09:10:00")
    assert town.case(listing)["state"] == "deciding"
    assert town.send(town.act("release", given)).ok
    town.work()
    assert [s["totals"]["held"] for s in town.settlements(listing)] == [1, 1, 0]
    assert by_policy(town, listing)[rows[0].policy].state == "paid"
    paid = sum(c.pay_fen for c in claims_of(town, listing) if c.policy == rows[0].policy)
    assert paid == by_policy(town, listing)[rows[0].policy].owed_fen


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"how": "double"}, "act.bad_body"),
        ({"person": " "}, "act.bad_body"),
        ({"reason": ""}, "act.bad_body"),
        ({"settlement": "00" * 32}, "act.settlement_not_known"),
        ({"more": 1}, "act.bad_body"),
    ],
)
def test_what_is_refused(change: dict[str, Any], code: str) -> None:
    town, listing, rows = held_town()
    given = {**body(town, listing, rows[0], "nothing"), **change}
    assert codes(town.send(town.act("release", given))) == [code]
    assert town.table("release") == {}


def test_the_same_word_twice_an_older_settlement_and_nothing_held_are_refused() -> None:
    town, listing, rows = held_town()
    given = body(town, listing, rows[0], "nothing")
    assert town.send(town.act("release", given)).ok
    assert codes(town.send(town.act("release", given, "2"))) == ["act.released_before"]
    town.work()
    late = town.send(town.act("release", {**given, "how": "other"}, "3"))
    assert codes(late) == ["act.not_the_last_settlement"]
    other = body(town, listing, rows[1], "nothing")
    assert codes(town.send(town.act("release", other))) == ["act.no_claim_held"]


def test_a_person_may_decide_again_and_the_listing_says_what_becomes_of_it() -> None:
    town, listing, rows = held_town()
    town.send(town.act("release", body(town, listing, rows[0], "reserved")))
    town.work()
    assert town.send(town.act("release", body(town, listing, rows[0], "nothing"))).ok
    town.work()
    claim = by_policy(town, listing)[rows[0].policy]
    assert (claim.state, claim.owed_fen, claim.settled_fen, claim.pay_fen) == ("kept", 0, FULL, 0)
    assert town.executed_fen() == 2 * FULL


# where every shock decides ----------------------------------------------------------------------
LATER = "2016-05-18 00:56:00"  # before the cancellation is recorded


def each_town() -> tuple[Town, str, list[PolicyRow], str]:
    """Two policies, the first cancelled late; a shock that gives 300, then one that gives 600.

    Both claims of the first policy are held; the settlement of the smaller shock.
    """
    town = Town(rail=PaperBank()).set_up()
    filed = hills()
    product = replace(filed, grouping={**filed.grouping, "decides": "every_shock"})
    listing = town.list_product(product, placement=ONE_CARRIER)
    rows = town.issue([town.policy(listing) for _ in range(2)])
    town.accounts({f"carrier/{ONE_CARRIER.lead}": "C"})
    town.at(READ)
    town.send(town.batch([changed(town, rows[0])]))
    town.decider.run()
    town.tell(quake(NIGHT, "5.6"))
    town.work()
    first = town.settlements(listing)[-1]["id"]
    town.tell(quake(LATER, "6.2"), at="2016-05-18 09:10:00")
    town.work()
    assert [s["totals"]["held"] for s in town.settlements(listing)] == [1, 1]
    return town, listing, rows, str(first)


def paid_to(town: Town, listing: str, row: PolicyRow) -> int:
    """All that a policy has been paid."""
    return sum(c.pay_fen for c in claims_of(town, listing) if c.policy == row.policy)


@pytest.mark.parametrize("larger_first", [False, True])
def test_a_release_speaks_of_one_shock_and_the_greatest_is_owed(*, larger_first: bool) -> None:
    town, listing, rows, small = each_town()
    large = town.settlements(listing)[-1]["id"]
    most = town.claims(town.settlements(listing)[-1]["trigger"])[-1].owed_fen
    assert paid_to(town, listing, rows[1]) == most > FULL
    order = [large, small] if larger_first else [small, large]
    sums = []
    for settlement in order:
        given = town.release_of(settlement, rows[0].policy, "reserved")
        assert given["shock"]
        assert town.send(town.act("release", given, settlement)).ok
        town.work()
        sums.append(paid_to(town, listing, rows[0]))
    assert sums == ([most, most] if larger_first else [FULL, most])
    assert paid_to(town, listing, rows[1]) == most
    assert town.executed_fen() == 2 * most
    assert town.balance().total(Account.CLAIMS_PAYABLE) == 0


def test_one_shock_declined_leaves_the_other_held_and_the_other_policy_as_it_was() -> None:
    town, listing, rows, small = each_town()
    given = town.release_of(small, rows[0].policy, "nothing")
    assert town.send(town.act("release", given)).ok
    town.work()
    assert by_policy(town, listing)[rows[0].policy].state == "declined"
    assert by_policy(town, listing)[rows[1].policy].state == "kept"
    assert paid_to(town, listing, rows[0]) == 0
    with town.node.reading() as (reading, state):
        counter = state.need("book", listing)["counter"]
        (settled,) = _settled(state, {"book": listing, "benefit": "house"}, counter).values()
        most = max(c["owed_fen"] for c in reading.claims(settled[1][0]))
        assert _had(reading, settled, 3, each=True).held.tolist() == [most, 0, 0]
    again = town.act("release", {**given, "how": "reserved"}, "2")
    assert codes(town.send(again)) == ["act.not_the_last_settlement"]
    large = next(s for s in town.settlements(listing) if s["revision"] == 2)["id"]
    swapped = {**town.release_of(large, rows[0].policy, "reserved"), "shock": given["shock"]}
    assert codes(town.send(town.act("release", swapped))) == ["act.bad_body"]


def test_its_receipt_holds_where_every_shock_decides() -> None:
    town, listing, rows, small = each_town()
    assert town.send(town.act("release", town.release_of(small, rows[0].policy, "reserved"))).ok
    town.work()
    last = town.settlements(listing)[-1]["id"]
    with town.node.reading() as (reading, _):
        receipt = Collector(reading, town.me).payout(last, rows[0].policy).signed(town.me.acts.sign)
    found = verify(receipt.to_bytes(), receipt.vkey)
    assert found.holds, found.failed
    (shown,) = receipt.leaves["release"]
    assert shown


def test_what_is_held_is_seen_until_it_is_released() -> None:
    """Settled at nothing, it is in no sum of payments: count, sum and ids stand beside them."""
    town, listing, rows = held_town()
    settlement = town.settlements(listing)[-1]["id"]
    with town.node.reading() as (reading, state):
        (found,) = reserved(reading, state)
        assert found.as_json() == {
            "settlement": settlement,
            "total_fen": FULL,
            "claims": [{"policy": rows[0].policy, "fen": FULL}],
        }
        assert _standing(state, reading)["held"] == {
            "claims": 1, "sealed": 0, "yuan": "3,000,000.00",
        }  # fmt: skip
        trail = StoreTrail(reading, state, town.node.identity)
        assert "3,000,000" in "\n".join(why(trail, settlement).text("en"))
        assert caused(trail, settlement).sums()["held_fen"] == FULL
        assert caused(trail, rows[1].policy).sums()["held_fen"] == 0
    assert town.send(town.act("release", body(town, listing, rows[0], "reserved"))).ok
    town.work()
    with town.node.reading() as (reading, state):
        assert list(reserved(reading, state)) == []
        assert _standing(state, reading)["held"] == {"claims": 0, "sealed": 0, "yuan": "0.00"}
        assert (
            caused(StoreTrail(reading, state, town.node.identity), settlement).sums()["held_fen"]
            == 0
        )
