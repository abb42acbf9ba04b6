"""Bad days of decisions and payments: by the wrong ones, on old counters, for more than is owed."""

from __future__ import annotations

from typing import Any

import pytest

from miaopei.acts.envelope import Act
from miaopei.market.allotment import allot
from miaopei.market.examples import REBUILT_TEN_TO_ONE, made_up_households
from miaopei.measures.money import wan
from miaopei.node.effects.orders import seal_list
from tests.support.facts import quake
from tests.support.products import hills
from tests.support.rails import PaperBank
from tests.support.town import CARRIERS, Town, codes, good, identity

NIGHT, READ = "2016-05-18 00:48:48", "2016-05-18 01:00:00"


def a_town(policies: int = 1) -> tuple[Town, str, PaperBank]:
    bank = PaperBank()
    town = Town(rail=bank).set_up()
    listing = town.list_product(hills())
    town.accounts({f"carrier/{carrier}": f"C-{carrier}" for carrier in CARRIERS})
    town.issue([town.policy(listing) for _ in range(policies)])
    return town, listing, bank


def admit(town: Town, name: str, *roles: str, since: int = 0, until: int | None = None) -> None:
    """Another member, with its own key."""
    key = identity(name).acts.public_key().public_bytes_raw().hex()
    body = {
        "id": name,
        "name": {"zh": name, "en": name},
        "operator": name,
        "roles": list(roles),
        "keys": [{"key": key, "since": since, "until": until}],
    }
    good([town.send(town.act("admit_member", body, f"admit-{name}"))])


def open_trigger(town: Town, listing: str) -> dict[str, Any]:
    """A trigger that waits for its decision, and the body of the decision that we would send."""
    town.tell(quake(NIGHT, "5.6"), at=READ)
    (duty,) = town.table("duty", "decide/").values()
    act = town.decider._decide(duty["trigger"])
    assert act is not None
    return dict(act.body)


# Deciding ---------------------------------------------------------------------------------------


def test_a_decider_that_the_listing_does_not_name_is_refused() -> None:
    town, listing, _ = a_town()
    admit(town, "auditor", "decider")
    body = open_trigger(town, listing)
    assert codes(town.send(town.act_of("auditor", "decide", body))) == ["act.not_a_decider"]
    batch = town.batch([town.policy(listing)])
    good([town.send(batch)])
    hold = {"batch": batch.id, "size": 2, "root": "0" * 64}
    assert codes(town.send(town.act_of("auditor", "hold_batch", hold))) == ["act.not_a_decider"]
    assert town.settlements(listing) == []


def test_a_decision_on_an_old_counter_is_refused() -> None:
    town, listing, _ = a_town()
    body = open_trigger(town, listing)
    for counter in (body["counter"] - 1, body["counter"] + 1):
        result = town.send(town.act("decide", {**body, "counter": counter}, f"counter {counter}"))
        assert codes(result) == ["act.counter_moved"]
    town.work()
    result = town.send(town.act("decide", body, "again"))
    assert codes(result) == ["act.trigger_not_open"]
    assert len(town.settlements(listing)) == 1


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"trigger": "0" * 64}, "act.trigger_not_known"),
        ({"revision": 2}, "act.trigger_not_open"),
        ({"book_size": 7}, "book.moved"),
        ({"book_root": "0" * 64}, "book.moved"),
    ],
)
def test_a_decision_about_something_else_is_refused(change: dict[str, Any], code: str) -> None:
    town, listing, _ = a_town()
    body = {**open_trigger(town, listing), **change}
    assert codes(town.send(town.act("decide", body))) == [code]


def test_a_decision_whose_totals_do_not_add_up_is_refused() -> None:
    town, listing, _ = a_town()
    body = open_trigger(town, listing)
    for totals in (
        {**body["totals"], "pay_fen": body["totals"]["pay_fen"] + 1},
        {**body["totals"], "receivable_fen": 1},
        {**body["totals"], "owed_fen": -1},
    ):
        result = town.send(town.act("decide", {**body, "totals": totals}))
        assert codes(result) == ["act.totals_differ"]
    assert town.settlements(listing) == []


def test_two_of_three_deciders_settle_and_one_that_differs_is_no_veto() -> None:
    """A wrong decision stands on the record and settles nothing; a second word is refused."""
    town = Town().set_up()
    for name in ("able", "watch"):
        admit(town, name, "decider")
    names = ("miaopei", "able", "watch")
    listing = town.list_product(hills(), deciders=names, k=2)
    batch = town.batch([town.policy(listing)])
    good([town.send(batch)])
    town.decider.run()  # ours; one is not enough
    assert town.table("book")[listing]["size"] == 0
    (ours,) = town.table("batch")[batch.id]["statements"].values()
    wrong = {"batch": batch.id, "size": 1, "root": "0" * 64}
    good([town.send(town.act_of("able", "hold_batch", wrong))])
    assert town.table("book")[listing]["size"] == 0
    good([town.send(town.act_of("watch", "hold_batch", {"batch": batch.id, **ours}))])
    assert (
        town.table("book")[listing] | {"root": ours["root"], "size": 1}
        == town.table("book")[listing]
    )
    body = open_trigger(town, listing)
    other = {**body, "totals": {**body["totals"], "gross_fen": 1}}
    early = town.send(town.act_of("able", "decide", other))
    assert codes(early) == ["act.batches_not_held"]  # it has signed for rows that are not there
    right = {"batch": batch.id, **ours}
    good([town.send(town.act_of("able", "hold_batch", right, "right"))])
    good([town.send(town.act_of("able", "decide", other, "again"))])
    second = town.send(town.act_of("able", "decide", body, "second thought"))
    assert second.ok  # and stands as a fault: the first word counts
    assert town.table("book")[listing]["counter"] == body["counter"]
    good([town.send(town.act_of("watch", "decide", body))])
    assert town.settlements(listing) == []
    town.decider.run()
    (settlement,) = town.settlements(listing)
    assert settlement["deciders"] == ["miaopei", "watch"]


# Money ------------------------------------------------------------------------------------------


def paid(town: Town, listing: str) -> str:
    """A settled case whose money has moved; the settlement."""
    town.tell(quake(NIGHT, "5.6"), at=READ)
    town.work()
    return str(town.settlements(listing)[0]["id"])


def confirmation(debt: str, payers: dict[str, int], **changes: Any) -> dict[str, Any]:
    reference = {
        "blob": "0" * 64,
        "length": 1,
        "count": len(payers),
        "root": "0" * 64,
        "media": "miaopei/outcomes/1",
    }
    body = {
        "debt": debt,
        "outcomes": reference,
        "executed_fen": sum(payers.values()),
        "executed": len(payers),
        "refused": 0,
        "payers": [{"payer": p, "executed_fen": f} for p, f in payers.items()],
    }
    return body | changes


def test_more_confirmed_than_owed_is_refused() -> None:
    town, listing, _ = a_town()
    debt = paid(town, listing)
    result = town.send(town.act("confirm_payments", confirmation(debt, {CARRIERS[0]: 1})))
    assert codes(result) == ["act.paid_too_much"]
    assert town.executed_fen() == wan(300)


def test_more_confirmed_for_one_carrier_than_it_owes_is_refused() -> None:
    """The sum would fit, but one carrier's debt would be another's."""
    town, listing, bank = a_town()
    bank.silent = True
    debt = paid(town, listing)
    result = town.send(town.act("confirm_payments", confirmation(debt, {CARRIERS[0]: wan(300)})))
    assert codes(result) == ["act.paid_too_much"]
    assert town.executed_fen() == 0


def test_a_carrier_that_owes_nothing_cannot_have_paid() -> None:
    town, listing, bank = a_town()
    bank.silent = True
    debt = paid(town, listing)
    result = town.send(town.act("confirm_payments", confirmation(debt, {"dali": 1})))
    assert codes(result) == ["act.paid_too_much"]


@pytest.mark.parametrize(
    "changes",
    [
        {"executed": 2},
        {"refused": -1, "executed": 2},
        {"executed_fen": 2},
        {"executed": 0, "refused": 1},
    ],
)
def test_a_confirmation_whose_totals_do_not_add_up_is_refused(changes: dict[str, int]) -> None:
    town, listing, bank = a_town()
    bank.silent = True
    debt = paid(town, listing)
    body = confirmation(debt, {CARRIERS[0]: 1}, **changes)
    assert codes(town.send(town.act("confirm_payments", body))) == ["act.totals_differ"]


def test_a_payer_that_the_listing_does_not_name_confirms_nothing() -> None:
    town, listing, bank = a_town()
    bank.silent = True
    admit(town, "other", "payer")
    body = confirmation(paid(town, listing), {CARRIERS[0]: 1})
    assert codes(town.send(town.act_of("other", "confirm_payments", body))) == ["act.not_the_payer"]


def allotment(town: Town, debt: str, total: int, policy: str = "p") -> Act:
    """The act that hands a payout on to three made-up households."""
    divided = allot(total, made_up_households("test", 1, 2), REBUILT_TEN_TO_ONE)
    with town.store.writing() as block:
        lines = seal_list(block, town.node, divided)
    body = {
        "settlement": debt,
        "policy": policy,
        "holder": "dali",
        "total_fen": total,
        "rule": REBUILT_TEN_TO_ONE.as_json(),
        "lines": lines,
    }
    return town.act("allot", body, f"{policy} {total}")


def test_an_allotment_before_the_payout_has_arrived_is_refused() -> None:
    town, listing, bank = a_town()
    bank.silent = True
    debt = paid(town, listing)
    assert codes(town.send(allotment(town, debt, wan(300)))) == ["act.payout_not_arrived"]
    bank.silent = False
    town.work()
    good([town.send(allotment(town, debt, wan(300)))])


def test_an_allotment_of_more_than_was_paid_or_twice_is_refused() -> None:
    town, listing, _ = a_town()
    debt = paid(town, listing)
    assert codes(town.send(allotment(town, debt, wan(300) + 1))) == ["act.totals_differ"]
    good([town.send(allotment(town, debt, wan(100), "p"))])
    assert codes(town.send(allotment(town, debt, wan(200), "p"))) == ["act.allotted_before"]
    assert codes(town.send(allotment(town, debt, wan(201), "q"))) == ["act.totals_differ"]
    good([town.send(allotment(town, debt, wan(200), "q"))])
    town.balance()


def test_an_allotment_of_a_settlement_that_is_none_is_refused() -> None:
    town, listing, _ = a_town()
    paid(town, listing)
    assert codes(town.send(allotment(town, "0" * 64, 1))) == ["act.settlement_not_known"]


def test_a_household_list_is_paid_line_by_line_and_once() -> None:
    town, listing, bank = a_town()
    debt = paid(town, listing)
    with town.store.reading() as reading:
        (claim,) = reading.claims(town.settlements(listing)[0]["trigger"])
    act = allotment(town, debt, wan(300), claim["policy"])
    good([town.send(act)])
    tokens = [h.token for h in made_up_households("test", 1, 2)]
    town.accounts({f"household/{token}": f"H-{token}" for token in tokens})
    before = bank.paid_fen()
    town.work()
    town.work()
    assert bank.paid_fen() - before == wan(300)
    assert {a: f for a, f in bank.paid_to().items() if a.startswith("H-")} == {
        f"H-{tokens[0]}": wan(250),
        f"H-{tokens[1]}": wan(25),
        f"H-{tokens[2]}": wan(25),
    }
    payment = town.table("payment")[act.id]
    assert payment["executed_fen"] == payment["due_fen"] == wan(300)
    town.balance()
