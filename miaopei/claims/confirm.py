"""The second reading of a mass: every amount that is not zero, and a sample of the zeros, exactly.

The exact reading is a function of the facts, of what the policy declares and of what is spent, so
each different set of those is read once, whatever number of policies share it. The sets are found
by comparing the integers themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..terms import exact
from ..terms.words import Terms

Int64Array = NDArray[np.int64]
ZERO_SAMPLE = 97  # one zero in so many is confirmed by the exact reading as well
SPREAD = np.uint64(0x9E3779B97F4A7C15)  # odd, so that no two rows fall together
MOST_CHOSEN = np.uint64(2**64 // ZERO_SAMPLE)
AT_ONCE = 16_384  # different inputs that one worker reads at a time


class Spread(Protocol):
    """Carries pure work out over parts, here or in other processes; answers come in order."""

    def __call__(
        self, work: Callable[..., Any], parts: Iterable[tuple[Any, ...]]
    ) -> Iterator[Any]: ...


def alone(work: Callable[..., Any], parts: Iterable[tuple[Any, ...]]) -> Iterator[Any]:
    """Every part in this process."""
    return (work(*part) for part in parts)


@dataclass(frozen=True)
class Differs:
    """Where the readings part: the row, and what each of them gives."""

    row: int
    columnar: int
    exact: int


def confirm(
    terms: Terms,
    benefit: str,
    observed: Mapping[str, int | Int64Array],
    declared: Mapping[str, NDArray[Any]],
    spent: Int64Array,
    amounts: Int64Array,
    spread: Spread = alone,
    tell: Callable[[int, int], None] = lambda _done, _of: None,
    salt: int = 0,
) -> Differs | None:
    """The first row (in the order of the rows) at which the exact reading gives another amount.

    Which zeros are looked at follows from `salt`, which nobody knows before the facts are in.
    `tell` hears how many different policies have been read, and of how many.
    Shapes   observed: one for all or (n,); declared, spent, amounts: (n,).
    Units    amounts and spent in fen.
    """
    looked = np.flatnonzero((amounts != 0) | sampled(len(amounts), salt))
    same = {n: v for n, v in observed.items() if isinstance(v, int)}
    differ = {n: v for n, v in observed.items() if not isinstance(v, int)}
    names = [*((True, name) for name in differ), *((False, name) for name in declared)]
    columns = [np.asarray(c[looked], np.int64) for c in (*differ.values(), *declared.values())]
    columns += [spent[looked], amounts[looked]]
    rows = _different(columns)
    parts = (
        (terms, benefit, same, names, [c[rows[at : at + AT_ONCE]] for c in columns])
        for at in range(0, len(rows), AT_ONCE)
    )
    wrong = []
    for number, found in enumerate(spread(read_exactly, parts)):
        tell(min((number + 1) * AT_ONCE, len(rows)), len(rows))
        wrong += [(int(rows[number * AT_ONCE + at]), plain) for at, plain in found]
    if not wrong:
        return None
    at, plain = min(wrong)  # a set of inputs stands at the first of its rows
    return Differs(int(looked[at]), int(amounts[looked[at]]), plain)


def settle_exactly(
    terms: Terms,
    benefit: str,
    observed: Mapping[str, int | Int64Array],
    columns: Mapping[str, int | Int64Array],
    spent: Int64Array | Mapping[str, int | Int64Array],
) -> Int64Array:
    """Amounts of all rows, zeros too, by the exact reading alone; like rows are read once.

    Shapes   observed, columns, spent: (n,), or one integer for all; (n,) out.
    Units    fen.
    Same as  terms.columnar.settle_many.
    """
    tables = (observed, columns, spent if isinstance(spent, Mapping) else {benefit: spent})
    same = [{n: v for n, v in table.items() if isinstance(v, int)} for table in tables]
    differ = [(at, n) for at, table in enumerate(tables) for n in table if n not in same[at]]
    settle, known = exact.settler(terms, benefit, same[0]), dict[tuple[int, ...], int]()
    rows = [np.asarray(tables[at][n], np.int64).tolist() for at, n in differ]
    for row in zip(*rows, strict=True):
        if row not in known:
            given: list[dict[str, int]] = [{}, dict(same[1]), dict(same[2])]
            for (at, name), value in zip(differ, row, strict=True):
                given[at][name] = value
            known[row] = settle(*given).amount_fen
    return np.array([known[row] for row in zip(*rows, strict=True)], np.int64)


def sampled(rows: int, salt: int) -> NDArray[np.bool_]:
    """About one row in `ZERO_SAMPLE`, by a salt of 64 bits; the same for the same salt."""
    mixed = (np.arange(rows, dtype=np.uint64) ^ np.uint64(salt)) * SPREAD
    chosen: NDArray[np.bool_] = (mixed ^ (mixed >> np.uint64(29))) * SPREAD < MOST_CHOSEN
    return chosen


def read_exactly(
    terms: Terms,
    benefit: str,
    observed: Mapping[str, int],
    names: Sequence[tuple[bool, str]],
    columns: Sequence[Int64Array],
) -> list[tuple[int, int]]:
    """Places whose amount (the last column) is not what the exact reading gives, and what it is.

    `names` of the columns before what is spent and the amounts: whether observed, and the input.
    """
    found = []
    settle = exact.settler(terms, benefit, observed)
    seen = [at for at, (is_seen, _) in enumerate(names) if is_seen]
    own = [at for at, (is_seen, _) in enumerate(names) if not is_seen]
    *inputs, spent, amounts = (column.tolist() for column in columns)
    differing, declared = (
        _each([names[at][1] for at in of], [inputs[at] for at in of], len(amounts))
        for of in (seen, own)
    )
    before = _each([benefit], [spent], len(amounts))
    for at, (amount, *given) in enumerate(zip(amounts, differing, declared, before, strict=True)):
        plain = settle(*given).amount_fen
        if plain != amount:
            found.append((at, plain))
    return found


def _each(
    names: Sequence[str], columns: Sequence[Sequence[int]], count: int
) -> Iterator[dict[str, int]]:
    """Columns as the inputs of each row."""
    if not names:
        return repeat({}, count)
    if len(names) == 1:
        (name,), (column,) = names, columns
        return ({name: value} for value in column)
    return (dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True))


def _different(columns: Sequence[Int64Array]) -> Int64Array:
    """The first row of each different set of values, in the order of the rows."""
    codes = np.zeros(len(columns[0]), np.int64)
    for column in columns:
        if not len(column) or (column == column[0]).all():
            continue
        values, places = np.unique(column, return_inverse=True)
        if len(values) == len(column):
            return np.arange(len(column))  # no two rows are alike
        _, codes = np.unique(codes * len(values) + places, return_inverse=True)
    _, first = np.unique(codes, return_index=True)
    return np.sort(first)
