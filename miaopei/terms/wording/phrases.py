"""Each word as a phrase in zh or en: as a formula, or with the values of one trace put in.

Clauses are cited by number, never repeated. A text in which {names} stand is filled here too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...errors import Refusal, Refused
from ...measures.money import Rounding
from .. import words as w
from ..exact import Node
from .speech import Language, money, said, span


@dataclass(frozen=True)
class Speaker:
    """A language, the numbers of the clauses, and a trace's values by word, where there is one."""

    language: Language
    numbers: Mapping[str, int]
    values: Mapping[int, Node] = field(default_factory=dict)

    def say(self, zh: str, en: str) -> str:
        return zh if self.language == "zh" else en

    def of(self, node: w.Word) -> str:
        """The phrase of one word."""
        case = CASES.get(type(node))
        if case is None:
            raise Refused(Refusal("terms.unknown_word", {"word": type(node).__name__, "at": ""}))
        return case(node, self)

    def part(self, node: w.Word) -> str:
        """The phrase inside another: in brackets where it would run together."""
        loose = w.Either | w.Every | w.Any | w.Plus | w.Minus
        return f"({self.of(node)})" if isinstance(node, loose) else self.worth(node)

    def value(self, node: w.Word) -> str | None:
        """The value that a trace gives a word, with its unit; None without a trace."""
        found = self.values.get(id(node))
        return None if found is None else said(found.value, found.kind, self.language)

    def list(self, items: tuple[w.Word, ...]) -> str:
        """Phrases one after the other."""
        return self.say("；", "; ").join(self.worth(item) for item in items)

    def fill(self, text: str, named: Mapping[str, w.Word]) -> str:
        """A clause's text with every {name} said: a figure's value, a clause's number, an input."""
        return re.sub(r"\{([^{}]*)\}", lambda m: self._mention(named[m.group(1)]), text)

    def _mention(self, node: w.Word) -> str:
        match node:
            case w.Figure():
                return said(node.value, node.kind, self.language)
            case w.Clause():
                return self.cite(node.name)
            case w.Declared() | w.Observed():
                return self.say(node.zh, node.en)
        return self.of(node)

    def cite(self, name: str) -> str:
        """'第3条', 'clause 3'."""
        return self.say(f"第{self.numbers[name]}条", f"clause {self.numbers[name]}")

    def source(self, source: w.Source) -> str:
        """Where a figure comes from, with the date of that source."""
        return f"{self.say(source.zh, source.en)} [{source.dated}]"

    def worth(self, node: w.Word) -> str:
        """The phrase of one word; a table inside another phrase says what it gave as well."""
        value = self.value(node) if isinstance(node, w.Band | w.Tier) else None
        return self.of(node) if value is None else f"{self.of(node)}{self.say('：', ': ')}{value}"

    def label(self, node: w.Figure | w.Declared | w.Observed) -> str:
        """The display name."""
        return self.say(node.zh, node.en)


def _figure(node: w.Figure, s: Speaker) -> str:
    value = said(node.value, node.kind, s.language)
    return s.say(f"{node.zh}（{value}）", f"{node.en} ({value})")


def _fixed(node: w.Fixed, s: Speaker) -> str:
    return said(node.value, node.kind, s.language)


def _declared(node: w.Declared, s: Speaker) -> str:
    value = s.value(node)
    return s.label(node) if value is None else f"{s.label(node)} {value}"


def _observed(node: w.Observed, s: Speaker) -> str:
    found = s.values.get(id(node))
    if found is None:
        return s.label(node)
    return f"{s.label(node)} {_code(node, found.value, s)}"


def _code(node: w.Word, value: int, s: Speaker) -> str:
    """A code by its display name, any other value with its unit."""
    if isinstance(node, w.Observed) and node.codes:
        for code in node.codes:
            if code.value == value:
                return s.say(code.zh, code.en)
    kind = node.kind if isinstance(node, w.Observed | w.Declared) else w.Kind.CODE
    return said(value, kind, s.language)


def _spent(node: w.Spent, s: Speaker) -> str:
    cover = s.cite(node.benefit)
    value = s.value(node)
    zh, en = (
        f"本年度其他事故按{cover}已定赔款",
        f"what other occurrences of the year settled by {cover}",
    )
    return s.say(zh, en) if value is None else s.say(f"{zh} {value}", f"{en}: {value}")


def _plus(node: w.Plus, s: Speaker) -> str:
    return " + ".join(s.part(item) for item in node.items)


def _minus(node: w.Minus, s: Speaker) -> str:
    return f"{s.part(node.left)} - {s.part(node.right)}"


def _times(node: w.Times, s: Speaker) -> str:
    return f"{s.part(node.count)} × {s.part(node.each)}"


def _least(node: w.Least, s: Speaker) -> str:
    return s.say(f"以下取最小：{s.list(node.items)}", f"the least of: {s.list(node.items)}")


def _most(node: w.Most, s: Speaker) -> str:
    return s.say(f"以下取最大：{s.list(node.items)}", f"the most of: {s.list(node.items)}")


def _pro_rata(node: w.ProRata, s: Speaker) -> str:
    unit = money(node.unit_fen, s.language)
    up = node.rounding is Rounding.HALF_UP
    how = s.say(
        f"{'四舍五入' if up else '舍去零头'}至{unit}",
        f"rounded {'half up' if up else 'down'} to {unit}",
    )
    terms = f"{s.part(node.amount)} × {s.part(node.part)} ÷ {s.part(node.whole)}"
    return s.say(f"{terms}（{how}）", f"{terms} ({how})")


def _band(node: w.Band, s: Speaker) -> str:
    found = s.values.get(id(node.of))
    if found is None:
        return s.say(f"按{s.of(node.of)}查下表", f"by {s.of(node.of)}, from the table below")
    row = next(
        r for r in node.rows if r.low <= found.value and (r.high is None or found.value < r.high)
    )
    step = span(None if row is node.rows[0] else row.low, row.high, found.kind, s.language)
    return s.say(f"{s.of(node.of)}，在“{step}”一档", f"{s.of(node.of)}, in the band '{step}'")


def _tier(node: w.Tier, s: Speaker) -> str:
    found = s.values.get(id(node.of))
    counting = {
        w.Counting.STARTED: s.say("不足一个单位按一个计", "a started unit counts whole"),
        w.Counting.FULL: s.say("只计满一个单位的", "only full units count"),
        w.Counting.EXACT: s.say("逐一计", "each one counts"),
    }[node.counting]
    if found is None:
        return s.say(
            f"{s.of(node.of)}，按下表分档计付，{counting}",
            f"{s.of(node.of)}, in the tiers below; {counting}",
        )
    up = node.size - 1 if node.counting is w.Counting.STARTED else 0
    units = max(0, (found.value + up) // node.size)
    ends = [rate.units for rate in node.rates[1:]] + [units]
    slices = " + ".join(
        f"{min(units, end) - rate.units:,} × {money(rate.fen, s.language)}"
        for rate, end in zip(node.rates, ends, strict=True)
        if units > rate.units
    )
    return s.say(
        f"{s.of(node.of)}，计{units:,}个单位（{counting}）" + (f"：{slices}" if slices else ""),
        f"{s.of(node.of)}, {units:,} units ({counting})" + (f": {slices}" if slices else ""),
    )


def _either(node: w.Either, s: Speaker) -> str:
    test = s.values.get(id(node.test))
    if test is None:
        return s.say(
            f"若{s.of(node.test)}，则{s.of(node.then)}；否则{s.of(node.otherwise)}",
            f"if {s.of(node.test)}, then {s.of(node.then)}; else {s.of(node.otherwise)}",
        )
    taken = s.worth(node.then if test.value else node.otherwise)
    return s.say(f"{s.of(node.test)}；{taken}", f"{s.of(node.test)}; {taken}")


def _at_least(node: w.AtLeast, s: Speaker) -> str:
    found = s.values.get(id(node))
    sign = "≥" if found is None or found.value else "<"
    return f"{s.part(node.left)} {sign} {s.part(node.right)}"


def _one_of(node: w.OneOf, s: Speaker) -> str:
    names = s.say("或", " or ").join(_code(node.of, code, s) for code in node.codes)
    label = s.label(node.of) if isinstance(node.of, w.Observed | w.Declared) else s.of(node.of)
    holds, found = s.values.get(id(node)), s.values.get(id(node.of))
    if holds is None or found is None:
        return s.say(f"{label}为{names}", f"{label} is {names}")
    is_now = _code(node.of, found.value, s)
    if holds.value:
        return s.say(f"{label}为{is_now}", f"{label} is {is_now}")
    return s.say(f"{label}为{is_now}，而非{names}", f"{label} is {is_now}, not {names}")


def _near(node: w.Near, s: Speaker) -> str:
    found = s.values.get(id(node))
    radius = said(node.radius.value, node.radius.kind, s.language)
    of, centre = (_position(parts, s) for parts in (node.of, node.centre))
    if found is None or found.value:
        return s.say(f"{of}距{centre}不超过{radius}", f"{of} is within {radius} of {centre}")
    return s.say(f"{of}距{centre}超过{radius}", f"{of} is farther than {radius} from {centre}")


def _position(parts: tuple[w.Word, ...], s: Speaker) -> str:
    """A position by what the names of its parts have in common before their last comma; its
    numbers mean nothing to a reader."""
    names = [s.label(p) if isinstance(p, w.Observed | w.Declared) else s.of(p) for p in parts]
    heads = {name.rpartition(s.say("，", ","))[0] or name for name in names}
    if len(heads) == 1:
        return heads.pop()
    return s.say(f"（{'、'.join(names)}）", f"({', '.join(names)})")


def _joined(items: tuple[w.Word, ...], s: Speaker, word: str) -> str:
    """As a formula with its own word; in a trace what was asked, each as it was found to be."""
    if not s.values:
        return word.join(s.part(item) for item in items)
    return s.say(" 且 ", " and ").join(s.part(item) for item in items if id(item) in s.values)


def _every(node: w.Every, s: Speaker) -> str:
    return _joined(node.items, s, s.say(" 且 ", " and "))


def _any(node: w.Any, s: Speaker) -> str:
    return _joined(node.items, s, s.say(" 或 ", " or "))


def _not(node: w.Not, s: Speaker) -> str:
    if s.values:
        return s.of(node.item)
    return s.say(f"并非（{s.of(node.item)}）", f"not ({s.of(node.item)})")


def _clause(node: w.Clause, s: Speaker) -> str:
    value = s.value(node)
    cited = s.cite(node.name)
    return cited if value is None else s.say(f"{cited} {value}", f"{cited}: {value}")


CASES: dict[type[w.Word], Callable[[Any, Speaker], str]] = {
    w.Figure: _figure, w.Fixed: _fixed, w.Declared: _declared, w.Observed: _observed,
    w.Spent: _spent, w.Plus: _plus, w.Minus: _minus, w.Times: _times, w.Least: _least,
    w.Most: _most, w.ProRata: _pro_rata, w.Band: _band, w.Tier: _tier, w.Either: _either,
    w.AtLeast: _at_least, w.OneOf: _one_of, w.Near: _near, w.Every: _every, w.Any: _any,
    w.Not: _not, w.Clause: _clause,
}  # fmt: skip
