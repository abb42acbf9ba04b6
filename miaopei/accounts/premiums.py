"""What the house books of premium that arrives before cover, and of premium that is given back.

One carrier, the collector, takes the premium in; it stands as a deposit until the policy is in
force. Then what belongs to the others is due to them. Each function gives one balanced entry.
"""

from __future__ import annotations

from collections.abc import Mapping

from .chart import Account
from .entry import Entry, Line
from .postings import pair


def deposit_received(key: str, time: int, because: str, collector: str, fen: int) -> Entry:
    """Money of an applicant has arrived at the collector's bank."""
    lines = pair(Account.CASH_AT_BANK, Account.PREMIUM_DEPOSIT, collector, fen)
    return Entry(key, time, (because,), tuple(lines))


def deposit_earned(
    key: str, time: int, because: str, collector: str, parts: Mapping[str, int]
) -> Entry:
    """The policies are in force: the deposit settles each carrier's premium receivable."""
    lines: list[Line] = []
    for who, fen in parts.items():
        if not fen:
            continue
        lines.append(Line(Account.PREMIUM_DEPOSIT, collector, debit_fen=fen))
        if who == collector:
            lines.append(Line(Account.PREMIUM_RECEIVABLE, who, credit_fen=fen))
            continue
        lines += [
            Line(Account.DUE_TO_CO_INSURERS, collector, credit_fen=fen, counterparty=who),
            Line(Account.DUE_FROM_CO_INSURERS, who, debit_fen=fen, counterparty=collector),
            Line(Account.PREMIUM_RECEIVABLE, who, credit_fen=fen),
        ]
    return Entry(key, time, (because,), tuple(lines))


def deposit_to_return(key: str, time: int, because: str, collector: str, fen: int) -> Entry:
    """A deposit that nothing is bought with any more is owed back."""
    lines = pair(Account.PREMIUM_DEPOSIT, Account.PREMIUM_REFUND_PAYABLE, collector, fen)
    return Entry(key, time, (because,), tuple(lines))


def premium_to_return(
    key: str, time: int, because: str, collector: str, parts: Mapping[str, int]
) -> Entry:
    """Premium of a policy is given back: each carrier bears its part, the collector pays it out."""
    lines: list[Line] = []
    for who, fen in parts.items():
        if not fen:
            continue
        lines += [
            Line(Account.PREMIUM_WRITTEN, who, debit_fen=fen),
            Line(Account.PREMIUM_REFUND_PAYABLE, collector, credit_fen=fen),
        ]
        if who != collector:
            lines += [
                Line(Account.DUE_TO_CO_INSURERS, who, credit_fen=fen, counterparty=collector),
                Line(Account.DUE_FROM_CO_INSURERS, collector, debit_fen=fen, counterparty=who),
            ]
    return Entry(key, time, (because,), tuple(lines))


def refund_paid(key: str, time: int, because: str, collector: str, fen: int) -> Entry:
    """The bank has paid a refund out."""
    lines = pair(Account.PREMIUM_REFUND_PAYABLE, Account.CASH_AT_BANK, collector, fen)
    return Entry(key, time, (because,), tuple(lines))
