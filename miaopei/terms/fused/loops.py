"""The loops around a rule: every row, the rows of a book that are owed something, years of events.

Each is one function `run` over arrays that the caller owns; it allocates nothing and holds no
state, so two halves of the rows can run at the same time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from .. import words as w
from ..bounds import prove
from ..uncut import uncut
from .asked import Input, Key
from .rule import Rule, write
from .writing import Reason

REFUSED = -(2**63)  # a refused row holds this and the number of its reason; no amount is so low
SPAN = 2_048  # rows whose guard is read before any of them is settled: they stay in the cache


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
    years = shape is Shape.YEARS
    body = uncut(terms, benefit).benefit(benefit) if years else None
    rule = write(terms, benefit, own, lambda key: laid and key[0] in _IN_RANGE[shape], body,
                 guarded=shape is Shape.PAID,
                 marking=[("observed", name) for name in per_pair] if years else ())  # fmt: skip
    prove(terms, benefit)
    given = _given(rule)
    arguments = tuple(_argument(item, shape, own(item.key)) for item in given)
    names = {item.key: f"a{number}" for number, item in enumerate(given)}
    parts = [part.text(number) for number, part in enumerate(rule.shared)]
    parts += [rule.cell(number) for number in range(len(rule.cells))]
    guarding = rule.guard if shape is Shape.PAID else None
    swift = None if laid else rule.swift
    parts += [text for text in (rule.row, guarding, rule.marker, rule.bare, swift) if text]
    tables = [f"T{number} = array({list(values)})" for number, values in enumerate(rule.tables)]
    shapes = {Shape.ROWS: _dense, Shape.BOOK: _dense, Shape.PAID: _paid, Shape.YEARS: _years}
    run = f"@outer\n{shapes[shape](rule, names)}"
    text = "\n\n\n".join([*tables, *(f"@inner\n{part}" for part in parts), run]) + "\n"
    return Loop(shape, text, arguments, rule.reasons)


# Tables of inputs whose columns are known to be in range before a loop runs.
_IN_RANGE = {Shape.ROWS: (), Shape.BOOK: (), Shape.PAID: ("declared",),
             Shape.YEARS: ("declared", "observed")}  # fmt: skip


def _given(rule: Rule) -> list[Input]:
    """Every input that is asked for, once."""
    found = [item for part in rule.shared for item in part.inputs]
    found += [*rule.columns, *rule.guard_columns, *rule.marker_columns, *rule.bare_columns]
    return list({item.key: item for item in found}.values())


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


def _room(rule: Rule) -> list[str]:
    return [f"t{n} = zeros({cell.size}, int64)" for n, cell in enumerate(rule.cells)]


def _filled(rule: Rule, *, shared: bool) -> list[str]:
    """Statements that fill the tables which rest on shared parts, or those which do not."""
    given = [name if shared else "0" for name in rule.given() if name.startswith("h")]
    cells = [(n, cell) for n, cell in enumerate(rule.cells) if cell.shared is shared]
    return [line for n, cell in cells for line in cell.fill(n, given)]


def _call(
    name: str,
    columns: tuple[Input, ...],
    rule: Rule,
    names: Names,
    last: str = "",
    index: str = "i",
) -> str:
    given = [f"int64({names[item.key]}[{index}])" for item in columns]
    return f"{name}({', '.join([*given, *rule.given(), *([last] if last else [])])})"


def _head(first: list[str], names: Names, last: list[str]) -> str:
    return f"def run({', '.join([*first, *names.values(), *last])}):"


def _lines(depth: int, lines: list[str]) -> list[str]:
    return [" " * depth + line for line in lines]


def _dense(rule: Rule, names: Names) -> str:
    """Rows first to last: the amount, or REFUSED and the reason; gives how many are refused, -1
    where a shared part is.

    SPAN rows at a time: where all their inputs are in range no row of them is asked for that again.
    """
    columns = {item.key: item for item in (*rule.columns, *rule.swift_columns)}.values()
    at = {item.key: f"b{names[item.key]}" for item in columns}
    return "\n".join(
        [
            _head(["first", "last"], names, ["amounts"]),
            *_lines(1, _before(rule, names, "-1")),
            " refused = 0",
            f" for start in range(first, last, {SPAN}):",
            f"  rows = min({SPAN}, last - start)",
            *(f"  {view} = {names[key]}[start:start + rows]" for key, view in at.items()),
            "  own = amounts[start:start + rows]",
            *_lines(2, _beyond(columns, at, "rows")),
            "  if beyond == 0:",
            *_lines(3, _settled("swift", rule.swift_columns, rule, at)),
            "  else:",
            *_lines(3, _settled("row", rule.columns, rule, at)),
            " return refused",
        ]
    )


def _beyond(columns: Iterable[Input], views: Names, count: str) -> list[str]:
    """Whether any of a span's inputs is out of range, without a branch."""
    found = ["beyond = int64(0)"]
    for item in columns:
        view = views[item.key]
        test = f"({view}[k] < {item.low}) | ({view}[k] > {item.high})"
        found += [f"for k in range({count}):", f" beyond |= int64({test})"]
    return found


def _settled(name: str, columns: tuple[Input, ...], rule: Rule, at: Names) -> list[str]:
    return [
        "for k in range(rows):",
        f" amount, reason = {_call(name, columns, rule, at, index='k')}",
        " own[k] = amount if reason == 0 else REFUSED + reason",
        " refused += int64(reason != 0)",
    ]


def _before(rule: Rule, names: Names, gives: str) -> list[str]:
    """What is done once for all rows."""
    filled = [line for shared in (False, True) for line in _filled(rule, shared=shared)]
    return [*_shared(rule, names, gives), *_room(rule), *filled]


def _paid(rule: Rule, names: Names) -> str:
    """Rows in force that are owed something, from the front; rows refused, from the back.

    SPAN rows at a time, in two steps without a branch: the guard of each row, or whether it is in
    force where there is none; then what each that passed is owed. Most rows that pass a guard are
    in force, so what they are owed is worked out beside that test, and counts if it holds.
    """
    views = [f"b{names[item.key]}" for item in rule.guard_columns] if rule.guard else []
    held = [f"int64({view}[k])" for view in views] + rule.given()
    first = ["flags[k] = (bsince[k] <= instant) & (instant < buntil[k])"]
    if rule.guard is not None:
        first = [
            f"held, reason = guard({', '.join(held)})",
            "flags[k] = (held != 0) | (reason != 0)",
        ]
        if rule.mark:
            first = [f"held, reason, m = guard({', '.join(held)})", "flags[k] = (m + 1) * held"]
    lines = [
        _head(["first", "last", "instant", "since", "until"], names,
              ["flags", "chosen", "places", "amounts"]),
        *_lines(1, _before(rule, names, "-1, 0")),
        " count = uint64(0)",
        " refused = 0",
        " size = len(places)",
        f" for start in range(first, last, {SPAN}):",
        f"  rows = min({SPAN}, last - start)",
        *(f"  b{name} = {name}[start:start + rows]" for name in ("since", "until")),
        *(f"  {view} = {view[1:]}[start:start + rows]" for view in views),
        "  for k in range(rows):",
        *_lines(3, first),
        "  passed = uint64(0)",
        "  for k in range(rows):",
        "   chosen[passed] = k",
        "   passed += uint64(flags[k] != 0)",
        "  for k in range(passed):",
        "   i = uint64(start + int64(chosen[k]))",
        *(["   m = int64(flags[uint64(chosen[k])]) - 1"] if rule.mark else []),
        f"   amount, reason = {_call('row', rule.columns, rule, names, last='m' * rule.mark)}",
        "   holds = (since[i] <= instant) & (instant < until[i])",
        "   if reason != 0:",
        "    if holds:",
        "     refused += 1",
        "     places[size - refused] = i",
        "   else:",
        "    places[count] = i",
        "    amounts[count] = amount",
        "    count += uint64(holds & (amount != 0))",
    ]  # fmt: skip
    return "\n".join([*lines, " return int64(count), refused"])


def _years(rule: Rule, names: Names) -> str:
    """Years first to last: what each event pays, and what it would before the limits of the year;
    gives how many pairs are refused, -1 where a shared part is or a pair is out of range, -2 for a
    policy that there is not. The second is left out where there is no room for it.

    `spent` has an entry a policy, zero before and after: a policy's limit counts within its year.
    Of SPAN pairs at a time ranges are looked at and thresholds counted first, without a branch.
    """
    names = {key: name for key, name in names.items() if key[0] != "spent"}
    every = (*rule.columns, *rule.bare_columns, *rule.marker_columns)
    seen = {item.key: item for item in every if item.table == "observed"}.values()
    views = {item.key: f"b{names[item.key]}" for item in seen}

    def call(name: str, columns: tuple[Input, ...]) -> str:
        at = {"observed": "{}[k]", "declared": "{}[p]", "spent": "spent[p]"}
        given = [
            f"int64({at[item.table].format(views.get(item.key, names.get(item.key)))})"
            for item in columns
        ]
        return f"{name}({', '.join([*given, *rule.given(), *(['m'] if rule.mark else [])])})"

    def pairs(*, gross: bool) -> list[str]:
        beside = [f"whole, other = {call('bare', rule.bare_columns)}", "uncut += whole"]
        return [
            "for k in range(pairs):",
            " p = uint64(who[k])",
            " if p >= policies:",
            "  return -2",
            *([" m = int64(marks[k])"] if rule.mark else []),
            *_lines(1, beside if gross else []),
            f" amount, reason = {call('row', rule.columns)}",
            f" if reason{' | other' if gross else ''} != 0:",
            "  refused += 1",
            " else:",
            "  spent[p] += amount",
            "  owed += amount",
        ]

    first = [f"{view} = {names[key]}[start:start + pairs]" for key, view in views.items()]
    first += _beyond(seen, views, "pairs")
    first += ["if beyond != 0:", " return -1"]
    if rule.marker is not None:
        given = [f"int64({views[item.key]}[k])" for item in rule.marker_columns]
        count = f"marker({', '.join([*given, *rule.given()])})"
        first += ["for k in range(pairs):", f" marks[k] = {count}"]
    return "\n".join(
        [
            _head(["first", "last", "years", "events", "policy"], names, ["spent", "net", "gross"]),
            *_lines(1, [*_room(rule), *_filled(rule, shared=False)]),
            f" marks = zeros({SPAN}, uint8)",
            " refused = 0",
            " policies = uint64(len(spent))",
            " wanted = len(gross) > 0",
            " for y in range(first, last):",
            "  for e in range(years[y], years[y + 1]):",
            *_lines(3, _shared(rule, names, "-1", "[e]")),
            *_lines(3, _filled(rule, shared=True)),
            "   owed = int64(0)",
            "   uncut = int64(0)",
            f"   for start in range(events[e], events[e + 1], {SPAN}):",
            f"    pairs = min({SPAN}, events[e + 1] - start)",
            "    who = policy[start:start + pairs]",
            *_lines(4, first),
            "    if wanted:",
            *_lines(5, pairs(gross=True)),
            "    else:",
            *_lines(5, pairs(gross=False)),
            "   net[e] = owed",
            "   if wanted:",
            "    gross[e] = uncut",
            "  for j in range(uint64(events[years[y]]), uint64(events[years[y + 1]])):",
            "   spent[uint64(policy[j])] = 0",
            " return refused",
        ]
    )
