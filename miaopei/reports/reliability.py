"""How reliable the supply was: SAIDI, SAIFI, CAIDI, and days that are major events. Row O-21.

Indices as IEEE 1366 defines them, over interruptions that lasted more than five minutes. Counts are
integers; only the threshold of major days needs logarithms, and nothing is paid by it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import Refusal, Refused
from ..measures.instant import beijing_day
from ..measures.money import Rounding, divide

SUSTAINED = 300  # seconds; an interruption that is not longer is momentary and not counted
BETAS = 2.5
FEWEST_DAYS = 2  # a deviation needs two; IEEE 1366 asks for five years, see `Threshold.days`


@dataclass(frozen=True)
class Interruption:
    """One outage as its customers felt it. Units   seconds; `customers` were off > 5 minutes."""

    number: str
    began_at: int
    customers: int
    customer_seconds: int
    momentary: int = 0

    @property
    def day(self) -> str:
        """The Beijing day on which it began: IEEE 1366 books an outage there, whole."""
        return beijing_day(self.began_at)


@dataclass(frozen=True)
class Indices:
    """Sums over outages, and the indices of a number of customers served."""

    served: int
    outages: int
    customers: int
    customer_seconds: int

    @property
    def saifi(self) -> str:
        """Interruptions a customer served, three decimals, half up."""
        return _thousandths(self.customers, self.served)

    @property
    def saidi(self) -> str:
        """Minutes without power a customer served, three decimals, half up."""
        return _thousandths(self.customer_seconds, 60 * self.served)

    @property
    def caidi(self) -> str | None:
        """Minutes an interruption, three decimals, half up; None where there was none."""
        if not self.customers:
            return None
        return _thousandths(self.customer_seconds, 60 * self.customers)

    def as_json(self) -> dict[str, Any]:
        """Counts as integers, indices as text with three decimals."""
        return {
            "served": self.served,
            "outages": self.outages,
            "customers_interrupted": self.customers,
            "customer_seconds": self.customer_seconds,
            "saidi_minutes": self.saidi,
            "saifi": self.saifi,
            "caidi_minutes": self.caidi,
        }


@dataclass(frozen=True)
class Threshold:
    """From which SAIDI a day is a major event: exp(alpha + 2.5 beta) minutes of `days` days."""

    days: int
    alpha: float
    beta: float

    @property
    def minutes(self) -> float:
        """T_MED in minutes a customer served."""
        return math.exp(self.alpha + BETAS * self.beta)


def felt(
    number: str, began_at: int, spans: Iterable[tuple[int, int]], customers_a_span: int = 1
) -> Interruption:
    """An interruption from (off, on) of each customer; one span may stand for several."""
    lasted = [on - off for off, on in spans]
    counted = [seconds for seconds in lasted if seconds > SUSTAINED]
    return Interruption(
        number,
        began_at,
        len(counted) * customers_a_span,
        sum(counted) * customers_a_span,
        (len(lasted) - len(counted)) * customers_a_span,
    )


def indices(interruptions: Iterable[Interruption], served: int) -> Indices:
    """The indices of all outages given.

    Errors   Refused register.nobody_served unless `served` is above zero.
    """
    if served <= 0:
        raise Refused(Refusal("register.nobody_served", {"served": served}))
    every = list(interruptions)
    return Indices(
        served,
        len(every),
        sum(each.customers for each in every),
        sum(each.customer_seconds for each in every),
    )


def by_day(interruptions: Iterable[Interruption]) -> dict[str, int]:
    """Beijing day -> customer-seconds of outages that began then; days with none are absent."""
    found: dict[str, int] = {}
    for each in interruptions:
        if each.customer_seconds:
            found[each.day] = found.get(each.day, 0) + each.customer_seconds
    return dict(sorted(found.items()))


def threshold(days: Mapping[str, int], served: int) -> Threshold | None:
    """T_MED of the days that have interruptions; None where fewer than two have.

    The logarithms' mean and standard deviation (of a sample), IEEE 1366 clause 3.5.
    """
    logs = [math.log(seconds / (60 * served)) for seconds in days.values()]
    if len(logs) < FEWEST_DAYS:
        return None
    mean = math.fsum(logs) / len(logs)
    spread = math.sqrt(math.fsum((each - mean) ** 2 for each in logs) / (len(logs) - 1))
    return Threshold(len(logs), mean, spread)


def major_days(days: Mapping[str, int], served: int, limit: Threshold | None) -> Sequence[str]:
    """The days whose SAIDI is greater than T_MED."""
    if limit is None:
        return ()
    return tuple(day for day, total in days.items() if total / (60 * served) > limit.minutes)


def _thousandths(part: int, whole: int) -> str:
    size = divide(part * 1000, whole, Rounding.HALF_UP)
    return f"{size // 1000}.{size % 1000:03d}"
