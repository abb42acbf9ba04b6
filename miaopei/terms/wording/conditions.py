"""The general conditions of a filed cover, in zh and en: sequence, facts, freeze, adjustment, year.

What every clause takes for granted, numbered once and cited after. The sentences stand here; every
number in them is read from the filing or the tree, and both languages name the same things (a test
asks both). Source: docs/specs/evidence.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ...measures.instant import DAY, HOUR
from ...measures.money import Rounding
from .. import words as w
from ..filing import InputRule, Product, Revision, Text
from .speech import Language, money, said

NAMED = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class Sentence:
    """One condition, with {names} of what the filing holds and of conditions before it."""

    name: str
    title: Text
    text: Text


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition as people read it."""

    number: int
    name: str
    title: str
    text: str


SEQUENCE = Sentence(
    "sequence",
    Text("地震序列", "Sequence of earthquakes"),
    Text(
        "序列自第一次由计入来源报出、震级（{types}）不低于{threshold}的地震起；此后{hours}之内、"
        "距其震中{km}之内的地震，无论大小，均属该序列。首次裁定后起点不再变动；"
        "此后才收录的地震，在起点之前或之后{hours}之内且距离在{km}之内的，归入该序列。"
        "一个序列为一次事故。",
        "A sequence opens with the first earthquake that a counted source reports with a "
        "magnitude ({types}) of {threshold} or more. Every earthquake of the {hours} after it "
        "and within {km} of its epicentre, of whatever size, belongs to it. From the first "
        "decision on the opening stays as it is; an earthquake recorded only then belongs to the "
        "sequence where it lies within {hours} before or after the opening and within {km}. One "
        "sequence is one occurrence.",
    ),
)
SAME_SHOCK = Sentence(
    "same_shock",
    Text("同一次地震", "One and the same earthquake"),
    Text(
        "不同来源的记录，发震时刻相差不超过{same_seconds}且相距不超过{same_km}的，为同一次地震；"
        "同一来源的两条记录总是两次地震。",
        "Records of different sources are one earthquake where their origin times are at most "
        "{same_seconds} and their epicentres at most {same_km} apart; two records of one source "
        "are always two earthquakes.",
    ),
)
LIKE_SHOCK = Sentence(
    "like_shock",
    Text("震级相近的记录", "Records of like magnitude"),
    Text(
        "不同来源的记录，震级相差不超过{like_tenths}、相距不超过{same_km}且发震时刻相差不超过"
        "{like_seconds}的，"
        "也为{same_shock}所称同一次地震，并先于其他记录配对；配对以时刻最近者为先，"
        "相同的以距离最近者为先。",
        "Records of different sources whose magnitudes differ by at most {like_tenths} and whose "
        "epicentres are at most {same_km} apart are one earthquake in the sense of {same_shock} "
        "also where their origin times are at most {like_seconds} apart, and are joined before "
        "others; the nearest in time first, then the nearest in place.",
    ),
)
MAIN_SHOCK = Sentence(
    "main_shock",
    Text("主震", "Main shock"),
    Text(
        "{sequence}所称序列中震级最大的地震为主震，震级相同的取最早的一次；"
        "条款版本和保单以主震发震时刻为准。",
        "The main shock is the earthquake of highest magnitude of a sequence ({sequence}), the "
        "earliest among equals; its origin time chooses the version of the terms and the policies.",
    ),
)
EVERY_SHOCK = Sentence(
    "main_shock",
    Text("主震与应付额", "Main shock and what is owed"),
    Text(
        "{sequence}所称序列中，震级不低于{threshold}的每一次地震，"
        "各按其发震时刻有效的条款版本和保单，如同唯一的主震单独计算。"
        "每份保单的每项保障对该序列的应付额，为该项保障各额中最大的一个，不相加；给出该额的地震为"
        "该保单该项保障的主震，金额相同的取最早的一次。"
        "已付一部分而后另一次地震给出更大金额的，补付差额；已付的不收回。"
        "因此，同一序列中在各自截止时点之前收录的事实，收录的先后不改变赔款。",
        "In a sequence ({sequence}) each earthquake of {threshold} or more is worked out by "
        "itself, as if it were the only main shock, under the version of the terms and the "
        "policies in force at its origin time. What a policy is owed under each benefit for the "
        "sequence is the greatest of that benefit's amounts, never their sum; the earthquake that "
        "gives it is the main shock for that benefit of the policy, the earliest among equals. "
        "Where another earthquake gives more than has been paid the difference is paid, and "
        "nothing paid is taken back. So the order in which facts of one sequence are recorded, "
        "each before its deadline, does not change "
        "what is paid.",
    ),
)
EVENT = Sentence(
    "sequence",
    Text("事故", "Occurrence"),
    Text(
        "同一事件编号的各项读数为一次事故。",
        "All readings under one event number are one occurrence.",
    ),
)
IN_FORCE = Sentence(
    "in_force",
    Text("有效期", "In force"),
    Text(
        "条款版本和保单自其起始时刻起（含）至终止时刻止（不含）有效。",
        "A version of the terms and a policy are in force from the moment they begin (included) "
        "to the moment they end (not included).",
    ),
)
YEAR = Sentence(
    "policy_year",
    Text("保险年度", "Policy year"),
    Text(
        "保险年度自保单载明的起算时刻起，以北京时间的周年日为界。"
        "一次事故整体计入其赔款所依地震或事件发生时刻所在的年度；"
        "年度限额按结案的先后扣减，已结案的不因其后的事故重新计算。",
        "A policy year runs from the moment that the policy states to its anniversary by Beijing "
        "time. An occurrence counts whole in the year in which the earthquake or event lies that "
        "its payout rests on; a yearly limit is used up in the order of settlement, and what has "
        "settled is not reopened by later occurrences.",
    ),
)
AREA = Sentence(
    "area",
    Text("本地区与周边地区", "Insured and surrounding area"),
    Text(
        "本地区为{own}；周边地区为{surrounding}；此外均为其他地区。以行政区划的州市为单位。",
        "The insured prefecture is {own}; the surrounding prefectures are {surrounding}; all else "
        "is elsewhere. The divisions are the prefectures as administered.",
    ),
)
ROUNDING = Sentence(
    "rounding",
    Text("取整", "Rounding"),
    Text(
        "占比不取整；按占比计算的金额一次{how}至{unit}。",
        "A share is not rounded; an amount that rests on one is rounded once, {how} to {unit}.",
    ),
)
SETTLES = Sentence(
    "facts",
    Text("事实何时定下", "When a fact is fixed"),
    Text(
        "{input}：以{sources}为准，收录后即据以结案。自{started}起{freeze}为截止时点，"
        "首次收录较晚的，至首次收录后一小时。截止时点仍未收录的，{fallback}。",
        "{input}: by {sources}; it settles as soon as it is recorded. The deadline is {freeze} "
        "after {started}, or an hour after the first word on it is recorded, if that is later. If "
        "none is on file by then, {fallback}.",
    ),
)
WAITS = Sentence(
    "facts",
    Text("事实何时定下", "When a fact is fixed"),
    Text(
        "{input}：以{sources}为准，收录后即据以结案。自{started}起{freeze}为截止时点。"
        "截止时点仍未收录的，{fallback}。",
        "{input}: by {sources}; it settles as soon as it is recorded. The deadline is {freeze} "
        "after {started}. If none is on file by then, {fallback}.",
    ),
)
AGREE = Sentence(
    "facts",
    Text("事实何时定下", "When a fact is fixed"),
    Text(
        "{input}：以{sources}为准；有{operators}个机构的完整报告相差不超过{tolerance}的，收录后即据以"
        "结案。自首份完整报告收录起{freeze}为截止时点：届时仍只有一个机构报告的，以其为准；"
        "相差更多的，由人工核定。",
        "{input}: by {sources}; it settles as soon as complete reports of {operators} operators "
        "that differ by at most {tolerance} are recorded. The deadline is {freeze} after the first "
        "complete report is recorded: where only one operator has reported by then, its report "
        "counts; where they differ by more, a person decides.",
    ),
)
CLOSES = Sentence(
    "no_report",
    Text("没有报告", "No report"),
    Text(
        "{input}：自{started}起{close}仍未收录的，需要该事实的赔付以无报告关闭，不赔付，"
        "其他赔付不受影响；其后收录的，重新打开。"
        "报告没有写明的视为缺失，不视为零。",
        "{input}: where none is on file {close} after {started}, what needs it is closed as not "
        "reported and is not paid; what does not need it is not affected. One recorded later "
        "opens it again. What a report does not name is missing, not zero.",
    ),
)
STANDS = Sentence(
    "after_settlement",
    Text("结案之后", "After settlement"),
    Text(
        "{input}：结案所用的数值不再变动；其后收录的其他数值只作展示，不变动赔款。",
        "{input}: the value that settled stands; any other value recorded afterwards is shown and "
        "moves no money.",
    ),
)
ADJUSTS = Sentence(
    "after_settlement",
    Text("结案之后", "After settlement"),
    Text(
        "{input}：其后收录的新版本按新数字重新计算；应付额多于已付的，补付差额；"
        "少于已付的，{less}。",
        "{input}: a later version is worked out anew; where more is owed than was paid the "
        "difference is paid; where less, {less}.",
    ),
)
SAME_VERSION = Sentence(
    "same_version",
    Text("同一版本数字不同", "One version, two figures"),
    Text(
        "同一机构对报告或通报的同一版本给出不同数字的，两个数字一并列明，由人工核定。",
        "Where one body gives two different figures in one and the same version of a report or "
        "notice, both are shown and a person decides.",
    ),
)
SENTENCES = (
    SEQUENCE, SAME_SHOCK, LIKE_SHOCK, MAIN_SHOCK, EVERY_SHOCK, EVENT, IN_FORCE, YEAR, AREA,
    ROUNDING, SETTLES, WAITS, AGREE, CLOSES, STANDS, ADJUSTS, SAME_VERSION,
)  # fmt: skip
Values = Mapping[str, Text]


def conditions(
    product: Product, terms: w.Terms, language: Language, names: Values | None = None
) -> tuple[Condition, ...]:
    """The conditions of a filing beside one version of its terms; `names`: area code -> name."""
    found: list[Condition] = []
    numbers: dict[str, Text] = {}
    for sentence, values in _chosen(product, terms, names or {}):
        number = len(found) + 1
        cited = {**numbers, **values}
        title, text = _pick(sentence.title, language), _pick(sentence.text, language)
        found.append(Condition(number, sentence.name, title, _filled(text, cited, language)))
        numbers.setdefault(sentence.name, Text(f"通则第{number}条", f"condition {number}"))
    return tuple(found)


def _filled(text: str, values: Values, language: Language) -> str:
    return NAMED.sub(lambda m: _pick(values[m.group(1)], language), text)


def _chosen(product: Product, terms: w.Terms, names: Values) -> Iterator[tuple[Sentence, Values]]:
    """The sentences that apply to a filing, in order, with what it holds."""
    shocks = product.grouping["kind"] == "shocks"
    each = product.grouping.get("decides") == "every_shock"
    if shocks:
        values = _grouped(product)
        yield SEQUENCE, values
        yield SAME_SHOCK, values
        if "like_shock_seconds" in product.grouping:
            yield LIKE_SHOCK, values
        yield (EVERY_SHOCK if each else MAIN_SHOCK), values
    else:
        yield EVENT, {}
    yield IN_FORCE, {}
    yield YEAR, {}
    if shocks:
        yield AREA, _area(product, names)
    yield from _roundings(terms)
    yield from _of_inputs(product, terms, each)
    if product.grouping.get("same_version") == "held":
        yield SAME_VERSION, {}


def _of_inputs(product: Product, terms: w.Terms, kept: bool) -> Iterator[tuple[Sentence, Values]]:
    """When each fact is fixed, what follows where none comes, what a later one does."""
    said_of: dict[tuple[Sentence, tuple[tuple[str, Text], ...]], list[Text]] = {}
    for choose, needs in (
        (_when_fixed, ("sources", "fallback", "freeze", "started", "operators", "tolerance")),
        (lambda rule: None if rule.close_after_seconds is None else CLOSES, ("close", "started")),
        (lambda rule: STANDS if rule.revision is Revision.FIRST_SETTLES else ADJUSTS, ("less",)),
    ):
        for rule in product.inputs:
            sentence, values = choose(rule), _input(rule, terms, kept)
            if sentence is not None:
                same = tuple((name, values[name]) for name in needs)
                said_of.setdefault((sentence, same), []).append(values["input"])
    for (sentence, same), labels in said_of.items():
        zh, en = "、".join(of.zh for of in labels), ", ".join(of.en for of in labels)
        yield sentence, {**dict(same), "input": Text(zh, en)}


def _when_fixed(rule: InputRule) -> Sentence:
    if rule.operators > 1 and rule.measure == "outage.restored":
        return AGREE
    return SETTLES if rule.measure.startswith("shock.") else WAITS


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


def _roundings(terms: w.Terms) -> Iterator[tuple[Sentence, Values]]:
    seen = set[tuple[Rounding, int]]()
    for node in (node for benefit in terms.benefits for node in w.walk(benefit)):
        if isinstance(node, w.ProRata) and (node.rounding, node.unit_fen) not in seen:
            seen.add((node.rounding, node.unit_fen))
            up = node.rounding is Rounding.HALF_UP
            how = Text("四舍五入", "half up") if up else Text("舍去零头", "down")
            unit = Text(money(node.unit_fen, "zh"), money(node.unit_fen, "en"))
            yield ROUNDING, {"how": how, "unit": unit}


def _input(rule: InputRule, terms: w.Terms, kept: bool) -> Values:
    of = next((i for i in terms.inputs if i.name == rule.name), None)
    label = Text(rule.name, rule.name) if of is None else Text(of.zh, of.en)
    sources, fallback = _sources(rule.sources), _sources(rule.fallback)
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
    if _when_fixed(rule) is not AGREE:
        return {"operators": Text("", ""), "tolerance": Text("", "")}
    many = str(rule.operators)
    return {"operators": Text(many, many), "tolerance": _long(60 * rule.tolerance)}


def _sources(sources: tuple[str, ...]) -> Text:
    return Text("、".join(sources), ", ".join(sources))


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
