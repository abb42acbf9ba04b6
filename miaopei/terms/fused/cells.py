"""Parts of a rule that can take few values: one cell for each, filled before the rows are read.

What rests only on numbers that all rows share, on inputs of small range and on which fixed
thresholds a value has passed is looked up by row instead of being decided anew. Thresholds passed
are counted, which needs no branch, so a row never waits for a guess.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ...measures.place import threshold
from .. import words as w
from .asked import Key, key_of

SMALL = 64  # values of an input that may stand for themselves
MOST = 4_096  # cells of one part: 32 KB, which stays in the fastest cache
FEWEST = 3  # below, a choice is as quick as a look into a table

Usable = Callable[[w.Word], bool]  # whether an input of the row is known to be in range already


class Axis(NamedTuple):
    """What one index of a cell counts: from `low` the values of an input, or thresholds passed.

    `of` is the input, or the three parts and the centre of a place whose product is compared.
    """

    of: tuple[w.Word, ...]
    low: int
    size: int
    thresholds: tuple[int, ...] = ()


class Compared(NamedTuple):
    """A test of one value against one number: at least it, or (`turned`) below it."""

    of: tuple[w.Word, ...]
    least: int
    turned: bool = False


def name_of(parts: tuple[w.Word, ...]) -> tuple[Key | None, ...]:
    """By which a value is known: an input by its key, a product by the keys of its parts."""
    return tuple(key_of(part) for part in parts)


def compared(node: w.Word) -> Compared | None:
    """The test that a word is, where it holds an input or a product against a fixed number."""
    match node:
        case w.Near() if None not in name_of((*node.of, *node.centre)):
            return Compared((*node.of, *node.centre), threshold(node.radius.value))
        case w.AtLeast(
            left=w.Declared() | w.Observed() as of, right=w.Figure() | w.Fixed() as edge
        ):
            return Compared((of,), edge.value)
        case w.AtLeast(
            left=w.Figure() | w.Fixed() as edge, right=w.Declared() | w.Observed() as of
        ):
            return Compared((of,), edge.value + 1, turned=True)
    return None


def axes_of(node: w.Word, own: Callable[[w.Word], bool], usable: Usable) -> list[Axis] | None:
    """The axes on which a word's value lies; None where it is not worth or not fit for cells.

    `own` says whether a word rests on a number of its row.
    """
    if not isinstance(node, w.Either | w.Band) or not own(node):
        return None
    if isinstance(node, w.Band) and key_of(node.of) is not None and len(node.rows) < FEWEST:
        return None
    found = _Found(own, usable)
    if not found.look(node):
        return None
    axes = found.axes()
    cells = 1
    for axis in axes:
        cells *= axis.size
    return axes if FEWEST <= cells <= MOST else None


class _Found:
    """Inputs that stand for themselves, and values with the thresholds they are held against."""

    def __init__(self, own: Callable[[w.Word], bool], usable: Usable) -> None:
        self.own, self.usable = own, usable
        self.inputs: dict[tuple[Key | None, ...], w.Declared | w.Observed] = {}
        self.ranks: dict[tuple[Key | None, ...], tuple[tuple[w.Word, ...], set[int]]] = {}

    def axes(self) -> list[Axis]:
        axes = [
            Axis(of, 0, len(edges) + 1, tuple(sorted(edges))) for of, edges in self.ranks.values()
        ]
        axes += [Axis((i,), i.low, i.high - i.low + 1) for i in self.inputs.values()]
        return axes

    def look(self, node: w.Word) -> bool:
        """Whether a word lies on axes; notes which."""
        if not self.own(node):
            return True
        match node:
            case w.Declared() | w.Observed():
                return self._input(node)
            case w.Spent():
                return False
            case w.Band() if key_of(node.of) and not small(node.of):
                return self._rank((node.of,), [row.low for row in node.rows[1:]])
        test = compared(node)
        if test is not None and not (len(test.of) == 1 and small(test.of[0])):
            return self._rank(test.of, [test.least])
        return all(self.look(child) for child in w.children(node))

    def _input(self, node: w.Declared | w.Observed) -> bool:
        if not small(node) or not self.usable(node):
            return False
        self.inputs[name_of((node,))] = node
        return True

    def _rank(self, of: tuple[w.Word, ...], edges: list[int]) -> bool:
        if not all(self.usable(part) for part in of if self.own(part)):
            return False
        self.ranks.setdefault(name_of(of), (of, set()))[1].update(edges)
        return True


def small(node: w.Word) -> bool:
    """Whether an input takes so few values that each can have its cell."""
    return isinstance(node, w.Declared | w.Observed) and node.high - node.low < SMALL


def stood(node: w.Word, axes: list[Axis]) -> tuple[int, tuple[int, ...]] | None:
    """For a word that is decided by thresholds passed: its axis, and its value for each count.

    Band rows without a value, or that leave values out, are not decided here.
    """
    test = compared(node)
    band = node if isinstance(node, w.Band) and key_of(node.of) else None
    of = test.of if test else (band.of,) if band else ()
    for number, axis in enumerate(axes):
        if not axis.thresholds or name_of(axis.of) != name_of(of):
            continue
        if test is not None:
            passed = axis.thresholds.index(test.least) + 1
            return number, tuple(
                int((count >= passed) is not test.turned) for count in range(axis.size)
            )
        assert band is not None, "a test or a band"
        lows = [row.low for row in band.rows]
        values = []
        for count in range(axis.size):
            reached = axis.thresholds[count - 1] if count else lows[0]
            values.append(band.rows[sum(low <= reached for low in lows[1:])].value)
        whole = tuple(value for value in values if value is not None)
        return (number, whole) if len(whole) == axis.size else None
    return None


class Cell(NamedTuple):
    """One table: the statements that fill a cell, and its axes; `shared` where numbers that all
    rows share are among what they rest on."""

    lines: tuple[str, ...]
    axes: tuple[tuple[int, int], ...]  # low and size of each
    shared: bool

    @property
    def size(self) -> int:
        """The number of cells."""
        size = 1
        for _, each in self.axes:
            size *= each
        return size

    def fill(self, number: int, given: list[str]) -> list[str]:
        """Statements that fill the table of this number."""
        lines, place = [], "0"
        for depth, (_, size) in enumerate(self.axes):
            lines.append(f"{' ' * depth}for k{depth} in range({size}):")
            place = f"({place}) * {size} + k{depth}" if depth else "k0"
        call = ", ".join([*(f"k{n}" for n in range(len(self.axes))), *given])
        return [*lines, f"{' ' * len(self.axes)}t{number}[{place}] = cell{number}({call})"]


def span_fits(node: w.Band, least: int, most: int) -> bool:
    """Whether a table has a row for everything its value can be."""
    last = node.rows[-1].high
    return least >= node.rows[0].low and (last is None or most < last)
