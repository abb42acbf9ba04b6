"""Memory that one thread works in, kept from one answer to the next.

Fresh memory is given by the system page by page, which takes longer than what is written into it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np

from ...terms.columnar import Int64Array
from ...terms.fused import SPAN

Columns = tuple[Int64Array, Int64Array]  # rows, and what they are owed in fen
OURS = 3  # references to a column that only we hold: in its pair, while it is looked at, and asked


class Room:
    """Marks and choices of a span of rows, and columns for what is found.

    Shapes   flags (SPAN,), chosen (SPAN + 1,).
    """

    def __init__(self) -> None:
        self.flags = np.empty(SPAN, np.uint8)
        self.chosen = np.empty(SPAN + 1, np.int32)
        self._columns = _columns(0)

    def columns(self, rows: int) -> Columns:
        """Columns of so many rows at least; only what is written to takes memory."""
        if len(self._columns[0]) < rows:
            self._columns = _columns(rows)
        return self._columns


def _columns(rows: int) -> Columns:
    return np.empty(rows, np.int64), np.empty(rows, np.int64)


class Rooms:
    """Rooms that nobody works in at the moment."""

    def __init__(self) -> None:
        self._free: list[Room] = []

    @contextmanager
    def taken(self, count: int) -> Iterator[list[Room]]:
        """So many rooms, for one answer."""
        rooms: list[Room] = []
        while len(rooms) < count:
            try:
                rooms.append(self._free.pop())
            except IndexError:
                rooms.append(Room())
        try:
            yield rooms
        finally:
            self._free += rooms


class Answers:
    """The memory of the last answer, given out again once nobody holds any of it."""

    def __init__(self) -> None:
        self._kept: list[Columns] = []

    def take(self, rows: int) -> Columns:
        """Two columns of so many rows at least. Two who ask at once never get the same."""
        while self._kept:
            pair = self._kept.pop()
            if len(pair[0]) >= rows and all(sys.getrefcount(column) <= OURS for column in pair):
                return pair
        return _columns(rows)

    def keep(self, pair: Columns) -> None:
        """Columns that have just been filled."""
        self._kept[:] = [pair]


class Found(NamedTuple):
    """What one part of the rows gave: where it stands in some columns, and which are refused."""

    turn: int
    columns: Columns
    at: int
    end: int
    refused: Int64Array


def gather(found: Sequence[Found], answer: Columns, share: tuple[int, int]) -> None:
    """Put what was found (in its order) where it belongs in the answer: one share of several."""
    number, shares = share
    start = 0
    for each in found:
        rows = each.end - each.at
        if each.columns is not answer:
            first, last = (rows * n // shares for n in (number, number + 1))
            for to, column in zip(answer, each.columns, strict=True):
                to[start + first : start + last] = column[each.at + first : each.at + last]
        start += rows


def turn_of(found: Found) -> int:
    """By which parts are put in order."""
    return found.turn
