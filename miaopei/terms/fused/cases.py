"""Each word as statements of a rule: its value gets a name, a refusal is an early return."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any, Protocol

from ...errors import Fact, Refusal, Refused
from ...measures.money import Rounding
from ...measures.place import threshold
from .. import words as w
from ..bounds import INT64_MOST, Interval
from .asked import Key, key_of


class Writer(Protocol):
    """Where statements are written down; `rule` has the one there is."""

    depth: int

    @property
    def products(self) -> dict[tuple[str, ...], str]:
        """Products of places that have been written down already, where we write."""

    def of(self, node: w.Word) -> str: ...
    def input(self, key: Key, low: int, high: int) -> str: ...
    def new(self, expression: str) -> str: ...
    def say(self, line: str) -> None: ...
    def refuse(self, test: str, code: str, name: str = "") -> None: ...
    def stop(self, code: str, name: str) -> None: ...
    def table(self, values: tuple[int, ...]) -> str: ...
    def span(self, node: w.Word) -> Interval: ...
    def branch(self, write: Callable[[], str], into: str) -> None: ...


def case_of(node: w.Word) -> Callable[[Any, Writer], str]:
    case = CASES.get(type(node))
    if case is None:
        facts: dict[str, Fact] = {"word": type(node).__name__, "at": "body"}
        raise Refused(Refusal("terms.unknown_word", facts))
    return case


# The words ---------------------------------------------------------------------------------------


def _fixed(node: w.Figure | w.Fixed, _: Writer) -> str:
    return str(node.value) if node.value >= 0 else f"({node.value})"


def _declared(node: w.Declared | w.Observed, to: Writer) -> str:
    key = key_of(node)
    assert key is not None, "an input stands in a table"
    return to.input(key, node.low, node.high)


def _spent(node: w.Spent, to: Writer) -> str:
    return to.input(("spent", node.benefit), 0, node.high.value)


def _plus(node: w.Plus, to: Writer) -> str:
    return to.new(" + ".join([to.of(item) for item in node.items]))


def _minus(node: w.Minus, to: Writer) -> str:
    left, right = to.of(node.left), to.of(node.right)
    return to.new(f"{left} - {right}")


def _times(node: w.Times, to: Writer) -> str:
    count, each = to.of(node.count), to.of(node.each)
    return to.new(f"{count} * {each}")


def _least(node: w.Least, to: Writer) -> str:
    return _extreme(node.items, to, least=True)


def _most(node: w.Most, to: Writer) -> str:
    return _extreme(node.items, to, least=False)


def _extreme(items: tuple[w.Word, ...], to: Writer, *, least: bool) -> str:
    best, of = to.of(items[0]), to.span(items[0])
    for item in items[1:]:
        other, span = to.of(item), to.span(item)
        pick = min if least else max
        best = better(to, best, other, of, span, least=least)
        of = Interval(pick(of.least, span.least), pick(of.most, span.most))
    return best


def better(to: Writer, one: str, other: str, of: Interval, span: Interval, *, least: bool) -> str:
    """The smaller or larger of two numbers, by their difference and its sign alone.

    A compiler may make a branch of a choice, and which of two amounts is smaller cannot be guessed.
    """
    if max(abs(of.least - span.most), abs(of.most - span.least)) > INT64_MOST:
        return to.new(f"{one} if {one} {'<' if least else '>'} {other} else {other}")
    over = to.new(f"{one} - {other}")
    return to.new(f"{other} + ({over} & {'' if least else '~'}({over} >> 63))")


def quotient(dividend: str, most: int, divisor: int | str) -> str:
    """Of numbers that are not below zero; in 32 bits where the dividend is known to fit."""
    bits = 32 if most < 2**32 and isinstance(divisor, int) else 64
    return f"int64(uint{bits}({dividend}) // uint{bits}({divisor}))"


def _pro_rata(node: w.ProRata, to: Writer) -> str:
    amount, part, whole = to.of(node.amount), to.of(node.part), to.of(node.whole)
    of_part, of_whole = to.span(node.part), to.span(node.whole)
    if of_whole.least <= 0:
        to.refuse(f"{whole} <= 0", "whole_is_zero")
    if of_part.least < 0 or of_part.most > of_whole.least:
        to.refuse(f"{part} < 0 or {part} > {whole}", "part_exceeds_whole")
    up = node.rounding is Rounding.HALF_UP
    if of_whole.least == of_whole.most:
        each = of_whole.most * node.unit_fen
        half = each // 2 if up else 0
        most = to.span(node.amount).most * of_part.most + half
        return to.new(f"{quotient(f'{amount} * {part} + {half}', most, each)} * {node.unit_fen}")
    by = to.new(f"uint64({whole} * {node.unit_fen})")
    dividend = to.new(f"uint64({amount} * {part})")
    if up:
        dividend = to.new(f"{dividend} + {by} // uint64(2)")
    return to.new(f"int64({dividend} // {by}) * {node.unit_fen}")


def _band(node: w.Band, to: Writer) -> str:
    of, name = to.of(node.of), getattr(node.of, "name", "")
    for row, after in pairwise(node.rows):
        if row.high != after.low:
            facts: dict[str, Fact] = {"clause": "", "from": row.high, "to": after.low}
            raise Refused(Refusal("terms.band_gap", facts))
    span = to.span(node.of)
    if span.least < node.rows[0].low:
        to.refuse(f"{of} < {node.rows[0].low}", "outside_table", name)
    if node.rows[-1].high is not None and span.most >= node.rows[-1].high:
        to.refuse(f"{of} >= {node.rows[-1].high}", "outside_table", name)
    if (values := _listed(node.rows)) is not None:
        last = node.rows[-1].low
        place = of if span.most <= last else f"min({of}, {last})"
        return to.new(f"{to.table(values)}[uint64({place} - {node.rows[0].low})]")
    found = to.new("0")
    _halve(node.rows, of, name, found, to)
    return found


def _listed(rows: tuple[w.Row, ...]) -> tuple[int, ...] | None:
    """The values of a table that has one row for each number, in order; the last may go on."""
    single = all(row.high == row.low + 1 for row in rows[:-1])
    values = tuple(row.value for row in rows if row.value is not None)
    return values if single and 4 <= len(values) == len(rows) else None


def _halve(rows: tuple[w.Row, ...], of: str, name: str, found: str, to: Writer) -> None:
    """The value of the row that holds `of`, by halving."""
    if len(rows) == 1:
        if rows[0].value is None:
            to.stop("band_unset", name)
        else:
            to.say(f"{found} = {rows[0].value}")
        return
    middle = len(rows) // 2
    for head, part in ((f"if {of} < {rows[middle].low}:", rows[:middle]), ("else:", rows[middle:])):
        to.say(head)
        to.depth += 1
        _halve(part, of, name, found, to)
        to.depth -= 1


def _tier(node: w.Tier, to: Writer) -> str:
    of, span = to.of(node.of), to.span(node.of)
    up = node.size - 1 if node.counting is w.Counting.STARTED else 0
    whole = f"({of} + {up}) // {node.size}"
    if span.least >= 0:
        whole = quotient(f"{of} + {up}", span.most + up, node.size)
    units, money = to.new(whole), to.new("0")
    most = Interval((span.least + up) // node.size, (span.most + up) // node.size)
    for rate, after in pairwise((*node.rates, None)):
        assert rate is not None, "only the last is None"
        first = Interval(rate.units, rate.units)
        end = units
        if after is not None:
            end = better(to, units, str(after.units), most, Interval(after.units, after.units),
                         least=True)  # fmt: skip
        upto = better(to, end, str(rate.units), most, first, least=False)
        to.say(f"{money} += ({upto} - {rate.units}) * {rate.fen}")
    return money


def _either(node: w.Either, to: Writer) -> str:
    test = to.of(node.test)
    value = to.new("0")
    to.say(f"if {test} != 0:")
    to.branch(lambda: to.of(node.then), value)
    to.say("else:")
    to.branch(lambda: to.of(node.otherwise), value)
    return value


def _at_least(node: w.AtLeast, to: Writer) -> str:
    left, right = to.of(node.left), to.of(node.right)
    return to.new(f"1 if {left} >= {right} else 0")


def _one_of(node: w.OneOf, to: Writer) -> str:
    of = to.of(node.of)
    return to.new(f"1 if {' or '.join(f'{of} == {code}' for code in node.codes)} else 0")


def _near(node: w.Near, to: Writer) -> str:
    product = product_of((*node.of, *node.centre), to)
    return to.new(f"1 if {product} >= {threshold(node.radius.value)} else 0")


def product_of(of: tuple[w.Word, ...], to: Writer) -> str:
    """Of a place and a centre. Products of 62 bits are added in 64: three times 2**60 < 2**63."""
    parts = [to.of(part) for part in of]
    product = to.products.get(tuple(parts))
    if product is None:
        pairs = zip(parts[:3], parts[3:], strict=True)
        product = to.products[tuple(parts)] = to.new(" + ".join(f"{a} * {b}" for a, b in pairs))
    return product


def _every(node: w.Every, to: Writer) -> str:
    return _until(node.items, to, 1)


def _any(node: w.Any, to: Writer) -> str:
    return _until(node.items, to, 0)


def _until(items: tuple[w.Word, ...], to: Writer, undecided: int) -> str:
    value = to.new(to.of(items[0]))
    for item in items[1:]:
        to.say(f"if {value} == {undecided}:")
        to.branch(lambda item=item: to.of(item), value)  # type: ignore[misc]  # bound at once
    return value


def _not(node: w.Not, to: Writer) -> str:
    return to.new(f"1 - {to.of(node.item)}")


def _clause(node: w.Clause, to: Writer) -> str:
    return to.of(node.body)


CASES: dict[type[w.Word], Callable[[Any, Writer], str]] = {
    w.Figure: _fixed, w.Fixed: _fixed, w.Declared: _declared, w.Observed: _declared,
    w.Spent: _spent, w.Plus: _plus, w.Minus: _minus, w.Times: _times, w.Least: _least,
    w.Most: _most, w.ProRata: _pro_rata, w.Band: _band, w.Tier: _tier, w.Either: _either,
    w.AtLeast: _at_least, w.OneOf: _one_of, w.Near: _near, w.Every: _every, w.Any: _any,
    w.Not: _not, w.Clause: _clause,
}  # fmt: skip
