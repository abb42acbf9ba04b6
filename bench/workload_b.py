"""Workload B: 10,000 events x 100,000 policies over 2,000 years, as numbers and as declared terms.

The same numbers for everybody who draws them from NumPy's generator with this seed: 9,995,007
pairs; 85,151,062,875.52 paid with the yearly limits, 86,603,582,139.97 without; 250-year losses of
238,470,634.37 by year and 192,838,530.69 by event.
Synthetic and labelled so: it measures speed, it prices nothing.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

from miaopei.adapters.pricing.readings import Readings
from miaopei.pricing.events import Occurrences, Touched
from miaopei.pricing.years import Book, YearLosses, settle_years
from miaopei.terms import build as b
from miaopei.terms.words import IfMissing, Kind, Terms

SEED, POLICIES_OF_A, PRODUCTS = 20260101, 1_000_000, 16
EVENTS, POLICIES, YEARS = 10_000, 100_000, 2_000
THRESHOLDS = (2_500, 3_300, 4_300, 5_000, 5_800, 7_000)  # hundredths of m/s, inclusive
TOTAL, UNLIMITED = 8_515_106_287_552, 8_660_358_213_997  # cents
AEP250, OEP250 = 23_847_063_437, 19_283_853_069
MOST_SUM = 50_000_000_000


def arrays() -> dict[str, np.ndarray[Any, Any]]:
    """Pairs in the order of events, policies, products: money in cents, shares in basis points."""
    rng = np.random.default_rng(SEED)
    _leave_out_a(rng)
    rng.random(POLICIES)  # a position that only workload A's layout would use
    si = np.round(np.exp(rng.normal(14.5, 1.2, POLICIES))).astype(np.int64).clip(50_000, MOST_SUM)
    product = rng.integers(0, PRODUCTS, POLICIES).astype(np.int16)
    event_limit = (si * rng.integers(40, 101, POLICIES) // 100).astype(np.int64)
    year_limit = (si * rng.integers(50, 151, POLICIES) // 100).astype(np.int64)
    step = np.zeros((PRODUCTS, 7), np.int64)
    for number in range(PRODUCTS):
        step[number, 1:] = np.sort(rng.integers(500, 10001, 6))
    year = np.sort(rng.integers(0, YEARS, EVENTS)).astype(np.int32)
    size = np.minimum(
        np.round(rng.lognormal(np.log(600), 1.0, EVENTS)).astype(np.int64) + 1, 40_000
    )
    size = (size * (0.01 * POLICIES * EVENTS / size.sum())).astype(np.int64).clip(1, POLICIES)
    policy, wind = [], []
    for count in map(int, size):
        start = int(rng.integers(0, POLICIES - count + 1))
        span = min(int(count * 1.25) + 1, POLICIES - start)
        hit = start + np.sort(rng.choice(span, min(count, span), replace=False))
        peak = 20 + 60 * rng.random() ** 1.7
        bell = np.exp(-(((hit - (start + span / 2)) / (span / 2 + 1)) ** 2) * 0.9)
        wind.append(np.round(peak * bell + rng.normal(0, 1.5, len(hit)), 2))
        policy.append(hit.astype(np.int32))
    first = np.concatenate(([0], np.cumsum([len(each) for each in policy]))).astype(np.int64)
    speed = np.rint(np.concatenate(wind).clip(0.01) * 100).astype(np.int32)
    return {
        "first": first, "policy": np.concatenate(policy), "speed": speed, "year": year, "si": si,
        "product": product, "event_limit": event_limit, "year_limit": year_limit, "step": step,
    }  # fmt: skip


def _leave_out_a(rng: np.random.Generator) -> None:
    """What workload A draws from the same generator before B."""
    for _ in range(PRODUCTS):
        rng.integers(5000, 10001)
        for _ in range(4 * 5):
            rng.integers(-99, 100)
    share = np.array([0.16, 0.08, 0.12, 0.12, 0.08, 0.08, 0.06, 0.08, 0.08, 0.08, 0.03, 0.03])
    count = POLICIES_OF_A
    rng.choice(12, count, p=share / share.sum())
    rng.normal(0, 0.8, count)
    rng.normal(0, 0.8, count)
    rng.normal(14.5, 1.2, count)
    for low, high in ((0, PRODUCTS), (40, 101), (50, 151)):
        rng.integers(low, high, count)
    rng.random(count)
    rng.integers(0, 101, count)
    rng.integers(-364, 60, count)


def kept(folder: Path) -> Path:
    """The numbers as one file, made once; for peers, whose environments are their own."""
    path = folder / "workload-b.npz"
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / "workload-b.part.npz"
        np.savez(part, **arrays())
        part.replace(path)
    return path


def world(given: dict[str, np.ndarray[Any, Any]]) -> tuple[Occurrences, Book]:
    """The same as occurrences and a book, for the declared terms."""
    touched = Touched(given["first"], given["policy"], {"wind": given["speed"].astype(np.int16)})
    events = Occurrences(YEARS, given["year"].astype(np.int64), {}, touched)
    declared = {
        "sum_insured": given["si"],
        "product": given["product"].astype(np.int64),
        "event_limit": given["event_limit"],
        "year_limit": given["year_limit"],
    }
    return events, Book(POLICIES, declared)


def settled(
    of: Terms, events: Occurrences, book: Book, years: tuple[int, int], readings: Readings
) -> YearLosses:
    """What some years cost, by the readings that price."""
    return settle_years(of, "wind_cover", events, book, years, readings.years)


def terms(step: np.ndarray[Any, Any]) -> Terms:
    """B as a cover: tier of the wind, share by product and tier, limits an event and a year."""
    ours = b.source("合成", "synthetic", dated="2026-01-01")
    wind = b.observed(
        "wind", Kind.COUNT, low=0, high=20_000, zh="风速", en="the wind", measure="value",
        sources=("bench",), if_missing=IfMissing.HOLD, definition_zh="百分之一米每秒。",
        definition_en="Hundredths of a metre a second.",
    )  # fmt: skip
    money = {
        name: b.declared(name, Kind.MONEY, low=0, high=2 * MOST_SUM, zh=name, en=name)
        for name in ("sum_insured", "event_limit", "year_limit")
    }
    product = b.declared("product", Kind.COUNT, low=0, high=PRODUCTS - 1, zh="产品", en="product")
    tiers = [(0, 0), *[(at, number) for number, at in enumerate(THRESHOLDS, 1)]]
    tier = b.bands(wind, *tiers, kind=Kind.COUNT, source=ours)
    seven = b.figure("seven", 7, Kind.COUNT, zh="档数", en="tiers", source=ours)
    cell = b.plus(b.times(product, seven), tier)
    shares = [(at, int(bp) * 100) for at, bp in enumerate(step.ravel())]
    share = b.bands(cell, *shares, kind=Kind.RATIO, source=ours)
    most = b.figure("most", 2 * MOST_SUM, Kind.MONEY, zh="上限", en="most", source=ours)
    each = b.least(b.pro_rata(money["sum_insured"], share, b.whole(Kind.RATIO), unit_fen=1),
                   money["event_limit"])  # fmt: skip
    left = b.minus(money["year_limit"], b.spent("wind_cover", most))
    body = b.clause("wind_cover", b.least(each, left), zh="合成", en="synthetic")
    return b.terms("workload_b", 1, body)


if __name__ == "__main__":
    print(kept(Path(sys.argv[1])))
