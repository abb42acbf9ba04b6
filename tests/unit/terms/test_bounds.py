"""Bounds: the carriers' worst case falls out of the terms; overflow is proved away or refused."""

from __future__ import annotations

import pytest

from miaopei.errors import Refused
from miaopei.measures.money import wan
from miaopei.products.shelf import shelf
from miaopei.terms import build as b
from miaopei.terms.bounds import INT64_MOST, bounds, prove
from miaopei.terms.columnar import settle_many
from miaopei.terms.words import Kind, Word

OURS = b.source("测试", "test", dated="2026-01-01")
RATIO = b.declared("ratio", Kind.RATIO, low=0, high=10**6, zh="比", en="ratio")


@pytest.mark.parametrize(
    ("product", "version", "benefit", "most"),
    [
        ("yunnan_dali", 1, "house", wan(42_000)),
        ("yunnan_dali", 2, "house", wan(16_800)),
        ("yunnan_dali", 1, "deaths", wan(8_000)),
        ("yunnan_yuxi", 1, "house", wan(24_000)),
        ("yunnan_yuxi", 1, "deaths", wan(4_600)),
        ("power_restoration", 1, "delay", wan(10)),
    ],
)
def test_least_and_most_of_each_benefit(
    product: str, version: int, benefit: str, most: int
) -> None:
    found = prove(shelf().find(product).version(version).terms, benefit)
    assert (found.least, found.most) == (0, most)
    assert found.clauses[benefit] == (0, most)


def test_facts_narrow_the_bounds() -> None:
    terms = shelf().find("yunnan_dali").version(1).terms
    facts = {"role": 2, "magnitude": 51}
    assert bounds(terms, "house", facts).clauses["house_rule"] == (0, wan(2_800))
    facts |= {"loss_area": 44_800, "loss_total": 166_419}
    assert bounds(terms, "house", facts).clauses["house_rule"] == (753_760_000, 753_760_000)
    refused = {**facts, "loss_total": 1}
    assert bounds(terms, "house", refused).clauses["house_rule"] == (0, 0)


def cover(body: Word) -> object:
    return b.terms("made_up", 1, b.clause("cover", body, zh="测", en="test"))


def test_a_share_by_ppm_of_a_hundred_trillion_fen_is_refused() -> None:
    amount = b.figure("amount", 10**14, Kind.MONEY, zh="额", en="amount", source=OURS)
    terms = cover(b.pro_rata(amount, RATIO, b.whole(Kind.RATIO), unit_fen=1))
    with pytest.raises(Refused) as caught:
        prove(terms, "cover")  # type: ignore[arg-type]
    (refusal,) = caught.value.refusals
    assert refusal.code == "terms.overflow"
    assert refusal.facts == {
        "word": "ProRata", "value": str(10**20), "most": str(INT64_MOST)
    }  # fmt: skip
    with pytest.raises(Refused):
        settle_many(terms, "cover", {}, {"ratio": 1}, {})  # type: ignore[arg-type]


@pytest.mark.parametrize("amount", [9_223_372_036_854, 9_223_372_036_855])
def test_the_proof_holds_to_the_last_fen(amount: int) -> None:
    """2**63 - 1 is 9,223,372,036,854,775,807."""
    figure = b.figure("amount", amount, Kind.MONEY, zh="额", en="amount", source=OURS)
    terms = cover(b.pro_rata(figure, RATIO, b.whole(Kind.RATIO), unit_fen=1))
    fits = amount * 10**6 <= INT64_MOST
    assert bool(bounds(terms, "cover").faults) is not fits  # type: ignore[arg-type]
    assert fits is (amount == 9_223_372_036_854)
    if fits:
        amounts = settle_many(terms, "cover", {}, {"ratio": 10**6}, {})  # type: ignore[arg-type]
        assert amounts.tolist() == [amount]


def test_every_step_is_proved_not_only_the_result() -> None:
    big = b.declared("big", Kind.MONEY, low=0, high=2**62, zh="大", en="big")
    for body in (
        b.minus(b.plus(big, big), big),
        b.least(b.plus(big, big), b.nothing()),
        b.either(b.at_least(big, b.nothing()), b.nothing(), b.plus(big, big)),
        b.times(b.declared("many", Kind.COUNT, low=0, high=8, zh="多", en="many"), big),
        b.minus(b.minus(b.nothing(), big), big),
    ):
        found = bounds(cover(body), "cover").faults  # type: ignore[arg-type]
        assert {r.code for r in found} == {"terms.overflow"}


def test_a_share_of_less_than_nothing_is_refused() -> None:
    debt = b.declared("debt", Kind.MONEY, low=-5, high=5, zh="债", en="debt")
    terms = cover(b.pro_rata(debt, RATIO, b.whole(Kind.RATIO), unit_fen=1))
    assert [r.code for r in bounds(terms, "cover").faults] == [  # type: ignore[arg-type]
        "terms.share_below_zero"
    ]
