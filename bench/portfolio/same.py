"""P0: before any time counts, amounts against the exact reading, to the fen.

Every workload that is timed. The exact reading takes some ten microseconds of Python a row, so
unless every row is asked for, blocks of them that lie evenly over the whole are read.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from multiprocessing import get_context
from typing import Any

import numpy as np

from miaopei.adapters.kernels import Kernels
from miaopei.adapters.pricing.readings import Readings
from miaopei.terms import exact

from .. import workload_b
from . import work
from .rows import Row
from .terms import terms_a, terms_b
from .whole import DECLARED_A, DELAY, INSTANT, LARGE, book_a, delay_book, delay_seen, years_of

PART, OF_YEARS = 20_000, 20
SAMPLED = {"a": 25, "b": 5, "p3": 5, "delay": 50}  # parts
DELAYED = 1_000_000
Span = tuple[int, int]


def run(kernels: Kernels, *, every: bool) -> Iterator[Row]:
    """Fen that differ: A of ten million, both B, the delay cover; a row each and their sum."""
    context = get_context("spawn")
    whole = 0
    with ProcessPoolExecutor(max(1, os.cpu_count() or 2), mp_context=context) as pool:
        for name, work_of in WORKLOADS.items():
            total, each, got, part = work_of(kernels)
            spans = [(at, min(at + each, total)) for at in range(0, total, each)]
            if not every:
                count = min(SAMPLED[name], len(spans))
                spans = [spans[n * len(spans) // count] for n in range(count)]
            tasks = [(name, span, part(*span)) for span in spans]
            off = sum(
                int(np.abs(wanted - got[first:last]).sum())
                for (first, last), wanted in zip(spans, pool.map(exactly, tasks), strict=True)
            )
            whole += off
            looked = sum(last - first for first, last in spans)
            unit = "years, every pair" if each == OF_YEARS else "policies"
            said = f"{WHAT[name]}: {looked:,} of {total:,} {unit}: kernel against exact"
            yield Row(f"P0.{name}", said, off, "fen", most=0)
    how = "every policy and pair" if every else "sampled blocks; --every reads the whole"
    yield Row("P0", f"fen that differ over all workloads ({how})", whole, "fen", most=0)


WHAT = {"a": "A, 10 M", "b": "B of P4", "p3": "B of P3", "delay": "delay cover"}
Workload = tuple[int, int, np.ndarray, Callable[[int, int], Any]]


def _a(kernels: Kernels) -> Workload:
    a = book_a(kernels, LARGE)
    paid, near = a.full(), a.reached()
    assert not len(paid.refused), "nothing is refused"
    assert int(near.amounts.sum()) == int(paid.amounts.sum()), "the layout changes a sum"
    amounts = np.zeros(LARGE, dtype=np.int64)
    amounts[paid.rows] = paid.amounts
    names = (*DECLARED_A, "spent", "since", "until")
    return LARGE, PART, amounts, lambda f, t: {n: a.book[n][f:t] for n in names}


def _delay(kernels: Kernels) -> Workload:
    own = delay_book(DELAYED)
    got = kernels.settle_many(DELAY, "delay", delay_seen(), own["declared"], own["spent"])
    columns = {**own["declared"], "spent": own["spent"]}
    return DELAYED, PART, got, lambda f, t: {n: c[f:t] for n, c in columns.items()}


def _b(kernels: Kernels) -> Workload:
    b = work.years_b()
    net = kernels.years(*years_of(b)).net
    years = len(b["years"]) - 1
    upto = np.r_[0, np.cumsum(net)][b["years"]]
    return years, OF_YEARS, np.diff(upto), lambda *_: None


def _p3(_: Kernels) -> Workload:
    given = workload_b.arrays()
    terms = workload_b.terms(given["step"])
    events, book = workload_b.world(given)
    readings = Readings.prepared(terms, events)
    years = (0, workload_b.YEARS)
    found = workload_b.settled(terms, events, book, years, readings)
    return workload_b.YEARS, OF_YEARS, found.total, lambda *_: None


WORKLOADS: dict[str, Callable[[Kernels], Workload]] = {
    "a": _a, "b": _b, "p3": _p3, "delay": _delay,
}  # fmt: skip


def exactly(task: tuple[str, Span, Any]) -> np.ndarray:
    """One policy, or one pair, after another by the definition."""
    name, span, columns = task
    if name in {"b", "p3"}:
        return _years(name, span)
    terms, benefit, seen = (
        (terms_a(), "quake", work.seen_a()) if name == "a" else (DELAY, "delay", delay_seen())
    )
    lists = {n: c.tolist() for n, c in columns.items()}
    spent, rows = lists.pop("spent"), len(lists["insured" if name == "a" else "deductible"])
    since, until = lists.pop("since", [INSTANT] * rows), lists.pop("until", [INSTANT + 1] * rows)
    names, found = list(lists), []
    for i, row in enumerate(zip(*lists.values(), strict=True)):
        amount = 0
        if since[i] <= INSTANT < until[i]:
            own = dict(zip(names, row, strict=True))
            amount = exact.settle(terms, benefit, seen, own, {benefit: spent[i]}).amount_fen
        found.append(amount)
    return np.array(found, dtype=np.int64)


@lru_cache(maxsize=2)
def _pairs(name: str) -> tuple[Any, ...]:
    """Terms, benefit, first event of each year, pairs, what is seen, policies: of one B."""
    if name == "b":
        b = work.years_b()
        own = {n: c.tolist() for n, c in b["declared"].items()}
        seen = ("intensity", b["intensity"])
        return terms_b(), "wind", b["years"], b["events"], b["policy"], seen, own
    given = workload_b.arrays()
    _, book = workload_b.world(given)
    own = {n: c.tolist() for n, c in book.declared.items()}
    starts = np.searchsorted(given["year"], np.arange(workload_b.YEARS + 1))
    terms = workload_b.terms(given["step"])
    seen = ("wind", given["speed"])
    return terms, "wind_cover", starts, given["first"], given["policy"], seen, own


def _years(name: str, span: Span) -> np.ndarray:
    """What some years cost, pair by pair; a policy's limit counts within its year."""
    terms, benefit, years, events, policy, (seen, how), own = _pairs(name)
    found = []
    for year in range(*span):
        spent: dict[int, int] = {}
        pairs = slice(events[years[year]], events[years[year + 1]])
        for who, seen_here in zip(policy[pairs].tolist(), how[pairs].tolist(), strict=True):
            row = {n: c[who] for n, c in own.items()}
            before = spent.get(who, 0)
            amount = exact.settle(terms, benefit, {seen: seen_here}, row, {benefit: before})
            spent[who] = before + amount.amount_fen
        found.append(sum(spent.values()))
    return np.array(found, dtype=np.int64)
