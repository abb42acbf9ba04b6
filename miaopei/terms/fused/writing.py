"""The functions of a rule as they are written: statements, arguments, what is known by then."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .. import words as w
from ..bounds import Bounds, Interval
from .asked import Input, Key, key_of
from .cases import case_of, product_of
from .cells import Axis, Cell, axes_of, span_fits, stood

MOST_MARKED = 255  # a mark and one are kept in a byte


class Reason(NamedTuple):
    """Why a row is refused: the code, and the name of what was at fault."""

    code: str
    name: str


class Shared(NamedTuple):
    """A function of numbers that all rows share: its statements, and its inputs in order."""

    lines: tuple[str, ...]
    inputs: tuple[Input, ...]

    def text(self, number: int) -> str:
        """The function under its number."""
        names = [f"c{n}" for n in range(len(self.inputs))]
        return function(f"shared{number}", names, list(self.lines))


def arguments(columns: dict[Key, Input]) -> list[str]:
    return [f"c{n}" for n in range(len(columns))]


def function(name: str, arguments: list[str], lines: list[str]) -> str:
    return "\n".join([f"def {name}({', '.join(arguments)}):", *lines])


@dataclass
class Book:
    """What the functions of one rule have in common."""

    per_row: Callable[[Key], bool]
    trusted: Callable[[Key], bool]
    reasons: list[Reason] = field(default_factory=list)
    shared: list[Shared] = field(default_factory=list)
    cells: list[Cell] = field(default_factory=list)
    marking: set[Key] = field(default_factory=set)  # columns of a guard that a row has passed
    mark: Axis | None = None
    bounds: Bounds = field(default_factory=Bounds)
    numbers: dict[int, int] = field(default_factory=dict)
    kept: list[w.Word] = field(default_factory=list)  # so that an id is never used twice
    tables: list[tuple[int, ...]] = field(default_factory=list)
    rests: dict[int, tuple[bool, bool]] = field(default_factory=dict)

    def no(self, code: str, name: str = "") -> int:
        reason = Reason(f"terms.{code}", name)
        if reason not in self.reasons:
            self.reasons.append(reason)
        return self.reasons.index(reason) + 1

    def table(self, values: tuple[int, ...]) -> str:
        """The name of a list of numbers that stands outside the functions."""
        if values not in self.tables:
            self.tables.append(values)
        return f"T{self.tables.index(values)}"

    def rests_on(self, node: w.Word) -> tuple[bool, bool]:
        """Whether a word rests on a number of its row, and on one that all rows share."""
        known = self.rests.get(id(node))
        if known is None:
            case_of(node)
            if (key := key_of(node)) is not None:
                own = self.per_row(key)
                known = own, not own
            else:
                parts = [self.rests_on(child) for child in w.children(node)]
                known = any(own for own, _ in parts), any(shared for _, shared in parts)
            self.rests[id(node)] = known
            self.kept.append(node)
        return known

    def share(self, node: w.Word) -> int:
        """The number of a part that is evaluated once for all rows."""
        number = self.numbers.get(id(node))
        if number is None:
            inner = Writer(self, inside=True)
            lines = inner.whole(node)
            part = Shared(tuple(lines), tuple(inner.columns.values()))
            if part not in self.shared:
                self.shared.append(part)
            number = self.numbers[id(node)] = self.shared.index(part)
        return number

    def cell(self, node: w.Word, axes: list[Axis]) -> int | None:
        """The number of a table for a part; None where a cell of it might refuse."""
        inner = Cells(self, axes)
        try:
            value = inner.of(node)
        except _Unfit:
            return None
        inner.say(f"return {value}")
        places = tuple((axis.low, axis.size) for axis in axes)
        cell = Cell(
            tuple(inner.lines), places, any(re.search(r"\bh\d", line) for line in inner.lines)
        )
        if cell not in self.cells:
            self.cells.append(cell)
        return self.cells.index(cell)


class Writer:
    """One function: its statements, its arguments, and what is known where we write."""

    def __init__(self, book: Book, *, inside: bool = False, trusting: bool = False) -> None:
        self.book, self.inside, self.trusting = book, inside, trusting
        self.lines: list[str] = []
        self.columns: dict[Key, Input] = {}
        self.known: dict[Any, str] = {}
        self.products: dict[tuple[str, ...], str] = {}
        self.depth, self.count, self.stops = 1, 0, 0
        self.passed = False  # whether a row comes only if it has passed the guard

    def whole(self, node: w.Word) -> list[str]:
        value = self.of(node)
        self.say(f"return {value}, 0")
        return self.lines

    def marked(self, test: w.Word, axis: Axis) -> list[str]:
        """A guard that also says how many thresholds have been passed."""
        held = self.of(test)
        self.say(f"return {held}, 0, {self._index(axis)}")
        return self.lines

    def counted(self, axis: Axis) -> list[str]:
        """How many thresholds have been passed."""
        self.say(f"return {self._index(axis)}")
        return self.lines

    def say(self, line: str) -> None:
        self.lines.append(" " * self.depth + line)

    def new(self, expression: str) -> str:
        """A new name for a value."""
        self.count += 1
        self.say(f"v{self.count} = {expression}")
        return f"v{self.count}"

    def refuse(self, test: str, code: str, name: str = "") -> None:
        self.say(f"if {test}:")
        self.depth += 1
        self.stop(code, name)
        self.depth -= 1

    def stop(self, code: str, name: str) -> None:
        self.stops += 1
        self.say(f"return 0, {self.book.no(code, name)}")

    def table(self, values: tuple[int, ...]) -> str:
        return self.book.table(values)

    def span(self, node: w.Word) -> Interval:
        """What a word can be where its inputs are in range."""
        return self.book.bounds.of(node)

    def branch(self, write: Callable[[], str], into: str) -> None:
        """Statements one level deeper; what they found out is forgotten after them."""
        before = dict(self.known), dict(self.products)
        self.depth += 1
        self.say(f"{into} = {write()}")
        (self.known, self.products), self.depth = before, self.depth - 1

    def of(self, node: w.Word) -> str:
        """The value of a word, written down where it is first asked for."""
        value = self.known.get(id(node))
        if value is None:
            case = case_of(node)
            self.book.kept.append(node)
            own, shared = self.book.rests_on(node)
            if shared and not own and not self.inside:
                value = f"h{self.book.share(node)}"
            else:
                value = self.looked_up(node) or case(node, self)
            self.known[id(node)] = value
        return value

    def looked_up(self, node: w.Word) -> str | None:
        """The value of a part that has cells, out of its table; None for any other."""
        if self.inside:
            return None
        axes = axes_of(node, lambda part: self.book.rests_on(part)[0], self._in_range)
        number = None if axes is None else self.book.cell(node, axes)
        if axes is None or number is None:
            return None
        place = ""
        for axis in axes:
            index = self._index(axis)
            place = f"({place}) * {axis.size} + {index}" if place else index
        return self.new(f"t{number}[uint64({place})]")

    def _in_range(self, part: w.Word) -> bool:
        key = key_of(part)
        trusted = self.trusting or (key is not None and self.book.trusted(key))
        return key is not None and (trusted or key in self.known)

    def _marks(self, axis: Axis) -> bool:
        """Whether the guard can count this, having read the same columns."""
        own = {key for part in axis.of if (key := key_of(part)) and self.book.per_row(key)}
        counts = 0 < len(axis.thresholds) < MOST_MARKED and own <= self.book.marking
        return counts and self.book.mark in (None, axis)

    def _index(self, axis: Axis) -> str:
        """Where a row stands on an axis."""
        if self.passed and self._marks(axis):
            self.book.mark = axis
            return "m"
        value = product_of(axis.of, self) if len(axis.of) > 1 else self.of(axis.of[0])
        if not axis.thresholds:
            return f"({value} - {axis.low})"
        return self.new(" + ".join(f"int64({value} >= {edge})" for edge in axis.thresholds))

    def input(self, key: Key, low: int, high: int) -> str:
        value = self.known.get(key)
        if value is None:
            self.columns.setdefault(key, Input(*key, low, high))
            value = self.known[key] = f"c{list(self.columns).index(key)}"
            if not (self.trusting or self.book.trusted(key)):
                self.refuse(f"{value} < {low} or {value} > {high}", "out_of_range", key[1])
        return value


class _Unfit(Exception):
    """A part that might refuse is no part for cells."""


class Cells(Writer):
    """What stands in a cell, given its index on each axis."""

    def __init__(self, book: Book, axes: list[Axis]) -> None:
        super().__init__(book)
        self.axes = axes

    def looked_up(self, node: w.Word) -> str | None:
        if isinstance(node, w.Band):
            span = self.span(node.of)
            if not span_fits(node, span.least, span.most):
                raise _Unfit
        found = stood(node, self.axes)
        if found is None:
            return None
        axis, values = found
        return self.new(f"{self.table(values)}[k{axis}]")

    def input(self, key: Key, low: int, high: int) -> str:  # noqa: ARG002 - in range by the axis
        for number, axis in enumerate(self.axes):
            if not axis.thresholds and key_of(axis.of[0]) == key:
                return f"(k{number} + {axis.low})"
        raise _Unfit

    def stop(self, code: str, name: str) -> None:  # noqa: ARG002 - whatever it is
        raise _Unfit
