"""The columnar reading over many occurrences: a replay of a catalogue, or years that never were.

Occurrences of one period share its limits in their order; different periods are independent, so
the first occurrences of all periods are settled together, then all second ones, and so on.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..errors import Fact, Refusal, Refused
from . import words as w
from .columnar import Given, Int64Array, Value, settle_many


def simulate(
    terms: w.Terms,
    benefit: str,
    observed: Given,
    declared: Given,
    periods: NDArray[np.int64],
) -> Int64Array:
    """What one policy (or one a period) is owed for each occurrence, limits counted by period.

    Shapes   periods: (n,) any integers, occurrences of one period in their order; observed and
             declared: (n,) or one integer; result (n,).
    Units    each input as its kind says; result in fen.
    Errors   as columnar.settle_many; a refused row is numbered within its round.
    Same as  exact.settle one by one, `spent` the sum of the period so far.
    """
    rows = len(periods)
    turn = _turns(periods)
    _, place = np.unique(periods, return_inverse=True)
    spent = np.zeros(rows, dtype=np.int64)
    amounts = np.zeros(rows, dtype=np.int64)
    for number in range(int(turn.max(initial=-1)) + 1):
        now = np.flatnonzero(turn == number)
        amounts[now] = settle_many(
            terms, benefit, _taken(observed, now), _taken(declared, now), spent[place[now]]
        )
        spent[place[now]] += amounts[now]
    return amounts


def totals(amounts: Int64Array, periods: NDArray[np.int64]) -> tuple[Int64Array, Int64Array]:
    """The periods in ascending order and what each adds up to, in fen."""
    named, place = np.unique(periods, return_inverse=True)
    sums = np.zeros(len(named), dtype=np.int64)
    np.add.at(sums, place, amounts)
    return named.astype(np.int64, copy=False), sums


def _turns(periods: NDArray[np.int64]) -> Int64Array:
    """For each occurrence, how many of its period stand before it."""
    order = np.argsort(periods, kind="stable")
    ordered = periods[order]
    first = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]][: len(ordered)])
    lengths = np.diff(np.r_[first, len(ordered)])
    turns = np.empty(len(ordered), dtype=np.int64)
    turns[order] = np.arange(len(ordered)) - np.repeat(first, lengths)
    return turns


def _taken(given: Given, rows: NDArray[np.intp]) -> Given:
    taken: dict[str, Value] = {}
    for name, value in given.items():
        if isinstance(value, np.ndarray) and value.ndim:
            if rows.size and rows.max() >= len(value):
                facts: dict[str, Fact] = {
                    "name": name,
                    "rows": len(value),
                    "expected": int(rows.max()) + 1,
                }
                raise Refused(Refusal("terms.ragged_columns", facts))
            taken[name] = value[rows]
        else:
            taken[name] = value
    return taken
