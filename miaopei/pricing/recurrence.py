"""How often earthquakes of each size come: the law of Gutenberg and Richter, log10 N = a - b M.

b by maximum likelihood (Aki 1965) with Utsu's correction for magnitudes that are printed in steps
(Utsu 1965), its error by Shi and Bolt (1982); a from the count at and above the completeness
magnitude. Only magnitudes of one kind may be put together: the caller chooses them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from ..errors import Refusal, Refused
from ..measures.instant import HOUR
from ..measures.place import threshold, unit_vector, within
from .statistics import PRECISE, ratio, root, shown

LEAST_EVENTS = 20  # below, b says nothing
DAYS_A_YEAR = Decimal("365.2425")
STEP = Decimal("0.1")  # magnitudes are whole tenths
LOG10_E = PRECISE.divide(Decimal(1), PRECISE.ln(Decimal(10)))


@dataclass(frozen=True)
class Quake:
    """What is known of an earthquake: UTC seconds, micro-degrees, tenths of magnitude, its cell."""

    origin: int
    lat_udeg: int
    lon_udeg: int
    tenths: int
    cell: str


@dataclass(frozen=True)
class Recurrence:
    """A fit: what it rests on, a and b, and b's standard error by Shi and Bolt.

    `rate` is the yearly number of magnitude `completeness` and more.
    """

    completeness_tenths: int
    count: int
    years: Decimal
    b: Decimal
    b_error: Decimal
    rate: Decimal

    @property
    def a(self) -> Decimal:
        """log10 of the yearly number of magnitude 0 and more."""
        return PRECISE.log10(self.rate) + self.b * self.completeness_tenths * STEP

    def as_json(self) -> dict[str, str | int]:
        """Decimal text of six significant digits."""
        return {
            "completeness_tenths": self.completeness_tenths,
            "count": self.count,
            "years": shown(self.years),
            "a": shown(self.a),
            "b": shown(self.b),
            "b_error": shown(self.b_error),
            "yearly_rate": shown(self.rate),
        }


def fit(tenths: Sequence[int], completeness_tenths: int, days: int) -> Recurrence:
    """The law that the magnitudes at and above the completeness magnitude follow.

    Units    tenths of magnitude; days that the catalogue covers.
    Errors   Refused pricing.too_few_quakes, pricing.no_time, pricing.one_magnitude.
    """
    counted = [value for value in tenths if value >= completeness_tenths]
    if len(counted) < LEAST_EVENTS:
        facts = {"found": len(counted), "needed": LEAST_EVENTS, "least": completeness_tenths}
        raise Refused(Refusal("pricing.too_few_quakes", facts))
    if days <= 0:
        raise Refused(Refusal("pricing.no_time", {"days": days}))
    b, error = slope(counted, completeness_tenths)
    years = PRECISE.divide(Decimal(days), DAYS_A_YEAR)
    rate = ratio(len(counted), years)
    return Recurrence(completeness_tenths, len(counted), years, b, error, rate)


def slope(tenths: Sequence[int], completeness_tenths: int) -> tuple[Decimal, Decimal]:
    """b = log10(e) / (mean - (completeness - half a step)), and its standard error.

    Errors   Refused pricing.one_magnitude where all are the same, so that the error is not known.
    Source   Aki 1965; Utsu 1965; error: Shi and Bolt 1982, 2.30 b^2 sqrt(sum (m-mean)^2/(n(n-1))).
    """
    count, total = len(tenths), sum(tenths)
    squares = sum(value * value for value in tenths)
    spread = count * squares - total * total  # n^2 times the variance, in hundredths
    if count < 2 or not spread:
        raise Refused(Refusal("pricing.one_magnitude", {"found": count}))
    above = ratio(2 * total - (2 * completeness_tenths - 1) * count, 20 * count)
    b = PRECISE.divide(LOG10_E, above)
    scatter = root(ratio(spread, 100 * count * count * (count - 1)))
    square = PRECISE.multiply(b, b)
    error = PRECISE.divide(PRECISE.multiply(square, scatter), LOG10_E)
    return b, error


def main_shocks(quakes: Iterable[Quake], hours: int, km: int) -> list[Quake]:
    """The largest of each sequence, by origin: whatever is within so many hours and kilometres of a
    larger one (of an earlier one, among equals) is part of its sequence.
    """
    reach, span = threshold(km * 1000), hours * HOUR
    kept: list[tuple[Quake, tuple[int, int, int]]] = []
    for quake in sorted(quakes, key=lambda q: (-q.tenths, q.origin, q.lat_udeg, q.lon_udeg)):
        at = unit_vector(quake.lat_udeg, quake.lon_udeg)
        if not any(
            abs(quake.origin - other.origin) <= span and within(at, place, reach)
            for other, place in kept
        ):
            kept.append((quake, at))
    return sorted((quake for quake, _ in kept), key=lambda q: (q.origin, q.lat_udeg, q.lon_udeg))


def magnitudes(b: Decimal, low_tenths: int, high_tenths: int) -> list[Decimal]:
    """How likely each magnitude from low to high is, in proportion, by steps of a tenth.

    The law cut off above `high_tenths`: each step holds what the law gives between its two edges.
    """
    tenth = PRECISE.multiply(b, -STEP)
    return [
        PRECISE.power(Decimal(10), PRECISE.multiply(tenth, Decimal(step)))
        for step in range(high_tenths - low_tenths + 1)
    ]
