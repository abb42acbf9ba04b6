"""The same meaning over columns of 64-bit integers: millions of policies, or many occurrences.

Shares no evaluation code with `exact`; equal to it row by row, refusals included. What one number
says for all rows stays one number, so facts of an occurrence cost nothing a policy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import Fact, Refusal, Refused
from ..measures.money import Rounding
from ..measures.place import threshold
from . import words as w
from .bounds import prove

Int64Array = NDArray[np.int64]
Value = int | Int64Array
Given = Mapping[str, Value]
ROWS_AT_ONCE = 65_536  # a column of this length fits the cache of one core


class Col(NamedTuple):
    """The values of one word, and for each row 0 or the number of what refuses it."""

    value: Value
    bad: Value = 0


@dataclass
class _Run:
    """One pass over some rows: what is known, what each word gave, why rows are refused."""

    observed: Given
    declared: Given
    spent: Given
    known: dict[int, Col] = field(default_factory=dict)
    reasons: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def of(self, node: w.Word) -> Col:
        col = self.known.get(id(node))
        if col is None:
            case = CASES.get(type(node))
            if case is None:
                raise Refused(
                    Refusal("terms.unknown_word", {"word": type(node).__name__, "at": "body"})
                )
            col = self.known[id(node)] = case(node, self)
        return col

    def no(self, code: str, **facts: Any) -> int:
        """The number of a reason; facts that are columns are read at the refused row."""
        self.reasons.append((f"terms.{code}", facts))
        return len(self.reasons)


class SettleMany(Protocol):
    """A reading of many rows at once: `settle_many`, or compiled kernels behind the same call."""

    def __call__(
        self,
        terms: w.Terms,
        benefit: str,
        observed: Given,
        columns: Given,
        spent: Int64Array | Given,
    ) -> Int64Array: ...


def settle_many(
    terms: w.Terms,
    benefit: str,
    observed: Given,
    columns: Given,
    spent: Int64Array | Given,
) -> Int64Array:
    """What each row is owed under one benefit.

    Shapes   observed, columns, spent: (n,), or one integer to hold for all; result (n,). `spent` is
             that of the benefit itself, or a mapping by benefit.
    Units    each input as its kind says; spent and result in fen.
    Errors   Refused with one refusal a reason, each naming the first row it concerns; Refused
             terms.overflow or terms.ragged_columns before anything is computed.
    Same as  exact.settle on every row.
    """
    prove(terms, benefit)
    body = terms.benefit(benefit)
    of_spent = spent if isinstance(spent, Mapping) else {benefit: spent}
    given = [
        {name: _column(name, value) for name, value in table.items()}
        for table in (observed, columns, of_spent)
    ]
    rows = _rows(given)
    result = np.empty(rows, dtype=np.int64)
    for start in range(0, rows, ROWS_AT_ONCE):
        part = slice(start, min(start + ROWS_AT_ONCE, rows))
        seen, own, before = ({n: _cut(v, part) for n, v in table.items()} for table in given)
        run = _Run(seen, own, before)
        col = run.of(body)
        if isinstance(col.bad, np.ndarray) or col.bad:
            _raise(run, col.bad, start)
        result[part] = col.value
    return result


def steps(
    terms: w.Terms,
    benefit: str,
    observed: Mapping[str, int],
    declared: Mapping[str, int],
    spent: int,
) -> list[tuple[str, int]]:
    """What each named word gives for one policy, from the inside out, branches not taken too."""
    body = terms.benefit(benefit)
    run = _Run(observed, declared, {benefit: spent})
    run.of(body)
    found = []
    for word in w.walk(body):
        name = f"spent {word.benefit}" if isinstance(word, w.Spent) else getattr(word, "name", "")
        if name and (col := run.known.get(id(word))) is not None:
            found.append((name, int(np.asarray(col.value).flat[0])))
    return list(dict.fromkeys(found))


def _column(name: str, value: Any) -> Value:
    """One integer, or a column of int64; anything else is refused rather than converted."""
    if type(value) is int:
        return value
    if isinstance(value, np.integer):
        return int(value)
    if isinstance(value, np.ndarray) and value.ndim <= 1:
        fits = value.dtype.kind == "i" or (value.dtype.kind == "u" and value.dtype.itemsize < 8)
        if fits:
            return int(value) if value.ndim == 0 else value.astype(np.int64, copy=False)
    raise Refused(Refusal("terms.not_whole", {"name": name, "value": str(value)[:40]}))


def _rows(given: list[dict[str, Value]]) -> int:
    lengths = {n: len(v) for t in given for n, v in t.items() if isinstance(v, np.ndarray)}
    rows = max(lengths.values(), default=1)
    for name, length in lengths.items():
        if length != rows:
            facts: dict[str, Fact] = {"name": name, "rows": length, "expected": rows}
            raise Refused(Refusal("terms.ragged_columns", facts))
    return rows


def _cut(value: Value, part: slice) -> Value:
    return value if isinstance(value, int) else value[part]


def _raise(run: _Run, bad: Value, start: int) -> None:
    """Refused, if any row is: each reason once, with the first row it concerns."""
    column = np.atleast_1d(np.asarray(bad))
    numbers, rows = np.unique(column, return_index=True)
    found = []
    for number, row in sorted(
        zip(numbers.tolist(), rows.tolist(), strict=True), key=lambda p: p[1]
    ):
        if number:
            code, facts = run.reasons[number - 1]
            said = {k: int(v[row]) if isinstance(v, np.ndarray) else v for k, v in facts.items()}
            found.append(Refusal(code, {**said, "row": start + row}))
    if found:
        raise Refused(*found)


def _first(bad: Value, then: Value) -> Value:
    """The first reason of each row."""
    if isinstance(bad, int):
        return bad or then
    if isinstance(then, int) and not then:
        return bad
    return np.where(bad != 0, bad, then)


def _if(test: Value, then: Value, otherwise: Value) -> Value:
    if isinstance(test, int):
        return then if test else otherwise
    if then is otherwise or (
        isinstance(then, int) and type(otherwise) is int and then == otherwise
    ):
        return then
    return np.where(test != 0, then, otherwise)


def _any_row(mask: Any) -> bool:
    return bool(mask.any()) if isinstance(mask, np.ndarray) else bool(mask)


# The words ---------------------------------------------------------------------------------------


def _fixed(node: w.Figure | w.Fixed, _: _Run) -> Col:
    return Col(node.value)


def _declared(node: w.Declared, run: _Run) -> Col:
    return _input(run, run.declared, node.name, "declared", node.low, node.high)


def _observed(node: w.Observed, run: _Run) -> Col:
    return _input(run, run.observed, node.name, "observed", node.low, node.high)


def _spent(node: w.Spent, run: _Run) -> Col:
    return _input(run, run.spent, node.benefit, "spent", 0, node.high.value)


def _input(run: _Run, table: Given, name: str, word: str, low: int, high: int) -> Col:
    """A value outside its range is refused, and stood in for by `low` so that no bound is left."""
    value = table.get(name)
    if value is None:
        return Col(low, run.no("missing_input", name=name, word=word))
    outside: Any = (value < low) | (value > high)
    if not _any_row(outside):
        return Col(value)
    bad = run.no("out_of_range", name=name, value=value, low=low, high=high)
    if isinstance(value, int):
        return Col(low, bad)
    return Col(np.where(outside, low, value), np.where(outside, bad, 0))


def _plus(node: w.Plus, run: _Run) -> Col:
    total = run.of(node.items[0])
    for item in node.items[1:]:
        part = run.of(item)
        total = Col(total.value + part.value, _first(total.bad, part.bad))
    return total


def _minus(node: w.Minus, run: _Run) -> Col:
    left, right = run.of(node.left), run.of(node.right)
    return Col(left.value - right.value, _first(left.bad, right.bad))


def _times(node: w.Times, run: _Run) -> Col:
    count, each = run.of(node.count), run.of(node.each)
    return Col(count.value * each.value, _first(count.bad, each.bad))


def _least(node: w.Least, run: _Run) -> Col:
    return _extreme(node.items, run, min, np.minimum)


def _most(node: w.Most, run: _Run) -> Col:
    return _extreme(node.items, run, max, np.maximum)


def _extreme(items: tuple[w.Word, ...], run: _Run, of_two: Any, of_columns: Any) -> Col:
    best = run.of(items[0])
    for item in items[1:]:
        part = run.of(item)
        plain = isinstance(best.value, int) and isinstance(part.value, int)
        value = (of_two if plain else of_columns)(best.value, part.value)
        best = Col(value, _first(best.bad, part.bad))
    return best


def _pro_rata(node: w.ProRata, run: _Run) -> Col:
    amount, part, whole = run.of(node.amount), run.of(node.part), run.of(node.whole)
    bad = _first(_first(amount.bad, part.bad), whole.bad)
    of_part, of_whole = part.value, whole.value
    empty: Any = whole.value <= 0
    if _any_row(empty):
        reason = run.no("whole_is_zero", part=part.value, whole=whole.value)
        bad = _first(bad, _if(empty * 1, reason, 0))
        of_part, of_whole = _if(empty * 1, 0, of_part), _if(empty * 1, 1, of_whole)
    wrong: Any = (of_part > of_whole) | (of_part < 0)
    if _any_row(wrong):
        reason = run.no("part_exceeds_whole", part=part.value, whole=whole.value)
        bad = _first(bad, _if(wrong * 1, reason, 0))
        of_part = _if(wrong * 1, 0, of_part)
    each = of_whole * node.unit_fen
    units, rest = divmod(amount.value * of_part, each)
    if node.rounding is Rounding.HALF_UP:
        units = units + (rest >= each - rest)
    return Col(units * node.unit_fen, bad)


def _band(node: w.Band, run: _Run) -> Col:
    of, rows = run.of(node.of), node.rows
    for row, after in pairwise(rows):
        if row.high != after.low:
            facts: dict[str, Fact] = {"clause": "", "from": row.high, "to": after.low}
            raise Refused(Refusal("terms.band_gap", facts))
    plain = isinstance(of.value, int)
    index: Any = np.searchsorted([row.low for row in rows], of.value, side="right") - 1
    index = int(index) if plain else index
    last = rows[-1].high
    outside: Any = index < 0
    if last is not None:
        outside = outside | (of.value >= last)
    bad = of.bad
    name = getattr(node.of, "name", "")
    if _any_row(outside):
        reason = run.no("outside_table", name=name, value=of.value)
        bad = _first(bad, _if(outside * 1, reason, 0))
    unset: Any = np.array([row.value is None for row in rows])[index]
    unset = bool(unset) if plain else unset
    if _any_row(unset):
        reason = run.no("band_unset", name=name, value=of.value)
        bad = _first(bad, _if(unset * 1, reason, 0))
    value = np.array([row.value or 0 for row in rows], dtype=np.int64)[index]
    return Col(0 if outside else int(value), bad) if plain else Col(value * ~outside, bad)


def _tier(node: w.Tier, run: _Run) -> Col:
    of = run.of(node.of)
    up = node.size - 1 if node.counting is w.Counting.STARTED else 0
    units: Any = (of.value + up) // node.size
    money: Any = 0
    for rate, after in pairwise((*node.rates, None)):
        upto = units if after is None else np.minimum(units, after.units)
        if rate is not None:
            money = money + np.maximum(upto - rate.units, 0) * rate.fen
    return Col(int(money) if isinstance(of.value, int) else money, of.bad)


def _either(node: w.Either, run: _Run) -> Col:
    test = run.of(node.test)
    if isinstance(test.value, int):
        if isinstance(test.bad, int) and test.bad:
            return Col(0, test.bad)
        taken = run.of(node.then if test.value else node.otherwise)
        return Col(taken.value, _first(test.bad, taken.bad))
    then, otherwise = run.of(node.then), run.of(node.otherwise)
    bad = _first(test.bad, _if(test.value, then.bad, otherwise.bad))
    return Col(_if(test.value, then.value, otherwise.value), bad)


def _at_least(node: w.AtLeast, run: _Run) -> Col:
    left, right = run.of(node.left), run.of(node.right)
    return Col((left.value >= right.value) * 1, _first(left.bad, right.bad))


def _one_of(node: w.OneOf, run: _Run) -> Col:
    of = run.of(node.of)
    if isinstance(of.value, int):
        return Col(int(of.value in node.codes), of.bad)
    return Col(np.isin(of.value, node.codes) * 1, of.bad)


def _near(node: w.Near, run: _Run) -> Col:
    """Three products of at most 2**60 each: their sum is held by 64 bits, in any order."""
    product: Value = 0
    bad: Value = 0
    parts = [run.of(part) for part in (*node.of, *node.centre)]
    for part in parts:
        bad = _first(bad, part.bad)
    for part, other in zip(parts[:3], parts[3:], strict=True):
        product = product + part.value * other.value
    return Col((product >= threshold(node.radius.value)) * 1, bad)


def _every(node: w.Every, run: _Run) -> Col:
    return _until(node.items, run, 0)


def _any(node: w.Any, run: _Run) -> Col:
    return _until(node.items, run, 1)


def _until(items: tuple[w.Word, ...], run: _Run, decides: int) -> Col:
    """In order; a row that an item has decided is not refused by the items after it."""
    value: Any = 1 - decides
    bad: Value = 0
    for item in items:
        if isinstance(value, int) and isinstance(bad, int) and (bad or value == decides):
            break
        part = run.of(item)
        bad = _first(bad, _if(1 - value if decides else value, part.bad, 0))
        value = value | part.value if decides else value & part.value
    return Col(value, bad)


def _not(node: w.Not, run: _Run) -> Col:
    item = run.of(node.item)
    return Col(1 - item.value, item.bad)


def _clause(node: w.Clause, run: _Run) -> Col:
    return run.of(node.body)


CASES: dict[type[w.Word], Callable[[Any, _Run], Col]] = {
    w.Figure: _fixed, w.Fixed: _fixed, w.Declared: _declared, w.Observed: _observed,
    w.Spent: _spent, w.Plus: _plus, w.Minus: _minus, w.Times: _times, w.Least: _least,
    w.Most: _most, w.ProRata: _pro_rata, w.Band: _band, w.Tier: _tier, w.Either: _either,
    w.AtLeast: _at_least, w.OneOf: _one_of, w.Near: _near, w.Every: _every, w.Any: _any,
    w.Not: _not, w.Clause: _clause,
}  # fmt: skip
