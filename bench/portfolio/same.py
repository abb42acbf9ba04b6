"""P0: before any time counts, every amount against the exact reading, to the fen."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np

from miaopei.adapters.kernels import Kernels
from miaopei.policies import layout as laid
from miaopei.terms import exact

from . import work
from .rows import Row
from .terms import terms_a, terms_b
from .whole import DECLARED_A, DELAY, delay_book, delay_seen, years_of

ROWS, YEARS, PART = 1_000_000, 200, 20_000


def run(kernels: Kernels) -> Iterator[Row]:
    """Fen that differ: A, every policy; B, every pair of the first 200 years; the delay cover."""
    threads = max(1, (os.cpu_count() or 2))
    with ProcessPoolExecutor(threads, mp_context=get_context("spawn")) as pool:
        book = work.book_a(ROWS)
        declared = {name: book[name] for name in DECLARED_A}
        layout = laid.lay_out(declared, book["since"], book["until"])
        paid = kernels.paid(
            terms_a(), "quake", work.seen_a(), layout, book["spent"], work.TODAY * work.DAY
        )
        amounts = np.zeros(ROWS, dtype=np.int64)
        amounts[paid.rows] = paid.amounts
        stands = (book["since"] <= work.TODAY * work.DAY) & (book["until"] > work.TODAY * work.DAY)
        parts = [
            ("a", {n: c[s] for n, c in {**declared, "spent": book["spent"]}.items()})
            for s in _parts(ROWS)
        ]
        wanted = np.where(stands, np.concatenate(list(pool.map(exactly, parts))), 0)
        different = int(np.abs(wanted - amounts).sum()) + len(paid.refused)
        b = work.years_b()
        net = kernels.years(*years_of(b)).net[: b["years"][YEARS]]
        different += int(np.abs(_years(b) - net).sum())
        own = delay_book(ROWS)
        got = kernels.settle_many(DELAY, "delay", delay_seen(), own["declared"], own["spent"])
        parts = [
            ("delay", {n: c[s] for n, c in {**own["declared"], "spent": own["spent"]}.items()})
            for s in _parts(ROWS)
        ]
        different += int(np.abs(np.concatenate(list(pool.map(exactly, parts))) - got).sum())
    what = (
        f"A {ROWS:,} policies, B every pair of {YEARS} years "
        f"({int(b['events'][b['years'][YEARS]]):,}), delay {ROWS:,}: kernel against exact"
    )
    yield Row("P0", what, different, "fen", most=0)


def _parts(rows: int) -> list[slice]:
    return [slice(first, min(first + PART, rows)) for first in range(0, rows, PART)]


def exactly(part: tuple[str, dict[str, np.ndarray]]) -> np.ndarray:
    """One policy after another by the definition."""
    name, columns = part
    terms, benefit, seen = (
        (terms_a(), "quake", work.seen_a()) if name == "a" else (DELAY, "delay", delay_seen())
    )
    lists = {n: c.tolist() for n, c in columns.items()}
    spent = lists.pop("spent")
    names = list(lists)
    return np.array(
        [
            exact.settle(
                terms, benefit, seen, dict(zip(names, row, strict=True)), {benefit: before}
            ).amount_fen
            for *row, before in zip(*lists.values(), spent, strict=True)
        ],
        dtype=np.int64,
    )


def _years(b: dict[str, object]) -> np.ndarray:
    """The first years of B, pair by pair, by the definition."""
    terms, found = terms_b(), []
    columns = {n: c.tolist() for n, c in b["declared"].items()}  # type: ignore[attr-defined]
    policy, intensity = b["policy"], b["intensity"]
    for year in range(YEARS):
        spent: dict[int, int] = {}
        for event in range(b["years"][year], b["years"][year + 1]):  # type: ignore[index]
            pairs = slice(b["events"][event], b["events"][event + 1])  # type: ignore[index]
            total = 0
            for who, how in zip(policy[pairs].tolist(), intensity[pairs].tolist(), strict=True):  # type: ignore[index]
                own = {n: c[who] for n, c in columns.items()}
                amount = exact.settle(
                    terms, "wind", {"intensity": how}, own, {"wind": spent.get(who, 0)}
                ).amount_fen
                spent[who] = spent.get(who, 0) + amount
                total += amount
            found.append(total)
    return np.array(found, dtype=np.int64)
