"""A placement: the shares in which one policy is carried, and the one way money is split by them.

Premiums, claims and adjustments all go through `split`, so that every fen has one carrier.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from ..accounts.shape import read
from ..errors import Refusal, Refused
from ..measures.money import divide_fairly

WHOLE_PPM = 1_000_000


@dataclass(frozen=True)
class Share:
    """What one carrier carries. Units   millionths of the whole."""

    carrier: str
    ppm: int


@dataclass(frozen=True)
class Placement:
    """Lead first, then followers, in the order that settles ties of the last fen.

    `illustrative`: the shares are made up, and whoever shows them says so.
    Errors   Refused market.share_*, all faults at once.
    """

    shares: tuple[Share, ...]
    illustrative: bool

    def __post_init__(self) -> None:
        faults = [
            Refusal("market.share_bad", {"carrier": s.carrier, "ppm": str(s.ppm)[:40]})
            for s in self.shares
            if not s.carrier or type(s.ppm) is not int or s.ppm <= 0
        ]
        names = [s.carrier for s in self.shares]
        twice = sorted({name for name in names if names.count(name) > 1})
        faults += [Refusal("market.share_twice", {"carrier": name}) for name in twice]
        if not faults and (total := sum(s.ppm for s in self.shares)) != WHOLE_PPM:
            faults.append(Refusal("market.share_sum", {"total": total, "whole": WHOLE_PPM}))
        if faults:
            raise Refused(*faults)

    @property
    def lead(self) -> str:
        """The carrier that leads."""
        return self.shares[0].carrier

    @property
    def followers(self) -> tuple[str, ...]:
        """The other carriers, in order."""
        return tuple(s.carrier for s in self.shares[1:])

    def split(self, amount_fen: int) -> dict[str, int]:
        """Carrier -> fen by largest remainder; the parts sum to the amount.

        Ties of remainders go to the carrier that stands earlier. An amount below zero is split as
        its opposite. A difference of two amounts is split itself: by largest remainder the
        difference of two splits may be a fen below zero for a carrier.
        """
        sign = -1 if amount_fen < 0 else 1
        parts = divide_fairly(abs(amount_fen), [s.ppm for s in self.shares])
        return {s.carrier: sign * fen for s, fen in zip(self.shares, parts, strict=True)}

    def as_json(self) -> dict[str, Any]:
        """The form that stands in the record."""
        return {
            "shares": [{"carrier": s.carrier, "ppm": s.ppm} for s in self.shares],
            "illustrative": self.illustrative,
        }

    @classmethod
    def from_json(cls, value: object) -> Self:
        """Errors   Refused market.bad_field, market.share_*."""
        shares, illustrative = read(value, "market.bad_field", shares=list, illustrative=bool)
        pairs = (read(share, "market.bad_field", carrier=str, ppm=int) for share in shares)
        return cls(tuple(Share(carrier, ppm) for carrier, ppm in pairs), illustrative)


def whole(carrier: str) -> Placement:
    """A policy that one carrier carries alone."""
    return Placement((Share(carrier, WHOLE_PPM),), illustrative=False)
