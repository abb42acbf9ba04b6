"""What kernels take: columns and numbers in their order, whole and in range, or not at all."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import Refusal, Refused
from ...policies import layout as laid
from ...terms import fused
from ...terms import words as w
from ...terms.fused import Loop

INT64_MOST = 2**63 - 1
AT_ONCE, LEAST = 262_144, 16_384  # rows of a book that one thread takes at a time
TURNS = 12  # parts a thread, so that no thread is left waiting for long


def in_reach(
    body: w.Word, layout: laid.Layout, observed: Mapping[str, int]
) -> list[tuple[int, int]]:
    """The rows of a layout that a benefit can reach; all of them where it knows no circle."""
    circle = fused.reach(body)
    if circle is None or layout.place is None:
        return [(0, len(layout))] if len(layout) else []
    of = tuple(p.name for p in circle.of if isinstance(p, w.Declared))
    centre = [observed.get(p.name) for p in circle.centre if isinstance(p, w.Observed)]
    if of != layout.place or None in centre or len(centre) != 3:
        return [(0, len(layout))] if len(layout) else []
    x, y, z = (int(part) for part in centre if part is not None)
    return laid.ranges(layout, (x, y, z), fused.threshold(circle.radius.value))


def single(value: Any) -> bool:
    return type(value) is int or isinstance(value, np.integer)


def arguments(loop: Loop, tables: Mapping[str, Mapping[str, Any]]) -> tuple[list[Any], int] | None:
    """Columns and numbers as `run` takes them, and how many rows; None for whatever the NumPy
    reading should look at: an input that is missing, not whole, too large, of another length."""
    lengths = set()
    for value in (v for table in tables.values() for v in table.values()):
        if isinstance(value, np.ndarray) and value.ndim == 1 and value.dtype == np.int64:
            lengths.add(len(value))
        elif not single(value) or abs(int(value)) > INT64_MOST:
            return None
    if len(lengths) != 1:
        return None
    (rows,) = lengths
    found: list[Any] = []
    for argument in loop.arguments:
        value = tables[argument.input.table].get(argument.input.name)
        if value is None:
            return None
        if not argument.column:
            found.append(int(value))
        elif isinstance(value, np.ndarray):
            found.append(np.ascontiguousarray(value))
        else:
            found.append(np.full(rows, value, dtype=np.int64))
    return found, rows


def proven(
    loop: Loop,
    layout: laid.Layout,
    observed: Mapping[str, int],
    benefit: str,
    spent: NDArray[np.int64],
) -> bool:
    """Whether the columns have the types, lengths and ranges that the kernel rests on."""
    if any(len(column) != len(layout) for column in (*layout.declared.values(), spent)):
        return False
    for item, _, dtype in loop.arguments:
        if item.table == "declared":
            column = layout.declared.get(item.name)
            if column is None or column.dtype != dtype or not len(column):
                return False
            if layout.least[item.name] < item.low or layout.most[item.name] > item.high:
                return False
        elif item.table == "observed":
            value = observed.get(item.name)
            if not single(value) or abs(int(value or 0)) > INT64_MOST:
                return False
        elif item.name != benefit:
            return False
    return True


def check_years(
    years: NDArray[np.int64],
    events: NDArray[np.int64],
    policy: NDArray[np.int32],
    observed: Mapping[str, NDArray[Any]],
    declared: Mapping[str, NDArray[Any]],
    per_pair: Collection[str],
) -> None:
    """A compiled loop looks where it is told to: what it is told must lie inside.

    Errors   Refused terms.ragged_columns.
    """
    pairs, count = len(policy), len(events) - 1
    wanted = {n: pairs if n in per_pair else count for n in observed}
    wanted |= dict.fromkeys(declared, len(next(iter(declared.values()), ())))
    for name, column in {**observed, **declared}.items():
        _fits(name, len(column), wanted[name])
    for name, starts, end in (("years", years, count), ("events", events, pairs)):
        rising = bool((np.diff(starts) >= 0).all()) and int(starts[0]) >= 0
        _fits(name, int(starts[-1]) if rising else -1, end)


def _fits(name: str, rows: int, expected: int) -> None:
    if rows != expected:
        raise Refused(
            Refusal("terms.ragged_columns", {"name": name, "rows": rows, "expected": expected})
        )


def of_years(
    loop: Loop,
    observed: Mapping[str, NDArray[Any]],
    declared: Mapping[str, NDArray[Any]],
    per_pair: Collection[str],
) -> list[Any] | None:
    """Columns of events, pairs and policies; None where one is not whole or beyond its range.

    Those of pairs that have the kernel's type already are left to it: it looks at each range.
    """
    found = []
    for item, _, dtype in loop.arguments:
        if item.table == "spent":
            continue
        column = (observed if item.table == "observed" else declared).get(item.name)
        if column is None or not len(column) or column.dtype.kind not in "iu":
            return None
        looked_at = item.name in per_pair and item.table == "observed" and column.dtype == dtype
        if not looked_at and (column.min() < item.low or column.max() > item.high):
            return None
        found.append(np.ascontiguousarray(column, dtype=dtype))
    return found


def parts_of(rows: int, count: int) -> list[tuple[int, int]]:
    ends = [rows * n // count for n in range(count + 1)]
    return list(pairwise(ends))


def cut(parts: list[tuple[int, int]], threads: int = 1) -> list[tuple[int, int]]:
    """The same rows in parts that threads can take in turn."""
    rows = sum(last - first for first, last in parts)
    each = min(max(rows // (TURNS * threads), LEAST), AT_ONCE)
    return [
        (start, min(start + each, last))
        for first, last in parts
        for start in range(first, last, each)
    ]
