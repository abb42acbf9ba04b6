"""The general conditions of a filed cover, in zh and en: sequence, facts, freeze, adjustment, year.

What every clause takes for granted, numbered once and cited after. The sentences stand in
`general`; every number in them is read from the filing or the tree, and both languages name the
same things (a test asks both). Source: docs/specs/evidence.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ...measures.instant import DAY, HOUR
from ...measures.money import Rounding
from ...measures.place import RADIUS_DECIMETRES, SCALE_BITS, degrees_text, edge_decimetres
from .. import words as w
from ..filing import InputRule, Product, Revision, Text
from . import general as g
from .speech import Language, money, said

NAMED = re.compile(r"\{([^{}]*)\}")
Values = Mapping[str, Text]


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition as people read it."""

    number: int
    name: str
    title: str
    text: str


def conditions(
    product: Product,
    terms: w.Terms,
    language: Language,
    names: Values | None = None,
    caps: Mapping[str, int] | None = None,
) -> tuple[Condition, ...]:
    """The conditions of a filing beside one version of its terms.

    `names`: area code or source id -> name, for those that the filing lists; `caps`: listing ->
    the fen that it pays at most for an occurrence.
    """
    found: list[Condition] = []
    numbers: dict[str, Text] = {}
    for sentence, values in _chosen(product, terms, names or {}, caps or {}):
        number = len(found) + 1
        cited = {**numbers, **values}
        title, text = _pick(sentence.title, language), _pick(sentence.text, language)
        found.append(Condition(number, sentence.name, title, _filled(text, cited, language)))
        numbers.setdefault(sentence.name, Text(f"通则第{number}条", f"condition {number}"))
    return tuple(found)


def _filled(text: str, values: Values, language: Language) -> str:
    return NAMED.sub(lambda m: _pick(values[m.group(1)], language), text)


def _chosen(
    product: Product, terms: w.Terms, names: Values, caps: Mapping[str, int]
) -> Iterator[tuple[g.Sentence, Values]]:
    """The sentences that apply to a filing, in order, with what it holds."""
    shocks = product.grouping["kind"] == "shocks"
    each = product.grouping.get("decides") == "every_shock"
    if shocks:
        values = _grouped(product)
        yield g.SEQUENCE, values
        yield g.SAME_SHOCK, values
        if "like_shock_seconds" in product.grouping:
            yield g.LIKE_SHOCK, values
        yield (g.EVERY_SHOCK if each else g.MAIN_SHOCK), values
    else:
        yield g.EVENT, {}
    if radii := sorted({n.radius.value for n in _nodes(terms) if isinstance(n, w.Near)}):
        yield g.DISTANCE, _distance(radii)
    yield g.IN_FORCE, {}
    yield g.LATE, {}
    yield g.YEAR, {}
    for listing, fen in sorted(caps.items()):
        cap = Text(money(fen, "zh"), money(fen, "en"))
        yield g.CAP, {"listing": Text(listing, listing), "cap": cap}
    if shocks and any(product.area.values()):
        yield g.AREA, _area(product, names)
    yield from _roundings(terms)
    yield from _of_inputs(product, terms, each, names)
    if product.grouping.get("same_version") == "held":
        yield g.SAME_VERSION, {}


def _of_inputs(
    product: Product, terms: w.Terms, kept: bool, names: Values
) -> Iterator[tuple[g.Sentence, Values]]:
    """When each fact is fixed, what follows where none comes, what a later one does."""
    told = False
    said_of: dict[tuple[g.Sentence, tuple[tuple[str, Text], ...]], list[Text]] = {}
    for choose, needs in (
        (_when_fixed, ("sources", "fallback", "freeze", "started", "operators", "tolerance")),
        (lambda rule: None if rule.close_after_seconds is None else g.CLOSES, ("close", "started")),
        (
            lambda rule: g.STANDS if rule.revision is Revision.FIRST_SETTLES else g.ADJUSTS,
            ("less",),
        ),
    ):
        for rule in product.inputs:
            sentence, values = choose(rule), _input(rule, terms, kept, names)
            if sentence is not None:
                same = tuple((name, values[name]) for name in needs)
                said_of.setdefault((sentence, same), []).append(values["input"])
    for (sentence, same), labels in said_of.items():
        if sentence in (g.STANDS, g.ADJUSTS) and not told:
            told = True
            yield g.DEADLINE, {}
        zh, en = "、".join(of.zh for of in labels), ", ".join(of.en for of in labels)
        yield sentence, {**dict(same), "input": Text(zh, en)}


def _when_fixed(rule: InputRule) -> g.Sentence:
    if rule.operators > 1 and rule.measure == "outage.restored":
        return g.AGREE
    return g.SETTLES if rule.measure.startswith("shock.") else g.WAITS


def _grouped(product: Product) -> Values:
    rule = product.grouping
    return {
        "threshold": _said(rule["threshold_tenths"]),
        "types": Text("、".join(rule["counted_types"]), " or ".join(rule["counted_types"])),
        "hours": _long(rule["hours"] * HOUR),
        "km": _far(rule["km"]),
        "same_seconds": _long(rule["same_shock_seconds"]),
        "same_km": _far(rule["same_shock_km"]),
        "like_seconds": _long(rule.get("like_shock_seconds", 0)),
        "like_tenths": _said(rule.get("like_shock_tenths", 0)),
    }


def _area(product: Product, names: Values) -> Values:
    def listed(codes: list[str]) -> Text:
        named = [names.get(code, Text(code, code)) for code in codes]
        none = Text("（无）", "(none)")
        zh, en = "、".join(n.zh for n in named), ", ".join(n.en for n in named)
        return Text(zh, en) if codes else none

    area = product.area
    return {"own": listed(area["own"]), "surrounding": listed(area["surrounding"])}


def _distance(radii: Sequence[int]) -> Values:
    """The rule of `measures.place`, and how far it is off for the radii of these terms."""
    most = max(edge_decimetres(metres) for metres in radii)
    numbers = {
        "sphere": (_tenth(RADIUS_DECIMETRES), "米", " m"),
        "step": (degrees_text(1), "", ""),
        "scale": (f"{1 << SCALE_BITS:,}", "", ""),
        "edge": (_tenth(most), "米", " m"),
    }
    return {name: Text(f"{n}{zh}", f"{n}{en}") for name, (n, zh, en) in numbers.items()}


def _tenth(tenths: int) -> str:
    return f"{tenths // 10:,}.{tenths % 10}"


def _nodes(terms: w.Terms) -> Iterator[w.Word]:
    return (node for benefit in terms.benefits for node in w.walk(benefit))


def _roundings(terms: w.Terms) -> Iterator[tuple[g.Sentence, Values]]:
    seen = set[tuple[Rounding, int]]()
    for node in _nodes(terms):
        if isinstance(node, w.ProRata) and (node.rounding, node.unit_fen) not in seen:
            seen.add((node.rounding, node.unit_fen))
            up = node.rounding is Rounding.HALF_UP
            how = Text("四舍五入", "half up") if up else Text("舍去零头", "down")
            unit = Text(money(node.unit_fen, "zh"), money(node.unit_fen, "en"))
            yield g.ROUNDING, {"how": how, "unit": unit}


def _input(rule: InputRule, terms: w.Terms, kept: bool, names: Values) -> Values:
    of = next((i for i in terms.inputs if i.name == rule.name), None)
    label = Text(rule.name, rule.name) if of is None else Text(of.zh, of.en)
    sources, fallback = _sources(rule.sources, names), _sources(rule.fallback, names)
    close = rule.close_after_seconds
    waits = Text("由人工核定", "a person decides")
    if close is not None:
        waits = Text("继续等待至关闭", "it is waited for until the case closes")
    if rule.fallback:
        waits = Text(f"以{fallback.zh}为准", f"{fallback.en} settles it")
    back = Text("按挂牌约定不收回或列为应收", "it is kept or asked back, as the listing says")
    shock = Text("发震时刻", "the origin time")
    event = Text("事故开始", "the occurrence began")
    return {
        "input": label,
        "sources": sources,
        "fallback": waits,
        "freeze": _long(rule.freeze_seconds),
        "close": _long(close or 0),
        "started": shock if rule.measure.startswith("shock.") else event,
        "less": Text("已付的不收回", "nothing paid is taken back") if kept else back,
        **_quorum(rule),
    }


def _quorum(rule: InputRule) -> Values:
    """How many must agree and how nearly; nothing where the sentence does not say it."""
    if _when_fixed(rule) is not g.AGREE:
        return {"operators": Text("", ""), "tolerance": Text("", "")}
    many = str(rule.operators)
    return {"operators": Text(many, many), "tolerance": _long(60 * rule.tolerance)}


def _sources(sources: tuple[str, ...], names: Values) -> Text:
    """The sources by name; one that nobody has named by its id."""
    named = [names.get(source, Text(source, source)) for source in sources]
    return Text("、".join(n.zh for n in named), ", ".join(n.en for n in named))


def _said(tenths: int) -> Text:
    return Text(said(tenths, w.Kind.MAGNITUDE, "zh"), said(tenths, w.Kind.MAGNITUDE, "en"))


def _far(km: int) -> Text:
    return Text(f"{km:,}公里", f"{km:,} km")


def _long(seconds: int) -> Text:
    """A duration in the largest unit that it is a whole number of; up to ten days in hours."""
    for size, zh, en in ((DAY, "日", "day"), (HOUR, "小时", "hour"), (60, "分钟", "minute")):
        count, rest = divmod(seconds, size)
        if not rest and count and (size != DAY or count > 10):
            return Text(f"{count:,}{zh}", f"{count:,} {en}{'' if count == 1 else 's'}")
    return Text(f"{seconds:,}秒", f"{seconds:,} {'second' if seconds == 1 else 'seconds'}")


def _pick(text: Text, language: Language) -> str:
    return text.zh if language == "zh" else text.en
