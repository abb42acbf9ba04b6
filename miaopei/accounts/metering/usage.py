"""Calls of data and the rates agreed for them, as values; months in Beijing."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ...errors import Refusal, Refused
from ...measures.instant import beijing_day, from_beijing

MONTH = re.compile(r"[12]\d{3}-(?:0[1-9]|1[0-2])")
MOST = 10**12  # of a rate in fen, or of what one call counts


@dataclass(frozen=True)
class Usage:
    """One run of a claim model beside the data: what it read, for whom, when.

    Units   users: persons whose data were read; records: entries read; at: UTC seconds.
    """

    run: str
    model: str
    users: int
    records: int
    at: int

    @property
    def month(self) -> str:
        """The Beijing month that the call belongs to."""
        return month_of(self.at)


@dataclass(frozen=True)
class Rates:
    """What is asked from a month on. Units   fen a user read, a record read, a month of rent."""

    since: str
    user_fen: int
    record_fen: int
    rent_fen: int

    def __post_init__(self) -> None:
        check_month(self.since)
        for name in ("user_fen", "record_fen", "rent_fen"):
            value = getattr(self, name)
            if type(value) is not int or not 0 <= value <= MOST:
                raise Refused(
                    Refusal("metering.bad_rate", {"field": name, "value": str(value)[:40]})
                )

    def as_json(self) -> dict[str, Any]:
        """The form that stands in the record."""
        return {
            "since": self.since,
            "user_fen": self.user_fen,
            "record_fen": self.record_fen,
            "rent_fen": self.rent_fen,
        }


def rates_for(month: str, rates: Iterable[Rates]) -> Rates | None:
    """The rates in force in a month: those agreed last that had begun; None before the first."""
    found = [each for each in rates if each.since <= month]
    return max(found, key=lambda each: each.since, default=None)


def month_of(at: int) -> str:
    """The Beijing month of an instant, "2026-05"."""
    return beijing_day(at)[:7]


def check_month(month: str) -> None:
    """Errors   Refused metering.bad_month."""
    if not MONTH.fullmatch(month):
        raise Refused(Refusal("metering.bad_month", {"month": ascii(month)[:20]}))


def month_ends(month: str) -> int:
    """The instant at which a month is over, UTC seconds."""
    year, number = int(month[:4]), int(month[5:])
    return from_beijing(f"{year + number // 12:04d}-{number % 12 + 1:02d}-01")
