"""The bank told to lie: silence is never a refusal, and no lie makes money move twice."""

from __future__ import annotations

import time
from typing import Any

import pytest

from miaopei.accounts.rail import ClosedId, Outcome, OutcomeState
from miaopei.adapters.bank_rail import BankRail
from miaopei.adapters.sandbox_bank.control import ControlRefused
from miaopei.adapters.sandbox_bank.starter import RunningBank
from miaopei.errors import OutsideFault

from .conftest import FUNDS, Order


def balance(rail: BankRail) -> int:
    return rail.statement("insurer").balance_fen


def impatient(bank: RunningBank) -> BankRail:
    return BankRail(bank.address, timeout=0.3)


@pytest.mark.parametrize("rule", [{}, {"seconds": 0.1}], ids=["never answers", "504 late"])
@pytest.mark.parametrize(("when", "paid"), [("after", 1_000), ("before", 0)])
def test_a_time_out_is_silence_and_asking_tells_the_truth(
    bank: RunningBank, rail: BankRail, order: Order, rule: dict[str, float], when: str, paid: int
) -> None:
    bank.control.misbehave("time_out", when=when, calls=1, **rule)
    instruction = order(1_000)
    with pytest.raises(OutsideFault) as fault:
        impatient(bank).pay([instruction])
    assert fault.value.retry is True
    asked = rail.ask([instruction.id])[0]
    # A bank that went silent before it paid holds nothing.
    assert asked.state is (OutcomeState.EXECUTED if paid else OutcomeState.UNKNOWN)
    assert balance(rail) == FUNDS - paid
    assert rail.pay([instruction])[0].state is OutcomeState.EXECUTED
    assert balance(rail) == FUNDS - 1_000
    assert bank.control.rules() == []


def test_an_account_corrected_after_a_time_out_is_not_paid_twice(
    bank: RunningBank, rail: BankRail, order: Order
) -> None:
    wrong = order(1_000, key="payout-1", creditor="house-1")
    bank.control.misbehave("time_out", calls=1)
    with pytest.raises(OutsideFault):
        impatient(bank).pay([wrong])
    corrected = order(1_000, key="payout-1", creditor="house-2")
    assert rail.pay([corrected])[0].state is OutcomeState.CONFLICT
    assert rail.ask(["payout-1"])[0].state is OutcomeState.EXECUTED
    assert (balance(rail), rail.statement("house-2").balance_fen) == (FUNDS - 1_000, 0)


def test_a_late_payment_is_pending_until_its_time(
    bank: RunningBank, rail: BankRail, order: Order
) -> None:
    bank.control.misbehave("pay_late", seconds=0.3, calls=1)
    instruction = order(1_000)
    pending = rail.pay([instruction])[0]
    assert (pending.state, pending.amount_fen) == (OutcomeState.PENDING, 1_000)
    assert rail.pay([instruction])[0].state is OutcomeState.PENDING
    held = rail.close(instruction.id)
    assert isinstance(held, Outcome)
    assert held.state is OutcomeState.PENDING
    assert balance(rail) == FUNDS
    deadline = time.monotonic() + 60
    while rail.ask([instruction.id])[0].state is OutcomeState.PENDING:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    done = rail.ask([instruction.id])[0]
    assert (done.state, balance(rail)) == (OutcomeState.EXECUTED, FUNDS - 1_000)
    assert rail.pay([instruction]) == [done]


def test_a_pending_payment_waits_until_told_and_may_be_refused(
    bank: RunningBank, rail: BankRail, order: Order
) -> None:
    bank.control.misbehave("pay_late")
    one, two, three = order(10), order(20, debtor="poor"), order(30)
    assert {o.state for o in rail.pay([one, two, three])} == {OutcomeState.PENDING}
    assert bank.control.release([one.id]) == 1
    assert bank.control.release([three.id], refuse="account_closed") == 1
    assert bank.control.release() == 1
    states = [(o.state.value, o.code) for o in rail.ask([one.id, two.id, three.id])]
    assert states == [("executed", None), ("executed", None), ("refused", "bank.account_closed")]
    assert bank.control.release() == 0


def test_funds_are_looked_at_when_a_late_payment_is_made(
    bank: RunningBank, rail: BankRail, order: Order
) -> None:
    late = order(80, debtor="poor")
    bank.control.misbehave("pay_late", id=late.id)
    rail.pay([late, order(80, debtor="poor")])
    bank.control.release()
    assert rail.ask([late.id])[0].code == "bank.insufficient_funds"


def test_a_scripted_refusal_touches_its_id_only_and_is_final(
    bank: RunningBank, rail: BankRail, order: Order
) -> None:
    good, bad = order(), order()
    bank.control.misbehave("refuse", id=bad.id, code="insufficient_funds")
    outcomes = rail.pay([good, bad])
    assert [o.code for o in outcomes] == [None, "bank.insufficient_funds"]
    bank.control.behave()
    assert rail.pay([good, bad]) == outcomes


def test_a_paid_id_is_never_refused_by_script(
    bank: RunningBank, rail: BankRail, order: Order
) -> None:
    instruction = order()
    paid = rail.pay([instruction])
    bank.control.misbehave("refuse")
    bank.control.misbehave("pay_late")
    assert rail.pay([instruction]) == paid


@pytest.mark.parametrize("by", [1, -400])
def test_another_amount_is_seen_in_pay_and_ask(
    bank: RunningBank, rail: BankRail, order: Order, by: int
) -> None:
    instruction = order(1_000)
    bank.control.misbehave("different_amount", by_fen=by, operation="any", calls=2)
    outcome = rail.pay([instruction])[0]
    assert (outcome.state, outcome.amount_fen) == (OutcomeState.DIFFERENT_AMOUNT, 1_000 + by)
    asked = rail.ask([instruction.id], {instruction.id: 1_000})[0]
    assert asked.state is OutcomeState.DIFFERENT_AMOUNT
    assert rail.pay([instruction])[0].state is OutcomeState.EXECUTED
    assert balance(rail) == FUNDS - 1_000, "it paid what was ordered, whatever it said"


def test_a_slow_bank_is_waited_for_or_is_silence(
    bank: RunningBank, rail: BankRail, order: Order
) -> None:
    bank.control.misbehave("slow", seconds=0.6)
    started = time.monotonic()
    assert rail.pay([order()])[0].state is OutcomeState.EXECUTED
    assert time.monotonic() - started >= 0.6
    instruction = order()
    with pytest.raises(OutsideFault):
        impatient(bank).pay([instruction])
    bank.control.behave()
    assert rail.ask([instruction.id])[0].state is OutcomeState.EXECUTED


def test_one_slow_call_does_not_stop_the_others(
    bank: RunningBank, rail: BankRail, order: Order
) -> None:
    stuck = order()
    bank.control.misbehave("time_out", id=stuck.id)
    with pytest.raises(OutsideFault):
        impatient(bank).pay([stuck])
    assert rail.pay([order()])[0].state is OutcomeState.EXECUTED


@pytest.mark.parametrize("how", ["wire", "list"])
def test_an_answer_said_twice_is_heard_once(
    bank: RunningBank, rail: BankRail, order: Order, how: str
) -> None:
    bank.control.misbehave("answer_twice", how=how, operation="any")
    first, second = order(1), order(2)
    assert rail.pay([first])[0].amount_fen == 1
    assert rail.pay([second])[0].id == second.id
    assert [o.amount_fen for o in rail.ask([second.id, first.id])] == [2, 1]
    assert balance(rail) == FUNDS - 3


@pytest.mark.parametrize(
    ("when", "state"), [("after", OutcomeState.EXECUTED), ("before", OutcomeState.UNKNOWN)]
)
def test_a_bank_that_dies_has_paid_or_has_not_and_says_which_when_it_is_back(
    bank: RunningBank, order: Order, when: str, state: OutcomeState
) -> None:
    bank.control.misbehave("die", when=when, calls=1)
    batch = [order(5) for _ in range(20)]
    with pytest.raises(OutsideFault) as fault:
        BankRail(bank.address, timeout=60).pay(batch)
    assert fault.value.retry is True
    assert bank.wait() == 9
    with pytest.raises(OutsideFault) as fault:
        BankRail(bank.address, timeout=60).ask([batch[0].id])
    assert fault.value.retry is True, "a dead bank is silence too"
    with bank.again() as back:
        assert back.address == bank.address
        rail = BankRail(back.address, timeout=60)
        assert {o.state for o in rail.ask([i.id for i in batch])} == {state}
        assert back.control.rules() == []
        assert {o.state for o in rail.pay(batch)} == {OutcomeState.EXECUTED}
        assert balance(rail) == FUNDS - 100


def test_closing_under_a_time_out_can_be_repeated(
    bank: RunningBank, rail: BankRail, order: Order
) -> None:
    instruction = order()
    bank.control.misbehave("time_out", operation="close", calls=1)
    with pytest.raises(OutsideFault):
        impatient(bank).close(instruction.id)
    assert rail.pay([instruction])[0].code == "bank.closed_id"
    assert isinstance(rail.close(instruction.id), ClosedId)


def test_rules_count_calls_of_their_operation_and_can_be_listed(
    bank: RunningBank, rail: BankRail, order: Order
) -> None:
    bank.control.misbehave("refuse", calls=2, code="unknown_account")
    instructions = [order() for _ in range(3)]
    rail.ask(["x"])
    codes = [rail.pay([i])[0].code for i in instructions]
    assert codes == ["bank.unknown_account", "bank.unknown_account", None]
    assert bank.control.rules() == []
    bank.control.misbehave("slow", seconds=0.01, operation="ask", id="x")
    assert bank.control.rules()[0] == {
        "number": 2, "what": "slow", "operation": "ask", "id": "x", "calls": None, "seconds": 0.01,
    }  # fmt: skip


@pytest.mark.parametrize(
    "rule",
    [
        {"what": "explode"},
        {"what": "slow"},
        {"what": "slow", "seconds": -1},
        {"what": "slow", "seconds": True},
        {"what": "die", "when": "now"},
        {"what": "die", "calls": 0},
        {"what": "refuse", "by_fen": 5},
        {"what": "different_amount", "by_fen": 0},
        {"what": "time_out", "operation": "dance"},
    ],
)
def test_rules_that_say_nothing_are_refused(shared_bank: RunningBank, rule: dict[str, Any]) -> None:
    with pytest.raises(ControlRefused, match="bad_rule"):
        shared_bank.control.misbehave(**rule)
    assert shared_bank.control.rules() == []
