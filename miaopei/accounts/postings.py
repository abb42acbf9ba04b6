"""What the house books, one function a thing that happens. Each gives one balanced entry.

`carriers` is the list that stands in the acts: one object a carrier with its amount in fen. Zero
amounts make no line; an entry of nothing but zeros is refused (accounts.empty), so ask first.
Amounts by carrier are sums over policies, each policy split by its placement (`market.placement`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ..errors import Refusal, Refused
from .chart import Account
from .entry import Entry, Line

Parts = Sequence[object]


def premium_written(key: str, time: int, because: str, carriers: Parts) -> Entry:
    """A batch in force: each carrier is owed its part. `carriers`: {carrier, premium_fen}."""
    lines: list[Line] = []
    for who, fen in _amounts(carriers, "premium_fen"):
        lines += pair(Account.PREMIUM_RECEIVABLE, Account.PREMIUM_WRITTEN, who, fen)
    return Entry(key, time, (because,), tuple(lines))


def premium_received(key: str, time: int, because: str, carriers: Parts) -> Entry:
    """Premium arrived at the carriers' bank. `carriers`: {carrier, premium_fen}."""
    lines: list[Line] = []
    for who, fen in _amounts(carriers, "premium_fen"):
        lines += pair(Account.CASH_AT_BANK, Account.PREMIUM_RECEIVABLE, who, fen)
    return Entry(key, time, (because,), tuple(lines))


def settlement_made(key: str, time: int, because: str, carriers: Parts) -> Entry:
    """A settlement makes a debt of each carrier. `carriers`: {carrier, pay_fen}."""
    lines: list[Line] = []
    for who, fen in _amounts(carriers, "pay_fen"):
        lines += pair(Account.CLAIMS_INCURRED, Account.CLAIMS_PAYABLE, who, fen)
    return Entry(key, time, (because,), tuple(lines))


def payouts_executed(
    key: str, time: int, because: str, carriers: Parts, payer: str | None = None
) -> Entry:
    """The bank paid. `carriers`: {carrier, executed_fen}.

    Without `payer` each carrier pays from its own account. With it, the money left the payer's
    account, and what was paid for the others is due from them.
    """
    lines: list[Line] = []
    for who, fen in _amounts(carriers, "executed_fen"):
        if payer is None or who == payer:
            lines += pair(Account.CLAIMS_PAYABLE, Account.CASH_AT_BANK, who, fen)
        else:
            lines += [
                Line(Account.CLAIMS_PAYABLE, who, debit_fen=fen),
                Line(Account.DUE_TO_CO_INSURERS, who, credit_fen=fen, counterparty=payer),
                Line(Account.DUE_FROM_CO_INSURERS, payer, debit_fen=fen, counterparty=who),
                Line(Account.CASH_AT_BANK, payer, credit_fen=fen),
            ]
    return Entry(key, time, (because,), tuple(lines))


def payout_received(key: str, time: int, because: str, holder: str, fen: int) -> Entry:
    """A policyholder holds a payout that is not its own: it is for households."""
    lines = pair(Account.CASH_AT_BANK, Account.PAYOUT_TO_ALLOT, holder, fen)
    return Entry(key, time, (because,), tuple(lines))


def allotment_fixed(key: str, time: int, because: str, holder: str, fen: int) -> Entry:
    """The list is fixed by its digest: the policyholder now owes its lines."""
    lines = pair(Account.PAYOUT_TO_ALLOT, Account.ALLOTMENT_PAYABLE, holder, fen)
    return Entry(key, time, (because,), tuple(lines))


def allotment_paid(key: str, time: int, because: str, holder: str, fen: int) -> Entry:
    """Lines of the list were paid; `fen` is the sum of those executed."""
    lines = pair(Account.ALLOTMENT_PAYABLE, Account.CASH_AT_BANK, holder, fen)
    return Entry(key, time, (because,), tuple(lines))


def receivable_changed(
    key: str, time: int, because: str, policyholder: str, carriers: Parts
) -> Entry:
    """An overpayment to be asked back, by listing. `carriers`: {carrier, before_fen, after_fen}.

    An open receivable is replaced by the new difference, not added to: `before_fen` is what stands
    open (0 at first), `after_fen` what is to stand. Less than before is given back to the claims.
    """
    lines: list[Line] = []
    before = dict(_all_amounts(carriers, "before_fen"))
    for who, after in _all_amounts(carriers, "after_fen"):
        up, down = max(0, after - before[who]), max(0, before[who] - after)
        if up or down:
            lines += [
                Line(Account.RECEIVABLE_FROM_OVERPAID, who, up, down, counterparty=policyholder),
                Line(Account.CLAIMS_INCURRED, who, down, up),
            ]
    return Entry(key, time, (because,), tuple(lines))


def receivable_repaid(
    key: str, time: int, because: str, policyholder: str, carriers: Parts
) -> Entry:
    """The policyholder paid an overpayment back. `carriers`: {carrier, repaid_fen}."""
    lines: list[Line] = []
    for who, fen in _amounts(carriers, "repaid_fen"):
        lines += [
            Line(Account.CASH_AT_BANK, who, debit_fen=fen),
            Line(Account.RECEIVABLE_FROM_OVERPAID, who, credit_fen=fen, counterparty=policyholder),
        ]
    return Entry(key, time, (because,), tuple(lines))


def pair(debit: Account, credit: Account, owner: str, fen: int) -> list[Line]:
    """Both sides of an amount that stays with one owner."""
    return [Line(debit, owner, debit_fen=fen), Line(credit, owner, credit_fen=fen)]


def _amounts(carriers: Parts, name: str) -> Iterator[tuple[str, int]]:
    return ((who, fen) for who, fen in _all_amounts(carriers, name) if fen)


def _all_amounts(carriers: Parts, name: str) -> Iterator[tuple[str, int]]:
    """Carrier and amount, in the list's order. The lists come from acts, so they are checked."""
    seen: set[str] = set()
    for part in carriers:
        known = part if isinstance(part, Mapping) else {}
        who, fen = known.get("carrier"), known.get(name)
        if type(who) is not str or not who or type(fen) is not int or fen < 0:
            raise Refused(
                Refusal(
                    "accounts.bad_part",
                    {"carrier": str(who)[:60], "field": name, "value": str(fen)[:40]},
                )
            )
        if who in seen:
            raise Refused(Refusal("accounts.carrier_twice", {"carrier": who}))
        seen.add(who)
        yield who, fen
