"""Kinds do not mix: what each word takes and gives. Minutes are never added to money."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ...errors import Refusal, Refused
from ...measures.money import Rounding
from ...measures.place import threshold
from .. import words as w
from ..words import Kind

ADDS = frozenset({Kind.MONEY, Kind.COUNT, Kind.MINUTES, Kind.LOSS, Kind.RATIO})
ORDERED = ADDS | {Kind.MAGNITUDE, Kind.INSTANT}
SHARED = frozenset({Kind.MONEY, Kind.COUNT, Kind.MINUTES, Kind.LOSS, Kind.RATIO})


@dataclass
class _Kinds:
    """One pass: the kind of every word by identity, the faults, the clause we are in."""

    terms: w.Terms
    found: list[Refusal] = field(default_factory=list)
    known: dict[int, Kind] = field(default_factory=dict)
    clause: str = ""

    def of(self, node: w.Word) -> Kind:
        kind = self.known.get(id(node))
        if kind is None:
            case = CASES.get(type(node))
            if case is None:
                self.refuse("unknown_word", node, word=type(node).__name__)
                return Kind.MONEY
            kind = self.known[id(node)] = case(node, self)
        return kind

    def refuse(self, code: str, node: w.Word, **facts: str | int) -> None:
        said: dict[str, str | int | bool | None] = {
            "clause": self.clause, "word": type(node).__name__, **facts
        }  # fmt: skip
        self.found.append(Refusal(f"terms.{code}", said))

    def same(self, node: w.Word, items: tuple[w.Word, ...], among: frozenset[Kind]) -> Kind:
        kinds = [self.of(item) for item in items]
        if len(items) < 2:
            self.refuse("too_few", node, count=len(items))
        if len(set(kinds)) > 1 or not set(kinds) <= among:
            self.refuse("kinds_mixed", node, kinds=", ".join(kinds))
        return kinds[0] if kinds else Kind.MONEY

    def must(self, node: w.Word, part: w.Word, kind: Kind) -> None:
        if (given := self.of(part)) is not kind:
            self.refuse("kinds_mixed", node, kinds=f"{given}, not {kind}")


def check_kinds(terms: w.Terms) -> list[Refusal]:
    """Every place where kinds do not fit; each benefit must be money."""
    kinds = _Kinds(terms)
    for benefit in terms.benefits:
        kinds.clause = benefit.name
        kinds.must(benefit, benefit, Kind.MONEY)
    return kinds.found


def _own(node: Any, _: _Kinds) -> Kind:
    return Kind(node.kind)


def _fixed(node: w.Fixed, k: _Kinds) -> Kind:
    if node.value not in {0, w.ONE.get(node.kind, 1)}:
        k.refuse("fixed_number", node, value=node.value)
    return node.kind


def _spent(node: w.Spent, k: _Kinds) -> Kind:
    k.must(node, node.high, Kind.MONEY)
    if node.benefit not in {benefit.name for benefit in k.terms.benefits}:
        k.refuse("unknown_name", node, name=node.benefit, at="spent")
    return Kind.MONEY


def _plus(node: w.Plus, k: _Kinds) -> Kind:
    kinds = [k.of(item) for item in node.items]
    if kinds[:1] == [Kind.INSTANT] and len(kinds) > 1 and set(kinds[1:]) == {Kind.MINUTES}:
        return Kind.INSTANT
    return k.same(node, node.items, ADDS)


def _minus(node: w.Minus, k: _Kinds) -> Kind:
    left, right = k.of(node.left), k.of(node.right)
    if left is Kind.INSTANT and right in {Kind.INSTANT, Kind.MINUTES}:
        return Kind.MINUTES if right is Kind.INSTANT else Kind.INSTANT
    return k.same(node, (node.left, node.right), ADDS)


def _times(node: w.Times, k: _Kinds) -> Kind:
    k.must(node, node.count, Kind.COUNT)
    each = k.of(node.each)
    if each not in ADDS:
        k.refuse("kinds_mixed", node, kinds=str(each))
    return each


def _ordered(node: w.Least | w.Most, k: _Kinds) -> Kind:
    return k.same(node, node.items, ORDERED)


def _pro_rata(node: w.ProRata, k: _Kinds) -> Kind:
    k.must(node, node.amount, Kind.MONEY)
    k.same(node, (node.part, node.whole), SHARED)
    if node.rounding not in {Rounding.HALF_UP, Rounding.DOWN} or node.unit_fen < 1:
        k.refuse("bad_rounding", node, rounding=str(node.rounding), unit_fen=node.unit_fen)
    return Kind.MONEY


def _band(node: w.Band, k: _Kinds) -> Kind:
    if (of := k.of(node.of)) not in ORDERED or node.kind not in ADDS:
        k.refuse("kinds_mixed", node, kinds=f"{of}, {node.kind}")
    return node.kind


def _tier(node: w.Tier, k: _Kinds) -> Kind:
    if (of := k.of(node.of)) not in {Kind.MINUTES, Kind.COUNT, Kind.LOSS}:
        k.refuse("kinds_mixed", node, kinds=str(of))
    return Kind.MONEY


def _either(node: w.Either, k: _Kinds) -> Kind:
    k.must(node, node.test, Kind.FLAG)
    return k.same(node, (node.then, node.otherwise), ORDERED)


def _at_least(node: w.AtLeast, k: _Kinds) -> Kind:
    k.same(node, (node.left, node.right), ORDERED)
    return Kind.FLAG


def _one_of(node: w.OneOf, k: _Kinds) -> Kind:
    k.must(node, node.of, Kind.CODE)
    return Kind.FLAG


def _near(node: w.Near, k: _Kinds) -> Kind:
    for part in (*node.of, *node.centre):
        k.must(node, part, Kind.PART)
    k.must(node, node.radius, Kind.METRES)
    if (len(node.of), len(node.centre)) != (3, 3):
        k.refuse("bad_position", node, count=min(len(node.of), len(node.centre)))
    try:
        threshold(node.radius.value)
    except Refused as refused:
        k.found += refused.refusals
    return Kind.FLAG


def _flags(node: w.Every | w.Any, k: _Kinds) -> Kind:
    return k.same(node, node.items, frozenset({Kind.FLAG}))


def _not(node: w.Not, k: _Kinds) -> Kind:
    k.must(node, node.item, Kind.FLAG)
    return Kind.FLAG


def _clause(node: w.Clause, k: _Kinds) -> Kind:
    outside, k.clause = k.clause, node.name
    kind = k.of(node.body)
    k.clause = outside
    return kind


CASES: dict[type[w.Word], Callable[[Any, _Kinds], Kind]] = {
    w.Figure: _own, w.Fixed: _fixed, w.Declared: _own, w.Observed: _own, w.Spent: _spent,
    w.Plus: _plus, w.Minus: _minus, w.Times: _times, w.Least: _ordered, w.Most: _ordered,
    w.ProRata: _pro_rata, w.Band: _band, w.Tier: _tier, w.Either: _either,
    w.AtLeast: _at_least, w.OneOf: _one_of, w.Near: _near, w.Every: _flags, w.Any: _flags,
    w.Not: _not, w.Clause: _clause,
}  # fmt: skip
