"""A month's invoice: users read times their rate, records read times theirs, and rent.

Calls of an earlier month that came to the record after its invoice are lines of their own, at the
rates of their month. Same as  `reports.metering`, which counts from the log and shares nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ...errors import Refusal, Refused
from .usage import Rates, Usage, rates_for


class Item(StrEnum):
    """What a line is for."""

    USERS = "users"
    RECORDS = "records"
    RENT = "rent"


@dataclass(frozen=True)
class Line:
    """One line. `model` is "" for rent; `month` differs from the invoice's on a correction.

    Units   quantity: users, records or months; amounts in fen; calls: how many runs it counts.
    """

    number: int
    item: Item
    model: str
    month: str
    calls: int
    quantity: int
    rate_fen: int

    @property
    def amount_fen(self) -> int:
        """Quantity times rate, exactly."""
        return self.quantity * self.rate_fen

    def as_json(self) -> dict[str, Any]:
        """The form that stands in the record."""
        return {
            "number": self.number,
            "item": str(self.item),
            "model": self.model,
            "month": self.month,
            "calls": self.calls,
            "quantity": self.quantity,
            "rate_fen": self.rate_fen,
            "amount_fen": self.amount_fen,
        }

    def counts(self, usage: Usage) -> bool:
        """Whether a call stands in this line."""
        return self.item is not Item.RENT and (usage.model, usage.month) == (self.model, self.month)


@dataclass(frozen=True)
class Totals:
    """What an invoice comes to, in fen: for data, and for rent."""

    data_fen: int
    rent_fen: int

    @property
    def total_fen(self) -> int:
        """Both."""
        return self.data_fen + self.rent_fen


def lines_of(
    month: str, usages: Iterable[Usage], rates: Sequence[Rates], *, rented: bool
) -> tuple[Line, ...]:
    """The lines of a month's invoice: by month and model of the calls, then rent.

    `usages` are all that no earlier invoice has counted; none may be of a later month.
    Errors   Refused metering.no_rates for a month before the first rates.
    """
    sums: dict[tuple[str, str], list[int]] = {}
    for usage in usages:
        if usage.month > month:
            raise Refused(Refusal("metering.later_month", {"run": usage.run, "month": month}))
        found = sums.setdefault((usage.month, usage.model), [0, 0, 0])
        found[0] += 1
        found[1] += usage.users
        found[2] += usage.records
    rows: list[tuple[Item, str, str, int, int, int]] = []
    for (of, model), (calls, users, records) in sorted(sums.items()):
        agreed = _agreed(of, rates)
        rows.append((Item.USERS, model, of, calls, users, agreed.user_fen))
        rows.append((Item.RECORDS, model, of, calls, records, agreed.record_fen))
    if rented:
        rows.append((Item.RENT, "", month, 0, 1, _agreed(month, rates).rent_fen))
    return tuple(Line(number, *row) for number, row in enumerate(rows, 1))


def totals_of(lines: Iterable[Line]) -> Totals:
    """The sums of lines."""
    data = rent = 0
    for line in lines:
        if line.item is Item.RENT:
            rent += line.amount_fen
        else:
            data += line.amount_fen
    return Totals(data, rent)


def without(lines: Sequence[Line], void: Mapping[str, Usage]) -> tuple[Line, ...]:
    """The lines counted again without some calls: the recount that settles a dispute."""
    found = []
    for line in lines:
        gone = [usage for usage in void.values() if line.counts(usage)]
        less = sum(u.users if line.item is Item.USERS else u.records for u in gone)
        values = {**vars(line), "calls": line.calls - len(gone), "quantity": line.quantity - less}
        found.append(Line(**values))
    return tuple(found)


def line_from_json(value: Mapping[str, Any]) -> Line:
    """A line as it stands in the record."""
    names = ("number", "model", "month", "calls", "quantity", "rate_fen")
    return Line(item=Item(value["item"]), **{name: value[name] for name in names})


def _agreed(month: str, rates: Sequence[Rates]) -> Rates:
    found = rates_for(month, rates)
    if found is None:
        raise Refused(Refusal("metering.no_rates", {"month": month}))
    return found
