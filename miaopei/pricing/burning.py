"""What a cover would have cost over the years of a catalogue, and how sure such a figure is.

A year of the window with no occurrence cost nothing; an occurrence whose amount is not known (it
waits, is held or refused) is counted apart and is in no sum.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from ..errors import Refusal, Refused
from ..measures.money import Rounding, divide
from .chance import Stream
from .statistics import Interval, of_a_count, of_a_share, ratio, shown

RESAMPLES = 10_000
DRAWN_AT_ONCE = 1 << 22


@dataclass(frozen=True)
class Paid:
    """One occurrence: the calendar year it falls in, and its payout (None: not known)."""

    year: int
    payout_fen: int | None


@dataclass(frozen=True)
class BurningCost:
    """Sums by year and what follows from them; `open` counts occurrences of unknown amount.

    Units   fen, half up. `low_fen` to `high_fen`: 95 % of the means of resampled years.
    """

    first_year: int
    yearly_fen: tuple[int, ...]
    payouts: int
    open: int
    mean_fen: int
    low_fen: int
    high_fen: int
    seed: int

    @property
    def years(self) -> int:
        """How many calendar years."""
        return len(self.yearly_fen)

    @property
    def frequency(self) -> tuple[Decimal, Interval]:
        """Payouts a year, as a Poisson rate."""
        found = of_a_count(self.payouts)
        low, high = ratio(found.low, self.years), ratio(found.high, self.years)
        return ratio(self.payouts, self.years), Interval(low, high, found.method)

    @property
    def paying_years(self) -> tuple[Decimal, Interval]:
        """The share of years with a payout."""
        paying = sum(1 for fen in self.yearly_fen if fen)
        return ratio(paying, self.years), of_a_share(paying, self.years)

    def as_json(self) -> dict[str, Any]:
        """Integers of fen, decimal text for rates."""
        (rate, of_rate), (share, of_share) = self.frequency, self.paying_years
        return {
            "first_year": self.first_year,
            "last_year": self.first_year + self.years - 1,
            "years": self.years,
            "yearly_fen": list(self.yearly_fen),
            "total_fen": sum(self.yearly_fen),
            "burning_cost_fen": self.mean_fen,
            "burning_cost_interval_fen": [self.low_fen, self.high_fen],
            "interval_method": f"bootstrap of years, {RESAMPLES} resamples, seed {self.seed}",
            "payouts": self.payouts,
            "payouts_a_year": shown(rate),
            "payouts_a_year_interval": of_rate.as_json(),
            "paying_years": shown(share),
            "paying_years_interval": of_share.as_json(),
            "open": self.open,
        }


def burning_cost(found: Sequence[Paid], first_year: int, last_year: int, seed: int) -> BurningCost:
    """Over the calendar years from first to last, both included; what lies outside is left out.

    Errors   Refused pricing.window_empty.
    """
    if last_year < first_year:
        raise Refused(Refusal("pricing.window_empty", {"from": first_year, "to": last_year}))
    inside = [each for each in found if first_year <= each.year <= last_year]
    yearly = [0] * (last_year - first_year + 1)
    for each in inside:
        yearly[each.year - first_year] += each.payout_fen or 0
    low, high = resampled(yearly, seed)
    return BurningCost(
        first_year,
        tuple(yearly),
        sum(1 for each in inside if each.payout_fen),
        sum(1 for each in inside if each.payout_fen is None),
        divide(sum(yearly), len(yearly), Rounding.HALF_UP),
        low,
        high,
        seed,
    )


def resampled(yearly: Sequence[int], seed: int) -> tuple[int, int]:
    """The 2.5th and 97.5th percentile of the means of years drawn again with replacement.

    Errors   Refused pricing.too_large where a sum might leave 64 bits.
    """
    count, stream = len(yearly), Stream(seed, "bootstrap")
    if max(yearly) * count >= 2**63:
        raise Refused(Refusal("pricing.too_large", {"pairs": count}))
    column, sums = np.array(yearly, dtype=np.int64), []
    rows = max(1, DRAWN_AT_ONCE // count)
    for start in range(0, RESAMPLES, rows):
        drawn = min(rows, RESAMPLES - start)
        years = column[stream.below(count, drawn * count)].reshape(drawn, count)
        sums += years.sum(axis=1).tolist()
    sums.sort()
    tail = RESAMPLES // 40
    low, high = sums[tail - 1], sums[-tail]
    return divide(low, count, Rounding.HALF_UP), divide(high, count, Rounding.HALF_UP)
