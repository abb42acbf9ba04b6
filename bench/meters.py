"""Signed readings of meters: concentrators, a Mosquitto broker, verified, kept in PostgreSQL.

Concentrators are a process of their own, TLS and QoS 1 on both sides. A lag runs from the moment a
concentrator is told of its readings to the end of the transaction that keeps them.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any

from miaopei.adapters.grid.intake import Intake
from miaopei.adapters.meters import broker, sealed
from miaopei.adapters.meters.admitted import certificates
from miaopei.adapters.meters.admitted.readers import Readers
from miaopei.adapters.meters.admitted.trust import Concentrators
from miaopei.adapters.meters.listening import Listener
from miaopei.adapters.meters.outages import Outages
from miaopei.adapters.meters.taking import Came, Meters, Taken
from miaopei.adapters.sandbox_grid.starter import start
from miaopei.cli.demo.day.timed import nearest_rank
from miaopei.cli.net.plan import ports
from miaopei.measures.instant import HOUR

from .gridworld import Grid, grid, names, plan
from .journey import row

RATE, SECONDS, BATCH = 5_500, 60, 500  # a tenth above the aim
WHO = [f"c{n:02d}" for n in range(20)]
IN_SCOPE = 5_000  # customers of an outage whose readings are among them
LARGER = 30_000  # customers altogether


def run() -> Iterator[dict[str, Any]]:
    """One run of a minute; MIAOPEI_BENCH_METERS names other seconds."""
    seconds = int(os.environ.get("MIAOPEI_BENCH_METERS", SECONDS))
    with grid() as made, ExitStack() as opening:
        yield from _run(made, opening, seconds)


def _run(made: Grid, opening: ExitStack, seconds: int) -> Iterator[dict[str, Any]]:
    folder, (port,) = made.folder / "broker", ports(1)
    broker.make(folder, "127.0.0.1")
    sandbox = opening.enter_context(start("concentrators", made.folder / "sandbox"))
    keys = {name: (key,) for name, key in sandbox.keys(WHO).items()}
    sealed.hand(made.folder / "clients", made.member.node.identity)
    for name in WHO:
        certificates.issue(folder, made.folder / "clients", name)
    opening.enter_context(broker.running(folder, port))
    node, intake = made.member.node, Intake(made.member.node, names)
    customers = [f"3302{n:08d}" for n in range(LARGER)]
    read = {names(each)[0]: ((0, WHO[n // BATCH % len(WHO)]),) for n, each in enumerate(customers)}
    known = Concentrators("grid.meter", "127.0.0.1", port, keys, Readers(read))
    now = made.now()
    said = plan(customers[:IN_SCOPE], now, now + 1, now + HOUR)
    assert intake.take(made.message("grid.command", 1, plans=[said]), now).recorded == 1
    outages, sent, kept = Outages(node, known, names), {}, {}
    meters, turn = Meters(node, known, names, outages.told), threading.Lock()
    outages.refresh(now)

    def take(came: Sequence[Came]) -> Taken:
        with turn:
            taken = meters.take(came)
        at = time.perf_counter()
        for each in came:
            kept.setdefault(each.payload[:128], at)
        return taken

    listener = opening.enter_context(
        Listener("127.0.0.1", port, folder, take, lambda: int(time.time()))
    )
    sandbox.connect(WHO, "127.0.0.1", port, made.folder / "clients")
    _until(lambda: len(kept) >= len(WHO))  # every birth
    births, batches = len(kept), RATE * seconds // BATCH
    began = time.perf_counter()
    for number in range(batches):
        time.sleep(max(0.0, began + number * BATCH / RATE - time.perf_counter()))
        first = number * BATCH % LARGER
        at = int(time.time())
        power = "off" if (number * BATCH // LARGER) % 2 == 0 else "on"
        readings = [(c, power, at) for c in customers[first : first + BATCH]]
        sent[number] = time.perf_counter()
        sandbox.read(WHO[number % len(WHO)], readings)
    _until(lambda: len(kept) >= births + batches)
    took = time.perf_counter() - began
    ends = sorted(kept.values())[births:]
    lags = sorted(end - start for start, end in zip(sorted(sent.values()), ends, strict=False))
    with turn:
        started = time.perf_counter()
        made_reports = outages.report(intake, int(time.time()), gaps=False)
        reported = time.perf_counter() - started
    assert listener.failed is None, "the listener goes on"
    rate = batches * BATCH / took
    work = f"signed readings through broker, verified, kept, {BATCH} a batch, {seconds} s"
    yield row("meters.rate", work, rate, "readings/s", ">= 5,000", rate >= 5_000)
    for name, share in (("p50", 50), ("p95", 95), ("p99", 99)):
        value = nearest_rank(lags, share)
        aim, met = ("< 2 s", value < 2) if name == "p95" else ("", None)
        yield row(f"meters.lag.{name}", f"from concentrator to kept, {name}", value, "s", aim, met)
    work = f"a report of {IN_SCOPE:,} customers made and on record"
    yield row("meters.report", work, reported if made_reports else float("nan"), "s")


def _until(good: Any) -> None:
    end = time.monotonic() + 120
    while not good():
        if time.monotonic() > end:
            raise TimeoutError("it did not come to be in time")
        time.sleep(0.02)
