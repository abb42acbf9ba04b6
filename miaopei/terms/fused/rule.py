"""What one row is owed, written as statements: each word once, refusals as an early return.

A word that rests on numbers that all rows share is written apart and evaluated once before the loop
(`Shared`); one that can take few values is looked up (`cells`). Shares no evaluation code with the
other readings; equal to them row by row.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from .. import words as w
from .asked import Input, Key, guard
from .cells import Cell
from .writing import Book, Reason, Shared, Writer, arguments, function


@dataclass(frozen=True)
class Rule:
    """`row` gives (amount, reason); `guard`, if there is one, whether a row can be owed anything;
    `swift` the same as `row` for a row whose inputs are all in range; `bare`, if it is asked for,
    (amount, reason) by another body of the same terms.

    All take the columns, then the value of each shared part, then the table of each part that has
    cells, in the order given here. With `mark` the guard, or where there is none `marker`, counts
    the thresholds passed, and `row` and `bare` take that number last, as `m`, instead of looking at
    the value again. Where a shared part is refused no row is read by this rule: the caller asks
    another reading.
    """

    row: str
    guard: str | None
    bare: str | None
    swift: str
    marker: str | None
    mark: bool
    columns: tuple[Input, ...]
    guard_columns: tuple[Input, ...]
    bare_columns: tuple[Input, ...]
    swift_columns: tuple[Input, ...]
    marker_columns: tuple[Input, ...]
    shared: tuple[Shared, ...]
    cells: tuple[Cell, ...]
    tables: tuple[tuple[int, ...], ...]
    reasons: tuple[Reason, ...]

    def given(self) -> list[str]:
        """What `row`, `guard` and `bare` take after their columns."""
        shared = [f"h{n}" for n in range(len(self.shared))]
        return [*shared, *(f"t{n}" for n in range(len(self.cells)))]

    def cell(self, number: int) -> str:
        """The function that gives what stands in a cell of one table."""
        of = self.cells[number]
        names = [
            *(f"k{n}" for n in range(len(of.axes))),
            *(f"h{n}" for n in range(len(self.shared))),
        ]
        return function(f"cell{number}", names, list(of.lines))


def write(
    terms: w.Terms,
    benefit: str,
    per_row: Callable[[Key], bool],
    trusted: Callable[[Key], bool],
    bare: w.Word | None = None,
    *,
    guarded: bool = False,
    marking: Collection[Key] = (),
) -> Rule:
    """The rule of one benefit. `per_row` says which inputs differ by row; `trusted` those in range;
    `bare` is another body to be written beside it. `guarded`: a row comes only if it has passed;
    `marking`: inputs by which thresholds may be counted for many rows ahead.

    Errors   Refused terms.no_benefit, terms.unknown_word, terms.band_gap.
    """
    body = terms.benefit(benefit)
    book = Book(per_row, trusted)
    row, test = Writer(book), guard(body)
    written: dict[str, tuple[Writer, list[str]]] = {}
    if test is not None:
        first = Writer(book)
        written["guard"] = first, first.whole(test)
        if guarded and not first.stops:
            book.marking = set(first.columns)
            row.known[id(test)], row.passed = "1", True
    if marking:
        book.marking, row.passed = set(marking), True
    written["row"] = row, row.whole(body)
    if book.mark is not None:
        counting = Writer(book)
        if test is not None and guarded:
            written["guard"] = counting, counting.marked(test, book.mark)
        else:
            written["marker"] = counting, counting.counted(book.mark)
    if bare is not None:
        other = Writer(book)
        other.passed = book.mark is not None
        written["bare"] = other, other.whole(bare)
    swift = Writer(book, trusting=True)
    written["swift"] = swift, swift.whole(body)
    return _rule(book, written)


def _rule(book: Book, written: dict[str, tuple[Writer, list[str]]]) -> Rule:
    names = [f"h{n}" for n in range(len(book.shared))] + [f"t{n}" for n in range(len(book.cells))]

    def text(name: str) -> str | None:
        if name not in written:
            return None
        writer, lines = written[name]
        last = ["m"] if name in {"row", "bare"} and book.mark else []
        return function(name, [*arguments(writer.columns), *names, *last], lines)

    def columns(name: str) -> tuple[Input, ...]:
        return tuple(written[name][0].columns.values()) if name in written else ()

    return Rule(
        row=text("row") or "",
        guard=text("guard"),
        bare=text("bare"),
        swift=text("swift") or "",
        marker=text("marker"),
        mark=book.mark is not None,
        columns=columns("row"),
        guard_columns=columns("guard"),
        bare_columns=columns("bare"),
        swift_columns=columns("swift"),
        marker_columns=columns("marker"),
        shared=tuple(book.shared),
        cells=tuple(book.cells),
        tables=tuple(book.tables),
        reasons=tuple(book.reasons),
    )
