"""A tariff as data, and a premium step by step: each step is rounded to the fen, half up.

Premium of a policy year = amount x rate, times the factor of each table, times a loading a person
may set, at least the least premium, rounded half up to whole units.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from ..accounts.shape import read
from ..errors import Refusal, Refused
from ..measures.money import Rounding, divide
from .asked import Step
from .rules import bad

ONE = 1_000_000  # a factor of one, in millionths


@dataclass(frozen=True)
class Table:
    """A factor by a fact's answer, or by a declared figure.

    `rows`: (answer or figure, millionths). With `reached` a figure between two rows takes the lower
    one, so that no discount is given that is not earned; in offers that do not say it, the next.
    """

    by: str
    rows: tuple[tuple[str | int, int], ...]
    reached: bool = False

    def factor(self, facts: Mapping[str, str], declared: Mapping[str, int]) -> int:
        """Millionths. Errors   Refused underwriting.no_rate."""
        value: str | int = declared[self.by] if self.by in declared else facts.get(self.by, "")
        rows = self.rows
        if self.reached and isinstance(value, int):
            rows = tuple((value, ppm) for key, ppm in rows if isinstance(key, int) and key <= value)
            rows = rows[-1:]
        for key, ppm in rows:
            reached = isinstance(key, int) and isinstance(value, int) and value <= key
            if reached or key == value:
                return ppm
        raise Refused(Refusal("underwriting.no_rate", {"by": self.by, "value": value}))

    def falls(self) -> bool | None:
        """Whether a higher figure costs less, as a deductible does; None where nothing says."""
        factors = [ppm for key, ppm in self.rows if isinstance(key, int)]
        if not factors or factors[0] == factors[-1]:
            return None
        return factors[-1] < factors[0]

    def as_json(self) -> dict[str, Any]:
        """The form that is filed."""
        said = {"by": self.by, "rows": [list(row) for row in self.rows]}
        return {**said, "reached": True} if self.reached else said


@dataclass(frozen=True)
class Tariff:
    """`on` is the declared amount that the rate is taken of; money in fen."""

    on: str
    rate_ppm: int
    tables: tuple[Table, ...]
    least_fen: int
    unit_fen: int

    def steps(
        self, facts: Mapping[str, str], declared: Mapping[str, int], loading_ppm: int = ONE
    ) -> list[Step]:
        """The premium of one policy year; the last step's amount is it.

        Errors   Refused underwriting.no_rate.
        """
        fen = divide(declared[self.on] * self.rate_ppm, ONE, Rounding.HALF_UP)
        found = [Step("rate", fen, self.rate_ppm)]
        for name, ppm in self._factors(facts, declared, loading_ppm):
            fen = divide(fen * ppm, ONE, Rounding.HALF_UP)
            found.append(Step(name, fen, ppm))
        if fen < self.least_fen:
            fen = self.least_fen
            found.append(Step("least", fen))
        whole = divide(fen, self.unit_fen, Rounding.HALF_UP) * self.unit_fen
        if whole != fen:
            found.append(Step("rounded", whole))
        return found

    def _factors(
        self, facts: Mapping[str, str], declared: Mapping[str, int], loading_ppm: int
    ) -> Iterator[tuple[str, int]]:
        for table in self.tables:
            yield table.by, table.factor(facts, declared)
        if loading_ppm != ONE:
            yield "loading", loading_ppm

    def as_json(self) -> dict[str, Any]:
        """The form that is filed."""
        return {
            "on": self.on,
            "rate_ppm": self.rate_ppm,
            "tables": [table.as_json() for table in self.tables],
            "least_fen": self.least_fen,
            "unit_fen": self.unit_fen,
        }

    @classmethod
    def from_json(cls, value: object) -> Self:
        """Errors   Refused underwriting.bad_field."""
        on, rate, tables, least, unit = read(
            value, "underwriting.bad_field", on=str, rate_ppm=int, tables=list, least_fen=int,
            unit_fen=int,
        )  # fmt: skip
        if min(rate, least) < 0 or unit < 1:
            raise bad("tariff", "no rate below zero, and a unit of at least one fen")
        return cls(on, rate, tuple(_table(table) for table in tables), least, unit)


def _table(value: object) -> Table:
    reached, rest = False, value
    if isinstance(value, Mapping) and "reached" in value:
        reached = value["reached"]
        rest = {name: part for name, part in value.items() if name != "reached"}
        if reached is not True:
            raise bad("tables.reached", "is true where it is said")
    by, rows = read(rest, "underwriting.bad_field", by=str, rows=list)
    found: list[tuple[str | int, int]] = []
    for row in rows:
        if not isinstance(row, list) or len(row) != 2 or type(row[1]) is not int or row[1] < 0:
            raise bad(f"tables.{by}", "a row is [answer or highest figure, millionths]")
        if type(row[0]) not in (str, int):
            raise bad(f"tables.{by}", "a row begins with a text or a figure")
        found.append((row[0], row[1]))
    figures = [key for key, _ in found if isinstance(key, int)]
    if not found or figures != sorted(set(figures)):
        raise bad(f"tables.{by}", "needs rows, the figures in rising order")
    return Table(by, tuple(found), reached)
