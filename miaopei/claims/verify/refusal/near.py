"""How near a refusal was to a payout: the smallest change of one input that would have paid.

Every "would have" is computed by the exact reading, never guessed; one input is changed at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ....errors import Fact, Refusal, Refused
from ....measures.instant import DAY
from ....terms import exact
from ....terms import words as w
from ....terms.bounds import bounds
from ....terms.filing import Product
from ....terms.wording.speech import Language, said
from ....terms.words import Kind, Observed, Terms

Facts = Mapping[str, int]


def near_outside(
    terms: Terms, benefit: str, observed: Facts, name: str, sides: Mapping[str, Any],
    shock: tuple[int, int],
) -> tuple[Refusal, ...]:  # fmt: skip
    """For an epicentre outside: what each of the two readings said, and what inside would pay.

    `shock`: instant and tenths of the one by which that is worked out.
    """
    of: dict[str, Fact] = {"instant_at": shock[0], "magnitude": f"{shock[1] // 10}.{shock[1] % 10}"}
    found = [_sides(terms, name, sides)]
    for code in _input(terms, name).codes:
        if code.value == observed.get(name):
            continue
        there = {**observed, name: code.value}
        fen, most = amount(terms, benefit, there), bounds(terms, benefit, there).most
        facts = {**of, "role_zh": code.zh, "role_en": code.en, "would_fen": fen or most}
        if fen:
            found.append(Refusal("verify.near_role", facts))
        elif fen is None and most:
            found.append(Refusal("verify.near_role_up_to", facts))
    return tuple(found)


def near_open(terms: Terms, benefit: str, observed: Facts, missing: str) -> tuple[Refusal, ...]:
    """For a fact that has not come: what the cover could still pay."""
    item, span = _input(terms, missing), bounds(terms, benefit, observed)
    facts: dict[str, Fact] = {"input_zh": item.zh, "input_en": item.en}
    facts |= {"least_fen": span.least, "most_fen": span.most}
    return (Refusal("verify.near_open", facts),)


def near_zero(
    terms: Terms, benefit: str, observed: Facts, declared: Facts | None = None
) -> tuple[Refusal, ...]:
    """For known facts that give nothing: the nearest value of each number that would have paid.

    Where no number would, the codes that would: a cause that is covered, a place inside.
    """
    found = []
    for name, value in observed.items():
        item = _input(terms, name)
        if item.kind in (Kind.CODE, Kind.FLAG, Kind.PART):  # no part of a place moves alone
            continue
        for other in _first_paying(terms, benefit, observed, item, declared or {}):
            fen = amount(terms, benefit, {**observed, name: other}, declared)
            found.append(_near_input(item, value, other, fen))
    return tuple(found) or tuple(_codes(terms, benefit, observed, declared))


def _codes(
    terms: Terms, benefit: str, observed: Facts, declared: Facts | None
) -> Iterator[Refusal]:
    for name, value in observed.items():
        item = _input(terms, name)
        for code in item.codes:
            fen = amount(terms, benefit, {**observed, name: code.value}, declared)
            most = bounds(terms, benefit, {**observed, name: code.value}).most
            if fen or (fen is None and most):
                yield _near_input(item, value, code.value, fen or most)
                break


def _near_input(item: Observed, value: int, other: int, fen: int | None) -> Refusal:
    facts: dict[str, Fact] = {"input_zh": item.zh, "input_en": item.en, "would_fen": fen}
    languages: tuple[Language, ...] = ("zh", "en")
    for language in languages:
        facts[f"was_{language}"] = value_text(item, value, language)
        facts[f"needed_{language}"] = value_text(item, other, language)
    return Refusal("verify.near_input", facts)


def near_terms(product: Product, instant: int) -> tuple[Refusal, ...]:
    """For an instant without terms in force: the nearest version's start or end."""
    found = []
    for version in product.versions:
        if version.since is not None and version.since > instant:
            facts = _gap(version.number, version.since, version.since - instant)
            found.append((version.since - instant, Refusal("verify.near_start", facts)))
        elif version.until is not None and version.until <= instant:
            gap = instant - version.until + 1
            facts = _gap(version.number, version.until, gap)
            found.append((gap, Refusal("verify.near_end", facts)))
    return tuple(refusal for _, refusal in sorted(found, key=lambda pair: pair[0])[:1])


def near_period(since: int, until: int, instant: int) -> tuple[Refusal, ...]:
    """For a policy not in force at the instant: how long before its start or after its end."""
    if instant < since:
        return (Refusal("verify.near_policy_start", _gap(0, since, since - instant)),)
    return (Refusal("verify.near_policy_end", _gap(0, until, instant - until + 1)),)


def amount(
    terms: Terms, benefit: str, observed: Facts, declared: Facts | None = None
) -> int | None:
    """What the terms give with nothing spent; None where they refuse or need more."""
    try:
        return exact.settle(terms, benefit, observed, declared or {}, none_spent(terms)).amount_fen
    except Refused:
        return None


def none_spent(terms: Terms) -> dict[str, int]:
    """Nothing spent under any benefit that the terms ask about."""
    return {n.benefit: 0 for b in terms.benefits for n in w.walk(b) if isinstance(n, w.Spent)}


def _first_paying(
    terms: Terms, benefit: str, observed: Facts, item: Observed, declared: Facts
) -> Iterator[int]:
    """The nearest value above, else below, that pays, and whose neighbour towards ours does not."""
    value = observed[item.name]

    def pays(other: int) -> bool:
        inside = item.low <= other <= item.high
        return inside and bool(amount(terms, benefit, {**observed, item.name: other}, declared))

    for sign in (1, -1):
        edges = [e for e in _edges(terms.benefit(benefit), item.name) if sign * (e - value) > 0]
        steps = [value + sign * (1 << power) for power in range(54)]
        for other in sorted((*edges, *steps), key=lambda v: sign * v):
            if pays(other):
                yield _narrowed(value, other, pays)
                return


def _narrowed(silent: int, paying: int, pays: Any) -> int:
    """Between a value that gives nothing and one that pays: the paying end of the step."""
    while abs(paying - silent) > 1:
        middle = (silent + paying) // 2
        if pays(middle):
            paying = middle
        else:
            silent = middle
    return paying


def _edges(clause: w.Clause, name: str) -> Iterator[int]:
    """Values at which a table or a comparison on this input turns."""
    for node in w.walk(clause):
        match node:
            case w.Band() if isinstance(node.of, Observed) and node.of.name == name:
                for row in node.rows:
                    yield row.low
                    yield row.low - 1
            case w.AtLeast() if isinstance(node.left, Observed) and node.left.name == name:
                if isinstance(node.right, w.Figure):
                    yield node.right.value
            case _:
                pass


def _sides(terms: Terms, name: str, sides: Mapping[str, Any]) -> Refusal:
    facts: dict[str, Fact] = {"place": str(sides.get("place", "?"))}
    for side in ("by_name", "by_position"):
        for language in ("zh", "en"):
            facts[f"{side}_{language}"] = _code(_input(terms, name), sides.get(side), language)
    return Refusal("verify.near_sides", facts)


def _code(item: Observed, value: int | None, language: str) -> str:
    for code in item.codes:
        if code.value == value:
            return code.zh if language == "zh" else code.en
    return "不能确定" if language == "zh" else "not known"


def input_text(item: w.Declared | Observed, value: int, language: Language) -> str:
    """An input with its value: 'main-shock magnitude 6.4'."""
    return f"{item.zh if language == 'zh' else item.en} {value_text(item, value, language)}"


def value_text(item: w.Declared | Observed, value: int, language: Language) -> str:
    """A value with its unit, a code by its name."""
    codes = item.codes if isinstance(item, Observed) else ()
    names = [c.zh if language == "zh" else c.en for c in codes if c.value == value]
    return names[0] if names else said(value, item.kind, language)


def _gap(number: int, at: int, seconds: int) -> dict[str, Fact]:
    return {"version": number, "edge_at": at, "seconds": seconds, "days": -(-seconds // DAY)}


def _input(terms: Terms, name: str) -> Observed:
    for item in terms.inputs:
        if isinstance(item, Observed) and item.name == name:
            return item
    raise LookupError(name)
