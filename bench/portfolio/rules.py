"""Rules engines asked for one decision, in a process of their own: `python rules.py` prints JSON.

Workload C of `terms`: nine cells, two limits; micro-seconds of processor time, a median.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable

GIVEN = json.loads(sys.argv[1])
CELLS, FACTS = GIVEN["cells"], GIVEN["facts"]


def expression() -> str:
    """The share as nested choices, in the syntax that both engines read."""
    text = "0"
    for km, steps in reversed(CELLS):
        inner = "0"
        for tenths, points in reversed(steps):
            inner = f"(magnitude >= {tenths} ? {points} : {inner})"
        text = f"(distance <= {km} ? {inner} : {text})"
    return text


def cel() -> Callable[[], int]:
    """common-expression-language (Rust): whole numbers, compiled once."""
    import cel as engine

    pay = f"((insured * {expression()} + 5000) / 10000)"
    left = "(year_limit - spent)"
    least = f"({pay} < event_limit ? {pay} : event_limit)"
    program = engine.compile(f"({least} < {left} ? {least} : {left})")
    return lambda: int(program.execute(FACTS))


def zen() -> Callable[[], int]:
    """zen-engine (Rust): compiled once."""
    import zen as engine

    share = expression()
    pay = f"floor((insured * {share} + 5000) / 10000)"
    program = engine.compile_expression(f"min([{pay}, event_limit, year_limit - spent])")
    return lambda: int(program.evaluate(FACTS))


def micro(decide: Callable[[], int]) -> float:
    """Median of nine rounds, each a tenth of a second."""
    decide()
    started = time.process_time()
    for _ in range(100):
        decide()
    count = max(100, int(0.1 / ((time.process_time() - started) / 100)))
    taken = []
    for _ in range(9):
        started = time.process_time()
        for _ in range(count):
            decide()
        taken.append((time.process_time() - started) / count * 1e6)
    return statistics.median(taken)


if __name__ == "__main__":
    found = {}
    for name, make in (("cel", cel), ("zen", zen)):
        decide = make()
        found[name] = [micro(decide), decide()]
    print(json.dumps(found))
