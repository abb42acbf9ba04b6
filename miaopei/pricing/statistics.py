"""Decimals of fixed precision: ratios, roots, powers, intervals. The same digits on every machine.

Python's decimal rounds each of these correctly, where binary fractions differ in their last digits
from one machine's library to another's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal

from ..errors import Refusal, Refused

PRECISE = Context(prec=40, rounding=ROUND_HALF_EVEN)
EXACT_COUNTS = 1_000  # above so many, an interval of a count is the normal one
TAIL = Decimal("0.025")  # on either side of an interval of 95 %
NORMAL = Decimal("1.959963984540054")  # what leaves that tail under the normal curve


@dataclass(frozen=True)
class Interval:
    """Both ends of an interval of 95 %, and how it was found."""

    low: Decimal
    high: Decimal
    method: str

    def as_json(self) -> dict[str, str]:
        """Decimal text of six significant digits."""
        return {"low": shown(self.low), "high": shown(self.high), "method": self.method}


def ratio(part: int | Decimal, whole: int | Decimal) -> Decimal:
    """Part / whole. Errors   decimal.DivisionByZero."""
    return PRECISE.divide(Decimal(part), Decimal(whole))


def root(value: int | Decimal) -> Decimal:
    """The square root of a number not below zero."""
    return PRECISE.sqrt(Decimal(value))


def shown(value: Decimal, digits: int = 6) -> str:
    """Decimal text of so many significant digits, without an exponent."""
    return f"{Context(prec=digits, rounding=ROUND_HALF_UP).plus(value):f}"


def rounded(value: Decimal) -> int:
    """The nearest integer, ties away from zero."""
    return int(value.to_integral_value(ROUND_HALF_UP))


def deviation(values: Sequence[int]) -> Decimal:
    """The sample's standard deviation (n - 1); of fewer than two values there is none.

    Errors   Refused pricing.too_few_values.
    """
    count = len(values)
    if count < 2:
        raise Refused(Refusal("pricing.too_few_values", {"found": count, "needed": 2}))
    total = sum(values)
    squares = sum(value * value for value in values)
    return root(ratio(count * squares - total * total, count * (count - 1)))


def correlation(left: Sequence[int], right: Sequence[int]) -> Decimal | None:
    """Pearson's coefficient of pairs; None of fewer than two, or where one side never varies."""
    count = len(left)
    spread = [count * sum(v * v for v in side) - sum(side) ** 2 for side in (left, right)]
    if count < 2 or not all(spread):
        return None
    product = count * sum(x * y for x, y in zip(left, right, strict=True))
    return ratio(product - sum(left) * sum(right), root(spread[0] * spread[1]))


def of_a_count(count: int) -> Interval:
    """What rate may lie behind a count of a Poisson process (Garwood 1936).

    Units    times in the same exposure. Above 1,000 the normal interval, which says so.
    """
    if count > EXACT_COUNTS:
        half = PRECISE.multiply(NORMAL, root(count))
        return Interval(count - half, count + half, "normal")
    low = Decimal(0)
    most = Decimal(2 * count + 20)
    if count:
        low = _solve(lambda rate: 1 - _poisson_upto(count - 1, rate) < TAIL, Decimal(0), most)
    high = _solve(lambda rate: _poisson_upto(count, rate) > TAIL, Decimal(0), most)
    return Interval(low, high, "poisson")


def of_a_share(count: int, trials: int) -> Interval:
    """What chance may lie behind `count` of `trials` (Clopper and Pearson 1934)."""
    if min(count, trials - count) > EXACT_COUNTS:
        chance = ratio(count, trials)
        half = PRECISE.multiply(NORMAL, root(ratio(count * (trials - count), trials**3)))
        return Interval(chance - half, chance + half, "normal")
    if 2 * count > trials:
        other = of_a_share(trials - count, trials)
        return Interval(1 - other.high, 1 - other.low, other.method)
    low, zero, one = Decimal(0), Decimal(0), Decimal(1)
    if count:
        low = _solve(lambda p: 1 - _binomial_upto(count - 1, trials, p) < TAIL, zero, one)
    high = _solve(lambda p: _binomial_upto(count, trials, p) > TAIL, zero, one)
    return Interval(low, high, "clopper_pearson")


def poisson_terms(rate: Decimal, last: int) -> list[Decimal]:
    """The chances of 0, 1, ... `last` events at a rate."""
    terms = [PRECISE.exp(-rate)]
    for number in range(1, last + 1):
        terms.append(PRECISE.divide(PRECISE.multiply(terms[-1], rate), Decimal(number)))
    return terms


def _poisson_upto(last: int, rate: Decimal) -> Decimal:
    return sum(poisson_terms(rate, last), Decimal(0))


def _binomial_upto(last: int, trials: int, chance: Decimal) -> Decimal:
    if chance >= 1:
        return Decimal(int(last >= trials))
    term = PRECISE.power(1 - chance, trials)
    odds = PRECISE.divide(chance, 1 - chance)
    total = term
    for number in range(1, last + 1):
        term = PRECISE.multiply(term, PRECISE.multiply(odds, ratio(trials - number + 1, number)))
        total += term
    return total


def _solve(below: Callable[[Decimal], bool], low: Decimal, high: Decimal) -> Decimal:
    """Where a test that holds below a point stops to hold, to 25 decimals of the first interval."""
    for _ in range(84):
        middle = PRECISE.multiply(low + high, Decimal("0.5"))
        if below(middle):
            low = middle
        else:
            high = middle
    return PRECISE.multiply(low + high, Decimal("0.5"))
