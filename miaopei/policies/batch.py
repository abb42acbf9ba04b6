"""What a decider checks of a batch's opened rows before it says that it holds them.

One row alone is checked in `row`; here it is held against its book, the terms and the totals.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ..errors import Fact, Refusal
from ..measures.instant import beijing_text
from ..measures.place import is_position
from ..terms.words import Declared, Kind
from .row import PolicyRow, Transaction


@dataclass(frozen=True)
class _Span:
    """A time in which a policy covers a subject: [since, until), UTC seconds."""

    since: int
    until: int
    subject: str | None


@dataclass(frozen=True)
class _Book:
    """What the rows so far have made: numbers and first year of each policy, cover of subjects."""

    numbers: dict[str, set[int]] = field(default_factory=dict)
    year_from: dict[str, int] = field(default_factory=dict)
    spans: dict[str, list[_Span]] = field(default_factory=dict)
    holders: dict[str, set[str]] = field(default_factory=dict)  # subject token -> policies

    def add(self, row: PolicyRow) -> None:
        """A row counts for its time instead of what stood there."""
        self.numbers.setdefault(row.policy, set()).add(row.number)
        self.year_from.setdefault(row.policy, row.year_from)
        if row.subject is None and row.policy not in self.spans:
            return  # not about a person
        rest = []
        for span in self.spans.get(row.policy, ()):
            parts = ((span.since, min(span.until, row.since)),
                     (max(span.since, row.until), span.until))  # fmt: skip
            rest += [_Span(a, b, span.subject) for a, b in parts if a < b]
        if row.transaction is not Transaction.CANCEL:
            rest.append(_Span(row.since, row.until, row.subject))
        self.spans[row.policy] = rest
        if row.subject is not None:
            self.holders.setdefault(row.subject, set()).add(row.policy)


def check_batch(
    rows: Sequence[PolicyRow],
    book: str,
    declared: Iterable[Declared],
    before: Iterable[PolicyRow],
    premium_fen: int,
) -> list[Refusal]:
    """Every reason why the rows may not come in force, at once.

    `declared` are the inputs that the book's terms read from a policy, `before` the book's rows.
    """
    asked = {of.name: of for of in declared}
    book_so_far = _Book()
    for row in before:
        book_so_far.add(row)
    found = []
    places = _places(asked)
    for row in rows:
        found += _misfits(row, book, asked, places) + _out_of_turn(row, book_so_far)
        found += _covered_twice(row, book_so_far)
        book_so_far.add(row)
    total = sum(row.premium_fen for row in rows)
    if total != premium_fen:
        found.append(Refusal("policies.premium_differs", {"rows": total, "stated": premium_fen}))
    return found


def _misfits(
    row: PolicyRow, book: str, asked: dict[str, Declared], places: Sequence[tuple[str, ...]]
) -> list[Refusal]:
    """Against its book, and the figures that the terms read."""
    found = []
    if asked.keys() != row.declared.keys():
        found = [
            Refusal("policies.declared_differs", {"policy": row.policy, "name": name})
            for name in sorted(asked.keys() ^ row.declared.keys())
        ]
    if row.book != book:
        found.append(Refusal("policies.other_book", {"policy": row.policy, "book": row.book[:60]}))
    for name, of in asked.items():
        value = row.declared.get(name)
        if value is not None and not of.low <= value <= of.high:
            facts: dict[str, Fact] = {"policy": row.policy, "name": name, "value": value}
            limits = {"low": of.low, "high": of.high}
            found.append(Refusal("policies.declared_out_of_range", {**facts, **limits}))
    return found + _nowhere(row, places) if places else found


def _places(asked: dict[str, Declared]) -> list[tuple[str, ...]]:
    """Inputs that are a position; terms name the parts of a place in order, by threes."""
    names = [name for name, of in asked.items() if of.kind is Kind.PART]
    return list(zip(names[::3], names[1::3], names[2::3], strict=False))


def _nowhere(row: PolicyRow, places: Sequence[tuple[str, ...]]) -> list[Refusal]:
    """Three parts that are no position."""
    found = []
    for x, y, z in places:
        if not {x, y, z} <= set(row.declared):
            continue
        parts = row.declared[x], row.declared[y], row.declared[z]
        if not is_position(parts):
            facts: dict[str, Fact] = {"policy": row.policy, "name": x, "value": str(parts)}
            found.append(Refusal("policies.no_position", facts))
    return found


def _out_of_turn(row: PolicyRow, book: _Book) -> list[Refusal]:
    """A policy is issued once; everything else speaks of one that was, each under its number.

    Policy years run from the issue for good: else a new start would give a new yearly limit.
    """
    known = row.policy in book.numbers
    if row.transaction is Transaction.ISSUE and known:
        return [Refusal("policies.issued_before", {"policy": row.policy})]
    if row.transaction is not Transaction.ISSUE and not known:
        facts: dict[str, Fact] = {"policy": row.policy, "transaction": str(row.transaction)}
        return [Refusal("policies.not_issued", facts)]
    if row.number in book.numbers.get(row.policy, ()):
        return [Refusal("policies.number_twice", {"policy": row.policy, "number": row.number})]
    if known and (issued := book.year_from[row.policy]) != row.year_from:
        facts = {"policy": row.policy, "number": row.number, "transaction": str(row.transaction)}
        days = {"year_from": beijing_text(row.year_from), "issued": beijing_text(issued)}
        return [Refusal("policies.year_differs", {**facts, **days})]
    return []


def _covered_twice(row: PolicyRow, book: _Book) -> list[Refusal]:
    """One subject, one policy at a time: two would be paid twice under one yearly limit each."""
    if row.subject is None or row.transaction is Transaction.CANCEL:
        return []
    for policy in sorted(book.holders.get(row.subject, set()) - {row.policy}):
        for span in book.spans[policy]:
            since, until = max(span.since, row.since), min(span.until, row.until)
            if span.subject == row.subject and since < until:
                facts: dict[str, Fact] = {"policy": row.policy, "other": policy}
                times = {"since": beijing_text(since), "until": beijing_text(until)}
                return [Refusal("policies.subject_twice", {**facts, **times})]
    return []
