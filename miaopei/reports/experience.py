"""How a product has done: premium, claims, data fees and rent by version of its terms. Row O-21.

A policy's premium belongs to the version in force when that transaction takes effect, a claim to
the version that decided it, a data call to that of the trigger it served, rent to the version in
force when its month began; what no version can tell stands in no version's line.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ..measures.money import percent
from ..policies.row import PolicyRow, Transaction
from ..terms.filing import Product

Version = int | None


@dataclass
class Line:
    """One version of one listing's terms. Units   fen, down; None of a version: none in force.

    `written_fen` is what was agreed, returned premium taken off; `earned_fen` the part of it whose
    time has gone by; `data_fen` and `rent_fen` what was invoiced, credit notes taken off.
    """

    listing: str
    product: str
    version: Version
    policies: int = 0
    written_fen: int = 0
    earned_fen: int = 0
    settled_fen: int = 0
    reserved_fen: int = 0
    payouts: int = 0
    data_fen: int = 0
    rent_fen: int = 0

    @property
    def unearned_fen(self) -> int:
        """What is written for time that has not gone by; earned and unearned are the written."""
        return self.written_fen - self.earned_fen

    @property
    def incurred_fen(self) -> int:
        """What was settled, and what is reserved for claims that are held."""
        return self.settled_fen + self.reserved_fen

    def ratio(self, premium_fen: int) -> str | None:
        """Incurred over a premium in per cent, two decimals, half up; None over nothing."""
        return percent(self.incurred_fen, premium_fen) if premium_fen > 0 else None

    def as_json(self) -> dict[str, Any]:
        """Sums in fen, ratios as text."""
        return {
            "listing": self.listing,
            "product": self.product,
            "terms_version": self.version,
            "policies": self.policies,
            "premium_written_fen": self.written_fen,
            "premium_earned_fen": self.earned_fen,
            "premium_unearned_fen": self.unearned_fen,
            "claims_settled_fen": self.settled_fen,
            "claims_reserved_fen": self.reserved_fen,
            "payouts": self.payouts,
            "data_fees_fen": self.data_fen,
            "rent_fen": self.rent_fen,
            "loss_ratio_percent": self.ratio(self.earned_fen),
            "loss_ratio_of_written_percent": self.ratio(self.written_fen),
        }


@dataclass(frozen=True)
class Settled:
    """What one settlement adds: its version, net amount, reserve and how many are paid."""

    version: int
    pay_fen: int
    reserved_fen: int
    payouts: int


@dataclass(frozen=True)
class Billed:
    """What was invoiced for a data call or a month's rent; `since` where no version is known.

    Units   fen; since: UTC seconds.
    """

    version: Version
    since: int
    data_fen: int = 0
    rent_fen: int = 0


@dataclass(frozen=True)
class Returned:
    """Premium given back from `since` on, of a term that would have ended at `until`."""

    since: int
    until: int
    fen: int


@dataclass(frozen=True)
class Told:
    """What is known of one listing."""

    listing: str
    product: Product
    rows: Iterable[PolicyRow] = field(default_factory=tuple)
    settled: Iterable[Settled] = field(default_factory=tuple)
    returned: Iterable[Returned] = field(default_factory=tuple)
    billed: Iterable[Billed] = field(default_factory=tuple)


def experience(told: Iterable[Told], now: int) -> list[Line]:
    """Lines by listing and version, as things stand at `now` (UTC seconds)."""
    found: dict[tuple[str, Version], Line] = {}

    def line(one: Told, version: Version) -> Line:
        key = (one.listing, version)
        return found.setdefault(key, Line(one.listing, one.product.id, version))

    for one in told:
        for row in one.rows:
            if row.gone is not None:
                continue  # of an erased person: what it said, its premium too, is gone
            own = line(one, _version(one.product, row.since))
            own.policies += row.transaction is Transaction.ISSUE
            own.written_fen += row.premium_fen
            own.earned_fen += _earned(row.premium_fen, row.since, row.until, now)
        for back in one.returned:
            own = line(one, _version(one.product, back.since))
            own.written_fen -= back.fen
            own.earned_fen -= _earned(back.fen, back.since, back.until, now)
        for each in one.settled:
            own = line(one, each.version)
            own.settled_fen += each.pay_fen
            own.reserved_fen += each.reserved_fen
            own.payouts += each.payouts
        for bill in one.billed:
            own = line(one, bill.version or _version(one.product, bill.since))
            own.data_fen += bill.data_fen
            own.rent_fen += bill.rent_fen
    return [found[key] for key in sorted(found, key=lambda k: (k[0], -1 if k[1] is None else k[1]))]


def _version(product: Product, instant: int) -> Version:
    version = product.version_at(instant)
    return None if version is None else version.number


def _earned(fen: int, since: int, until: int, now: int) -> int:
    """The part of a premium whose time has gone by, cut to whole fen."""
    gone = min(max(now - since, 0), until - since)
    return fen * gone // (until - since)
