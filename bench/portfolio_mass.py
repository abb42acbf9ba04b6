"""A mass payout: one quake over a book of any size, from the fact to orders that survive a kill.

P7 times each part of the decision of a million policies whose figures all differ; P10 the same at
several sizes. The database is real, fsync is on, and every amount is read twice. A large book takes
minutes to load: with MIAOPEI_BENCH_BOOK=FOLDER one run makes it there and the next one uses it up.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from miaopei.adapters.schedule_files import Files
from miaopei.measures.instant import DAY, from_beijing
from miaopei.node.effects.decider import Decider
from miaopei.node.effects.payer import Payer
from miaopei.node.gateway import record
from miaopei.node.mass import run as mass
from miaopei.node.mass.spread import Workers

from .journey import row
from .massbook import list_sums, put_policies
from .world import InstantRail, node_on_postgres, quake

MILLION = 1_000_000
SIZES = (10_000, 100_000, MILLION)
WORKERS = 2
SINCE = from_beijing("2015-09-01")


def run() -> Iterator[dict[str, Any]]:
    """P10 for each size, and at a million the parts of P7. MIAOPEI_BENCH_MASS names other sizes."""
    wanted = os.environ.get("MIAOPEI_BENCH_MASS", "")
    sizes = [int(n) for n in wanted.split(",")] if wanted else list(SIZES)
    taken = {}
    book = os.environ.get("MIAOPEI_BENCH_BOOK")
    kept = Path(book) if book else None
    if kept is not None and not kept.exists():
        yield row("P7.load", "the book: admitted, held, in force", load(kept, max(sizes)), "s")
        return
    for size in sizes if kept is None else [max(sizes)]:
        parts = one_mass(size, kept)
        taken[size] = parts["whole"]
        name = "1M" if size == MILLION else f"{size // 1000}k"
        work = f"{size:,} payouts: decided, confirmed twice, ordered, durable"
        yield row(f"P10.{name}", work, parts["whole"], "s")
        yield row(f"P10.{name}.each", "the same, a payout", parts["whole"] / size * 1e6, "us")
        if size == max(sizes):
            yield from _parts(size, parts)
    if len(taken) > 1:
        each = [taken[size] / size for size in sizes]
        yield row("P10.bend", "a payout at the largest size to one at the smallest",
                  each[-1] / each[0], "x")  # fmt: skip


def _parts(size: int, parts: dict[str, float]) -> Iterator[dict[str, Any]]:
    whole = parts["whole"]
    met = whole <= 30 if size == MILLION else None
    work = f"{size:,} payouts: decided, confirmed twice, ordered, durable (fsync on)"
    yield row("P7", work, whole, "s", "<= 30 s", met)
    for name in ("fact", "evaluate", "confirm", "leaves", "seal", "verify", "copy", "other"):
        yield row(f"P7.{name}", f"of it: {WHAT[name]}", parts[name], "s")
    yield row("P7.written", "bytes written to disk (WAL and tables)", parts["bytes"] / 1e6, "MB")
    yield row("P7.plain", "as many bytes written plainly, with fsync", parts["plain"], "s")
    yield row("P7.ratio", "the run to that plain write", whole / parts["plain"], "x")
    if parts["load"]:
        yield row("P7.load", "the book before: admitted, held, in force", parts["load"], "s")


WHAT = {
    "fact": "fact recorded, trigger made",
    "evaluate": "columns read: in force, history, terms, cap",
    "confirm": "every amount read exactly",
    "leaves": "claim leaves made, hashed, kept in pages",
    "seal": "blob sealed and stored, act signed, settled",
    "verify": "leaves verified for paying, orders made",
    "copy": "orders written by COPY",
    "other": "duties looked up, acts applied",
}


def load(kept: Path, size: int) -> float:
    """Seconds to bring a book in force, which stays in a folder."""
    with node_on_postgres(clock="replay", kept=kept) as (node, _):
        spread = Workers(WORKERS)
        list_sums(node)
        started = time.perf_counter()
        put_policies(node, Decider(node, files=Files(kept / "schedule"), spread=spread), size)
        spread.close()
        return time.perf_counter() - started


def one_mass(size: int, kept: Path | None = None) -> dict[str, float]:
    """Seconds of each part, for one mass of a size, in a fresh database or over a kept book."""
    parts: dict[str, float] = {"load": 0.0}
    with tempfile.TemporaryDirectory() as fresh:
        folder = kept or Path(fresh)
        if kept is None:
            parts["load"] = load(folder, size)
        _mass_over(folder, size, parts)
        if kept is not None:
            shutil.rmtree(kept)
    parts["plain"] = _plain(int(parts["bytes"]))
    return parts


def _mass_over(folder: Path, size: int, parts: dict[str, float]) -> None:
    """One mass over the book in a folder; its parts are written down."""
    with node_on_postgres(clock="replay", kept=folder) as (node, _):
        spread = Workers(WORKERS)
        decider = Decider(node, files=Files(folder / "schedule"), spread=spread)
        payer = Payer(node, InstantRail(), spread=spread)
        at = SINCE + 10 * DAY
        node.pass_time(at + 600)
        spent: dict[str, float] = {}
        before = _written(node)
        began = time.perf_counter()
        record(node, [quake(at, "6.1")], at + 600)
        parts["fact"] = time.perf_counter() - began
        with _timed(spent):
            decider.run()
            payer.prepare()
        parts["whole"] = time.perf_counter() - began
        parts["bytes"] = _written(node) - before
        spread.close()
        _check(node, size)
    parts["confirm"] = spent.get("confirm", 0.0)
    parts["evaluate"] = spent.get("evaluate", 0.0) - parts["confirm"]
    parts["leaves"] = spent.get("leaves", 0.0)
    parts["seal"] = spent.get("seal", 0.0)
    parts["verify"], parts["copy"] = spent.get("verify", 0.0), spent.get("copy", 0.0)
    named = ("fact", "evaluate", "confirm", "leaves", "seal", "verify", "copy")
    parts["other"] = parts["whole"] - sum(parts[name] for name in named)


@contextmanager
def _timed(spent: dict[str, float]) -> Iterator[None]:
    """Time spent in the parts of a run, by what they are."""
    from miaopei.adapters.postgres.private import PrivateWriting
    from miaopei.claims import evaluate as evaluating
    from miaopei.node.effects import payer

    places: list[tuple[Any, str, str]] = [
        (mass.MassRun, "evaluate", "evaluate"), (evaluating, "confirm", "confirm"),
        (mass, "list_of", "leaves"), (mass.MassRun, "_written", "seal"),
        (payer, "owed_by", "verify"), (PrivateWriting, "put_orders", "copy"),
    ]  # fmt: skip
    kept = [(owner, name, getattr(owner, name)) for owner, name, _ in places]
    for owner, name, key in places:
        setattr(owner, name, _clocked(getattr(owner, name), key, spent))
    try:
        yield
    finally:
        for owner, name, work in kept:
            setattr(owner, name, work)


def _clocked(work: Any, key: str, spent: dict[str, float]) -> Any:
    def timed(*given: Any, **named: Any) -> Any:
        started = time.perf_counter()
        try:
            return work(*given, **named)
        finally:
            spent[key] = spent.get(key, 0.0) + time.perf_counter() - started

    return timed


def _written(node: Any) -> float:
    """Bytes that the server has written: its log, and the tables that grew."""
    with node.store.reading() as reading:
        (wal, size), *_ = reading.execute(
            "select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8,"
            " pg_database_size(current_database())::float8"
        )
    return float(wal) + float(size)


def _plain(count: int) -> float:
    """Seconds for the same bytes in one file, with fsync: the median of three."""
    taken, block = [], os.urandom(1 << 20)
    for _ in range(3):
        with tempfile.NamedTemporaryFile(dir=Path.cwd()) as file:
            started = time.perf_counter()
            for _ in range(-(-count // len(block))):
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
            taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def _check(node: Any, size: int) -> None:
    """What was measured is what was wanted: one order a policy, all of them owed."""
    with node.reading() as (reading, state):
        (payment,) = [p for _, p in state.range("payment", "")]
        (found,) = reading.execute(
            "select count(*), count(distinct payout), sum(amount)::bigint from own.instruction"
        )
    assert tuple(found) == (size, size, payment["due_fen"]), found


if __name__ == "__main__":
    json.dump(list(run()), sys.stdout, indent=1)
