"""One outage, every policy late: from the trigger to the bank's word that it has taken the order.

Real PostgreSQL, fsync on, and the sandbox bank over HTTP. The clock starts when the second system's
report is on the record, which makes the trigger.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

from miaopei.adapters.grid.intake import Intake
from miaopei.cli.demo.day.timed import TimedRail, nearest_rank
from miaopei.measures.instant import DAY, HOUR, from_beijing
from miaopei.node.effects.payer import Payer

from .gridworld import back, grid, insure, names, plan
from .journey import row

SIZES = (1_000, 100_000)
BEGINS = from_beijing("2026-01-05")


def run() -> Iterator[dict[str, Any]]:
    """Both sizes, or those that MIAOPEI_BENCH_OUTAGE names."""
    wanted = os.environ.get("MIAOPEI_BENCH_OUTAGE", "")
    for size in [int(n) for n in wanted.split(",")] if wanted else SIZES:
        yield from one_outage(size)


def one_outage(size: int) -> Iterator[dict[str, Any]]:
    """An outage over so many insured customers, each back an hour or more too late."""
    customers = [f"3302{n:08d}" for n in range(size)]
    with grid(BEGINS) as made:
        member = made.member
        assert member.payer is not None, "the bank was given"
        rail = TimedRail(member.payer.rail)
        member.payer = Payer(member.node, rail, ahead=True)
        insure(made, customers)
        intake = Intake(member.node, names)
        off = BEGINS + 2 * DAY
        due = off + 8 * HOUR
        made.clock[0] = BEGINS + DAY
        said = made.message("grid.command", 1, plans=[plan(customers, BEGINS + DAY, off, due)])
        assert intake.take(said, made.now()).recorded == 1, "the plan is on record"
        times = [(c, off, due + 60 * (5 + i % 300)) for i, c in enumerate(customers)]
        made.clock[0] = due + 6 * HOUR
        for source, sequence in (("grid.command", 2), ("grid.meter", 1)):
            said = made.message(source, sequence, restorations=[back(times, made.now())])
            started = time.perf_counter()
            assert intake.take(said, made.now()).recorded == 1, "the report is on record"
        confirmed, read = time.monotonic(), time.perf_counter() - started
        member.work()
        taken = sorted(at - confirmed for at in rail.accepted.values())
    assert len(taken) == size, f"{len(taken)} of {size} were accepted"
    name = f"{size // 1000}k"
    for what, share in (("p50", 50), ("p95", 95), ("p99", 99), ("last", 100)):
        value = nearest_rank(taken, share)
        aim, met = "", None
        if (size, what) == (1_000, "p95"):
            aim, met = "<= 5 s, aim 1 s", value <= 5
        work = f"trigger to accepted by the bank, {size:,} policies in one outage, {what}"
        yield row(f"outage.{name}.{what}", work, value, "s", aim, met)
    yield row(f"outage.{name}.read", "before it: the report read, sealed, on record", read, "s")
