"""Without a kernel: the same answers by the NumPy reading, slower."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...errors import Refused
from ...policies import layout as laid
from ...terms import columnar, exact
from ...terms import words as w
from ...terms.columnar import Int64Array
from ...terms.uncut import uncut
from .given import cut, in_reach


class Paid(NamedTuple):
    """Rows of a layout that are owed something, with their fen, and rows that the terms refuse."""

    rows: Int64Array
    amounts: Int64Array
    refused: Int64Array


class Years(NamedTuple):
    """What each event pays, in fen: limits of the year kept, and as if nothing had been spent."""

    net: Int64Array
    gross: Int64Array


def joined(parts: list[Int64Array]) -> Int64Array:
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)


def paid_plainly(
    terms: w.Terms,
    benefit: str,
    observed: Mapping[str, int],
    layout: laid.Layout,
    spent: Int64Array,
    instant: int,
) -> Paid:
    """As Kernels.paid, by columns; row by row only where some are refused."""
    parts: list[tuple[Int64Array, Int64Array, Int64Array]] = []
    for first, last in cut(in_reach(terms.benefit(benefit), layout, observed)):
        stands = (layout.since[first:last] <= instant) & (instant < layout.until[first:last])
        rows = first + np.flatnonzero(stands)
        if not len(rows):
            continue
        columns = {n: np.asarray(c[rows]).astype(np.int64) for n, c in layout.declared.items()}
        refused: list[int] = []
        try:
            amounts = columnar.settle_many(terms, benefit, observed, columns, spent[rows])
        except Refused:
            amounts = _one_by_one(terms, benefit, observed, columns, spent[rows], refused)
        owed = np.flatnonzero(amounts)
        parts.append((rows[owed], amounts[owed], rows[np.array(refused, dtype=np.int64)]))
    return Paid(*(joined([part[i] for part in parts]) for i in range(3)))


def _one_by_one(
    terms: w.Terms,
    benefit: str,
    observed: Mapping[str, int],
    columns: Mapping[str, Int64Array],
    spent: Int64Array,
    refused: list[int],
) -> Int64Array:
    """Where some rows are refused: what the others are owed."""
    amounts = np.zeros(len(spent), dtype=np.int64)
    for row in range(len(spent)):
        own = {name: int(column[row]) for name, column in columns.items()}
        before = {benefit: int(spent[row])}
        try:
            amounts[row] = exact.settle(terms, benefit, observed, own, before).amount_fen
        except Refused:
            refused.append(row)
    return amounts


def years_plainly(
    terms: w.Terms,
    benefit: str,
    years: Int64Array,
    events: Int64Array,
    policy: NDArray[np.int32],
    observed: Mapping[str, NDArray[Any]],
    declared: Mapping[str, NDArray[Any]],
    per_pair: Collection[str],
    of_policies: int,
) -> Years:
    """As Kernels.years, one event after another."""
    net, gross = np.zeros((2, len(events) - 1), dtype=np.int64)
    bare = uncut(terms, benefit)
    for year in range(len(years) - 1):
        spent = np.zeros(of_policies, dtype=np.int64)
        for event in range(years[year], years[year + 1]):
            pairs = slice(events[event], events[event + 1])
            who = policy[pairs]
            if not len(who):
                continue
            seen = {
                n: v[pairs].astype(np.int64) if n in per_pair else int(v[event])
                for n, v in observed.items()
            }
            own = {n: v[who].astype(np.int64) for n, v in declared.items()}
            before = spent[who]
            amounts = columnar.settle_many(terms, benefit, seen, own, before)
            np.add.at(spent, who, amounts)
            net[event] = amounts.sum()
            whole = columnar.settle_many(bare, benefit, seen, own, np.zeros_like(before))
            gross[event] = whole.sum()
    return Years(net, gross)
