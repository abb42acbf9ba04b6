"""Acts of 1, 10 and 100 readings at rising load, each act one signed batch, by two members at once;
beside it one member alone, which takes what the six took and then as many as it can.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

from miaopei.cli.net.load.offering import offered
from miaopei.cli.net.plan import Net

from ..journey import row
from ..wanted import Wanted
from ..world import node_on_postgres
from .readings import agree, of_load, offer, recorded
from .running import SENDERS, busy, say

SIZES, RATES, LASTING = (1, 10, 100), (25, 50, 100, 200), 6  # readings an act; acts a second


def run(net: Net, _: Wanted) -> Iterator[dict[str, Any]]:
    """Every size at every rate, and the most that became final of each."""
    tag, before, facts = os.urandom(3).hex(), recorded(net, SENDERS[0]), 0
    most: dict[int, float] = {}
    for size in SIZES:
        for rate in RATES:
            at = busy()
            say(f"{rate} acts/s of {size} readings for {LASTING} s")
            told = offer(net, tag, rate * size, LASTING, size, size)
            facts += sum(each["final"] for each in told) // size
            of = f"{rate} acts/s of {size} readings offered for {LASTING} s{at}"
            for each in _in_acts(f"C0.{size}.{rate}", of, told, size):
                if each["id"].endswith(".final"):
                    most[size] = max(most.get(size, 0), each["value"])
                yield each
    for size, rate in most.items():
        yield row(
            f"C0.{size}.most", f"acts of {size} readings: most that became final", rate, "acts/s"
        )
    yield from agree(net, before + facts, "C0.same")
    yield from _solo(most)


def _in_acts(name: str, of: str, told: list[dict[str, Any]], size: int) -> Iterator[dict[str, Any]]:
    """Rows of a load with counts of acts in place of readings."""
    for each in of_load(name, of, told, None):
        if each["unit"] == "s":
            yield each
        else:
            unit = "acts/s" if each["unit"] == "/s" else "acts"
            yield {**each, "value": each["value"] / size, "unit": unit}


def _solo(most: dict[int, float]) -> Iterator[dict[str, Any]]:
    """One member alone under the highest rate, and over what the six made of it."""
    with node_on_postgres(clock="live", now=time.time) as (node, _):
        for size in SIZES:
            at, rate = busy(), 2 * max(RATES)
            say(f"one member alone: {rate} acts/s of {size} readings for {LASTING} s")
            told = offered(node, "load.solo", f"solo{size}", rate * size, LASTING, size, size)
            of = f"one member alone, {rate} acts/s of {size} readings offered for {LASTING} s{at}"
            for each in _in_acts(f"C0.solo.{size}", of, [told], size):
                yield each
                if each["id"].endswith(".final") and most.get(size):
                    work = f"acts of {size} readings: most of one member alone over six members'"
                    yield row(f"C0.solo.{size}.ratio", work, each["value"] / most[size], "x")
