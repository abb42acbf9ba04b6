"""Memory that one thread works in, kept from one answer to the next.

Fresh memory is given by the system page by page, which takes longer than what is written into it.
"""

from __future__ import annotations

import sys
from typing import NamedTuple

import numpy as np

from ...terms.columnar import Int64Array
from ...terms.fused import SPAN


class Room:
    """Marks and choices of a span of rows, then rows and amounts one after another.

    Shapes   flags (SPAN,), chosen (SPAN + 1,), places and amounts (n,) for the largest n so far; of
             those two only what has been written to takes memory.
    """

    def __init__(self) -> None:
        self.flags = np.empty(SPAN, np.uint8)
        self.chosen = np.empty(SPAN + 1, np.int32)
        self.places = self.amounts = np.empty(0, np.int64)

    def make(self, rows: int) -> None:
        """Room for so many rows at least."""
        if len(self.places) < rows:
            self.places, self.amounts = (np.empty(rows, np.int64) for _ in range(2))


Columns = tuple[Int64Array, Int64Array]
OURS = 3  # references to a column that only we hold: in its pair, while it is looked at, and asked


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
        return np.empty(rows, np.int64), np.empty(rows, np.int64)

    def keep(self, pair: Columns) -> None:
        """Columns that have just been filled."""
        self._kept[:] = [pair]


class Found(NamedTuple):
    """What one part of the rows gave: where it stands in the room, and which rows are refused."""

    turn: int
    room: Room
    at: int
    end: int
    refused: Int64Array


def turn_of(found: Found) -> int:
    """By which parts are put in order."""
    return found.turn
