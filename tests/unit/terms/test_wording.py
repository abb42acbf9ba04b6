"""Wording: numbers as people read them, clauses numbered once, a trace as sentences."""

from __future__ import annotations

import re

import pytest

from miaopei.measures.instant import from_beijing
from miaopei.measures.money import wan, yuan
from miaopei.products.shelf import shelf
from miaopei.terms import build as b
from miaopei.terms.exact import settle
from miaopei.terms.wording import articles, as_text, definitions, numbers, sentences
from miaopei.terms.wording.speech import money, said, span
from miaopei.terms.words import Counting, Kind, Terms

ALL = [version.terms for product in shelf() for version in product.versions]
DALI = shelf().find("yunnan_dali").version(1).terms
DELAY = shelf().find("power_restoration").version(1).terms
OURS = b.source("测试", "test", dated="2026-01-01")


@pytest.mark.parametrize(
    ("fen", "zh", "en"),
    [
        (0, "0元", "0 yuan"),
        (1, "0.01元", "0.01 yuan"),
        (12_345, "123.45元", "123.45 yuan"),
        (wan(2_800), "2,800万元", "28,000,000 yuan"),
        (753_760_000, "753.76万元", "7,537,600 yuan"),
        (16_129_000, "16.129万元", "161,290 yuan"),
        (16_129_100, "161,291元", "161,291 yuan"),
        (-yuan(5), "-5元", "-5 yuan"),
        (-wan(3), "-3万元", "-30,000 yuan"),
    ],
)
def test_money_to_read(fen: int, zh: str, en: str) -> None:
    assert (money(fen, "zh"), money(fen, "en")) == (zh, en)


@pytest.mark.parametrize(
    ("value", "kind", "zh", "en"),
    [
        (64, Kind.MAGNITUDE, "6.4级", "6.4"),
        (-3, Kind.MAGNITUDE, "-0.3级", "-0.3"),
        (166_419, Kind.LOSS, "16,641.9万元", "166,419,000 yuan"),
        (269_200, Kind.RATIO, "26.92%", "26.92%"),
        (10**6, Kind.RATIO, "100%", "100%"),
        (60, Kind.MINUTES, "1小时", "1 hour"),
        (565, Kind.MINUTES, "565分钟", "565 minutes"),
        (1, Kind.MINUTES, "1分钟", "1 minute"),
        (1, Kind.FLAG, "是", "yes"),
        (0, Kind.FLAG, "否", "no"),
        (3_569_200, Kind.COUNT, "3,569,200", "3,569,200"),
        (
            from_beijing("2021-05-21 21:48") // 60,
            Kind.INSTANT,
            "北京时间2021-05-21 21:48",
            "2021-05-21 21:48 Beijing time",
        ),
    ],
)
def test_values_with_their_unit(value: int, kind: Kind, zh: str, en: str) -> None:
    assert (said(value, kind, "zh"), said(value, kind, "en")) == (zh, en)


def test_steps_say_which_end_belongs_to_them() -> None:
    assert span(50, 55, Kind.MAGNITUDE, "zh") == "5.0级（含）至5.5级（不含）"
    assert span(50, 55, Kind.MAGNITUDE, "en") == "from 5.0 (included) to 5.5 (not included)"
    assert span(70, None, Kind.MAGNITUDE, "zh") == "7.0级（含）以上"
    assert span(None, 50, Kind.MAGNITUDE, "zh") == "不满5.0级"
    assert span(None, None, Kind.MAGNITUDE, "en") == "all"


@pytest.mark.parametrize("terms", ALL, ids=lambda t: f"{t.id}-{t.version}")
@pytest.mark.parametrize("language", ["zh", "en"])
def test_clauses_are_numbered_once_and_cited_after(terms: Terms, language: str) -> None:
    said_so_far = 0
    for article in articles(terms, language):  # type: ignore[arg-type]
        assert article.number == said_so_far + 1
        cited = re.findall(r"第(\d+)条|[Cc]lause (\d+)", article.text + article.formula)
        for number in (int(zh or en) for zh, en in cited):
            # a limit counts what was settled by its own benefit, which comes after it
            later = {numbers(terms)[benefit.name] for benefit in terms.benefits}
            assert number < article.number or number in later
        said_so_far = article.number
    text = as_text(terms, language)  # type: ignore[arg-type]
    assert "{" not in text
    assert "None" not in text
    for article in articles(terms, language):  # type: ignore[arg-type]
        assert text.count(article.text) == 1


@pytest.mark.parametrize("terms", ALL, ids=lambda t: f"{t.id}-{t.version}")
def test_no_chinese_in_english_and_no_english_sentence_in_chinese(terms: Terms) -> None:
    assert not re.search(r"[\u4e00-\u9fff]", as_text(terms, "en"))
    chinese = re.sub(r"(度量|来源|后备|范围).*", "", as_text(terms, "zh"))
    assert not re.search(r"[a-z]{3,} [a-z]{3,}", chinese)


def test_the_table_of_the_paper_can_be_read_back() -> None:
    (limit,) = [a for a in articles(DALI, "zh") if a.name == "band_limit"]
    assert [(line.where, line.gives) for line in limit.lines] == [
        ("不满5.0级", "0元"),
        ("5.0级（含）至5.5级（不含）", "2,800万元"),
        ("5.5级（含）至6.0级（不含）", "5,000万元"),
        ("6.0级（含）至6.5级（不含）", "10,000万元"),
        ("6.5级（含）至7.0级（不含）", "20,000万元"),
        ("7.0级（含）以上", "42,000万元"),
    ]
    (second,) = [
        a
        for a in articles(shelf().find("yunnan_dali").version(2).terms, "zh")
        if a.name == "band_limit"
    ]
    assert [line.gives for line in second.lines if line.source] == ["4,000万元"]
    assert "可信度较低" in second.sources[0]


def test_an_unset_band_says_so() -> None:
    magnitude = next(i for i in DALI.inputs if i.name == "magnitude")
    body = b.bands(magnitude, (0, 0), (50, None), source=OURS)
    terms = b.terms("made_up", 1, b.clause("cover", body, zh="按{magnitude}", en="by {magnitude}"))
    assert articles(terms, "zh")[0].lines[1].gives == "未定，不予结算"
    assert articles(terms, "en")[0].lines[1].gives == "not set: refused"


def test_every_input_says_range_measure_source_and_fallback() -> None:
    found = {d.name: d for d in definitions(DALI, "en")}
    assert found["magnitude"].range == "0.0 - 10.0"
    assert found["magnitude"].sources == ("cenc.rapid",)
    assert found["magnitude"].fallback == ("cenc.catalogue",)
    assert found["loss_area"].measure == "loss.area(item=civil_houses)"
    assert found["role"].range.startswith("0 elsewhere, 1 the insured prefecture")
    assert found["loss_total"].if_missing == "closed as not reported, reopened by a report"


def test_a_trace_in_sentences() -> None:
    seen = {"role": 2, "magnitude": 51, "loss_area": 44_800, "loss_total": 166_419}
    lines = sentences(DALI, settle(DALI, "house", seen, {}, {"house": 0}), "zh")
    assert lines[0] == "第1条：主震震级 5.1级，在“5.0级（含）至5.5级（不含）”一档，得 2,800万元。"
    assert (
        "第1条 2,800万元 × 本地区民房地震损失 4,480万元 ÷ 该次地震民房总损失 16,641.9万元"
        in lines[1]
    )
    assert lines[-1].endswith("赔付后剩余 41,246.24万元。")
    english = sentences(DALI, settle(DALI, "house", seen, {}, {"house": 0}), "en")
    assert english[1].endswith("(rounded half up to 10 yuan); this gives 7,537,600 yuan.")


def test_a_trace_says_what_was_found_not_what_was_asked() -> None:
    lines = sentences(DALI, settle(DALI, "house", {"role": 0}, {}, {"house": 0}), "en")
    assert "is elsewhere, not the insured prefecture" in lines[0]
    low = {"role": 2, "magnitude": 49}
    lines = sentences(DALI, settle(DALI, "house", low, {}, {"house": 0}), "en")
    assert "main-shock magnitude 4.9 < the lowest magnitude that pays (5.0)" in lines[0]
    dead = {"role": 1, "magnitude": 60, "death_count": 801}
    lines = sentences(DALI, settle(DALI, "deaths", dead, {}, {"deaths": 0}), "zh")
    assert lines[-1] == "受年度限额所限，少赔 10万元。"


def test_tiers_are_worked_out_in_the_sentence() -> None:
    planned = 26_000_000
    seen = {"planned_restoration": planned, "actual_restoration": planned + 685, "outage_cause": 1}
    own = {"deductible": 120, "occurrence_limit": yuan(1_000)}
    lines = sentences(DELAY, settle(DELAY, "delay", seen, own, {"delay": 0}), "en")
    assert "10 units (a started unit counts whole): 4 × 50 yuan + 6 × 80 yuan" in lines[1]


def test_the_other_words_are_said_too() -> None:
    many = b.declared("many", Kind.COUNT, low=0, high=9, zh="份数", en="number")
    ratio = b.declared("ratio", Kind.RATIO, low=0, high=10**6, zh="比例", en="ratio")
    each = b.figure("each", 700, Kind.MONEY, zh="每份", en="each", source=OURS)
    rate = b.pro_rata(b.times(many, each), ratio, b.whole(Kind.RATIO), unit_fen=1)
    few = b.tiers(many, (0, 5), (3, 7), counting=Counting.EXACT, size=1, source=OURS)
    large = b.any_of(b.not_(b.at_least(many, b.whole(Kind.COUNT))), b.at_least(ratio, ratio))
    text = "按{many}、{ratio}与{each}"
    body = b.either(b.every(large, large), b.plus(rate, few, each), b.most(few, each))
    cover = b.clause("cover", body, zh=text, en=text.replace("按", "by "))
    terms = b.terms("made_up", 1, cover)
    (article,) = articles(terms, "en")
    assert "number × each (7 yuan) × ratio ÷ 100% (rounded half up to 0.01 yuan)" in article.formula
    assert "not (number ≥ 1) or ratio ≥ ratio" in article.formula
    assert [line.where for line in article.lines][:2] == [
        "from unit 1 to 3 (units of 1)", "from unit 4 on (units of 1)",
    ]  # fmt: skip
    declared = {"many": 4, "ratio": 500_000}
    result = settle(terms, "cover", {}, declared, {})
    assert result.amount_fen == 1_400 + (3 * 5 + 7) + 700
    (line,) = sentences(terms, result, "en")
    assert "number 4, 4 units (each one counts): 3 × 0.05 yuan + 1 × 0.07 yuan: 0.22 yuan" in line
    assert settle(terms, "cover", {}, {"many": 0, "ratio": 0}, {}).amount_fen == 700
