"""Pricing: workload B from its declared terms against four peers, and Ray's workers against one.

Peers are started once, each in its own environment, and asked in turn, so that a slow minute hits
all alike. Checksums are compared before any time counts.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from miaopei.adapters.pricing.readings import Readings

from . import environments, workload_b
from .journey import row

ROOT = Path(__file__).parents[1]
PEERS = ROOT / "bench" / "peers"
DATA = environments.PLACE / "data"
ROUNDS, SLOW_ROUNDS = 5, 3
AIMS = {"oasis": 500, "climada": 100, "polars": 35, "duckdb": 130}
LABELS = {
    "oasis": "OasisLMF, 2 processes (deterministic case, no yearly limit, float32; 3 runs)",
    "climada": "CLIMADA ImpactCalc with the yearly limit by scipy (float64)",
    "polars": "Polars lazy",
    "duckdb": "DuckDB SQL",
}
FEN_OFF = {"climada": 1_000}  # cents that its unrounded payouts may differ by, in all


class Peer:
    """A peer's process: ready when made, runs once when asked."""

    def __init__(self, environment: str, *command: str) -> None:
        python = environments.python_of(environment)
        self.process = subprocess.Popen(
            [python, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None, "a pipe"
        if self.process.stdout.readline().strip() != "ready":
            raise RuntimeError(f"{command} did not start")

    def run(self) -> dict[str, Any]:
        """One run's answer."""
        assert self.process.stdin is not None, "a pipe"
        assert self.process.stdout is not None, "a pipe"
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer

    def end(self) -> None:
        """Close its input and wait."""
        self.process.communicate()


def ours() -> Callable[[], dict[str, Any]]:
    """B from the declared terms: sums of years with limits, largest occurrences before them."""
    given = workload_b.arrays()
    terms = workload_b.terms(given["step"])
    events, book = workload_b.world(given)
    readings = Readings.prepared(terms, events, threads=2)

    def once() -> dict[str, Any]:
        started = time.perf_counter()
        found = workload_b.settled(terms, events, book, (0, workload_b.YEARS), readings)
        yearly, largest = np.sort(found.total)[::-1], np.sort(found.largest)[::-1]
        seconds = time.perf_counter() - started
        return {"seconds": seconds, "total": int(found.total.sum()), "aep250": int(yearly[7]),
                "oep250": int(largest[7]), "kernel": readings.fast}  # fmt: skip

    return once


def against_peers() -> Iterator[dict[str, Any]]:
    """P3: interleaved rounds, medians, ratios."""
    numbers = str(workload_b.kept(DATA))
    once = ours()
    peers = {
        name: Peer(
            "climada" if name == "climada" else "core", str(PEERS / "b_peer.py"), name, numbers
        )
        for name in ("polars", "duckdb", "climada")
    }
    peers["oasis"] = Peer("oasis", str(PEERS / "b_oasis.py"), numbers, str(DATA / "oasis"))
    taken: dict[str, list[dict[str, Any]]] = {name: [] for name in ("ours", *peers)}
    for turn in range(ROUNDS):
        taken["ours"] += [once() for _ in range(3)]
        for name, peer in peers.items():
            if name != "oasis" or turn < SLOW_ROUNDS:
                taken[name].append(peer.run())
    for peer in peers.values():
        peer.end()
    yield from differences(taken)
    mine = statistics.median(each["seconds"] for each in taken["ours"])
    how = "compiled from the declared terms" if taken["ours"][0]["kernel"] else "NumPy reading"
    yield row("P3", f"B: 10 k events x 100 k policies, 2,000 years, {how}", mine, "s")
    for name, aim in AIMS.items():
        theirs = statistics.median(each["seconds"] for each in taken[name])
        yield row(f"P3.{name}.seconds", LABELS[name], theirs, "s")
        ratio = theirs / mine
        yield row(f"P3.{name}", f"B against {name}", ratio, "x", f">= {aim}", ratio >= aim)


def differences(taken: dict[str, list[dict[str, Any]]]) -> Iterator[dict[str, Any]]:
    """Checksums, to the cent where a peer counts cents."""
    for name, answers in taken.items():
        for part, wanted in (("total", workload_b.TOTAL), ("aep250", workload_b.AEP250),
                             ("oep250", workload_b.OEP250)):  # fmt: skip
            found = {each[part] for each in answers} - {None}
            worst = max((abs(value - wanted) for value in found), default=0)
            most = wanted // 10**5 if name == "oasis" else FEN_OFF.get(name, 0)
            if worst > most:
                raise RuntimeError(f"{name}: {part} is {worst} cents off")
            if worst:
                yield row(
                    f"P3.{name}.{part}", f"{name}: {part} differs from the exact", worst, "cents"
                )


def on_ray() -> Iterator[dict[str, Any]]:
    """P10: one and two of Ray's workers, where only lo exists."""
    command = [sys.executable, "-m", "bench.on_ray"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stderr[-2000:], file=sys.stderr)
        raise RuntimeError("bench.on_ray failed")
    found = json.loads(done.stdout.splitlines()[-1])
    for name, work in (("policies", "A by blocks of policies"), ("years", "B by blocks of years")):
        one, two = (statistics.median(found[name][str(workers)]) for workers in (1, 2))
        yield row(f"P10.ray.{name}.1", f"{work}, 1 Ray worker", one, "s")
        yield row(f"P10.ray.{name}.2", f"{work}, 2 Ray workers", two, "s")
        share = one / (2 * two)
        what = f"{work}: 2 Ray workers, of twice one"
        yield row(f"P10.ray.{name}", what, share, "x", ">= 0.8", share >= 0.8)
    same = found["roots"] == 1
    yield row("P10.ray.roots", "different roots over here, 1 and 2 workers, less 1",
              found["roots"] - 1, "roots", "0", same)  # fmt: skip
