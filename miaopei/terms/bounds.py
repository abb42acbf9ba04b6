"""Least and most that each word can give, and the proof that int64 columns cannot overflow.

Interval arithmetic: links between inputs are ignored, so a bound is safe but may be wide. With some
facts given, it says what a cover can still pay once those facts hold.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..errors import Refusal, Refused
from ..measures.money import Rounding
from ..measures.place import threshold
from . import words as w

INT64_MOST = 2**63 - 1


class Interval(NamedTuple):
    """From least to most, both included."""

    least: int
    most: int


@dataclass
class Bounds:
    """What one benefit can pay, its clauses by name, and what the proof failed on."""

    least: int = 0
    most: int = 0
    clauses: dict[str, Interval] = field(default_factory=dict)
    faults: list[Refusal] = field(default_factory=list)
    _observed: Mapping[str, int] = field(default_factory=dict)
    _declared: Mapping[str, int] = field(default_factory=dict)
    _spent: Mapping[str, int] = field(default_factory=dict)
    _at: dict[int, Interval] = field(default_factory=dict)

    def of(self, node: w.Word) -> Interval:
        """The interval of one word of the benefit."""
        known = self._at.get(id(node))
        if known is None:
            case = CASES.get(type(node))
            if case is None:
                raise Refused(
                    Refusal("terms.unknown_word", {"word": type(node).__name__, "at": "body"})
                )
            known = self._at[id(node)] = case(node, self)
            self.holds(node, *known)
            if isinstance(node, w.Clause):
                self.clauses[node.name] = known
        return known

    def holds(self, node: w.Word, *values: int) -> None:
        """Note a value, or a step on the way to one, that is beyond int64."""
        worst = max(values, key=abs)
        if abs(worst) > INT64_MOST:
            facts = {"word": type(node).__name__, "value": str(worst), "most": str(INT64_MOST)}
            self.faults.append(Refusal("terms.overflow", facts))


def bounds(
    terms: w.Terms,
    benefit: str,
    observed: Mapping[str, int] | None = None,
    declared: Mapping[str, int] | None = None,
    spent: Mapping[str, int] | None = None,
) -> Bounds:
    """Least and most payable under one benefit, whatever the inputs; those that are given count.

    Units    fen for the benefit; each word in its own unit.
    Errors   Refused terms.no_benefit. Faults are listed, not raised: see `prove`.
    """
    found = Bounds(_observed=observed or {}, _declared=declared or {}, _spent=spent or {})
    found.least, found.most = found.of(terms.benefit(benefit))
    return found


def prove(terms: w.Terms, benefit: str) -> Bounds:
    """The bounds, after proof that no step leaves int64 and no share rests on less than zero.

    Errors   Refused terms.overflow or terms.share_below_zero, one a step that might.
    """
    found = bounds(terms, benefit)
    if found.faults:
        raise Refused(*found.faults)
    return found


def _figure(node: w.Figure | w.Fixed, _: Bounds) -> Interval:
    return Interval(node.value, node.value)


def _declared(node: w.Declared, b: Bounds) -> Interval:
    return _given(b._declared.get(node.name), node.low, node.high)


def _observed(node: w.Observed, b: Bounds) -> Interval:
    return _given(b._observed.get(node.name), node.low, node.high)


def _spent(node: w.Spent, b: Bounds) -> Interval:
    return _given(b._spent.get(node.benefit), 0, node.high.value)


def _given(value: int | None, low: int, high: int) -> Interval:
    return Interval(low, high) if value is None else Interval(value, value)


def _plus(node: w.Plus, b: Bounds) -> Interval:
    least = most = 0
    for item in node.items:
        part = b.of(item)
        least, most = least + part.least, most + part.most
        b.holds(node, least, most)
    return Interval(least, most)


def _minus(node: w.Minus, b: Bounds) -> Interval:
    left, right = b.of(node.left), b.of(node.right)
    return Interval(left.least - right.most, left.most - right.least)


def _times(node: w.Times, b: Bounds) -> Interval:
    count, each = b.of(node.count), b.of(node.each)
    corners = [x * y for x in count for y in each]
    return Interval(min(corners), max(corners))


def _least(node: w.Least, b: Bounds) -> Interval:
    parts = [b.of(item) for item in node.items]
    return Interval(min(p.least for p in parts), min(p.most for p in parts))


def _most(node: w.Most, b: Bounds) -> Interval:
    parts = [b.of(item) for item in node.items]
    return Interval(max(p.least for p in parts), max(p.most for p in parts))


def _pro_rata(node: w.ProRata, b: Bounds) -> Interval:
    amount, part, whole = b.of(node.amount), b.of(node.part), b.of(node.whole)
    unit, above = node.unit_fen, max(1, whole.least)
    for name, of in (("amount", amount), ("part", part), ("whole", whole)):
        if of.least < 0:
            b.faults.append(Refusal("terms.share_below_zero", {"word": name, "least": of.least}))
    b.holds(node, amount.most * part.most, amount.least * part.most, 2 * whole.most * unit)
    lowest = max(0, amount.least) * max(0, part.least) // (max(1, whole.most) * unit) * unit
    if part.most >= above:
        highest = -(-max(0, amount.most) // unit) * unit
    else:
        highest = -(-max(0, amount.most) * max(0, part.most) // (above * unit)) * unit
    if (amount.least, part.least, whole.least) == (amount.most, part.most, whole.most):
        lowest, highest = _one_share(amount.most, part.most, whole.most, node)
    return Interval(lowest, highest)


def _one_share(amount: int, part: int, whole: int, node: w.ProRata) -> Interval:
    """All three known: the one amount. A refused share pays nothing that could be bounded."""
    if whole <= 0 or not 0 <= part <= whole:
        return Interval(0, 0)
    unit = node.unit_fen
    down = amount * part // (whole * unit) * unit
    up = node.rounding is Rounding.HALF_UP and 2 * (amount * part - down * whole) >= whole * unit
    return Interval(down + unit * up, down + unit * up)


def _band(node: w.Band, b: Bounds) -> Interval:
    of = b.of(node.of)
    met = [
        row.value
        for row in node.rows
        if row.value is not None
        and row.low <= of.most
        and (row.high is None or of.least < row.high)
    ]
    return Interval(min(met, default=0), max(met, default=0))


def _tier(node: w.Tier, b: Bounds) -> Interval:
    of = b.of(node.of)
    b.holds(node, of.most + node.size, of.least)
    return Interval(_slices(node, of.least), _slices(node, of.most))


def _slices(node: w.Tier, value: int) -> int:
    """The money of one value; never falls as the value grows, so the ends are the bounds."""
    up = node.counting is w.Counting.STARTED
    units = -(-value // node.size) if up else value // node.size
    ends = [rate.units for rate in node.rates[1:]] + [max(units, node.rates[-1].units)]
    money = 0
    for rate, end in zip(node.rates, ends, strict=True):
        if units > rate.units:
            money += rate.fen * (min(units, end) - rate.units)
    return money


def _either(node: w.Either, b: Bounds) -> Interval:
    test, then, otherwise = b.of(node.test), b.of(node.then), b.of(node.otherwise)
    if test.least == test.most:
        return then if test.least else otherwise
    return Interval(min(then.least, otherwise.least), max(then.most, otherwise.most))


def _at_least(node: w.AtLeast, b: Bounds) -> Interval:
    left, right = b.of(node.left), b.of(node.right)
    return Interval(int(left.least >= right.most), int(left.most >= right.least))


def _one_of(node: w.OneOf, b: Bounds) -> Interval:
    of = b.of(node.of)
    if of.least == of.most:
        return Interval(int(of.least in node.codes), int(of.least in node.codes))
    return Interval(0, 1)


def _near(node: w.Near, b: Bounds) -> Interval:
    """Every step of the product, in its order; which side of the edge is known once it is."""
    least = most = 0
    for part, other in zip(node.of, node.centre, strict=True):
        corners = [x * y for x in b.of(part) for y in b.of(other)]
        least, most = least + min(corners), most + max(corners)
        b.holds(node, min(corners), max(corners))
        b.holds(node, least, most)
    edge = threshold(node.radius.value)
    return Interval(int(least >= edge), int(most >= edge))


def _every(node: w.Every, b: Bounds) -> Interval:
    parts = [b.of(item) for item in node.items]
    return Interval(min(p.least for p in parts), min(p.most for p in parts))


def _any(node: w.Any, b: Bounds) -> Interval:
    parts = [b.of(item) for item in node.items]
    return Interval(max(p.least for p in parts), max(p.most for p in parts))


def _not(node: w.Not, b: Bounds) -> Interval:
    item = b.of(node.item)
    return Interval(1 - item.most, 1 - item.least)


def _clause(node: w.Clause, b: Bounds) -> Interval:
    return b.of(node.body)


CASES: dict[type[w.Word], Callable[[Any, Bounds], Interval]] = {
    w.Figure: _figure, w.Fixed: _figure, w.Declared: _declared, w.Observed: _observed,
    w.Spent: _spent, w.Plus: _plus, w.Minus: _minus, w.Times: _times, w.Least: _least,
    w.Most: _most, w.ProRata: _pro_rata, w.Band: _band, w.Tier: _tier, w.Either: _either,
    w.AtLeast: _at_least, w.OneOf: _one_of, w.Near: _near, w.Every: _every, w.Any: _any,
    w.Not: _not, w.Clause: _clause,
}  # fmt: skip
