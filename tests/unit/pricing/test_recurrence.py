"""The law of Gutenberg and Richter, held against other people's code and formulas."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from math import log, log10

import pytest

from miaopei.adapters.feeds.shipped import earthquake_file
from miaopei.errors import Refused
from miaopei.pricing.chance import Stream, cumulative
from miaopei.pricing.recurrence import Quake, fit, magnitudes, main_shocks, slope

# SeismoStats 1.0.1 (ETH) on the Ms rows of the shipped catalogue: UtsuBValueEstimator for steps of
# 0.1; its ClassicBValueEstimator (Tinti and Mulargia) gives STEPPED at 4.2; and
# `shi_bolt_confidence(..., b=0.9)` the error at 4.2.
SEISMOSTATS = {40: 0.6989828347791982, 42: 0.8147568169709252, 45: 0.9386577843266634}
COUNTS = {40: 136, 42: 112, 45: 71}
STEPPED = 0.8171591616850454
SHI_BOLT_AT_0_9 = 0.08272535054124806


def shipped() -> list[int]:
    text = earthquake_file("cenc_catalogue_2015_2021.csv").decode("utf-8-sig")
    rows = csv.DictReader(io.StringIO(text))
    kept = [r["震级"] for r in rows if r["震级类型"] == "Ms" and r["事件类型"] == "天然地震"]
    return [int(Decimal(value) * 10) for value in kept]


@pytest.mark.parametrize("least", [40, 42, 45])
def test_b_is_what_seismostats_finds(least: int) -> None:
    found = fit(shipped(), least, 7 * 365)
    assert found.count == COUNTS[least]
    assert float(found.b) == pytest.approx(SEISMOSTATS[least], rel=1e-12)


def test_the_error_is_that_of_shi_and_bolt() -> None:
    tenths = [value for value in shipped() if value >= 42]
    b, error = slope(tenths, 42)
    assert float(error / b / b) * 0.9**2 == pytest.approx(SHI_BOLT_AT_0_9, rel=1e-3)  # it has 2.30


def test_b_of_a_hand_made_sample() -> None:
    """Aki by hand: 20 events of mean 4.55, complete from 4.0 in steps of 0.1: log10(e) / 0.6."""
    b, _ = slope([40] * 10 + [51] * 10, 40)
    assert float(b) == pytest.approx(1 / log(10) / (4.55 - 3.95), rel=1e-15)


def test_b_agrees_with_the_formula_for_steps() -> None:
    """Tinti and Mulargia 1987: the exact likelihood of a law in steps, another formula."""
    tenths = [value for value in shipped() if value >= 42]
    mean = sum(tenths) / len(tenths) / 10
    stepped = log10(1 + 0.1 / (mean - 4.2)) / 0.1
    assert stepped == pytest.approx(STEPPED, rel=1e-12)
    assert float(fit(tenths, 42, 365).b) == pytest.approx(stepped, rel=0.01)


@pytest.mark.parametrize("true", ["0.70", "1.00", "1.30"])
def test_a_known_b_is_found_again(true: str) -> None:
    edges = cumulative(magnitudes(Decimal(true), 40, 95))
    drawn = (Stream(7, f"b {true}").pick(edges, 20_000) + 40).tolist()
    found = fit(drawn, 40, 365)
    assert abs(found.b - Decimal(true)) < 4 * found.b_error


def test_a_and_rate_say_the_same() -> None:
    found = fit([42] * 60 + [43] * 40, 42, 3652)
    years = Decimal(3652) / Decimal("365.2425")
    assert found.rate == pytest.approx(Decimal(100) / years)
    assert float(found.a) == pytest.approx(log10(float(found.rate)) + float(found.b) * 4.2)


def test_too_few_or_equal_magnitudes_are_refused() -> None:
    with pytest.raises(Refused) as few:
        fit([50] * 19, 40, 365)
    assert few.value.refusals[0].code == "pricing.too_few_quakes"
    with pytest.raises(Refused) as equal:
        fit([50] * 30, 40, 365)
    assert equal.value.refusals[0].code == "pricing.one_magnitude"
    with pytest.raises(Refused) as never:
        fit([50] * 20 + [51], 40, 0)
    assert never.value.refusals[0].code == "pricing.no_time"


def test_a_sequence_counts_once_as_its_largest_shock() -> None:
    """Yangbi, 2021-05-21: 5.6, 6.5, 5.0 within an hour; another shock far away, one weeks later."""
    first = Quake(0, 25_630_000, 99_920_000, 56, "")
    main = Quake(1700, 25_700_000, 99_880_000, 65, "")
    after = Quake(2400, 25_670_000, 99_970_000, 50, "")
    elsewhere = Quake(2000, 23_000_000, 101_000_000, 50, "")
    later = Quake(30 * 86_400, 25_700_000, 99_880_000, 51, "")
    found = main_shocks([after, later, main, elsewhere, first], 72, 50)
    assert found == [main, elsewhere, later]
