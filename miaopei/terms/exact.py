"""The meaning of the words: one policy, plain integers, with a trace. The definition.

`columnar` gives the same amounts for millions of policies and shares no evaluation code with this
module; where the two differ nothing is paid. No NumPy here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..errors import Refusal, Refused
from ..measures.money import divide
from ..measures.place import threshold, within
from . import words as w
from .uncut import uncut_of

Facts = Mapping[str, int]


class Node(NamedTuple):
    """One step of a trace: which word, its name where it has one, its value, what it rests on.

    The tree follows the terms, but holds only what was asked for: of an Either the test and the
    branch taken, of Every and Any the items up to the one that decided.
    """

    word: str
    name: str
    value: int
    kind: w.Kind
    children: tuple[Node, ...]


class Limit(NamedTuple):
    """A limit that several occurrences share: what was left of it before and after this one."""

    benefit: str
    high_fen: int
    left_before_fen: int
    left_after_fen: int


class Result(NamedTuple):
    """What one policy is owed under one benefit, and why."""

    amount_fen: int
    trace: Node

    @property
    def uncut_fen(self) -> int:
        """The amount before any limit that several occurrences share cut it."""
        return uncut_of(self.trace)

    @property
    def shortfall_fen(self) -> int:
        """What a shared limit took away."""
        return self.uncut_fen - self.amount_fen

    @property
    def limits(self) -> tuple[Limit, ...]:
        """The shared limits that were read, each once."""
        found: dict[str, Limit] = {}
        for node in _nodes(self.trace):
            if node.word == "spent" and node.name not in found:
                left = node.children[0].value - node.value
                own = self.amount_fen if node.name == self.trace.name else 0
                found[node.name] = Limit(node.name, node.children[0].value, left, left - own)
        return tuple(found.values())


class _Known(NamedTuple):
    observed: Facts
    declared: Facts
    spent: Facts


def settle(terms: w.Terms, benefit: str, observed: Facts, declared: Facts, spent: Facts) -> Result:
    """What one policy is owed under one benefit.

    Units    each input as its kind says; spent by benefit and the result in fen.
    Errors   Refused terms.no_benefit, missing_input, out_of_range, not_whole, band_unset,
             outside_table, whole_is_zero, part_exceeds_whole; never a number in their place.
    Source   docs/specs/terms.md, section 3.
    """
    node = _clause(terms.benefit(benefit), _Known(observed, declared, spent))
    return Result(node.value, node)


def settler(
    terms: w.Terms, benefit: str, observed: Facts
) -> Callable[[Facts, Facts, Facts], Result]:
    """`settle` for many policies under the same facts; asked with what differs, declared, spent.

    What rests on those facts alone is read once; a refusal in it is left to who asks for it.
    """
    body = _read_once(terms.benefit(benefit), _Known(observed, {}, {}))

    def settle_one(differing: Facts, declared: Facts, spent: Facts) -> Result:
        seen = {**observed, **differing} if differing else observed
        node = _value(body, _Known(seen, declared, spent))
        return Result(node.value, node)

    return settle_one


def replay(terms: w.Terms, trace: Node) -> Result:
    """Settle again from nothing but what a trace says was observed, declared and spent."""
    leaves: dict[str, dict[str, int]] = {"observed": {}, "declared": {}, "spent": {}}
    for node in _nodes(trace):
        if node.word in leaves:
            leaves[node.word][node.name] = node.value
    return settle(terms, trace.name, leaves["observed"], leaves["declared"], leaves["spent"])


def first_missing(body: w.Word, observed: Facts) -> str | None:
    """The first observed input that the amount of some policy still needs; None when none is.

    An Either whose test is known asks only for the branch taken. Where the test rests on the policy
    or on what was spent, both branches are asked for. A refusal (an unset band, a refused share, a
    value out of range) is no missing input: `settle` says it.
    """
    try:
        _need(body, observed)
    except _Missing as missing:
        return missing.name
    return None


def trace_json(result: Result) -> dict[str, object]:
    """The trace as plain data, with the amount before shared limits, and those before and after."""
    return {
        "amount_fen": result.amount_fen,
        "uncut_fen": result.uncut_fen,
        "limits": [limit._asdict() for limit in result.limits],
        "trace": _node_json(result.trace, {limit.benefit: limit for limit in result.limits}),
    }


_new = tuple.__new__  # of a NamedTuple, without the call in between

# The words ---------------------------------------------------------------------------------------


def _no(code: str, **facts: str | int | None) -> Refused:
    return Refused(Refusal(f"terms.{code}", facts))


def _value(node: Any, known: _Known) -> Node:
    case = CASES.get(type(node))
    if case is None and type(node) is _Read:
        return node.step
    if case is None:
        raise _no("unknown_word", word=type(node).__name__)
    return case(node, known)


def _clause(node: w.Clause, known: _Known) -> Node:
    body = _value(node.body, known)
    return _new(Node, ("clause", node.name, body.value, body.kind, (body,)))


def _figure(node: w.Figure, _: _Known) -> Node:
    return _new(Node, ("figure", node.name, node.value, node.kind, ()))


def _fixed(node: w.Fixed, _: _Known) -> Node:
    return _new(Node, ("fixed", "", node.value, node.kind, ()))


def _declared(node: w.Declared, known: _Known) -> Node:
    value = _given(known.declared, node.name, node.low, node.high, "declared")
    return _new(Node, ("declared", node.name, value, node.kind, ()))


def _observed(node: w.Observed, known: _Known) -> Node:
    value = _given(known.observed, node.name, node.low, node.high, "observed")
    return _new(Node, ("observed", node.name, value, node.kind, ()))


def _spent(node: w.Spent, known: _Known) -> Node:
    high = _value(node.high, known)
    value = _given(known.spent, node.benefit, 0, high.value, "spent")
    return _new(Node, ("spent", node.benefit, value, w.Kind.MONEY, (high,)))


def _given(facts: Facts, name: str, low: int, high: int, word: str) -> int:
    value = facts.get(name)
    if value is None:
        raise _no("missing_input", name=name, word=word)
    if type(value) is not int:
        raise _no("not_whole", name=name, value=str(value)[:40])
    if not low <= value <= high:
        raise _no("out_of_range", name=name, value=value, low=low, high=high)
    return value


def _plus(node: w.Plus, known: _Known) -> Node:
    parts = tuple([_value(item, known) for item in node.items])
    return _new(Node, ("plus", "", sum(part.value for part in parts), parts[0].kind, parts))


def _minus(node: w.Minus, known: _Known) -> Node:
    left, right = _value(node.left, known), _value(node.right, known)
    instants = left.kind is w.Kind.INSTANT and right.kind is w.Kind.INSTANT
    kind = w.Kind.MINUTES if instants else left.kind
    return _new(Node, ("minus", "", left.value - right.value, kind, (left, right)))


def _times(node: w.Times, known: _Known) -> Node:
    count, each = _value(node.count, known), _value(node.each, known)
    return _new(Node, ("times", "", count.value * each.value, each.kind, (count, each)))


def _least(node: w.Least, known: _Known) -> Node:
    parts = tuple([_value(item, known) for item in node.items])
    return _new(Node, ("least", "", min([part.value for part in parts]), parts[0].kind, parts))


def _most(node: w.Most, known: _Known) -> Node:
    parts = tuple([_value(item, known) for item in node.items])
    return _new(Node, ("most", "", max([part.value for part in parts]), parts[0].kind, parts))


def _pro_rata(node: w.ProRata, known: _Known) -> Node:
    amount, part = _value(node.amount, known), _value(node.part, known)
    whole = _value(node.whole, known)
    if whole.value <= 0:
        raise _no("whole_is_zero", part=part.value, whole=whole.value)
    if not 0 <= part.value <= whole.value:
        raise _no("part_exceeds_whole", part=part.value, whole=whole.value)
    units = divide(amount.value * part.value, whole.value * node.unit_fen, node.rounding)
    return _new(Node, ("pro_rata", "", units * node.unit_fen, amount.kind, (amount, part, whole)))


def _band(node: w.Band, known: _Known) -> Node:
    of = _value(node.of, known)
    for row in node.rows:
        if row.low <= of.value and (row.high is None or of.value < row.high):
            if row.value is None:
                raise _no("band_unset", name=of.name, value=of.value, low=row.low, high=row.high)
            return _new(Node, ("band", "", row.value, node.kind, (of,)))
    raise _no("outside_table", name=of.name, value=of.value)


def _tier(node: w.Tier, known: _Known) -> Node:
    of = _value(node.of, known)
    units = of.value // node.size
    if node.counting is w.Counting.STARTED and of.value % node.size:
        units += 1
    amount = 0
    for index, rate in enumerate(node.rates):
        last = index + 1 == len(node.rates)
        upto = units if last else min(units, node.rates[index + 1].units)
        amount += max(0, upto - rate.units) * rate.fen
    return _new(Node, ("tier", "", amount, w.Kind.MONEY, (of,)))


def _either(node: w.Either, known: _Known) -> Node:
    test = _value(node.test, known)
    taken = _value(node.then if test.value else node.otherwise, known)
    return _new(Node, ("either", "", taken.value, taken.kind, (test, taken)))


def _at_least(node: w.AtLeast, known: _Known) -> Node:
    left, right = _value(node.left, known), _value(node.right, known)
    return _new(Node, ("at_least", "", int(left.value >= right.value), w.Kind.FLAG, (left, right)))


def _one_of(node: w.OneOf, known: _Known) -> Node:
    of = _value(node.of, known)
    return _new(Node, ("one_of", "", 1 if of.value in node.codes else 0, w.Kind.FLAG, (of,)))


def _near(node: w.Near, known: _Known) -> Node:
    of = [_value(part, known) for part in node.of]
    centre = [_value(part, known) for part in node.centre]
    x, y, z = (part.value for part in of)
    a, b, c = (part.value for part in centre)
    radius = _value(node.radius, known)
    inside = within((x, y, z), (a, b, c), threshold(radius.value))
    return _new(Node, ("near", "", int(inside), w.Kind.FLAG, (*of, *centre, radius)))


def _every(node: w.Every, known: _Known) -> Node:
    return _until("every", 0, node.items, known)


def _any(node: w.Any, known: _Known) -> Node:
    return _until("any", 1, node.items, known)


def _until(word: str, decides: int, items: tuple[w.Word, ...], known: _Known) -> Node:
    asked: list[Node] = []
    for item in items:
        asked.append(_value(item, known))
        if asked[-1].value == decides:
            break
    return _new(Node, (word, "", asked[-1].value, w.Kind.FLAG, tuple(asked)))


def _not(node: w.Not, known: _Known) -> Node:
    item = _value(node.item, known)
    return _new(Node, ("not", "", 1 - item.value, w.Kind.FLAG, (item,)))


@dataclass(frozen=True)
class _Read(w.Word):
    """A sub-term that has been read: its step, with all that it rests on."""

    step: Node


def _read_once(node: w.Word, known: _Known) -> w.Word:
    """The same term, each largest part that rests on facts and figures alone read in its place."""
    given = [of for of in w.walk(node) if isinstance(of, w.Declared | w.Observed | w.Spent)]
    if any(not isinstance(of, w.Observed) or of.name not in known.observed for of in given):
        return w.rebuild(node, lambda child: _read_once(child, known))
    with suppress(Refused):
        return _Read(_value(node, known))
    return node


CASES: dict[type[w.Word], Callable[[Any, _Known], Node]] = {
    w.Figure: _figure, w.Fixed: _fixed, w.Declared: _declared, w.Observed: _observed,
    w.Spent: _spent, w.Plus: _plus, w.Minus: _minus, w.Times: _times, w.Least: _least,
    w.Most: _most, w.ProRata: _pro_rata, w.Band: _band, w.Tier: _tier, w.Either: _either,
    w.AtLeast: _at_least, w.OneOf: _one_of, w.Near: _near, w.Every: _every, w.Any: _any,
    w.Not: _not, w.Clause: _clause,
}  # fmt: skip


# What evidence is needed -------------------------------------------------------------------------
class _Missing(Exception):
    def __init__(self, name: str) -> None:
        self.name = name


def _need(node: w.Word, observed: Facts) -> int | None:
    """The value where the evidence alone decides it, else None; raises _Missing."""
    match node:
        case w.Observed():
            if observed.get(node.name) is None:
                raise _Missing(node.name)
        case w.Declared() | w.Spent():
            return None
        case w.Either():
            test = _need(node.test, observed)
            if test is not None:
                return _need(node.then if test else node.otherwise, observed)
            _need(node.then, observed)
            _need(node.otherwise, observed)
            return None
        case w.Every() | w.Any():
            decides = 0 if isinstance(node, w.Every) else 1
            values = []
            for item in node.items:
                values.append(_need(item, observed))
                if values[-1] == decides:
                    return decides
            return None if None in values else 1 - decides
        case _:
            if None in [_need(child, observed) for child in w.children(node)]:
                return None
    try:
        return _value(node, _Known(observed, {}, {})).value
    except Refused:
        return None


# The trace ---------------------------------------------------------------------------------------


def _nodes(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from _nodes(child)


def _node_json(node: Node, limits: Mapping[str, Limit]) -> dict[str, object]:
    said: dict[str, object] = {"word": node.word, "value": node.value, "kind": str(node.kind)}
    if node.name:
        said["name"] = node.name
    if node.word == "spent":
        limit = limits[node.name]
        said["left_before_fen"] = limit.left_before_fen
        said["left_after_fen"] = limit.left_after_fen
    if node.children:
        said["children"] = [_node_json(child, limits) for child in node.children]
    return said
