"""The general conditions: no number typed, zh and en say the same, every filed number is there."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace

import pytest

from miaopei.adapters.feeds import shipped
from miaopei.products.shelf import shelf
from miaopei.terms.filing import Revision
from miaopei.terms.wording import as_text
from miaopei.terms.wording.conditions import NAMED, conditions
from miaopei.terms.wording.general import SENTENCES

VERSIONS = [(product, version) for product in shelf() for version in product.versions]
DALI = shelf().find("yunnan_dali")


def numbers(text: str) -> list[str]:
    return sorted(re.findall(r"[0-9][0-9,.]*[0-9]|[0-9]", text))


@pytest.mark.parametrize("sentence", SENTENCES, ids=lambda s: f"{s.name}-{s.title.en}")
def test_a_sentence_types_no_number_and_both_languages_name_the_same(sentence) -> None:
    for text in (sentence.text.zh, sentence.text.en, sentence.title.zh, sentence.title.en):
        assert text.strip()
        assert not any(unicodedata.category(c).startswith("N") for c in NAMED.sub("", text))
    named = [sorted(set(NAMED.findall(text))) for text in (sentence.text.zh, sentence.text.en)]
    assert named[0] == named[1]


@pytest.mark.parametrize(
    ("product", "version"), VERSIONS, ids=lambda v: str(v.number if hasattr(v, "number") else v.id)
)
def test_both_languages_hold_the_same_conditions_with_the_same_numbers(product, version) -> None:
    zh, en = (conditions(product, version.terms, language) for language in ("zh", "en"))
    assert [c.name for c in zh] == [c.name for c in en]
    assert [c.number for c in zh] == list(range(1, len(zh) + 1))
    for one, other in zip(zh, en, strict=True):
        assert numbers(one.text) == numbers(other.text), one.name


def test_every_number_of_the_grouping_rule_is_read_from_the_filing() -> None:
    rule = {
        **DALI.grouping, "threshold_tenths": 47, "hours": 71, "km": 49, "same_shock_seconds": 53,
        "same_shock_km": 97, "like_shock_seconds": 131, "like_shock_tenths": 4,
    }  # fmt: skip
    inputs = tuple(replace(each, freeze_seconds=11 * 3_600) for each in DALI.inputs)
    other = replace(DALI, grouping=rule, inputs=inputs)
    text = " ".join(c.text for c in conditions(other, DALI.versions[0].terms, "en"))
    for said in (
        "4.7",
        "71 hours",
        "49 km",
        "53 seconds",
        "97 km",
        "131 seconds",
        "0.4",
        "11 hours",
    ):
        assert said in text
    for before in ("5.0", "72 hours", "50 km", "100 km", "12 hours"):
        assert before not in text


@pytest.mark.parametrize("language", ["zh", "en"])
def test_what_happens_after_settlement_is_read_from_the_rule_of_the_input(language) -> None:
    stands, adjusts = (
        conditions(
            replace(DALI, inputs=tuple(replace(i, revision=how) for i in DALI.inputs)),
            DALI.versions[0].terms,
            language,
        )
        for how in (Revision.FIRST_SETTLES, Revision.REVISION_COUNTS)
    )
    after = [[c.text for c in found if c.name == "after_settlement"] for found in (stands, adjusts)]
    assert [len(each) for each in after] == [1, 1]
    shown = {"zh": "只作展示", "en": "moves no money"}[language]
    assert (shown in after[0][0], shown in after[1][0]) == (True, False)


def test_the_conditions_define_what_the_covers_speak_of() -> None:
    names = {c.name for c in conditions(DALI, DALI.versions[0].terms, "zh")}
    assert names == {
        "sequence", "same_shock", "like_shock", "main_shock", "in_force", "late_policy",
        "policy_year", "area", "rounding", "facts", "no_report", "deadline", "after_settlement",
        "same_version",
    }  # fmt: skip


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_customer_reads_the_names_of_sources_and_never_their_ids(language) -> None:
    """Of every shipped cover; the definitions give the id beside the name, for who looks it up."""
    names = shipped.spoken()
    for product in shelf():
        ids = {s for rule in product.inputs for s in (*rule.sources, *rule.fallback)}
        for version in product.versions:
            found = conditions(product, version.terms, language, names)
            said = " ".join(c.text for c in found)
            lines = as_text(version.terms, language, product, names).splitlines()
            whole = "\n".join(x for x in lines if not x.startswith(("- 度量", "- Measure")))
            for source in ids:
                name = getattr(names[source], language)
                assert name in said
                assert source not in said
                beside = f"{name}（{source}）" if language == "zh" else f"{name} ({source})"
                assert beside in whole
                assert source not in whole.replace(beside, "")


def test_a_source_that_nobody_has_named_is_called_by_its_id() -> None:
    said = " ".join(c.text for c in conditions(DALI, DALI.versions[0].terms, "en"))
    assert "by cenc.rapid" in said


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_seconds_that_readers_ask_for_are_said_once_in_every_cover(language) -> None:
    """What `tests/faults/test_edges_of_time.py` holds the record to."""
    year = {"zh": "二月的最后一日", "en": "the last day of February"}[language]
    second = {"zh": "当秒收录的，为按时收录", "en": "is in time"}[language]
    for product in shelf():
        for version in product.versions:
            found = conditions(product, version.terms, language)
            for name, said in (("policy_year", year), ("deadline", second)):
                (text,) = [c.text for c in found if c.name == name]
                assert said in text


def test_a_cover_by_distance_says_how_distance_is_measured_and_names_no_area() -> None:
    circle = shelf().find("quake_circle")
    found = {c.name: c.text for c in conditions(circle, circle.versions[0].terms, "en")}
    assert "area" not in found
    for said in ("6,371,008.8 m", "0.000001 degrees", "1,073,741,824", "at most 2.7 m"):
        assert said in found["distance"]
    assert "never their sum" in found["main_shock"]  # each shock by itself, the greatest is owed
    dali = {c.name for c in conditions(DALI, DALI.versions[0].terms, "en")}
    assert "distance" not in dali


def test_a_listings_cap_on_an_occurrence_is_a_condition_of_its_wording() -> None:
    terms = DALI.versions[0].terms
    for language, said in (("zh", "400.5万元"), ("en", "4,005,000 yuan")):
        found = conditions(DALI, terms, language, caps={"dali": 400_500_000})
        (cap,) = [c.text for c in found if c.name == "occurrence_cap"]
        assert said in cap
        assert "dali" in cap
    assert all(c.name != "occurrence_cap" for c in conditions(DALI, terms, "zh"))
