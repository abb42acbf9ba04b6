"""The wording of terms and of a trace, in zh and en: clauses numbered once, then cited.

The clause texts are those that were filed; what stands beside them (formula, tables, ranges,
sources) is read from the same tree, so that text and calculation cannot drift apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .. import words as w
from ..exact import Node, Result
from ..filing import Product, Text
from .conditions import conditions
from .phrases import Speaker
from .speech import Language, money, said, span


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a table: where it applies, what it gives, its own source ('' = the table's)."""

    where: str
    gives: str
    source: str


@dataclass(frozen=True, slots=True)
class Article:
    """One clause as people read it."""

    number: int
    name: str
    benefit: bool
    text: str
    formula: str
    lines: tuple[Line, ...]
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Definition:
    """One input: what it is, its range, who says it, and what follows if nobody does."""

    name: str
    label: str
    text: str
    range: str
    measure: str
    sources: tuple[str, ...]
    fallback: tuple[str, ...]
    if_missing: str


def numbers(terms: w.Terms) -> dict[str, int]:
    """The number of each clause: in the order in which they are cited, each before its citer."""
    found: dict[str, int] = {}
    for benefit in terms.benefits:
        for node in w.walk(benefit):
            if isinstance(node, w.Clause):
                found.setdefault(node.name, len(found) + 1)
    return found


def articles(terms: w.Terms, language: Language) -> tuple[Article, ...]:
    """The clauses with formula, tables and sources."""
    speaker = Speaker(language, numbers(terms))
    clauses: dict[str, w.Clause] = {}
    named: dict[str, w.Word] = {}
    for benefit in terms.benefits:
        for node in w.walk(benefit):
            if isinstance(node, w.Clause | w.Figure | w.Declared | w.Observed):
                named[node.name] = node
            if isinstance(node, w.Clause):
                clauses.setdefault(node.name, node)
    return tuple(
        Article(
            number=speaker.numbers[clause.name],
            name=clause.name,
            benefit=clause in terms.benefits,
            text=speaker.fill(speaker.say(clause.zh, clause.en), named),
            formula=speaker.of(clause.body),
            lines=tuple(line for table in _tables(clause.body) for line in _lines(table, speaker)),
            sources=tuple(dict.fromkeys(_sources(clause.body, speaker))),
        )
        for clause in clauses.values()
    )


def definitions(terms: w.Terms, language: Language) -> tuple[Definition, ...]:
    """The inputs in the order of the terms."""
    return tuple(_definition(item, Speaker(language, {})) for item in terms.inputs)


def as_text(
    terms: w.Terms,
    language: Language,
    product: Product | None = None,
    names: Mapping[str, Text] | None = None,
) -> str:
    """The whole wording as lines of Markdown; with its filing, the general conditions as well.

    `names`: area code or source id -> name, for those that the filing lists.
    """
    s = Speaker(language, {})
    out: list[str] = []
    for article in articles(terms, language):
        mark = s.say("（保障）", " (benefit)") if article.benefit else ""
        out += [
            s.say(f"第{article.number}条{mark} ", f"Clause {article.number}{mark}. ") + article.text
        ]
        for line in article.lines:
            source = (
                s.say(f"（来源：{line.source}）", f" (source: {line.source})")
                if line.source
                else ""
            )
            out.append(f"- {line.where}{s.say('：', ': ')}{line.gives}{source}")
        out.append(s.say(f"算式：{article.formula}。", f"Formula: {article.formula}."))
        out += [s.say(f"来源：{source}", f"Source: {source}") for source in article.sources]
        out.append("")
    if product is not None:
        out += [s.say("通则", "General conditions"), ""]
        for rule in conditions(product, terms, language, names):
            number = s.say(f"通则第{rule.number}条", f"Condition {rule.number}.")
            out += [f"{number} {rule.title}{s.say('：', ': ')}{rule.text}", ""]
    out += [s.say("定义", "Definitions"), ""]
    for item in definitions(terms, language):
        out += [f"{item.label}{s.say('：', ': ')}{item.text}"]
        out += [f"- {s.say('范围', 'Range')} {item.range}"]
        if item.measure:
            out.append(f"- {s.say('度量', 'Measure')} {item.measure}")
            told = s.say("、", ", ").join(_by_name(item.sources, names or {}, s))
            out.append(f"- {s.say('来源', 'Sources')} {told}")
            others = (*_by_name(item.fallback, names or {}, s), item.if_missing)
            out.append(f"- {s.say('后备', 'Fallback')} {s.say('，', ', ').join(others)}")
        out.append("")
    out.append(
        s.say(
            f"以{'中文' if terms.governing == 'zh' else '英文'}文本为准。金额单位："
            f"人民币（{terms.currency}）。",
            f"The {'Chinese' if terms.governing == 'zh' else 'English'} text governs. Currency: "
            f"{terms.currency}.",
        )
    )
    return "\n".join(out) + "\n"


def _by_name(sources: tuple[str, ...], names: Mapping[str, Text], s: Speaker) -> Iterator[str]:
    """Each source by its name, and its id for who looks it up; by the id where it has no name."""
    for source in sources:
        named = names.get(source)
        yield (
            source if named is None else s.say(f"{named.zh}（{source}）", f"{named.en} ({source})")
        )


def sentences(terms: w.Terms, result: Result, language: Language) -> tuple[str, ...]:
    """A trace in plain sentences: each clause that was read, once, with the values it had."""
    body = terms.benefit(result.trace.name)
    values: dict[int, Node] = {}
    read: dict[str, w.Clause] = {}
    for node, found in _beside(body, result.trace):
        values[id(node)] = found
        if isinstance(node, w.Clause):
            read.setdefault(node.name, node)
    s = Speaker(language, numbers(terms), values)
    out = [
        s.say(
            f"{s.cite(clause.name)}：{s.of(clause.body)}，得 {s.value(clause)}。",
            f"{s.cite(clause.name).capitalize()}: {s.of(clause.body)}; this gives "
            f"{s.value(clause)}.",
        )
        for clause in sorted(read.values(), key=lambda c: s.numbers[c.name])
    ]
    for limit in result.limits:
        cover = s.cite(limit.benefit)
        high, before, after = (money(fen, language) for fen in limit[1:])
        out.append(
            s.say(
                f"{cover}的年度限额 {high}：本次赔付前剩余 {before}，赔付后剩余 {after}。",
                f"Yearly limit of {cover}, {high}: {before} left before this payout, {after} "
                "after.",
            )
        )
    if result.shortfall_fen:
        short = money(result.shortfall_fen, language)
        out.append(
            s.say(
                f"受年度限额所限，少赔 {short}。",
                f"The yearly limit takes {short} off this payout.",
            )
        )
    return tuple(out)


def _beside(node: w.Word, found: Node) -> Iterator[tuple[w.Word, Node]]:
    """Each word that was read beside its place in the trace, children first."""
    match node:
        case w.Either():
            below = [node.test, node.then if found.children[0].value else node.otherwise]
        case w.Spent():
            below = []
        case _:
            below = list(w.children(node))[: len(found.children)]
    for child, child_found in zip(below, found.children, strict=False):
        yield from _beside(child, child_found)
    yield node, found


def _tables(body: w.Word) -> list[w.Band | w.Tier]:
    return [node for node in w.inside(body) if isinstance(node, w.Band | w.Tier)]


def _lines(table: w.Band | w.Tier, s: Speaker) -> Iterator[Line]:
    if isinstance(table, w.Band):
        kind = _kind(table.of)
        for row in table.rows:
            low = None if row is table.rows[0] else row.low
            gives = (
                s.say("未定，不予结算", "not set: refused")
                if row.value is None
                else said(row.value, table.kind, s.language)
            )
            own = "" if row.source is None else s.source(row.source)
            yield Line(span(low, row.high, kind, s.language), gives, own)
        return
    kind = _kind(table.of)
    unit = said(table.size, kind, s.language)
    ends = [rate.units for rate in table.rates[1:]] + [None]
    for rate, end in zip(table.rates, ends, strict=True):
        upto = s.say(
            "起" if end is None else f"至第{end:,}个", "on" if end is None else f"to {end:,}"
        )
        where = s.say(
            f"第{rate.units + 1:,}个单位{upto}（每单位{unit}）",
            f"from unit {rate.units + 1:,} {upto} (units of {unit})",
        )
        yield Line(where, money(rate.fen, s.language), "")


def _kind(node: w.Word) -> w.Kind:
    """The kind of what a table reads: its own or that of what it is made of."""
    match node:
        case w.Observed() | w.Declared() | w.Figure() | w.Fixed() | w.Band():
            return node.kind
        case w.Minus() if (
            _kind(node.left) is w.Kind.INSTANT and _kind(node.right) is w.Kind.INSTANT
        ):
            return w.Kind.MINUTES
        case w.Either():
            return _kind(node.then)
        case w.Times():
            return _kind(node.each)
        case w.Spent() | w.Tier() | w.ProRata():
            return w.Kind.MONEY
    return _kind(next(iter(w.children(node))))


def _sources(body: w.Word, s: Speaker) -> Iterator[str]:
    for node in w.inside(body):
        if isinstance(node, w.Figure):
            yield f"{s.label(node)}{s.say('：', ': ')}{s.source(node.source)}"
        elif isinstance(node, w.Band | w.Tier):
            yield s.source(node.source)


def _definition(item: w.Declared | w.Observed, s: Speaker) -> Definition:
    low, high = (said(value, item.kind, s.language) for value in (item.low, item.high))
    if isinstance(item, w.Declared):
        text = s.say("载于保单", "as stated in the policy")
        return Definition(item.name, s.label(item), text, f"{low} - {high}", "", (), (), "")
    if item.codes:
        spoken = s.say("、", ", ").join(f"{c.value} {s.say(c.zh, c.en)}" for c in item.codes)
    else:
        spoken = f"{low} - {high}"
    missing = {
        w.IfMissing.HOLD: s.say("无来源时由人工处理", "held for a person if no source speaks"),
        w.IfMissing.CLOSE: s.say(
            "无来源时按未报告关闭，有报告再开", "closed as not reported, reopened by a report"
        ),
        None: "",
    }[item.if_missing]
    given = ", ".join(f"{key}={value}" for key, value in item.params)
    measure = f"{item.measure}({given})" if given else item.measure
    text = s.say(item.definition_zh, item.definition_en)
    return Definition(
        item.name, s.label(item), text, spoken, measure, item.sources, item.fallback, missing
    )
