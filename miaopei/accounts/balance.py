"""Balances from a list of entries: the trial balance by owner and account."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import AccountsUnbalanced
from .chart import CHART, Account
from .entry import Entry


@dataclass(frozen=True)
class Sums:
    """What was debited and credited on one account of one owner, in fen."""

    debit_fen: int
    credit_fen: int

    def balance(self, account: Account) -> int:
        """Above zero on the side on which this account grows."""
        excess = self.debit_fen - self.credit_fen
        return excess if CHART[account].kind.grows_by_debit else -excess


@dataclass(frozen=True)
class TrialBalance:
    """Sums by owner and account, owners and accounts in byte order."""

    sums: Mapping[tuple[str, Account], Sums]

    def of(self, owner: str, account: Account) -> int:
        """The balance of one account of one owner; zero where nothing was ever booked."""
        found = self.sums.get((owner, account))
        return found.balance(account) if found else 0

    def total(self, account: Account) -> int:
        """The balance of one account over all owners."""
        return sum(s.balance(account) for (_, name), s in self.sums.items() if name is account)

    def as_json(self) -> list[dict[str, Any]]:
        """One row an owner and account, with both sides and the balance."""
        return [
            {
                "owner": owner,
                "account": str(account),
                "debit_fen": s.debit_fen,
                "credit_fen": s.credit_fen,
                "balance_fen": s.balance(account),
            }
            for (owner, account), s in self.sums.items()
        ]


def trial_balance(entries: Iterable[Entry]) -> TrialBalance:
    """Errors   AccountsUnbalanced where the two sides of an owner differ in the whole journal."""
    sides: dict[tuple[str, Account], list[int]] = defaultdict(lambda: [0, 0])
    for entry in entries:
        for line in entry.lines:
            both = sides[line.owner, line.account]
            both[0] += line.debit_fen
            both[1] += line.credit_fen
    excess: dict[str, int] = defaultdict(int)
    for (owner, _), (debit, credit) in sides.items():
        excess[owner] += debit - credit
    for owner, fen in excess.items():
        if fen:
            raise AccountsUnbalanced("journal does not balance", owner=owner, excess_fen=fen)
    return TrialBalance({key: Sums(*sides[key]) for key in sorted(sides)})


def owed_by(entries: Iterable[Entry], owner: str, account: Account) -> dict[str, int]:
    """The balance of one account of one owner, counterparty by counterparty; zeros left out."""
    grows, found = CHART[account].kind.grows_by_debit, defaultdict[str, int](int)
    for entry in entries:
        for line in entry.lines:
            if line.owner == owner and line.account is account:
                excess = line.debit_fen - line.credit_fen
                found[line.counterparty] += excess if grows else -excess
    return {who: fen for who, fen in sorted(found.items()) if fen}
