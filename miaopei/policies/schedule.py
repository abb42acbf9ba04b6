"""The schedule 保单列表: the rows of a book as columns, and what is in force at an instant.

Row i of every column is the row at position i of the book, so a schedule grows at its end and its
layout never touches a root. Columns may be memory-mapped files; nothing here writes to them.
Source: docs/specs/record.md, section 5.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..measures.instant import period_of
from .book import FOR_EVER
from .row import PolicyRow, Transaction

POLICY = re.compile("[0-9a-f]{32}")
Int64Array = NDArray[np.int64]
Bytes = NDArray[np.uint8]
FIXED: Mapping[str, tuple[str, int]] = {  # name -> type of one value, values a row
    "policy": ("u1", 16),
    "salt": ("u1", 32),
    "first": ("<i8", 1),
    "since": ("<i8", 1),
    "until": ("<i8", 1),
    "year_from": ("<i8", 1),
    "cancels": ("u1", 1),
}


@dataclass(frozen=True)
class Schedule:
    """The rows of one book up to a size.

    Shapes   policy: (n, 16) and salt: (n, 32) raw bytes; all else (n,). `first` is the position of
             the policy's first row, `cancels` 1 for a cancellation, `declared` what the terms read.
    Units    UTC seconds; declared as their kinds say.
    """

    book: str
    policy: Bytes
    salt: Bytes
    first: Int64Array
    since: Int64Array
    until: Int64Array
    year_from: Int64Array
    cancels: Bytes
    declared: Mapping[str, NDArray[Any]]

    @property
    def size(self) -> int:
        """The number of rows."""
        return len(self.first)

    def upto(self, size: int) -> Schedule:
        """The rows below a position; no column is copied."""
        return schedule_of(self.book, {n: column[:size] for n, column in self.columns().items()})

    def columns(self) -> dict[str, NDArray[Any]]:
        """Every column by name; those that the terms read under `declared.` and their name."""
        fixed = {name: getattr(self, name) for name in FIXED}
        return {**fixed, **{f"declared.{n}": column for n, column in self.declared.items()}}


def schedule_of(book: str, columns: Mapping[str, NDArray[Any]]) -> Schedule:
    """A schedule from its columns, as `Schedule.columns` names them."""
    mark = "declared."
    declared = {n.removeprefix(mark): c for n, c in columns.items() if n.startswith(mark)}
    fixed = {name: columns[name] for name in FIXED}
    return Schedule(book=book, declared=declared, **fixed)


def from_rows(
    book: str, rows: Sequence[PolicyRow], start: int = 0, firsts: Mapping[str, int] | None = None
) -> Schedule:
    """Rows as columns. `start` is the position of the first, `firsts` policy -> first position.

    `firsts` speaks of policies with a row below `start`.
    """
    known = dict(firsts or {})
    first = [known.setdefault(row.policy, start + i) for i, row in enumerate(rows)]
    whole = {"since", "until", "year_from"}
    columns: dict[str, NDArray[Any]] = {
        "policy": _raw((row.policy for row in rows), 16),
        "salt": _raw((row.salt for row in rows), 32),
        "first": np.array(first, np.int64),
        "cancels": np.array([row.transaction is Transaction.CANCEL for row in rows], np.uint8),
        **{name: np.array([getattr(row, name) for row in rows], np.int64) for name in whole},
    }
    whole_rows = (row.declared for row in rows if row.gone is None)
    for name in next(whole_rows, {}):  # an erased row declares nothing and covers nothing
        values = [row.declared[name] if row.gone is None else 0 for row in rows]
        columns[f"declared.{name}"] = np.array(values, np.int64)
    return schedule_of(book, columns)


def joined(before: Schedule, after: Schedule) -> Schedule:
    """One schedule after another, of the same book."""
    one, other = before.columns(), after.columns()
    if not (before.size and after.size):  # columns of nothing do not know what is declared
        return before if before.size else after

    def side(of: Mapping[str, NDArray[Any]], name: str, size: int) -> NDArray[Any]:
        found = of.get(name)  # missing where every row of a side was erased
        return np.zeros(size, np.int64) if found is None else found

    names = [*one, *(name for name in other if name not in one)]
    return schedule_of(
        before.book,
        {n: np.concatenate([side(one, n, before.size), side(other, n, after.size)]) for n in names},
    )


@dataclass(frozen=True)
class InForce:
    """The policies in force at an instant, in book order.

    Shapes   all (k,): `first` orders them; `chosen` is the position of the version that counts,
             `stood` that of the version that stood at the instant (-1: none, or a cancellation);
             `late` says that `chosen` was recorded after the instant.
    """

    first: Int64Array
    chosen: Int64Array
    stood: Int64Array
    late: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.first)


def in_force(
    schedule: Schedule,
    instant: int,
    recorded: Sequence[tuple[int, int]],
    *,
    arrears: bool = False,
) -> InForce:
    """The policies in force at `instant`, as the schedule's rows have it.

    Of several rows of a policy that span the instant the last recorded one counts; a cancelled
    policy is left out, but not where the cancellation was recorded after the instant: one who
    knows the loss cannot undo the cover. With `arrears` no version is late. `recorded` gives for
    each batch its first position and the block time at which it came in force, in book order.
    Same as  book.effective, policy by policy.
    """
    spans = np.flatnonzero((schedule.since <= instant) & (instant < schedule.until))
    first = np.asarray(schedule.first[spans], np.int64)
    starts = np.array([at for at, _ in recorded], np.int64)
    times = np.array([time for _, time in recorded], np.int64)
    late = times[np.searchsorted(starts, spans, side="right") - 1] > instant
    if not late.any() and (first == spans).all():  # every policy issued once, and nothing else
        stands = schedule.cancels[spans] == 0
        chosen = spans[stands]
        return InForce(chosen, chosen, chosen, np.zeros(len(chosen), np.bool_))
    last = _last(schedule.size, first, spans)
    in_time = _last(schedule.size, first[~late], spans[~late])
    order = np.flatnonzero(last >= 0)
    chosen, stood = last[order], in_time[order]
    stood = np.where((stood >= 0) & (schedule.cancels[stood] == 0), stood, -1)
    after = np.zeros(schedule.size, np.bool_)
    after[spans] = late
    beyond = after[chosen] & (not arrears)
    kept = (schedule.cancels[chosen] == 0) | (beyond & (stood >= 0))
    return InForce(order[kept], chosen[kept], stood[kept], beyond[kept])


def steady(
    schedule: Schedule, instant: int, recorded: Sequence[tuple[int, int]]
) -> tuple[int, int]:
    """[first, end) around an instant in which `in_force` and all policy years stay as they are.

    Same as  book.steady.
    """
    edges = [np.array([time for _, time in recorded], np.int64)]
    edges += [np.unique(column) for column in (schedule.since, schedule.until)]
    years = [period_of(instant, start) for start in np.unique(schedule.year_from).tolist()]
    edges.append(np.array(years, np.int64).reshape(-1))
    whole = np.concatenate(edges)
    before, after = whole[whole <= instant], whole[whole > instant]
    first = int(before.max()) if len(before) else 0
    return max(first, 0), int(after.min()) if len(after) else FOR_EVER


def _last(size: int, first: Int64Array, positions: Int64Array) -> Int64Array:
    """By first position, the last of the positions (ascending) of its policy; -1 where none."""
    slots = np.full(size, -1, np.int64)
    slots[first] = positions  # of several the last one stays
    return slots


def _raw(texts: Iterable[str], width: int) -> Bytes:
    return np.frombuffer(bytes.fromhex("".join(texts)), np.uint8).reshape(-1, width)


def places_of(column: Bytes, policies: Collection[str]) -> dict[int, str]:
    """Where some policies stand in a column of policies: place -> policy."""
    wanted = {bytes.fromhex(p): p for p in policies if POLICY.fullmatch(p)}
    heads = np.array([np.frombuffer(raw, np.int64)[0] for raw in wanted], np.int64)
    likely = np.flatnonzero(np.isin(np.ascontiguousarray(column).view(np.int64)[:, 0], heads))
    found = ((place, column[place].tobytes()) for place in likely.tolist())
    return {place: wanted[raw] for place, raw in found if raw in wanted}
