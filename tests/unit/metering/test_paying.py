"""Paying invoices: once, by the bank's word, without what is contested; the books balance."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miaopei.accounts.chart import Account
from miaopei.accounts.metering.paying import set_off
from miaopei.acts.apply import ActResult
from miaopei.errors import Refused
from miaopei.node import invoices
from miaopei.node.effects.payer import Payer
from miaopei.node.reporting import Reporting
from miaopei.reports.experience import experience
from tests.support.metering import CARRIER, PROVIDER, Metered
from tests.support.rails import PaperBank
from tests.support.town import codes

MAY, JUNE = "2016-05", "2016-06"
USERS, RECORDS, RENT = 1, 2, 3  # the lines of an invoice with one model


class Paid(Metered):
    """A metered town whose carrier pays through a bank on paper."""

    def __init__(self, name: str = "paid") -> None:
        self.bank = PaperBank()
        super().__init__(name, rail=self.bank)
        self.town.accounts({f"carrier/{CARRIER}": "C-1", f"provider/{PROVIDER}": "P-1"})

    def month(self, number: int, month: str, after: str) -> str:
        """Two calls in a month, its invoice; the invoice's name."""
        self.town.at(f"{after}-01 00:00:00")
        assert self.use(2 * number, 10, 20, f"{month}-20 08:00:00").ok
        assert self.use(2 * number + 1, 30, 40, f"{month}-21 08:00:00").ok
        assert self.bill(month).ok
        return f"{self.of}/{month}"

    def pay(self, invoice: str) -> dict[str, Any]:
        """Order what is to be paid now, and have the bank do it."""
        found = invoices.pay(self.town.node, invoice).value
        assert self.town.payer is not None
        self.town.payer.run()
        return found

    def contest(self, invoice: str, line: int, *runs: str) -> ActResult:
        """The carrier contests a line."""
        said = {"line": line, "runs": list(runs), "reason": "not ours", "person": "Li"}
        act = self.town.act("dispute_invoice", {"invoice": invoice, **said}, f"d{invoice}{line}")
        return self.town.send(act)

    def settle(self, dispute: str, *void: str) -> ActResult:
        """The provider answers."""
        body = {"dispute": dispute, "void": list(void), "reason": "counted", "person": "Wang"}
        return self.town.send(self.town.act_of(PROVIDER, "settle_dispute", body, dispute))

    def run(self, number: int) -> str:
        """The id of a call."""
        return str(self.usage_body(number, 0, 0, 0)["run"])

    def came(self) -> int:
        """What the provider's account has received."""
        return self.bank.paid_to().get("P-1", 0)

    def owed(self) -> int:
        """Fees payable of the carrier, which are the provider's receivable."""
        balance = self.town.balance()  # refuses a journal that does not balance
        payable = balance.of(CARRIER, Account.FEES_PAYABLE)
        assert payable == balance.of(PROVIDER, Account.FEES_RECEIVABLE)
        return payable


@pytest.fixture
def paid() -> Paid:
    return Paid()


def test_an_invoice_is_paid_whole_once_and_the_accounts_balance(paid: Paid) -> None:
    invoice = paid.month(0, MAY, JUNE)
    whole = 40 * 12 + 60 * 3 + 500_000
    assert paid.owed() == whole
    assert paid.pay(invoice)["pay_fen"] == whole
    assert (paid.came(), paid.owed()) == (whole, 0)
    balance = paid.town.balance()
    assert balance.of(PROVIDER, Account.CASH_AT_BANK) == whole
    with pytest.raises(Refused) as refused:
        paid.pay(invoice)
    assert refused.value.refusals[0].code == "metering.nothing_to_pay"
    again = paid.town.act("pay_invoice", {"invoice": invoice, "number": 1}, "again")
    assert codes(paid.town.send(again)) == ["metering.payment_number"]
    assert paid.came() == whole


def test_a_silent_bank_and_a_second_payer_pay_it_once(paid: Paid) -> None:
    invoice = paid.month(0, MAY, JUNE)
    paid.bank.silent = True
    total = paid.pay(invoice)["pay_fen"]
    assert (paid.came(), paid.owed()) == (0, total), "nothing is paid that no bank has confirmed"
    paid.bank.silent = False
    for _ in range(3):
        Payer(paid.town.node, paid.bank).run()
    assert (paid.came(), paid.owed()) == (total, 0)


def test_a_contested_call_is_held_back_in_every_line_it_stands_in(paid: Paid) -> None:
    invoice = paid.month(0, MAY, JUNE)
    assert paid.contest(invoice, USERS, paid.run(1)).ok
    risk = 30 * 12 + 40 * 3
    said = paid.pay(invoice)
    assert (said["held_fen"], said["pay_fen"]) == (risk, 10 * 12 + 20 * 3 + 500_000)
    assert paid.owed() == risk
    with pytest.raises(Refused) as refused:
        paid.pay(invoice)
    assert refused.value.refusals[0].facts["held_fen"] == risk
    assert paid.settle(f"{invoice}/001").ok, "the recount finds the line right"
    assert paid.pay(invoice)["pay_fen"] == risk
    assert paid.owed() == 0


def test_what_a_settlement_takes_off_is_never_paid(paid: Paid) -> None:
    invoice = paid.month(0, MAY, JUNE)
    assert paid.contest(invoice, RECORDS).ok
    assert paid.contest(invoice, RENT).ok
    with pytest.raises(Refused):
        paid.pay(invoice)
    assert paid.settle(f"{invoice}/001", paid.run(0), paid.run(1)).ok
    assert paid.settle(f"{invoice}/002").ok
    assert paid.pay(invoice)["pay_fen"] == 500_000 == paid.came()
    assert paid.owed() == 0


def test_a_credit_note_after_payment_is_set_off_against_the_next_invoice(paid: Paid) -> None:
    may = paid.month(0, MAY, JUNE)
    paid.pay(may)
    before, over = paid.came(), 30 * 12 + 40 * 3
    assert paid.contest(may, USERS, paid.run(1)).ok
    assert paid.settle(f"{may}/001", paid.run(1)).ok
    assert paid.owed() == -over, "the provider owes it back"
    june = paid.month(1, JUNE, "2016-07")
    said = paid.pay(june)
    assert said["set_off"] == [{"invoice": may, "fen": over}]
    assert paid.came() - before == said["pay_fen"] == 40 * 12 + 60 * 3 + 500_000 - over
    assert paid.owed() == 0
    with pytest.raises(Refused):
        paid.pay(june)


def test_only_the_carrier_or_the_operator_orders_and_only_with_accounts_on_file(paid: Paid) -> None:
    invoice = paid.month(0, MAY, JUNE)
    other = paid.town.act_of(PROVIDER, "pay_invoice", {"invoice": invoice, "number": 1})
    assert codes(paid.town.send(other)) == ["act.role_missing"]
    unknown = paid.town.act("pay_invoice", {"invoice": "none", "number": 1}, "none")
    assert codes(paid.town.send(unknown)) == ["metering.invoice_not_known"]
    bare = Metered("bare")
    bare.town.at("2016-06-01 00:00:00")
    assert bare.bill(MAY).ok
    with pytest.raises(Refused) as refused:
        invoices.pay(bare.town.node, f"{bare.of}/{MAY}")
    assert refused.value.refusals[0].code == "metering.no_account"
    assert refused.value.refusals[0].facts["who"] == f"carrier/{CARRIER}"


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_in_any_order_of_words_all_is_paid_and_nothing_twice(seed: int) -> None:
    """Months invoiced, contested, settled and paid in any order: at the end nothing is owed."""
    random, paid = Random(seed), Paid(f"paid-{seed}")
    months = [(0, MAY, JUNE), (1, JUNE, "2016-07"), (2, "2016-07", "2016-08")]
    named = list[str]()
    for number, month, after in months:
        named.append(paid.month(number, month, after))
        for _ in range(6):
            invoice, line = random.choice(named), random.choice((USERS, RECORDS))
            calls = [paid.run(2 * named.index(invoice) + n) for n in (0, 1)]
            if random.random() < 0.5:
                _try(paid, invoice)
            elif random.random() < 0.5:
                paid.contest(invoice, line, *random.sample(calls, random.randint(0, 2)))
            else:
                for key in random.sample(found := _open(paid), min(1, len(found))):
                    void = paid.town.table("dispute")[key]["runs"]
                    paid.settle(key, *random.sample(void, random.randint(0, len(void))))
    for key in _open(paid):
        assert paid.settle(key).ok
    for invoice in [*named, *named]:
        _try(paid, invoice)
    net = sum(i["total_fen"] - i["credited_fen"] for i in paid.town.table("invoice").values())
    assert paid.owed() == net - paid.came()
    assert net <= paid.came(), "whatever is not contested any more is paid"
    lefts = [
        i["total_fen"] - i["credited_fen"] - i.get("ordered_fen", 0) - i.get("set_off_fen", 0)
        for i in paid.town.table("invoice").values()
    ]
    assert sum(lefts) == net - paid.came()
    assert not any(left > 0 for left in lefts)


def _open(paid: Paid) -> list[str]:
    return [key for key, said in paid.town.table("dispute").items() if said["settled"] is None]


def _try(paid: Paid, invoice: str) -> None:
    try:
        paid.pay(invoice)
    except Refused as refused:
        if refused.refusals[0].code != "metering.nothing_to_pay":
            raise


@given(due=st.integers(1, 10**9), lefts=st.lists(st.integers(-(10**9), 10**9), max_size=8))
def test_set_off_never_takes_more_than_is_due_or_was_overpaid(due: int, lefts: list[int]) -> None:
    named = [(str(number), left) for number, left in enumerate(lefts)]
    met = set_off(due, named)
    over = {name: -left for name, left in named if left < 0}
    assert sum(met.values()) == min(due, sum(over.values()))
    assert all(0 < fen <= over[name] for name, fen in met.items())


def test_o21_fees_and_rent_stand_with_their_version_and_sum_to_the_invoices(paid: Paid) -> None:
    first = paid.month(0, MAY, JUNE)
    assert paid.contest(first, USERS, paid.run(1)).ok
    assert paid.settle(f"{first}/001", paid.run(1)).ok
    with paid.town.node.reading() as (reading, state):
        told = Reporting(reading, state, paid.town.me).experience()
        (line,) = experience(told, reading.head().time)
        net = sum(
            value["total_fen"] - value["credited_fen"] for _, value in state.range("invoice", "")
        )
    assert (line.version, line.data_fen, line.rent_fen) == (1, 10 * 12 + 20 * 3, 500_000)
    assert line.data_fen + line.rent_fen == net
