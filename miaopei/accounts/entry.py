"""A journal entry: an immutable value that balances for every owner, or is never made."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from ..errors import AccountsUnbalanced, Refusal, Refused
from .chart import Account
from .shape import read

NAMES = frozenset(str(account) for account in Account)


ABOUT = ("listing", "year")  # what `about` of an entry names


@dataclass(frozen=True)
class Line:
    """One account of one owner, on one side.

    Units   fen, never negative; exactly one side is above zero. `counterparty` is who owes or is
            owed, where the account stands for more than one ("" where it does not matter).
    """

    account: Account
    owner: str
    debit_fen: int = 0
    credit_fen: int = 0
    counterparty: str = ""

    def __post_init__(self) -> None:
        one, other = self.debit_fen, self.credit_fen
        if type(one) is not int or type(other) is not int or min(one, other) < 0:
            raise Refused(
                Refusal(
                    "accounts.bad_amount",
                    {"owner": self.owner, "debit": str(one), "credit": str(other)},
                )
            )
        if (one == 0) == (other == 0):
            raise Refused(
                Refusal("accounts.one_side", {"owner": self.owner, "debit": one, "credit": other})
            )
        if not self.owner:
            raise Refused(Refusal("accounts.no_owner", {"account": str(self.account)}))

    def as_json(self) -> dict[str, Any]:
        """The form that stands in the record."""
        return {
            "account": str(self.account),
            "owner": self.owner,
            "debit_fen": self.debit_fen,
            "credit_fen": self.credit_fen,
            "counterparty": self.counterparty,
        }

    @classmethod
    def from_json(cls, value: object) -> Self:
        """Errors   Refused accounts.bad_entry, accounts.unknown_account and those of a line."""
        name, owner, debit, credit, counterparty = read(
            value,
            "accounts.bad_entry",
            account=str,
            owner=str,
            debit_fen=int,
            credit_fen=int,
            counterparty=str,
        )
        if name not in NAMES:
            raise Refused(Refusal("accounts.unknown_account", {"account": name[:60]}))
        return cls(Account(name), owner, debit, credit, counterparty)


@dataclass(frozen=True)
class Entry:
    """Who now has what, and because of which records.

    `id` is the key its maker gives it, `time` UTC seconds, `because` the ids of the records that
    caused it. The debits of every owner equal that owner's credits. `about`, in the kinds of entry
    that have it, names listing and policy year.
    Errors   AccountsUnbalanced (alarm) names the first owner that differs; Refused accounts.empty.
    """

    id: str
    time: int
    because: tuple[str, ...]
    lines: tuple[Line, ...]
    about: Mapping[str, str] | None = None

    def __post_init__(self) -> None:
        if not self.lines or not self.because or not self.id:
            raise Refused(
                Refusal(
                    "accounts.empty",
                    {"id": self.id, "lines": len(self.lines), "because": len(self.because)},
                )
            )
        excess: dict[str, int] = defaultdict(int)
        for line in self.lines:
            excess[line.owner] += line.debit_fen - line.credit_fen
        for owner, fen in excess.items():
            if fen:
                raise AccountsUnbalanced(
                    "debits and credits differ", entry=self.id, owner=owner, excess_fen=fen
                )

    @property
    def total_fen(self) -> int:
        """The sum of the debits, which is the sum of the credits."""
        return sum(line.debit_fen for line in self.lines)

    def as_json(self) -> dict[str, Any]:
        """The form that stands in the record."""
        named = {} if self.about is None else {"about": dict(self.about)}
        return {
            **named,
            "id": self.id,
            "time": self.time,
            "because": list(self.because),
            "lines": [line.as_json() for line in self.lines],
        }

    @classmethod
    def from_json(cls, value: object) -> Self:
        """Errors   Refused accounts.bad_entry; AccountsUnbalanced for an entry that was altered."""
        given = dict(value) if isinstance(value, Mapping) else value
        about = given.pop("about", None) if isinstance(given, dict) else None
        key, time, because, lines = read(
            given, "accounts.bad_entry", id=str, time=int, because=list, lines=list
        )
        if about is not None:
            named = read(about, "accounts.bad_entry", listing=str, year=str)
            about = dict(zip(ABOUT, named, strict=True))
        if any(type(parent) is not str for parent in because):
            raise Refused(Refusal("accounts.bad_entry", {"field": "because", "why": "not text"}))
        found = tuple(Line.from_json(line) for line in lines)
        return cls(key, time, tuple(because), found, about)
