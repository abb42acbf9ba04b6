"""What an invoice books, what a credit note takes back, what is paid: a balanced entry each."""

from __future__ import annotations

from ..chart import Account
from ..entry import Entry, Line
from .invoice import Totals

PAIRS = (
    ("data_fen", Account.DATA_FEES, Account.DATA_FEE_INCOME),
    ("rent_fen", Account.COMPUTE_RENT, Account.COMPUTE_RENT_INCOME),
)


def fees_invoiced(
    key: str, time: int, because: str, provider: str, carrier: str, totals: Totals
) -> Entry:
    """The carrier owes the provider what the invoice says."""
    return Entry(key, time, (because,), tuple(_lines(provider, carrier, totals, back=False)))


def fees_credited(
    key: str, time: int, because: str, provider: str, carrier: str, totals: Totals
) -> Entry:
    """A credit note: so much of an invoice is owed no longer."""
    return Entry(key, time, (because,), tuple(_lines(provider, carrier, totals, back=True)))


def fees_paid(key: str, time: int, because: str, provider: str, carrier: str, fen: int) -> Entry:
    """The bank has moved money for an invoice from the carrier to the provider."""
    lines = (
        Line(Account.FEES_PAYABLE, carrier, debit_fen=fen, counterparty=provider),
        Line(Account.CASH_AT_BANK, carrier, credit_fen=fen),
        Line(Account.CASH_AT_BANK, provider, debit_fen=fen),
        Line(Account.FEES_RECEIVABLE, provider, credit_fen=fen, counterparty=carrier),
    )
    return Entry(key, time, (because,), lines)


def _lines(provider: str, carrier: str, totals: Totals, *, back: bool) -> list[Line]:
    found = []
    for name, expense, income in PAIRS:
        fen = getattr(totals, name)
        if not fen:
            continue
        debit, credit = (0, fen) if back else (fen, 0)
        found += [
            Line(expense, carrier, debit, credit, counterparty=provider),
            Line(Account.FEES_PAYABLE, carrier, credit, debit, counterparty=provider),
            Line(Account.FEES_RECEIVABLE, provider, debit, credit, counterparty=carrier),
            Line(income, provider, credit, debit, counterparty=carrier),
        ]
    return found
