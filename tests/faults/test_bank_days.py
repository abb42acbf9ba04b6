"""Bad days at the bank: a real bank process that times out, refuses, lies, dies, and comes back.

Asserted each time: the bank's own statements say every fen once, and the record says the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from miaopei.adapters.bank_rail import BankRail
from miaopei.adapters.iso20022.initiation import bank_id
from miaopei.adapters.sandbox_bank.starter import RunningBank
from miaopei.errors import Alarm, OutsideFault
from miaopei.market.examples import DALI_CO_INSURANCE
from miaopei.measures.instant import from_beijing
from miaopei.measures.money import wan
from tests.faults.banked import READ, Banked
from tests.support import servers
from tests.support.facts import quake
from tests.support.rails import PATIENT


@pytest.fixture
def bank() -> Iterator[RunningBank]:
    """The bank of all tests, behaving."""
    running = servers.bank()
    yield running
    running.control.behave()


FULL = wan(300)


def test_a_quiet_day(bank: RunningBank) -> None:
    day = Banked(bank)
    debt = day.shake()
    day.town.work()
    assert day.states(debt) == [(1, "paid"), (1, "paid")]
    assert day.town.table("duty", "pay/") == {}
    day.paid_once(FULL, FULL)


def test_five_carriers_pay_their_parts_to_the_last_fen(bank: RunningBank) -> None:
    day = Banked(bank, 3, DALI_CO_INSURANCE)
    debt = day.shake()
    day.town.work()
    assert len(day.states(debt)) == 15
    day.paid_once(FULL, FULL, FULL)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_time_out_is_asked_for_and_never_taken_for_a_refusal(
    bank: RunningBank, when: str
) -> None:
    day = Banked(bank)
    debt = day.prepared()
    bank.control.misbehave("time_out", when=when, calls=1)
    day.town.work()
    assert day.states(debt) == [(1, "sent"), (1, "sent")]
    assert day.town.executed_fen() == 0
    day.town.work()
    assert day.states(debt) == [(1, "paid"), (1, "paid")]
    day.town.work()
    day.paid_once(FULL, FULL)


def test_silence_when_asked_changes_nothing(bank: RunningBank) -> None:
    day = Banked(bank)
    debt = day.prepared()
    bank.control.misbehave("time_out", when="after", calls=1)
    bank.control.misbehave("time_out", operation="ask", calls=1)
    day.town.work()
    day.town.work()
    assert day.states(debt) == [(1, "sent"), (1, "sent")]
    day.town.work()
    day.paid_once(FULL, FULL)


def test_a_payment_that_is_put_off_is_pending_and_confirmed_later(bank: RunningBank) -> None:
    day = Banked(bank)
    debt = day.prepared()
    bank.control.misbehave("pay_late", id=day.first_id(debt))
    day.town.work()
    assert day.states(debt) == [(1, "pending"), (1, "paid")]
    assert day.town.executed_fen() == FULL
    day.town.work()
    assert day.states(debt) == [(1, "pending"), (1, "paid")]
    bank.control.release([day.first_id(debt)])
    day.town.work()
    day.paid_once(FULL, FULL)


def test_a_pending_payment_that_is_refused_in_the_end_is_paid_anew(bank: RunningBank) -> None:
    day = Banked(bank)
    debt = day.prepared()
    bank.control.misbehave("pay_late", id=day.first_id(debt), calls=1)
    day.town.work()
    bank.control.release([day.first_id(debt)], refuse="account_closed")
    day.town.work()
    assert day.states(debt) == [(1, "failed"), (1, "paid")]
    assert day.town.payer is not None
    assert day.town.payer.retry_refused(debt) == 1
    day.town.work()
    assert day.states(debt) == [(1, "replaced"), (2, "paid"), (1, "paid")]
    day.paid_once(FULL, FULL)


def test_a_closed_account_is_corrected_and_number_two_paid_exactly_once(bank: RunningBank) -> None:
    """Number 2 only after the record holds the bank's final refusal of number 1."""
    day = Banked(bank)
    debt = day.prepared()
    payer = day.town.payer
    assert payer is not None
    bank.control.set_open(day.holders[0], is_open=False)
    day.correct(0, f"{day.tag}-new")
    day.town.accounts({f"policy/{day.rows[0].policy}": day.holders[0]})
    assert payer.retry_refused(debt) == 0
    day.town.work()
    assert day.states(debt) == [(1, "failed"), (1, "paid")]
    (paid,) = day.town.table("paid", f"{debt}/").values()
    assert paid["refused"] == 1
    assert day.town.table("duty", "pay/") != {}
    day.town.work()
    assert day.states(debt) == [(1, "failed"), (1, "paid")]
    day.town.accounts({f"policy/{day.rows[0].policy}": day.holders[2]})
    assert [payer.retry_refused(debt) for _ in range(3)] == [1, 0, 0]
    for _ in range(3):
        day.town.work()
    assert day.states(debt) == [(1, "replaced"), (2, "paid"), (1, "paid")]
    day.paid_once(0, FULL, FULL)


def test_a_refusal_that_is_not_on_the_record_yet_makes_no_number_two(
    bank: RunningBank, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between writing the confirmation down and sending it: the act goes first."""
    day = Banked(bank)
    debt = day.prepared()
    payer, node = day.town.payer, day.town.node
    assert payer is not None
    bank.control.set_open(day.holders[0], is_open=False)
    with monkeypatch.context() as patched:
        patched.setattr(node, "submit", lambda acts: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            day.town.work()
        with pytest.raises(KeyboardInterrupt):
            payer.retry_refused(debt)
        assert day.states(debt) == [(1, "failed"), (1, "paid")]
    assert day.town.table("paid", f"{debt}/") == {}
    bank.control.set_open(day.holders[0], is_open=True)
    assert payer.retry_refused(debt) == 1
    assert len(day.town.table("paid", f"{debt}/")) == 1
    day.town.work()
    day.paid_once(FULL, FULL)


def test_an_account_corrected_after_a_time_out_is_not_paid_twice(bank: RunningBank) -> None:
    """Number 1 was executed on the old account though nobody heard it: it is asked for first."""
    day = Banked(bank)
    debt = day.prepared()
    bank.control.misbehave("time_out", when="after", calls=1)
    day.town.work()
    day.correct(0, f"{day.tag}-new")
    assert day.town.payer is not None
    assert day.town.payer.retry_refused(debt) == 0
    for _ in range(3):
        day.town.work()
    assert day.states(debt) == [(1, "paid"), (1, "paid")]
    day.paid_once(FULL, FULL, 0)


def test_an_account_corrected_after_a_call_that_was_lost_is_paid_there(bank: RunningBank) -> None:
    """The bank never saw number 1: it goes out again, under its number, to the new account."""
    day = Banked(bank)
    debt = day.prepared()
    bank.control.misbehave("time_out", when="before", calls=1)
    day.town.work()
    day.correct(0, f"{day.tag}-new")
    for _ in range(2):
        day.town.work()
    assert day.states(debt) == [(1, "paid"), (1, "paid")]
    day.paid_once(0, FULL, FULL)


def test_a_different_amount_is_an_alarm_and_the_others_go_on(bank: RunningBank) -> None:
    day = Banked(bank, 3)
    debt = day.prepared()
    name = day.first_id(debt, 1)
    bank.control.misbehave("different_amount", id=name, operation="any", by_fen=1)
    for _ in range(2):
        with pytest.raises(Alarm, match="does not fit") as alarm:
            day.town.work()
        assert bank_id(f"{alarm.value.facts['payout']}-1") == name
        assert alarm.value.facts["answered"] == FULL + 1
        assert day.states(debt) == [(1, "paid"), (1, "sent"), (1, "paid")]
    assert day.town.executed_fen() == 2 * FULL
    bank.control.behave()  # its books were right, only its answer was not
    day.town.work()
    day.paid_once(FULL, FULL, FULL)


def test_a_different_amount_heard_only_when_asked_is_an_alarm_too(bank: RunningBank) -> None:
    day = Banked(bank)
    debt = day.prepared()
    bank.control.misbehave("time_out", when="after", calls=1)
    day.town.work()
    bank.control.misbehave("different_amount", id=day.first_id(debt), operation="ask", by_fen=-5)
    with pytest.raises(Alarm, match="does not fit"):
        day.town.work()
    assert day.states(debt) == [(1, "sent"), (1, "paid")]
    assert day.town.executed_fen() == FULL


def test_an_id_that_the_bank_knows_for_something_else_is_an_alarm(bank: RunningBank) -> None:
    day = Banked(bank)
    debt = day.prepared()
    foreign = BankRail(bank.address, PATIENT)
    assert day.town.payer is not None
    with day.town.store.reading() as reading:
        row = next(r for r in reading.instructions(debt) if r["policy"] == day.rows[0].policy)
        known = reading.payees([row["creditor"], row["debtor"]])
    instruction = day.town.payer._instruction(row, known)
    foreign.pay([replace(instruction, amount_fen=7)])
    with pytest.raises(Alarm, match="does not fit"):
        day.town.work()
    assert day.states(debt) == [(1, "sent"), (1, "paid")]
    assert day.town.executed_fen() == FULL


@pytest.mark.parametrize("how", ["wire", "list"])
def test_an_answer_given_twice_counts_once(bank: RunningBank, how: str) -> None:
    day = Banked(bank)
    debt = day.prepared()
    bank.control.misbehave("answer_twice", how=how)
    for _ in range(2):
        day.town.work()
    assert day.states(debt) == [(1, "paid"), (1, "paid")]
    day.paid_once(FULL, FULL)


def test_a_policy_without_an_account_does_not_hold_up_the_others(bank: RunningBank) -> None:
    day = Banked(bank)
    (late,) = day.town.issue([day.town.policy(day.listing)], payable=False)
    debt = day.shake()
    with pytest.raises(Alarm, match="no account is on file"):
        day.town.work()
    assert sorted(r["state"] for r in day.town.instructions(debt)) == ["new", "paid", "paid"]
    day.rows.append(late)
    day.correct(2, f"{day.tag}-late")
    day.town.work()
    day.paid_once(FULL, FULL, FULL)


def test_of_a_thousand_policies_with_one_bad_account_999_are_paid_at_once(
    bank: RunningBank,
) -> None:
    day = Banked(bank, 1_000)
    debt = day.prepared()
    bank.control.set_open(day.holders[617], is_open=False)
    day.town.work()
    states = day.states(debt)
    assert states.count((1, "paid")) == 999
    assert states[617] == (1, "failed")
    assert day.town.executed_fen() == 999 * FULL
    day.correct(617, f"{day.tag}-new")
    assert day.town.payer is not None
    assert day.town.payer.retry_refused(debt) == 1
    day.town.work()
    assert day.town.executed_fen() == 1_000 * FULL
    found = servers.received(bank, [day.holders[617], day.holders[1_000], day.holders[0]])
    assert list(found.values()) == [0, FULL, FULL]
    day.town.balance()


# The bank dies ----------------------------------------------------------------------------------


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_bank_that_dies_in_a_payment_and_comes_back(when: str) -> None:
    with servers.new_bank() as running:
        day = Banked(running)
        debt = day.prepared()
        running.control.misbehave("die", when=when, calls=1)
        day.town.work()
        running.wait()
        assert day.states(debt) == [(1, "sent"), (1, "sent")]
        with running.again() as back:
            day.bank = back
            day.town.work()
            assert day.states(debt) == [(1, "paid"), (1, "paid")]
            day.paid_once(FULL, FULL)


def test_a_bank_that_dies_when_asked_and_comes_back() -> None:
    with servers.new_bank() as running:
        day = Banked(running)
        debt = day.prepared()
        running.control.misbehave("time_out", when="after", calls=1)
        running.control.misbehave("die", operation="ask", calls=1)
        day.town.work()
        day.town.work()
        running.wait()
        assert day.states(debt) == [(1, "sent"), (1, "sent")]
        with running.again() as back:
            day.bank = back
            day.town.work()
            day.paid_once(FULL, FULL)


def test_a_bank_that_is_dead_for_an_hour_and_then_back() -> None:
    """An hour of the record's time: other work goes on, a second shock settles, nothing is lost."""
    with servers.new_bank() as running:
        day = Banked(running)
        running.kill()
        debt = day.shake()
        began = from_beijing(READ)
        for minute in range(0, 61, 5):
            day.town.at(began + minute * 60)
            day.town.work()
            if minute == 30:
                day.town.tell(quake("2016-05-18 01:20:00", "6.2"))
        first, second = day.town.settlements(day.listing)
        assert first["id"] == debt
        assert day.town.executed_fen() == 0
        assert {r["state"] for r in day.town.instructions(second["id"])} == {"sent"}
        with running.again() as back:
            day.bank = back
            day.town.work()
            day.paid_once(2 * FULL, 2 * FULL)


# The bank says refused and pays -----------------------------------------------------------------


def lied_to(bank: RunningBank) -> tuple[Banked, str]:
    """A day on which the bank paid the first policy and said that it had refused."""
    day = Banked(bank)
    debt = day.prepared()
    bank.control.misbehave("deny", id=day.first_id(debt), operation="pay")
    day.town.work()
    assert day.states(debt) == [(1, "failed"), (1, "paid")]
    assert day.town.executed_fen() == FULL
    return day, debt


def test_a_bank_that_says_refused_and_pays_is_found_out_before_number_two(
    bank: RunningBank,
) -> None:
    day, debt = lied_to(bank)
    day.correct(0, f"{day.tag}-new")
    payer = day.town.payer
    assert payer is not None
    with pytest.raises(Alarm, match="says otherwise") as alarm:
        payer.retry_refused(debt)
    assert (alarm.value.facts["first"], alarm.value.facts["now"]) == ("refused", "executed")
    for _ in range(2):
        day.town.work()
        assert payer.retry_refused(debt) == 0
    assert day.states(debt) == [(1, "paid"), (1, "paid")]
    assert day.town.table("closed") == {}
    day.paid_once(FULL, FULL, 0)


def test_a_bank_that_signs_an_id_as_closed_and_has_paid_it_gets_no_number_two(
    bank: RunningBank,
) -> None:
    """Signed and broken: number 2 stays unsent, and each day says both words."""
    day, debt = lied_to(bank)
    bank.control.misbehave("deny", id=day.first_id(debt), operation="close")
    day.correct(0, f"{day.tag}-new")
    payer = day.town.payer
    assert payer is not None
    assert payer.retry_refused(debt) == 1
    for _ in range(2):
        with pytest.raises(Alarm, match="says otherwise") as alarm:
            day.town.work()
        assert (alarm.value.facts["first"], alarm.value.facts["now"]) == ("refused", "executed")
        assert day.states(debt) == [(1, "replaced"), (2, "new"), (1, "paid")]
    found = servers.received(bank, day.holders)
    assert list(found.values()) == [FULL, FULL, 0]
    (closed,) = day.town.table("closed", f"{debt}/").values()
    assert closed["key"] == BankRail(bank.address, PATIENT).public_key().hex()


def test_a_bank_that_is_silent_when_told_to_close_makes_no_number_two(bank: RunningBank) -> None:
    day = Banked(bank)
    debt = day.prepared()
    bank.control.set_open(day.holders[0], is_open=False)
    day.town.work()
    day.correct(0, f"{day.tag}-new")
    payer = day.town.payer
    assert payer is not None
    for when in ("before", "after"):
        bank.control.misbehave("time_out", when=when, operation="close", calls=1)
        with pytest.raises(OutsideFault):
            payer.retry_refused(debt)
        assert day.states(debt) == [(1, "failed"), (1, "paid")]
    assert payer.retry_refused(debt) == 1
    day.town.work()
    day.paid_once(0, FULL, FULL)


def test_a_closing_that_is_not_on_the_record_yet_makes_no_number_two(
    bank: RunningBank, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = Banked(bank)
    debt = day.prepared()
    bank.control.set_open(day.holders[0], is_open=False)
    day.town.work()
    payer, node = day.town.payer, day.town.node
    assert payer is not None
    with monkeypatch.context() as patched:
        patched.setattr(node, "submit", lambda acts: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            payer.retry_refused(debt)
    assert day.states(debt) == [(1, "closed"), (1, "paid")]
    assert day.town.table("closed") == {}
    bank.control.set_open(day.holders[0], is_open=True)
    assert payer.retry_refused(debt) == 1
    assert len(day.town.table("closed", f"{debt}/")) == 1
    day.town.work()
    day.paid_once(FULL, FULL)
