"""Facts on the record while many cases are open: how the cost of one grows with what is there.

Quakes in the insured area, one every four days, twenty an act: each opens a sequence with a case,
and every sequence hangs together with the one before it. Nobody decides meanwhile.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

from miaopei.measures.instant import DAY, from_beijing
from miaopei.node.gateway import record

from .journey import row
from .world import node_on_postgres, put_book, quake

AT_ONCE, APART = 20, 4 * DAY


def run() -> Iterator[dict[str, Any]]:
    """The first hundred facts, and the last hundred of so many (MIAOPEI_BENCH_FACTS)."""
    facts = int(os.environ.get("MIAOPEI_BENCH_FACTS", "400"))
    taken = []
    with node_on_postgres(clock="replay") as (node, _):
        put_book(node, 10)
        at = from_beijing("2015-09-01")
        for _ in range(facts // AT_ONCE):
            quakes = [quake(at + number * APART) for number in range(AT_ONCE)]
            at += AT_ONCE * APART
            node.pass_time(at)
            started = time.perf_counter()
            record(node, quakes, at)
            taken.append(time.perf_counter() - started)
        with node.reading() as (_, state):
            cases = sum(
                case["state"] in ("ready", "deciding") for _, case in state.range("case", "")
            )
    assert cases == facts, f"{cases} of {facts} cases are open"
    part = 100 // AT_ONCE
    for name, some in (("first", taken[:part]), ("last", taken[-part:])):
        work = f"facts on record a second, {AT_ONCE} an act, the {name} 100 of {facts} open cases"
        yield row(f"J8.{name}", work, len(some) * AT_ONCE / sum(some), "facts/s")
