"""P1, P1b, P2, P4 and mem: whole books at once, beside the machine, peers and kernels by hand."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from miaopei.adapters.kernels import Kernels, Paid
from miaopei.measures.place import threshold
from miaopei.policies import layout as laid
from miaopei.products.shelf import shelf

from .. import environments
from . import terms as covers
from . import work
from .rows import ROUNDS, Row, median, ratio, seconds

DECLARED_A = ("x", "y", "z", "plan", "insured", "event_limit", "year_limit")
INSTANT = work.TODAY * work.DAY
PEERS = {"numpy": 50, "polars": 30, "duckdb": 130, "decimal": 400}
BESIDE = ("numpy.vectors", "polars.vectors", "duckdb.vectors")
DELAY = shelf().find("power_restoration").version(1).terms
READ = 64 * 2**20  # numbers of 8 bytes: far more than any cache holds
LARGE = 10_000_000  # policies
LINE = 64  # bytes that memory gives at once


class Peer:
    """A peer in a process of its own, warm, that runs when it is told to."""

    def __init__(self, method: str, folder: Path, stack: ExitStack) -> None:
        script = Path(__file__).with_name("peer.py")
        python = environments.python_of("core")
        self.process = stack.enter_context(
            subprocess.Popen(
                [python, script, method, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                text=True,
            )
        )  # fmt: skip
        stack.callback(self.process.kill)
        assert self.process.stdout is not None, "asked for above"
        assert self.process.stdout.readline() == "ready\n", f"{method} does not start"

    def run(self) -> tuple[float, int, int]:
        """Seconds, rows and fen of one run."""
        assert self.process.stdin is not None, "asked for above"
        assert self.process.stdout is not None, "asked for above"
        self.process.stdin.write("run\n")
        self.process.stdin.flush()
        taken, rows, total = json.loads(self.process.stdout.readline())
        return taken, rows, total


class BookA:
    """Workload A in memory: as it came, and in its best layout."""

    def __init__(self, kernels: Kernels, rows: int) -> None:
        self.kernels, self.book, self.terms = kernels, work.book_a(rows), covers.terms_a()
        book = self.book
        columns = {name: book[name] for name in DECLARED_A}
        self.plain = laid.lay_out(columns, book["since"], book["until"])
        order = laid.order(*(book[name] for name in "xyz"))
        sorted_ = {name: column[order] for name, column in columns.items()}
        self.near = laid.lay_out(
            sorted_, book["since"][order], book["until"][order], ("x", "y", "z")
        )
        self.spent, self.spent_near = book["spent"], book["spent"][order]

    def full(self) -> Paid:
        """Every row is looked at."""
        return self.kernels.paid(
            self.terms, "quake", work.seen_a(), self.plain, self.spent, INSTANT
        )

    def reached(self) -> Paid:
        """Only what lies in reach is looked at."""
        return self.kernels.paid(
            self.terms, "quake", work.seen_a(), self.near, self.spent_near, INSTANT
        )

    def bytes_needed(self) -> tuple[int, int]:
        """What must come from memory in whole lines, at least: a full scan; only what is near."""
        seen = work.seen_a()
        parts = zip("xyz", ("cx", "cy", "cz"), strict=True)
        product = sum(self.book[n].astype(np.int64) * seen[c] for n, c in parts)
        near = np.asarray(product >= threshold(covers.RADII[-1]))
        stands = near & (self.book["since"] <= INSTANT) & (self.book["until"] > INSTANT)
        money = (2, 8, 8, 8, 8)  # plan, three amounts, what is spent
        out = 16 * len(self.full().rows)
        scan = 12 * len(near) + 2 * _lines(near, 8) + sum(_lines(stands, size) for size in money)
        sorted_ = int(near.sum()) * (12 + 16) + int(stands.sum()) * sum(money)
        return scan + out, sorted_ + out


@lru_cache(maxsize=1)
def book_a(kernels: Kernels, rows: int) -> BookA:
    """The same book for every part of a run that asks for it."""
    return BookA(kernels, rows)


def _lines(rows: np.ndarray, size: int) -> int:
    """Bytes of the lines that hold some rows of a column."""
    return int(np.unique(np.flatnonzero(rows) * size // LINE).size) * LINE


def against_peers(kernels: Kernels, folder: Path) -> Iterator[Row]:
    """P2: one quake, a million policies."""
    a, here = BookA(kernels, 1_000_000), folder / "a"
    here.mkdir()
    work.keep(a.book, here)
    np.save(here / "table.npy", _table())
    seen = work.seen_a()
    given = {
        "lat": work.EVENT["lat"], "lon": work.EVENT["lon"], "day": INSTANT,
        "radii": covers.RADII, "edges": [threshold(metres) for metres in covers.RADII],
        "centre": [seen[name] for name in ("cx", "cy", "cz")],
    }  # fmt: skip
    (here / "given.json").write_text(json.dumps(given))
    with ExitStack() as stack:
        peers = {name: Peer(name, here, stack) for name in (*PEERS, *BESIDE)}
        taken: dict[str, list[float]] = {name: [] for name in ("ours", "full", *peers)}
        expected = a.full()
        for _ in range(ROUNDS):
            for name, own in (("ours", a.reached), ("full", a.full)):
                taken[name].append(seconds(own, 5))
            assert a.reached().amounts.sum() == expected.amounts.sum(), "the layout changes a sum"
            for name, peer in peers.items():
                runs = [peer.run() for _ in range(1 if name == "decimal" else 3)]
                for _, rows, total in runs:
                    same = (rows, total) == (len(expected.rows), int(expected.amounts.sum()))
                    assert same, f"{name} gives {total} fen to {rows} policies"
                taken[name].append(min(took for took, *_ in runs))
    what = "A, 1 M policies, one quake"
    yield Row("P2.ms", f"{what}: ours, best layout", median(taken["ours"]) * 1e3, "ms")
    yield Row("P2.full.ms", f"{what}: ours, full scan", median(taken["full"]) * 1e3, "ms")
    for name in (*PEERS, *BESIDE):
        said = f"{what}: {name} over ours ({median(taken[name]) * 1e3:.1f} ms)"
        yield Row(f"P2.{name}", said, ratio(taken[name], taken["ours"]), "x", least=PEERS.get(name))


def _table() -> np.ndarray:
    """Basis points by plan and ring at the magnitude of the event."""
    step = sum(work.EVENT["magnitude"] >= tenths for tenths in covers.MAGNITUDES) - 1
    return np.ascontiguousarray(covers.shares_a()[:, :, step])


def ten_million(kernels: Kernels, folder: Path) -> Iterator[Row]:
    """P1, P1b and A of P4 and mem: ten million policies against what memory can give."""
    from . import hand

    a = book_a(kernels, LARGE)
    scan, sorted_ = a.bytes_needed()
    seen, book = work.seen_a(), a.book
    edges = np.array([threshold(metres) for metres in covers.RADII])
    rows = len(book["id"])
    counts = np.zeros(-(-rows // hand.CHUNK), dtype=np.int64)
    places, amounts = np.empty(rows, np.int64), np.empty(rows, np.int64)

    def by_hand() -> tuple[np.ndarray, np.ndarray]:
        hand.quake(
            *(book[n] for n in ("x", "y", "z", "since", "until", "plan", "insured", "event_limit",
                                "year_limit", "spent")),
            seen["cx"], seen["cy"], seen["cz"], INSTANT, edges, _table(), places, amounts, counts,
        )  # fmt: skip
        parts = [slice(c * hand.CHUNK, c * hand.CHUNK + n) for c, n in enumerate(counts.tolist())]
        return (np.concatenate([places[p] for p in parts]),
                np.concatenate([amounts[p] for p in parts]))  # fmt: skip

    memory = np.ones(READ, dtype=np.int64)
    hand.read(memory)
    ours = a.full()
    assert by_hand()[1].tolist() == ours.amounts.tolist(), "by hand another amount"
    assert a.reached().amounts.sum() == ours.amounts.sum(), "the layout changes a sum"
    taken: dict[str, list[float]] = {n: [] for n in ("read", "full", "hand", "near")}
    for _ in range(ROUNDS):
        taken["read"].append(seconds(partial(hand.read, memory), 5) / (8 * READ))  # s a byte
        for name, own in (("full", a.full), ("hand", by_hand), ("near", a.reached)):
            taken[name].append(seconds(own, 5))
    what = f"A, {rows / 1e6:g} M policies, one quake, 2 threads"
    speed = 1 / median(taken["read"]) / 1e9
    yield Row("P1.read", "memory read, 2 threads", speed, "GB/s")
    yield Row("P1.ms", f"{what}: full scan", median(taken["full"]) * 1e3, "ms")
    bound = [scan * each for each in taken["read"]]
    said = f"{what}: full scan over reading its {scan / 1e6:.0f} MB ({median(bound) * 1e3:.1f} ms)"
    yield Row("P1", said, ratio(taken["full"], bound), "x", most=1.3)
    bound = [sorted_ * each for each in taken["read"]]
    yield Row("P1b.ms", f"{what}: sorted by place", median(taken["near"]) * 1e3, "ms")
    said = f"{what}: by place over its {sorted_ / 1e6:.0f} MB ({median(bound) * 1e3:.1f} ms)"
    yield Row("P1b", said, ratio(taken["near"], bound), "x", most=2)
    faster = ratio(taken["full"], taken["near"])
    yield Row("P1b.scan", f"{what}: full scan over sorted by place", faster, "x", least=3)
    yield Row("P4.A", f"{what}: declared over by hand", ratio(taken["full"], taken["hand"]), "x",
              most=1.1)  # fmt: skip
    yield from _memory("A", folder, {**book, "spent": a.spent})


def by_hand(kernels: Kernels) -> Iterator[Row]:
    """P4: B and the delay cover."""
    from . import hand

    b = work.years_b()
    own = [b["declared"][n] for n in ("plan", "insured", "event_limit", "year_limit")]
    count, pairs = len(b["events"]) - 1, len(b["policy"])
    spent, by_event = np.zeros((8, len(own[0])), np.int64), np.zeros(count, np.int64)
    thresholds, table = np.array(covers.THRESHOLDS), covers.shares_b()

    def years() -> None:
        hand.wind(b["years"], b["events"], b["policy"], b["intensity"], *own, thresholds, table,
                  spent, by_event)  # fmt: skip

    def ours_b() -> np.ndarray:
        return kernels.years(*years_of(b), gross=False).net

    years()
    assert by_event.tolist() == ours_b().tolist(), "another amount"
    delay, seen = delay_book(1_000_000), delay_seen()

    def late() -> np.ndarray:
        amounts = np.empty(1_000_000, np.int64)
        hand.delay(seen["planned_restoration"], seen["actual_restoration"], False,
                   delay["declared"]["deductible"], delay["declared"]["occurrence_limit"],
                   delay["spent"], amounts)  # fmt: skip
        return amounts

    def ours_late() -> np.ndarray:
        return kernels.settle_many(DELAY, "delay", seen, delay["declared"], delay["spent"])

    assert late().tolist() == ours_late().tolist(), "another amount"
    taken: dict[str, list[float]] = {n: [] for n in ("b", "b_hand", "delay", "delay_hand")}
    for _ in range(ROUNDS):
        for name, run in (("b", ours_b), ("b_hand", years),
                          ("delay", ours_late), ("delay_hand", late)):  # fmt: skip
            taken[name].append(seconds(run, 5))
    said = f"B, {pairs / 1e6:.1f} M pairs"
    yield Row("P4.B.ms", f"{said}: declared", median(taken["b"]) * 1e3, "ms")
    said = f"{said}: declared over by hand ({median(taken['b_hand']) * 1e3:.0f} ms)"
    yield Row("P4.B", said, ratio(taken["b"], taken["b_hand"]), "x", most=1.1)
    yield Row("P4.delay.ms", "delay cover, 1 M: declared", median(taken["delay"]) * 1e3, "ms")
    yield Row("P4.delay", "delay cover, 1 M: declared over by hand",
              ratio(taken["delay"], taken["delay_hand"]), "x", most=1.1)  # fmt: skip


def years_of(b: dict[str, Any]) -> tuple[Any, ...]:
    """What a kernel takes for B."""
    return (covers.terms_b(), "wind", b["years"], b["events"], b["policy"],
            {"intensity": b["intensity"]}, b["declared"], ("intensity",))  # fmt: skip


def delay_book(rows: int) -> dict[str, Any]:
    """Policies of the delay cover."""
    rng = np.random.default_rng(20260403)
    declared = {
        "deductible": rng.integers(0, 48 * 60, rows, endpoint=True),
        "occurrence_limit": rng.integers(0, 10**7, rows, endpoint=True),
    }
    return {"declared": declared, "spent": rng.integers(0, 2 * 10**7, rows, endpoint=True)}


def delay_seen() -> dict[str, int]:
    """Restored thirty hours late, for the weather."""
    return {"planned_restoration": 26_000_000, "actual_restoration": 26_001_800, "outage_cause": 2}


def _memory(name: str, folder: Path, book: dict[str, np.ndarray]) -> Iterator[Row]:
    """The most that a process grows by beyond the loaded book, in a process of its own."""
    here = folder / f"memory-{name}"
    here.mkdir()
    work.keep({n: c for n, c in book.items() if n not in {"lat", "lon"}}, here)
    command = [sys.executable, "-m", "bench.portfolio.memory", here, folder / "kernels"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    grown, loaded = json.loads(done.stdout)
    said = f"{name}, 10 M: peak above the loaded book of {loaded / 1e6:,.0f} MB"
    yield Row(f"mem.{name}", said, 100 * grown / loaded, "%", most=25)
