"""The made-up books and events that are measured: fixed seeds, whole numbers, no real market.

No policy of A lies within EDGE metres of the edge of a ring, so that any way of reckoning distance
gives the same payout and sums can be compared to the fen; edges themselves are for the tests.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from miaopei.measures.place import SCALE_BITS, unit_vector

from .terms import MOST, PLANS, RADII

EDGE = 150  # metres
DAY, TODAY, YEAR = 86_400, 20_300, 364
RADIUS = 6_371_008.8
EVENT = {"lat": 35_300_000, "lon": 139_950_000, "magnitude": 71}
CITIES = (  # latitude, longitude in degrees; share of the policies
    (35.68, 139.69, 16), (34.69, 135.50, 8), (14.60, 120.98, 12), (19.43, -99.13, 12),
    (-33.45, -70.67, 8), (-12.05, -77.04, 8), (37.77, -122.42, 6), (34.05, -118.24, 8),
    (41.01, 28.98, 8), (-6.21, 106.85, 8), (27.72, 85.32, 3), (38.25, 140.34, 3),
)  # fmt: skip

Columns = dict[str, np.ndarray]


def vectors(lat: np.ndarray, lon: np.ndarray) -> tuple[np.ndarray, ...]:
    """Unit vectors of many positions in micro-degrees, in floats and then rounded.

    Good for a benchmark's book; a policy's own is made by `measures.place.unit_vector`, exactly.
    """
    la, lo = np.radians(lat / 1e6), np.radians(lon / 1e6)
    parts = (np.cos(la) * np.cos(lo), np.cos(la) * np.sin(lo), np.sin(la))
    return tuple(np.rint(part * 2**SCALE_BITS).astype(np.int32) for part in parts)


def book_a(rows: int) -> Columns:
    """Policies round twelve cities, about one in seven not in force on the day."""
    rng = np.random.default_rng(20260401)
    shares = np.array([share for *_, share in CITIES], dtype=float)
    city = rng.choice(len(CITIES), rows, p=shares / shares.sum())
    middle = np.array([(lat, lon) for lat, lon, _ in CITIES])[city]
    lat, lon = (np.rint((middle[:, i] + rng.normal(0, 0.8, rows)) * 1e6).astype(np.int64)
                for i in (0, 1))  # fmt: skip
    while (edge := _at_an_edge(lat, lon)).any():
        lat += np.where(edge, 3_000, 0)
    x, y, z = vectors(lat, lon)
    found = _money(rng, rows)
    since = (TODAY + rng.integers(-YEAR, 60, rows)).astype(np.int64) * DAY
    return {
        "id": np.arange(rows, dtype=np.int64), "lat": lat, "lon": lon, "x": x, "y": y, "z": z,
        **found, "since": since, "until": since + (YEAR + 1) * DAY,
        "spent": np.where(rng.random(rows) < 0.15,
                          found["year_limit"] * rng.integers(0, 101, rows) // 100, 0),
    }  # fmt: skip


def _at_an_edge(lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
    la, lo = np.radians(lat / 1e6), np.radians(lon / 1e6)
    a, o = np.radians(EVENT["lat"] / 1e6), np.radians(EVENT["lon"] / 1e6)
    h = np.sin((la - a) / 2) ** 2 + np.cos(a) * np.cos(la) * np.sin((lo - o) / 2) ** 2
    metres = 2 * RADIUS * np.arcsin(np.sqrt(h))
    return np.any([np.abs(metres - radius) < EDGE for radius in RADII], axis=0)


def _money(rng: np.random.Generator, rows: int) -> Columns:
    insured = np.rint(np.exp(rng.normal(14.5, 1.2, rows))).astype(np.int64)
    insured = insured.clip(50_000, MOST)
    return {
        "plan": rng.integers(0, PLANS, rows).astype(np.int16),
        "insured": insured,
        "event_limit": insured * rng.integers(40, 101, rows) // 100,
        "year_limit": insured * rng.integers(50, 151, rows) // 100,
    }


def seen_a() -> dict[str, int]:
    """What is observed of the one earthquake."""
    x, y, z = unit_vector(EVENT["lat"], EVENT["lon"])
    return {"cx": x, "cy": y, "cz": z, "magnitude": EVENT["magnitude"]}


def years_b(events: int = 10_000, policies: int = 100_000, years: int = 2_000) -> dict[str, Any]:
    """Events by year, each touching about one policy in a hundred: pairs in the order of events."""
    rng = np.random.default_rng(20260402)
    year = np.sort(rng.integers(0, years, events))
    size = np.exp(rng.normal(np.log(600), 1.0, events)).clip(1, 40_000)
    size = (size * (0.01 * policies * events / size.sum())).astype(np.int64).clip(1, policies // 2)
    who, how = [], []
    for number in size.tolist():
        span = number * 5 // 4 + 1
        first = int(rng.integers(0, policies - span))
        offsets = np.sort(rng.choice(span, number, replace=False))
        peak = 200 + 600 * rng.random() ** 1.7
        bell = np.exp(-0.9 * ((offsets - span / 2) / (span / 2 + 1)) ** 2)
        how.append(np.rint(peak * bell + rng.normal(0, 15, number)).clip(0, 2_000))
        who.append(first + offsets)
    return {
        "years": np.searchsorted(year, np.arange(years + 1)).astype(np.int64),
        "events": np.r_[0, np.cumsum(size)].astype(np.int64),
        "policy": np.concatenate(who).astype(np.int32),
        "intensity": np.concatenate(how).astype(np.int16),
        "declared": _money(rng, policies),
    }


def keep(book: Columns, folder: Path) -> None:
    """Columns as files, for peers in processes of their own."""
    for name, column in book.items():
        np.save(folder / f"{name}.npy", column)
