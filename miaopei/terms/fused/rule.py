"""What one row is owed, written as statements: each word once, refusals as an early return.

A word that rests on numbers that all rows share is written apart and evaluated once before the loop
(`Shared`). Shares no evaluation code with the other readings; equal to them row by row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .. import words as w
from ..bounds import Bounds, Interval
from .asked import Input, Key, guard, key_of
from .cases import case_of


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
        return _function(f"shared{number}", names, list(self.lines))


@dataclass(frozen=True)
class Rule:
    """`row` gives (amount, reason); `guard`, if there is one, whether a row can be owed anything.

    Both take the columns, then the value of each shared part, in the order given here. Where a
    shared part is refused no row is read by this rule: the caller asks another reading.
    """

    row: str
    guard: str | None
    columns: tuple[Input, ...]
    guard_columns: tuple[Input, ...]
    shared: tuple[Shared, ...]
    tables: tuple[tuple[int, ...], ...]
    reasons: tuple[Reason, ...]


def write(
    terms: w.Terms,
    benefit: str,
    per_row: Callable[[Key], bool],
    trusted: Callable[[Key], bool],
) -> Rule:
    """The rule of one benefit. `per_row` says which inputs differ by row; `trusted` those in range.

    Errors   Refused terms.no_benefit, terms.unknown_word, terms.band_gap.
    """
    body = terms.benefit(benefit)
    book = _Book(per_row, trusted)
    row = _Writer(book)
    lines = row.whole(body)
    test = guard(body)
    first = None if test is None else _Writer(book)
    guarding = first.whole(test) if first and test else None
    names = [f"h{n}" for n in range(len(book.shared))]
    return Rule(
        row=_function("row", [*_arguments(row.columns), *names], lines),
        guard=None
        if guarding is None or first is None
        else _function("guard", [*_arguments(first.columns), *names], guarding),
        columns=tuple(row.columns.values()),
        guard_columns=tuple(first.columns.values()) if first else (),
        shared=tuple(book.shared),
        tables=tuple(book.tables),
        reasons=tuple(book.reasons),
    )


def _arguments(columns: dict[Key, Input]) -> list[str]:
    return [f"c{n}" for n in range(len(columns))]


def _function(name: str, arguments: list[str], lines: list[str]) -> str:
    return "\n".join([f"def {name}({', '.join(arguments)}):", *lines])


@dataclass
class _Book:
    """What the functions of one rule have in common."""

    per_row: Callable[[Key], bool]
    trusted: Callable[[Key], bool]
    reasons: list[Reason] = field(default_factory=list)
    shared: list[Shared] = field(default_factory=list)
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
            inner = _Writer(self, inside=True)
            lines = inner.whole(node)
            part = Shared(tuple(lines), tuple(inner.columns.values()))
            if part not in self.shared:
                self.shared.append(part)
            number = self.numbers[id(node)] = self.shared.index(part)
        return number


class _Writer:
    """One function: its statements, its arguments, and what is known where we write."""

    def __init__(self, book: _Book, *, inside: bool = False) -> None:
        self.book, self.inside = book, inside
        self.lines: list[str] = []
        self.columns: dict[Key, Input] = {}
        self.known: dict[Any, str] = {}
        self.products: dict[tuple[str, ...], str] = {}
        self.depth, self.count = 1, 0

    def whole(self, node: w.Word) -> list[str]:
        value = self.of(node)
        self.say(f"return {value}, 0")
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
                value = case(node, self)
            self.known[id(node)] = value
        return value

    def input(self, key: Key, low: int, high: int) -> str:
        value = self.known.get(key)
        if value is None:
            self.columns.setdefault(key, Input(*key, low, high))
            value = self.known[key] = f"c{list(self.columns).index(key)}"
            if not self.book.trusted(key):
                self.refuse(f"{value} < {low} or {value} > {high}", "out_of_range", key[1])
        return value
