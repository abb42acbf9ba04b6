"""The loops around a rule: every row, the rows of a book that are owed something, years of events.

Each is one function `run` over arrays that the caller owns; it allocates nothing and holds no
state, so two halves of the rows can run at the same time.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from .. import words as w
from ..bounds import prove
from ..uncut import uncut
from .asked import Input, Key
from .rule import Reason, Rule, write

REFUSED = -(2**63)  # a refused row holds this and the number of its reason; no amount is so low
SPAN = 8_192  # rows whose guard is read before any of them is settled: they stay in the cache


class Shape(StrEnum):
    """What is given how, and what comes out."""

    ROWS = "rows"  # every input a column -> an amount a row
    BOOK = "book"  # observed numbers hold for all rows -> an amount a row
    PAID = "paid"  # as BOOK over a laid-out book -> the rows in force that are owed something
    YEARS = "years"  # pairs of event and policy by years -> what each event pays, limits kept


class Argument(NamedTuple):
    """One array or number that `run` takes for an input; `dtype` of its items."""

    input: Input
    column: bool
    dtype: str


@dataclass(frozen=True)
class Loop:
    """The text of `run` with what it calls, and what it takes for the inputs, in order."""

    shape: Shape
    text: str
    arguments: tuple[Argument, ...]
    reasons: tuple[Reason, ...]


def dtype_of(low: int, high: int) -> str:
    """The smallest signed integer that holds a range: 'int16', 'int32' or 'int64'."""
    for bits in (16, 32):
        if -(2 ** (bits - 1)) <= low and high < 2 ** (bits - 1):
            return f"int{bits}"
    return "int64"


def loop(terms: w.Terms, benefit: str, shape: Shape, per_pair: Collection[str] = ()) -> Loop:
    """One loop over the rule of one benefit; `per_pair` names inputs of YEARS that pairs have.

    Errors   Refused as `rule.write`, and as `bounds.prove`: no step may leave 64 bits.
    """

    def own(key: Key) -> bool:
        return shape is Shape.ROWS or key[0] != "observed" or key[1] in per_pair

    laid = shape in {Shape.PAID, Shape.YEARS}
    rule = write(terms, benefit, own, lambda key: laid and key[0] == "declared")
    prove(terms, benefit)
    given = _given(rule)
    arguments = tuple(_argument(item, shape, own(item.key)) for item in given)
    names = {item.key: f"a{number}" for number, item in enumerate(given)}
    parts = [part.text(number) for number, part in enumerate(rule.shared)]
    parts += [text for text in (rule.row, rule.guard if shape is Shape.PAID else None) if text]
    tables = [f"T{number} = array({list(values)})" for number, values in enumerate(rule.tables)]
    if shape is Shape.YEARS:
        bare = write(uncut(terms, benefit), benefit, own, lambda key: key[0] == "declared")
        texts = [*(part.text(n) for n, part in enumerate(bare.shared)), bare.row]
        parts += [_bare(text) for text in texts]
        tables += [_bare(f"T{n} = array({list(values)})") for n, values in enumerate(bare.tables)]
        body = _years(rule, bare, names)
    else:
        shapes = {Shape.ROWS: _dense, Shape.BOOK: _dense, Shape.PAID: _paid}
        body = shapes[shape](rule, names)
    text = (
        "\n\n\n".join([*tables, *(f"@inner\n{part}" for part in parts), f"@outer\n{body}"]) + "\n"
    )
    return Loop(shape, text, arguments, rule.reasons)


def _bare(text: str) -> str:
    """The names of the rule before limits, apart from those of the rule itself."""
    return re.sub(r"\b(row|shared|[Thr])(\d*)\b", r"bare_\1\2", text)


def _given(rule: Rule) -> list[Input]:
    """Every input that is asked for, once."""
    found = [item for part in rule.shared for item in part.inputs]
    return list({item.key: item for item in [*found, *rule.columns, *rule.guard_columns]}.values())


def _argument(item: Input, shape: Shape, own: bool) -> Argument:
    if item.table == "declared" and shape in {Shape.PAID, Shape.YEARS}:
        return Argument(item, own, dtype_of(item.low, item.high))
    if item.table == "observed" and shape is Shape.YEARS:
        return Argument(item, True, "int64" if not own else dtype_of(item.low, item.high))
    return Argument(item, own, "int64")


Names = dict[Key, str]


def _shared(rule: Rule, names: Names, gives: str, at: str = "") -> list[str]:
    """Statements that evaluate the shared parts; where one is refused nothing is read at all."""
    lines = []
    for n, part in enumerate(rule.shared):
        given = ", ".join(f"{names[item.key]}{at}" for item in part.inputs)
        lines += [f"h{n}, reason = shared{n}({given})", "if reason != 0:", f" return {gives}"]
    return lines


def _call(name: str, columns: tuple[Input, ...], rule: Rule, names: Names, at: str = "i") -> str:
    given = [f"int64({names[item.key]}[{at}])" for item in columns]
    given += [f"h{n}" for n in range(len(rule.shared))]
    return f"{name}({', '.join(given)})"


def _head(first: list[str], names: Names, last: list[str]) -> str:
    return f"def run({', '.join([*first, *names.values(), *last])}):"


def _lines(depth: int, lines: list[str]) -> list[str]:
    return [" " * depth + line for line in lines]


def _dense(rule: Rule, names: Names) -> str:
    """Rows first to last: the amount, or REFUSED and the reason; gives how many are refused, -1
    where a shared part is."""
    return "\n".join(
        [
            _head(["first", "last"], names, ["amounts"]),
            *_lines(1, _shared(rule, names, "-1")),
            " refused = 0",
            " for i in range(first, last):",
            f"  amount, reason = {_call('row', rule.columns, rule, names)}",
            "  if reason != 0:",
            "   amount = REFUSED + reason",
            "   refused += 1",
            "  amounts[i] = amount",
            " return refused",
        ]
    )


def _paid(rule: Rule, names: Names) -> str:
    """Rows in force that are owed something, from the front; rows refused, from the back.

    Where there is a guard it is read first, for SPAN rows in a straight run without a branch,
    and only the rows that pass it touch anything else.
    """
    settle = [
        "if since[i] <= instant and instant < until[i]:",
        f" amount, reason = {_call('row', rule.columns, rule, names)}",
        " if reason != 0:",
        "  refused += 1",
        "  places[size - refused] = i",
        " elif amount != 0:",
        "  places[count] = i",
        "  amounts[count] = amount",
        "  count += 1",
    ]
    lines = [
        _head(["first", "last", "instant", "since", "until"], names,
              ["flags", "chosen", "places", "amounts"]),
        *_lines(1, _shared(rule, names, "-1, 0")),
        " count = 0",
        " refused = 0",
        " size = len(places)",
    ]  # fmt: skip
    if rule.guard is None:
        lines += [" for i in range(first, last):", *_lines(2, settle)]
    else:
        views = [f"b{names[item.key]}" for item in rule.guard_columns]
        held = [f"int64({view}[k])" for view in views]
        held += [f"h{n}" for n in range(len(rule.shared))]
        lines += [
            f" for start in range(first, last, {SPAN}):",
            f"  rows = min({SPAN}, last - start)",
            *(f"  {v} = {v[1:]}[start:start + rows]" for v in views),
            "  for k in range(rows):",
            f"   held, reason = guard({', '.join(held)})",
            "   flags[k] = (held != 0) | (reason != 0)",
            "  passed = uint64(0)",
            "  for k in range(rows):",
            "   chosen[passed] = k",
            "   passed += uint64(flags[k])",
            "  for k in range(passed):",
            "   i = uint64(start + int64(chosen[k]))",
            *_lines(3, settle),
        ]
    return "\n".join([*lines, " return count, refused"])


def _years(rule: Rule, bare: Rule, names: Names) -> str:
    """Years first to last: what each event pays, and what it would before the limits of the year;
    gives how many pairs are refused, -1 where a shared part is, -2 for a policy that there is not.
    The second is left out where there is no room for it.

    `spent` has an entry a policy, zero before and after: a policy's limit counts within its year.
    """

    def call(of: Rule) -> str:
        given = [
            f"int64({names[item.key]}[{'j' if item.table == 'observed' else 'p'}])"
            if item.table != "spent"
            else "spent[p]"
            for item in of.columns
        ]
        given += [f"h{n}" for n in range(len(of.shared))]
        return f"row({', '.join(given)})"

    names = {key: name for key, name in names.items() if key[0] != "spent"}
    return "\n".join(
        [
            _head(["first", "last", "years", "events", "policy"], names, ["spent", "net", "gross"]),
            " refused = 0",
            " wanted = len(gross) > 0",
            " for y in range(first, last):",
            "  for e in range(years[y], years[y + 1]):",
            *_lines(3, _shared(rule, names, "-1", "[e]")),
            *_lines(3, [_bare(line) for line in _shared(bare, names, "-1", "[e]")]),
            "   owed = int64(0)",
            "   uncut = int64(0)",
            "   for j in range(events[e], events[e + 1]):",
            "    p = int64(policy[j])",
            "    if p < 0 or p >= len(spent):",
            "     return -2",
            f"    amount, reason = {call(rule)}",
            "    if wanted:",
            f"     whole, other = {_bare(call(bare))}",
            "     uncut += whole",
            "     reason |= other",
            "    if reason != 0:",
            "     refused += 1",
            "    elif amount != 0:",
            "     spent[p] += amount",
            "     owed += amount",
            "   net[e] = owed",
            "   if wanted:",
            "    gross[e] = uncut",
            "  for j in range(events[years[y]], events[years[y + 1]]):",
            "   spent[policy[j]] = 0",
            " return refused",
        ]
    )
