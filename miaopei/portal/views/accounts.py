"""Accounts: the trial balance of every owner, from the journal of the record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...accounts.balance import Sums, trial_balance
from ...accounts.chart import CHART, Account
from ...accounts.entry import Entry
from .desk import Desk


@dataclass(frozen=True)
class Owned:
    """What stands on the accounts of one owner. Units   fen; debits equal credits."""

    owner: str
    lines: tuple[tuple[Account, Sums], ...]

    @property
    def total_fen(self) -> int:
        """The sum of the debits, which is the sum of the credits."""
        return sum(sums.debit_fen for _, sums in self.lines)

    def as_json(self) -> dict[str, Any]:
        """For the API."""
        return {
            "owner": self.owner,
            "total_fen": self.total_fen,
            "accounts": [
                {
                    "account": str(account),
                    "name": {"zh": CHART[account].zh, "en": CHART[account].en},
                    "debit_fen": sums.debit_fen,
                    "credit_fen": sums.credit_fen,
                    "balance_fen": sums.balance(account),
                }
                for account, sums in self.lines
            ],
        }


@dataclass(frozen=True)
class Accounts:
    """The whole journal, added up."""

    entries: int
    owners: tuple[Owned, ...]
    totals: Mapping[Account, int]


def accounts(desk: Desk) -> Accounts:
    """The trial balance. Errors   AccountsUnbalanced, and then nothing of it is shown."""

    def make() -> Accounts:
        entries = [Entry.from_json(value) for _, value in desk.state.range("journal", "")]
        found = trial_balance(entries)
        by_owner: dict[str, list[tuple[Account, Sums]]] = {}
        for (owner, account), sums in found.sums.items():
            by_owner.setdefault(owner, []).append((account, sums))
        order = list(CHART)
        owners = tuple(
            Owned(owner, tuple(sorted(lines, key=lambda line: order.index(line[0]))))
            for owner, lines in by_owner.items()
        )
        used = [account for account in CHART if any(a is account for _, a in found.sums)]
        return Accounts(len(entries), owners, {a: found.total(a) for a in used})

    return desk.once("accounts", make)
