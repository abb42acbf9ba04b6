"""The bank when it behaves: one id pays once, refusals have reasons, statements run."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from miaopei.accounts.rail import ClosedId, Outcome, OutcomeState, StatementLine
from miaopei.adapters.bank_rail import BankRail
from miaopei.adapters.sandbox_bank.control import ControlRefused
from miaopei.adapters.sandbox_bank.starter import RunningBank
from miaopei.errors import OutsideFault

from .conftest import ACCOUNTS, FUNDS, Order


@pytest.fixture
def rail(shared_bank: RunningBank) -> BankRail:
    return BankRail(shared_bank.address, timeout=60)


def balance(rail: BankRail, account: str) -> int:
    return rail.statement(account).balance_fen


def test_a_payment_moves_money_once_however_often_it_is_sent(rail: BankRail, order: Order) -> None:
    before = balance(rail, "insurer"), balance(rail, "house-1")
    instruction = order(16_129_000)
    sent = int(time.time())
    first = rail.pay([instruction])[0]
    assert first.state is OutcomeState.EXECUTED
    assert first.amount_fen == 16_129_000
    assert first.ref is not None
    assert first.ref.startswith("SANDBOX-")
    assert first.at is not None
    assert sent <= first.at <= time.time()
    assert [rail.pay([instruction])[0] for _ in range(3)] == [first] * 3
    assert rail.ask([instruction.id]) == [first]
    after = balance(rail, "insurer"), balance(rail, "house-1")
    assert after == (before[0] - 16_129_000, before[1] + 16_129_000)


def test_every_outcome_says_that_it_is_a_sandbox_in_both_languages(
    rail: BankRail, order: Order
) -> None:
    outcome = rail.pay([order()])[0]
    assert outcome.sandbox is True
    assert "沙箱" in outcome.bank
    assert "sandbox" in outcome.bank


def test_the_same_id_with_other_content_is_a_conflict_not_a_refusal(
    rail: BankRail, order: Order
) -> None:
    instruction = order(500)
    rail.pay([instruction])
    before = balance(rail, "insurer")
    for other in (
        replace(instruction, amount_fen=501),
        replace(instruction, creditor_account="house-2"),
        replace(instruction, remittance="other"),
        replace(instruction, creditor_name="somebody"),
    ):
        outcome = rail.pay([other])[0]
        assert outcome.state is OutcomeState.CONFLICT
        assert not outcome.state.final
    assert balance(rail, "insurer") == before
    assert rail.ask([instruction.id])[0].amount_fen == 500


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"creditor": "nobody"}, "bank.unknown_account"),
        ({"debtor": "nobody"}, "bank.unknown_account"),
        ({"debtor": "poor", "fen": 101}, "bank.insufficient_funds"),
        ({"fen": 0}, "bank.bad_amount"),
        ({"fen": 2**53}, "bank.bad_amount"),
        ({"currency": "USD"}, "bank.bad_currency"),
        ({"creditor": "insurer"}, "bank.same_account"),
    ],
)
def test_refusals_have_a_reason_and_are_final(
    rail: BankRail, order: Order, change: dict[str, object], code: str
) -> None:
    instruction = order(**change)
    refused = rail.pay([instruction])[0]
    assert (refused.state, refused.code) == (OutcomeState.REFUSED, code)
    assert rail.pay([instruction]) == rail.ask([instruction.id]) == [refused]


def test_a_refusal_stays_when_its_reason_has_gone(
    shared_bank: RunningBank, rail: BankRail, order: Order
) -> None:
    instruction = order(5_000, debtor="poor")
    assert rail.pay([instruction])[0].code == "bank.insufficient_funds"
    shared_bank.control.deposit("poor", 10_000)
    assert rail.pay([instruction])[0].code == "bank.insufficient_funds"
    assert rail.pay([order(5_000, debtor="poor")])[0].state is OutcomeState.EXECUTED


def test_a_closed_account_neither_pays_nor_receives(
    shared_bank: RunningBank, rail: BankRail, order: Order
) -> None:
    shared_bank.control.set_open("house-9", is_open=False)
    assert rail.pay([order(creditor="house-9")])[0].code == "bank.account_closed"
    shared_bank.control.set_open("house-9", is_open=True)
    assert rail.pay([order(creditor="house-9")])[0].state is OutcomeState.EXECUTED


def test_a_batch_gives_each_its_own_outcome_in_order(rail: BankRail, order: Order) -> None:
    batch = [order(1), order(debtor="nobody"), order(2), order(0), order(3)]
    assert [o.id for o in rail.pay(batch)] == [i.id for i in batch]
    states = [str(o.state) for o in rail.ask([i.id for i in batch] + ["never-sent"])]
    assert states == ["executed", "refused", "executed", "refused", "executed", "unknown"]


def test_money_runs_out_within_a_batch_at_the_right_instruction(
    shared_bank: RunningBank, rail: BankRail, order: Order
) -> None:
    shared_bank.control.open_accounts([("purse", "made-up purse", 250)])
    outcomes = rail.pay([order(100, debtor="purse") for _ in range(4)])
    assert [o.state.value for o in outcomes] == ["executed", "executed", "refused", "refused"]
    assert balance(rail, "purse") == 50


def test_a_thousand_payments_go_in_one_call(rail: BankRail, order: Order) -> None:
    batch = [order(100 + n, creditor=f"house-{n}") for n in range(1000)]
    outcomes = rail.pay(batch)
    assert {o.state for o in outcomes} == {OutcomeState.EXECUTED}
    assert [o.amount_fen for o in outcomes] == [i.amount_fen for i in batch]


def test_ids_that_are_sent_twice_in_one_call_or_too_many_are_not_sent(
    rail: BankRail, order: Order
) -> None:
    instruction = order()
    with pytest.raises(ValueError, match="twice"):
        rail.pay([instruction, instruction])
    with pytest.raises(ValueError, match="at most"):
        rail.ask([str(n) for n in range(5_001)])
    assert rail.pay([]) == rail.ask([]) == []


def test_a_closed_id_is_declared_in_a_statement_signed_with_the_banks_key(
    rail: BankRail, order: Order
) -> None:
    instruction = order()
    closed = rail.close(instruction.id)
    assert isinstance(closed, ClosedId)
    assert closed.key == rail.public_key()
    # Checked here with the library itself, from the bytes alone.
    key = Ed25519PublicKey.from_public_bytes(closed.key)
    key.verify(closed.signature, closed.statement)
    with pytest.raises(InvalidSignature):
        key.verify(closed.signature, closed.statement.replace(b"closed", b"opened"))
    says = json.loads(closed.statement)
    assert (says["id"], says["kind"], says["held"], says["sandbox"]) == (
        instruction.id, "closed_id", "nothing", True,
    )  # fmt: skip
    assert rail.close(instruction.id) == closed
    refused = rail.pay([instruction])[0]
    assert (refused.state, refused.code) == (OutcomeState.REFUSED, "bank.closed_id")
    assert rail.ask([instruction.id])[0].state is OutcomeState.UNKNOWN


def test_an_id_that_has_paid_cannot_be_closed(rail: BankRail, order: Order) -> None:
    paid = order(700)
    rail.pay([paid])
    answer = rail.close(paid.id)
    assert isinstance(answer, Outcome)
    assert (answer.state, answer.amount_fen) == (OutcomeState.EXECUTED, 700)


def test_a_refused_id_can_be_closed_and_the_statement_says_so(rail: BankRail, order: Order) -> None:
    refused = order(creditor="nobody")
    rail.pay([refused])
    closed = rail.close(refused.id)
    assert isinstance(closed, ClosedId)
    assert json.loads(closed.statement)["held"] == "refused"
    assert rail.pay([refused])[0].code == "bank.unknown_account"


def test_a_statement_has_running_balances_and_pages(
    shared_bank: RunningBank, rail: BankRail, order: Order
) -> None:
    shared_bank.control.open_accounts([("book", "made-up book", 1_000)])
    paid = [order(n, debtor="book") for n in range(1, 8)]
    rail.pay(paid)
    rail.pay([order(50, creditor="book")])
    lines, after, pages = list[StatementLine](), 0, 0
    while True:
        page = rail.statement("book", after, limit=4)
        lines += page.lines
        pages += 1
        if page.next_after is None:
            break
        after = page.next_after
    assert pages == 3
    assert [line.amount_fen for line in lines] == [1_000, -1, -2, -3, -4, -5, -6, -7, 50]
    running = 0
    for line in lines:
        running += line.amount_fen
        assert line.balance_fen == running
    assert running == page.balance_fen == 1_022
    assert [line.instruction for line in lines[1:8]] == [i.id for i in paid]
    assert (lines[1].end_to_end_id, lines[1].counterparty) == (paid[0].end_to_end_id, "house-1")
    with pytest.raises(OutsideFault, match="unknown_account") as fault:
        rail.statement("nobody/../x")
    assert fault.value.retry is False


def test_no_fen_is_made_or_lost(bank: RunningBank, order: Order) -> None:
    rail = BankRail(bank.address, timeout=60)
    rail.pay([order(n, creditor=f"house-{n % 50}") for n in range(1, 200)])
    rail.pay([order(n, debtor=f"house-{n}", creditor=f"house-{n + 1}") for n in range(40)])
    balances = sum(rail.statement(number).balance_fen for number, _, _ in ACCOUNTS[:60])
    assert balances == sum(fen for _, _, fen in ACCOUNTS)
    assert rail.statement("insurer").balance_fen == FUNDS - sum(range(1, 200))


def test_accounts_are_opened_once(shared_bank: RunningBank, rail: BankRail) -> None:
    control = shared_bank.control
    control.open_accounts([("twice", "name", 5), ("twice", "name", 5)])
    control.open_accounts([("twice", "name", 5)])
    assert balance(rail, "twice") == 5
    with pytest.raises(ControlRefused, match="another name"):
        control.open_accounts([("fresh", "x", 1), ("twice", "someone else", 5)])
    with pytest.raises(OutsideFault):
        rail.statement("fresh")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"amount_fen": -5}, "bank.bad_amount"),
        ({"currency": "元"}, "bank.bad_currency"),
        ({"creditor_account": "x" * 35}, "bank.bad_instruction"),
        ({"creditor_account": "' OR 1=1 --"}, "bank.unknown_account"),
        ({"creditor_account": ""}, "bank.bad_instruction"),
        ({"creditor_name": "\0"}, "bank.bad_instruction"),
        ({"remittance": "x" * 141}, "bank.bad_instruction"),
        ({"remittance": "<&>]]>\u4fdd\U0001f4b0"}, None),
        ({"creditor_name": " spaced"}, "bank.bad_instruction"),
    ],
)
def test_what_no_message_can_say_is_refused_alone_and_its_id_closes(
    rail: BankRail, order: Order, change: dict[str, Any], code: str | None
) -> None:
    odd, good = replace(order(7), **change), [order(1), order(2)]
    outcomes = rail.pay([good[0], odd, good[1]])
    assert [o.code for o in outcomes] == [None, code, None]
    assert [o.id for o in outcomes] == [good[0].id, odd.id, good[1].id]
    if code is not None:
        assert outcomes[1].state is OutcomeState.REFUSED
        assert isinstance(rail.close(odd.id), ClosedId)


def test_ids_longer_than_a_message_can_say_pay_once_under_their_short_name(
    rail: BankRail, order: Order
) -> None:
    long = order(9, key="f" * 64 + "-1")
    first = rail.pay([long])
    assert first == rail.pay([long]) == rail.ask([long.id])
    assert (first[0].id, first[0].state) == (long.id, OutcomeState.EXECUTED)
    other = rail.pay([replace(long, id="f" * 64 + "-2", creditor_account="house-3")])
    assert other[0].state is OutcomeState.EXECUTED, "another number is another id"
