"""Laws of the readings, over generated terms and rows: what must hold whatever is promised."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from miaopei.errors import Refused
from miaopei.measures.money import Rounding, wan
from miaopei.products.shelf import shelf
from miaopei.terms import build as b
from miaopei.terms import words as w
from miaopei.terms.bounds import Bounds, prove
from miaopei.terms.canonical import from_bytes, meaning_hash, to_bytes
from miaopei.terms.check import check
from miaopei.terms.check.texts import mentions, used
from miaopei.terms.columnar import settle_many
from miaopei.terms.exact import Result, first_missing, replay, settle, trace_json
from miaopei.terms.simulation import simulate, totals
from miaopei.terms.wording import as_text, sentences
from miaopei.terms.words import Kind

OURS = b.source("虚构", "made up", dated="2026-01-01")
SLOW = settings(max_examples=120, suppress_health_check=[HealthCheck.too_slow])


def seen(name: str, kind: Kind, low: int, high: int) -> w.Observed:
    return b.observed(
        name, kind, low=low, high=high, zh=f"观测{name}", en=f"seen {name}", measure="value",
        sources=("s",), definition_zh="虚构", definition_en="made up", if_missing=w.IfMissing.HOLD,
    )  # fmt: skip


ROLE = b.observed_code(
    "role",
    (w.Code(0, "no", "否", "no"), w.Code(1, "yes", "是", "yes"), w.Code(2, "so", "半", "so")),
    zh="角色", en="role", measure="value", sources=("s",), definition_zh="虚构",
    definition_en="made up", if_missing=w.IfMissing.HOLD,
)  # fmt: skip
INPUTS: tuple[w.Observed | w.Declared, ...] = (
    seen("magnitude", Kind.MAGNITUDE, 0, 100),
    seen("part", Kind.LOSS, 0, 900),
    seen("whole", Kind.LOSS, 0, 900),
    seen("count", Kind.COUNT, 0, 50),
    seen("start", Kind.INSTANT, 1_000, 2_000),
    seen("end", Kind.INSTANT, 1_000, 2_000),
    seen("flag", Kind.FLAG, 0, 1),
    ROLE,
    b.declared("cap", Kind.MONEY, low=0, high=10_000, zh="上限", en="cap"),
    b.declared("grace", Kind.MINUTES, low=0, high=300, zh="宽限", en="grace"),
    b.declared("ratio", Kind.RATIO, low=0, high=10**6, zh="比例", en="ratio"),
)
BY_KIND = {kind: [i for i in INPUTS if i.kind is kind] for kind in Kind}
YEAR = b.figure("year", 20_000, Kind.MONEY, zh="年限额", en="year limit", source=OURS)


@st.composite
def words(draw: st.DrawFn, kind: Kind, depth: int) -> w.Word:
    """A word of one kind; figures are named by kind and value, so one name is one number."""
    if depth <= 0 or draw(st.integers(0, 5)) == 0:
        return draw(leaves(kind))

    def below(of: Kind) -> w.Word:
        return draw(words(of, depth - 1))

    if kind is Kind.FLAG:
        return draw_flag(draw, below)
    choices = ["either", "least", "most"]
    choices += ["band", "tier", "pro_rata", "times", "plus", "minus"] if kind is Kind.MONEY else []
    choices += ["minus"] if kind is Kind.MINUTES else []
    match draw(st.sampled_from(choices)):
        case "either":
            return b.either(below(Kind.FLAG), below(kind), below(kind))
        case "least":
            return b.least(below(kind), below(kind))
        case "most":
            return b.most(below(kind), below(kind))
        case "plus":
            return b.plus(below(kind), below(kind))
        case "times":
            return b.times(below(Kind.COUNT), below(kind))
        case "minus" if kind is Kind.MINUTES:
            return b.minus(below(Kind.INSTANT), below(Kind.INSTANT))
        case "minus":
            return b.minus(below(kind), below(kind))
        case "band":
            return draw_band(draw, below(draw(st.sampled_from([Kind.MAGNITUDE, Kind.LOSS]))))
        case "tier":
            rates = draw(st.lists(st.integers(0, 90), min_size=1, max_size=3))
            counting, size = draw(
                st.sampled_from(
                    [(w.Counting.STARTED, 60), (w.Counting.FULL, 7), (w.Counting.EXACT, 1)]
                )
            )
            steps = [(4 * index, fen) for index, fen in enumerate(rates)]
            of = below(Kind.MINUTES)
            return b.tiers(of, *steps, counting=counting, size=size, source=OURS)
    shares = draw(st.sampled_from([Kind.LOSS, Kind.RATIO]))
    amount = b.most(below(Kind.MONEY), b.nothing())
    whole = b.whole(Kind.RATIO) if shares is Kind.RATIO else below(shares)
    rounding = draw(st.sampled_from([Rounding.HALF_UP, Rounding.DOWN]))
    unit = draw(st.sampled_from([1, 10, 1_000]))
    return b.pro_rata(amount, below(shares), whole, unit_fen=unit, rounding=rounding)


@st.composite
def leaves(draw: st.DrawFn, kind: Kind) -> w.Word:
    value = draw(st.integers(1_000, 2_000) if kind is Kind.INSTANT else st.integers(0, 60))
    figure = b.figure(
        f"{kind}_{value}", value, kind, zh=f"数{kind}", en=f"figure {kind}", source=OURS
    )
    options: list[w.Word] = [*BY_KIND[kind]]
    options += [] if kind in {Kind.FLAG, Kind.CODE} else [figure]
    options += [b.spent("cover", YEAR)] if kind is Kind.MONEY else []
    return draw(st.sampled_from(options))


def draw_flag(draw: st.DrawFn, below: Any) -> w.Word:
    match draw(st.integers(0, 4)):
        case 0:
            kind = draw(st.sampled_from([Kind.MAGNITUDE, Kind.MONEY, Kind.INSTANT, Kind.MINUTES]))
            return b.at_least(below(kind), below(kind))
        case 1:
            names = draw(st.lists(st.sampled_from(["no", "yes", "so"]), min_size=1, unique=True))
            return b.one_of(ROLE, *names)
        case 2:
            return b.every(below(Kind.FLAG), below(Kind.FLAG))
        case 3:
            return b.any_of(below(Kind.FLAG), below(Kind.FLAG))
    return b.not_(below(Kind.FLAG))


def draw_band(draw: st.DrawFn, of: w.Word) -> w.Word:
    """Rows over all that `of` can be, some of them unset."""
    least, most = Bounds().of(of)
    inner = draw(st.lists(st.integers(least, most), max_size=4, unique=True))
    values = st.one_of(st.integers(0, 5_000), st.none())
    return b.bands(of, *((low, draw(values)) for low in sorted({least, *inner})), source=OURS)


@st.composite
def terms(draw: st.DrawFn) -> w.Terms:
    """Terms with one benefit, never below zero, with the texts that its bodies call for."""
    rule = said("rule", draw(words(Kind.MONEY, 4)))
    left = said("left", b.minus(YEAR, b.spent("cover", YEAR)))
    again = b.plus(rule, b.nothing()) if draw(st.booleans()) else rule
    cover = said("cover", b.most(b.least(again, left), b.nothing()))
    return b.terms("made_up", 1, cover)


def said(name: str, body: w.Word) -> w.Clause:
    clause = b.clause(name, body, zh="", en="")
    must, may = used(clause)
    cited = "".join(f"{{{item}}}" for item in sorted(must | may))
    return b.clause(name, body, zh=f"按{cited}", en=f"by {cited}")


def row(draw: Any, listed: w.Terms) -> tuple[dict[str, int], dict[str, int], int]:
    """One row of inputs; now and then one is missing or out of its range."""
    observed, declared = {}, {}
    for item in listed.inputs:
        value = draw(st.integers(item.low, item.high))
        if draw(st.integers(0, 30)) == 0:
            value = item.high + 1
        (observed if isinstance(item, w.Observed) else declared)[item.name] = value
    return observed, declared, draw(st.integers(0, YEAR.value))


def exactly(listed: w.Terms, one: tuple[dict[str, int], dict[str, int], int]) -> Result | str:
    try:
        return settle(listed, "cover", one[0], one[1], {"cover": one[2]})
    except Refused as refused:
        return refused.refusals[0].code


@given(st.data())
@SLOW
def test_both_readings_are_equal_and_within_bounds(data: st.DataObject) -> None:
    listed = data.draw(terms())
    assert check(listed) == ()
    limits = prove(listed, "cover")
    rows = [row(data.draw, listed) for _ in range(data.draw(st.integers(1, 6)))]
    single = [exactly(listed, one) for one in rows]
    for one, answer in zip(rows, single, strict=True):
        column = np.array([one[2]], dtype=np.int64)
        if isinstance(answer, str):
            with pytest.raises(Refused) as refused:
                settle_many(listed, "cover", one[0], one[1], column)
            assert [r.code for r in refused.value.refusals] == [answer]
            continue
        (amount,) = settle_many(listed, "cover", one[0], one[1], column).tolist()
        assert amount == answer.amount_fen
        assert limits.least <= amount <= limits.most
        assert replay(listed, answer.trace) == answer
        assert json.loads(json.dumps(trace_json(answer)))["amount_fen"] == amount
        for language in ("zh", "en"):
            assert all(line for line in sentences(listed, answer, language))  # type: ignore[arg-type]
    together(listed, rows, single, data)


def together(
    listed: w.Terms, rows: list[Any], single: list[Result | str], data: st.DataObject
) -> None:
    """The same rows as columns, in their order and in another."""
    order = data.draw(st.permutations(range(len(rows))))
    for places in (list(range(len(rows))), order):
        observed, declared = (
            {name: np.array([rows[i][table][name] for i in places], dtype=np.int64)
             for name in rows[0][table]}
            for table in (0, 1)
        )  # fmt: skip
        spent = np.array([rows[i][2] for i in places], dtype=np.int64)
        wanted = [single[i] for i in places]
        try:
            amounts = settle_many(listed, "cover", observed, declared, spent).tolist()
            assert [w.amount_fen for w in wanted if isinstance(w, Result)] == amounts
        except Refused as refused:
            named = {int(str(r.facts["row"])): r.code for r in refused.refusals}
            assert all(wanted[place] == code for place, code in named.items())
            assert min(named) == next(i for i, w in enumerate(wanted) if isinstance(w, str))
            assert set(named.values()) == {w for w in wanted if isinstance(w, str)}


@given(terms())
@SLOW
def test_canonical_bytes_survive_and_texts_agree(listed: w.Terms) -> None:
    data = to_bytes(listed)
    again = from_bytes(data)
    assert (again, to_bytes(again)) == (listed, data)
    assert meaning_hash(again) == meaning_hash(listed)
    for node in w.walk(listed.benefits[0]):
        if isinstance(node, w.Clause):
            assert set(mentions(node.zh)) == set(mentions(node.en))
    for language in ("zh", "en"):
        text = as_text(listed, language)  # type: ignore[arg-type]
        assert not re.search(r"[{}]", text)


@given(st.data())
@SLOW
def test_what_is_demanded_is_enough_and_what_is_not_changes_nothing(data: st.DataObject) -> None:
    listed = data.draw(terms())
    observed, declared, spent = row(data.draw, listed)
    known: dict[str, int] = {}
    body = listed.benefit("cover")
    while (name := first_missing(body, known)) is not None:
        assert name not in known
        known[name] = observed[name]
    full, less = (exactly(listed, (facts, declared, spent)) for facts in (observed, known))
    assert (full if isinstance(full, str) else full.amount_fen) == (
        less if isinstance(less, str) else less.amount_fen
    )
    assert less != "terms.missing_input"


MAGNITUDES = st.integers(0, 100)


@given(st.sampled_from([("yunnan_dali", 1), ("yunnan_dali", 2), ("yunnan_yuxi", 1)]), st.data())
def test_more_magnitude_never_pays_less(version: tuple[str, int], data: st.DataObject) -> None:
    promised = shelf().find(version[0]).version(version[1]).terms
    role, total = data.draw(st.integers(0, 2)), data.draw(st.integers(1, 10**6))
    facts = {"role": role, "loss_total": total, "loss_area": data.draw(st.integers(0, total))}
    spent = {"house": data.draw(st.integers(0, 16_800 * 10**6))}
    low, high = sorted((data.draw(MAGNITUDES), data.draw(MAGNITUDES)))
    less, more = (
        settle(promised, "house", {**facts, "magnitude": tenths}, {}, spent).amount_fen
        for tenths in (low, high)
    )
    assert less <= more


@given(st.data())
def test_later_restoration_never_pays_less(data: st.DataObject) -> None:
    promised = shelf().find("power_restoration").version(1).terms
    planned = 26_000_000
    own = {
        "deductible": data.draw(st.integers(0, 2_880)),
        "occurrence_limit": data.draw(st.integers(0, 10**7)),
    }
    times = sorted(data.draw(st.integers(planned - 600, planned + 9_000)) for _ in range(2))
    less, more = (
        settle(
            promised,
            "delay",
            {"planned_restoration": planned, "actual_restoration": at, "outage_cause": 0},
            own,
            {"delay": 0},
        ).amount_fen
        for at in times
    )
    assert less <= more


@given(st.lists(st.tuples(st.integers(0, 3), MAGNITUDES), min_size=1, max_size=40))
def test_a_year_never_pays_more_than_its_limit(events: list[tuple[int, int]]) -> None:
    promised = shelf().find("yunnan_dali").version(1).terms
    years = np.array([year for year, _ in events], dtype=np.int64)
    magnitude = np.array([tenths for _, tenths in events], dtype=np.int64)
    amounts = simulate(promised, "house", {"role": 1, "magnitude": magnitude}, {}, years)
    _, sums = totals(amounts, years)
    assert sums.max() <= wan(42_000)
    uncapped = settle_many(
        promised, "house", {"role": 1, "magnitude": magnitude}, {}, np.zeros_like(years)
    )
    for year, total in zip(*totals(uncapped, years), strict=True):
        assert sums[np.unique(years) == year][0] == min(total, wan(42_000))
