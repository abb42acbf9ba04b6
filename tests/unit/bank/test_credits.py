"""Money that comes in: paid with a reference at the sandbox bank, heard of by camt.054."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from miaopei.accounts.rail import Credits
from miaopei.adapters.bank_rail import BankRail
from miaopei.adapters.iso20022 import notification
from miaopei.adapters.sandbox_bank.control import ControlRefused
from miaopei.adapters.sandbox_bank.messages import notification as banks
from miaopei.adapters.sandbox_bank.starter import RunningBank
from miaopei.errors import OutsideFault
from tests.unit.bank.conftest import Order

TWO = [
    banks.Movement(7, 1_700_000_000, 12_345, "e2e-1", "house-1", "made-up household", "PREM-1"),
    banks.Movement(9, 1_700_000_001, 5, "NOTPROVIDED", None, None, "保费 第二期"),
]


def said(*, last: bool = True) -> bytes:
    return banks.write("insurer", 0, TWO, last=last, now=1_700_000_002)


def test_a_customer_pays_in_and_the_reference_arrives(bank: RunningBank, rail: BankRail) -> None:
    bank.control.deposit("house-1", 100_000)
    assert rail.credits("insurer").lines == (), "an opening balance is no credit"
    bank.control.pay_in("insurer", 12_050, "APPL-7", payer="house-1", end_to_end_id="mine-1")
    bank.control.pay_in("insurer", 1, "保费 APPL-8")
    found = rail.credits("insurer")
    first, second = found.lines
    assert (first.reference, first.amount_fen, first.end_to_end_id) == ("APPL-7", 12_050, "mine-1")
    assert (second.reference, second.amount_fen) == ("保费 APPL-8", 1)
    assert first.ref != second.ref
    assert abs(first.at - second.at) < 60
    assert rail.statement("house-1").balance_fen == 100_000 - 12_050


def test_credits_are_told_from_behind_a_number_and_again_the_same(
    bank: RunningBank, rail: BankRail
) -> None:
    for number in range(5):
        bank.control.pay_in("insurer", 100 + number, f"R-{number}")
    pages, after = [], 0
    while (page := rail.credits("insurer", after, limit=2)).lines:
        pages.append([line.amount_fen for line in page.lines])
        after = page.next_after
    assert pages == [[100, 101], [102, 103], [104]]
    assert rail.credits("insurer", after) == Credits((), after), "asked again: nothing, no further"
    assert rail.credits("insurer") == rail.credits("insurer")


def test_what_we_pay_is_no_credit_of_ours_and_one_of_the_payees(
    rail: BankRail, order: Order
) -> None:
    rail.pay([order(700, creditor="house-2")])
    assert rail.credits("insurer").lines == ()
    (came,) = rail.credits("house-2").lines
    assert came.amount_fen == 700


def test_nothing_is_paid_in_that_cannot_be(bank: RunningBank) -> None:
    for number, fen, payer in (
        ("nobody", 5, None),
        ("insurer", 10**9, "poor"),
        ("insurer", 0, "x"),
    ):
        with pytest.raises(ControlRefused):
            bank.control.pay_in(number, fen, "R", payer=payer)


def test_an_account_that_is_not_there_is_no_silence(rail: BankRail) -> None:
    with pytest.raises(OutsideFault) as fault:
        rail.credits("nobody")
    assert not fault.value.retry


def test_a_message_of_the_bank_is_read_as_it_was_meant() -> None:
    found = notification.credits(said(), "insurer", 0)
    assert [(c.reference, c.amount_fen, c.at) for c in found.lines] == [
        ("PREM-1", 12_345, 1_700_000_000),
        ("保费 第二期", 5, 1_700_000_001),
    ]
    assert found.next_after == 9


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"<Sum>123.50</Sum>", b"<Sum>123.51</Sum>"),
        (b"<NbOfNtries>2</NbOfNtries>", b"<NbOfNtries>3</NbOfNtries>"),
        (b'Ccy="CNY">123.45', b'Ccy="USD">123.45'),
        (b">0.05</Amt>", b">0.051</Amt>"),
        (b">0.05</Amt>", b">-0.05</Amt>"),
        (b"<NtryRef>9<", b"<NtryRef>7<"),
        (b"<Id>insurer</Id>", b"<Id>another</Id>"),
        (b"<CdtDbtInd>CRDT</CdtDbtInd><Sts>", b"<CdtDbtInd>OTHER</CdtDbtInd><Sts>"),
        (b"camt.054.001.08", b"camt.054.001.02"),
        (b"<?xml version='1.0' encoding='UTF-8'?>", b"<!DOCTYPE x [<!ENTITY a 'b'>]>"),
        (b"<?xml version='1.0' encoding='UTF-8'?>", b"<?xml version='1.0' encoding='GB18030'?>"),
        (b"</Document>", b""),
    ],
)
def test_a_notification_that_does_not_fit_is_silence(old: bytes, new: bytes) -> None:
    data = said()
    assert data.count(old)
    with pytest.raises(OutsideFault) as fault:
        notification.credits(data.replace(old, new), "insurer", 0)
    assert fault.value.retry


def test_a_reversal_and_what_is_not_booked_are_no_credits() -> None:
    data = said().replace(b"<Cd>BOOK</Cd>", b"<Cd>PDNG</Cd>", 1)
    assert [c.amount_fen for c in notification.credits(data, "insurer", 0).lines] == [5]
    marked = b"<CdtDbtInd>CRDT</CdtDbtInd><RvslInd>true</RvslInd><Sts>"
    data = said().replace(b"<CdtDbtInd>CRDT</CdtDbtInd><Sts>", marked, 1)
    assert [c.amount_fen for c in notification.credits(data, "insurer", 0).lines] == [5]


def test_several_payments_in_one_entry_are_several_credits() -> None:
    data = said()
    start, end = data.index(b"<TxDtls>"), data.index(b"</TxDtls>") + len(b"</TxDtls>")
    one = data[start:end]
    two = one.replace(b"123.45", b"100.00") + one.replace(b"123.45", b"23.45").replace(
        b"PREM-1", b"PREM-2"
    )
    found = notification.credits(data[:start] + two + data[end:], "insurer", 0).lines
    assert [(c.reference, c.amount_fen) for c in found[:2]] == [
        ("PREM-1", 10_000),
        ("PREM-2", 2_345),
    ]
    assert len({c.ref for c in found}) == 3
    with pytest.raises(OutsideFault):
        notification.credits(data[:start] + two + one + data[end:], "insurer", 0)


def test_a_forged_notification_is_not_believed(
    bank: RunningBank, saying: Callable[[bytes], str], tmp_path: Path
) -> None:
    rail = BankRail(bank.address, timeout=60)
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Length: {len(said())}\r\nBank-Signature: {'00' * 64}\r\n\r\n"
    )
    forger = saying(head.encode() + said())
    with pytest.raises(OutsideFault, match="not signed"):
        BankRail(forger, timeout=60, key=rail.public_key()).credits("insurer")
