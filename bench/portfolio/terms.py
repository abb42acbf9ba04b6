"""The covers that are measured, declared in the words of the terms and in nothing else.

A: distance by magnitude, sixteen plans, a limit an event and a limit a year in each policy.
B: intensity in steps, sixteen plans, the same two limits.
C: one policy, nine cells of distance by magnitude, two limits: what a rules engine is asked.
"""

from __future__ import annotations

import numpy as np

from miaopei.measures.place import SCALE_BITS
from miaopei.terms import build as b
from miaopei.terms import words as w
from miaopei.terms.words import Kind, Terms

OURS = b.source("测速用，自拟", "made up for measuring", dated="2026-01-01")
PLANS, ONE, MOST = 16, 1 << SCALE_BITS, 10**12
RADII = (25_000, 50_000, 100_000, 200_000)  # metres, edge included
MAGNITUDES = (55, 60, 65, 70, 75)  # tenths, from
THRESHOLDS = (250, 330, 430, 500, 580, 700)  # tenths of a metre a second, from
PPM = 100  # of one basis point


def shares_a() -> np.ndarray:
    """Basis points by plan, ring and step of magnitude; a seed of its own."""
    rng = np.random.default_rng(20260301)
    top = rng.integers(5_000, 10_001, PLANS)[:, None, None]
    ring = np.arange(len(RADII))[None, :, None]
    step = np.arange(1, len(MAGNITUDES) + 1)[None, None, :]
    spread = rng.integers(-99, 100, (PLANS, len(RADII), len(MAGNITUDES)))
    return np.clip(top * step // len(MAGNITUDES) - ring * 1_750 + spread, 0, 10_000)


def shares_b() -> np.ndarray:
    """Basis points by plan and step of intensity."""
    rng = np.random.default_rng(20260302)
    return np.sort(rng.integers(500, 10_001, (PLANS, len(THRESHOLDS))), axis=1)


def money(name: str) -> w.Declared:
    """An amount that stands in the policy."""
    return b.declared(name, Kind.MONEY, low=0, high=MOST, zh=name, en=name)


def seen(name: str, kind: Kind, low: int, high: int) -> w.Observed:
    """A number that an event brings."""
    return b.observed(
        name, kind, low=low, high=high, zh=name, en=name, measure="value", sources=("s",),
        definition_zh=name, definition_en=name, if_missing=w.IfMissing.HOLD,
    )  # fmt: skip


def figure(name: str, value: int, kind: Kind) -> w.Figure:
    """A number of the contract."""
    return b.figure(name, value, kind, zh=name, en=name, source=OURS)


def clause(name: str, body: w.Word) -> w.Clause:
    """Nothing here is sold, so texts are names."""
    return b.clause(name, body, zh=name, en=name)


PLAN = b.declared("plan", Kind.COUNT, low=0, high=PLANS - 1, zh="plan", en="plan")
INSURED, EVENT_LIMIT, YEAR_LIMIT = money("insured"), money("event_limit"), money("year_limit")
MOST_SPENT = figure("most_spent", MOST, Kind.MONEY)


def by_plan(points: np.ndarray) -> w.Band:
    """A share for each plan."""
    rows = ((plan, int(point) * PPM) for plan, point in enumerate(points))
    return b.bands(PLAN, *rows, end=PLANS, kind=Kind.RATIO, source=OURS)


def limited(share: w.Word, benefit: str) -> w.Word:
    """The share of the sum insured, at most the event's limit and what is left of the year's."""
    part = b.pro_rata(INSURED, share, b.whole(Kind.RATIO), unit_fen=1)
    left = b.most(b.minus(YEAR_LIMIT, b.spent(benefit, MOST_SPENT)), b.nothing())
    return b.least(part, EVENT_LIMIT, left)


def terms_a() -> Terms:
    """Workload A."""
    place = tuple(b.declared(n, Kind.PART, low=-ONE, high=ONE, zh=n, en=n) for n in ("x", "y", "z"))
    centre = tuple(seen(n, Kind.PART, -ONE, ONE) for n in ("cx", "cy", "cz"))
    magnitude, points = seen("magnitude", Kind.MAGNITUDE, 0, 100), shares_a()
    share: w.Word = b.nothing(Kind.RATIO)
    for ring in reversed(range(len(RADII))):
        steps: w.Word = b.nothing(Kind.RATIO)
        for n, tenths in enumerate(MAGNITUDES):
            edge = figure(f"from_{tenths}", tenths, Kind.MAGNITUDE)
            steps = b.either(b.at_least(magnitude, edge), by_plan(points[:, ring, n]), steps)
        radius = figure(f"radius_{ring}", RADII[ring], Kind.METRES)
        share = b.either(b.near(place, centre, radius), steps, share)
    outer = figure(f"radius_{len(RADII) - 1}", RADII[-1], Kind.METRES)
    body = b.either(b.near(place, centre, outer), limited(share, "quake"), b.nothing())
    return b.terms("bench_a", 1, clause("quake", body))


def terms_b() -> Terms:
    """Workload B."""
    intensity, points = seen("intensity", Kind.MAGNITUDE, 0, 2_000), shares_b()
    share: w.Word = b.nothing(Kind.RATIO)
    for n, threshold in enumerate(THRESHOLDS):
        edge = figure(f"from_{threshold}", threshold, Kind.MAGNITUDE)
        share = b.either(b.at_least(intensity, edge), by_plan(points[:, n]), share)
    lowest = figure(f"from_{THRESHOLDS[0]}", THRESHOLDS[0], Kind.MAGNITUDE)
    body = b.either(b.at_least(intensity, lowest), limited(share, "wind"), b.nothing())
    return b.terms("bench_b", 1, clause("wind", body))


CELLS = (
    (25, ((70, 7_250), (65, 6_000), (60, 4_000))),
    (50, ((70, 5_500), (65, 4_000), (60, 2_500))),
    (100, ((70, 3_000), (65, 2_000))),
    (200, ((70, 1_000),)),
)  # km, then (tenths from, basis points)


def terms_c() -> Terms:
    """Workload C: the distance is given, in whole km."""
    distance = seen("distance", Kind.COUNT, 0, 20_000)
    magnitude = seen("magnitude", Kind.MAGNITUDE, 0, 100)
    share: w.Word = b.nothing(Kind.RATIO)
    for km, steps in reversed(CELLS):
        cells = b.bands(
            magnitude, (0, 0), *((m, bp * PPM) for m, bp in reversed(steps)), kind=Kind.RATIO,
            source=OURS,
        )  # fmt: skip
        share = b.either(b.at_least(figure(f"km_{km}", km, Kind.COUNT), distance), cells, share)
    return b.terms("bench_c", 1, clause("one", limited(share, "one")))
