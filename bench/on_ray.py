"""One and two of Ray's workers on the same blocks: `python -m bench.on_ray` prints JSON.

The process leaves the network first, since Ray listens on every interface. Starting Ray is not
timed; handing out blocks and taking results back is.
"""

from __future__ import annotations

import json
import time
from functools import partial
from importlib import import_module
from typing import Any

ROUNDS, POLICIES, PIECE = 5, 10_000_000, 1_250_000


def settle(shared: Any, part: tuple[int, int]) -> Any:
    """A block of policies under one event."""
    from miaopei.adapters.pricing.readings import Readings
    from miaopei.pricing.years import Book, settle_policies

    terms, declared = shared
    first, last = part
    own = {name: column[first:last] for name, column in declared.items()}
    reading = Readings.of(terms)
    book = Book(last - first, own)
    return settle_policies(terms, "wind_cover", {"wind": 6_000}, book, first, reading.settle)


def years(shared: Any, part: tuple[int, int]) -> Any:
    """A block of years, cut from occurrences that every worker sees."""
    from miaopei.adapters.pricing.readings import Readings
    from miaopei.pricing.years import settle_years

    terms, events, book = shared
    reading = Readings.of(terms, events).years
    return settle_years(terms, "wind_cover", events, book, part, reading)


def main() -> None:
    """Both kinds of blocks: here, on one worker, on two."""
    import numpy as np

    from bench import workload_b
    from miaopei.adapters.pricing.readings import Readings
    from miaopei.adapters.pricing.spread import Engine, spread
    from miaopei.pricing.years import blocks, policies_root, put_together, root

    given = workload_b.arrays()
    terms = workload_b.terms(given["step"])
    events, book = workload_b.world(given)
    Readings.prepared(terms, events)
    Readings.prepared(terms)
    times = -(-POLICIES // book.policies)
    wide = {name: np.tile(column, times)[:POLICIES] for name, column in book.declared.items()}
    pieces = [partial(tuple, (at, min(at + PIECE, POLICIES))) for at in range(0, POLICIES, PIECE)]
    cuts = [partial(tuple, cut) for cut in blocks(events, book, 1 << 19)]
    work = {
        "policies": (settle, (terms, wide), pieces, policies_root),
        "years": (years, (terms, events, book), cuts, lambda found: root(put_together(found))),
    }
    answer: dict[str, Any] = {"roots": 0}
    for name, (function, shared, parts, of) in work.items():
        found = [part for _, part in spread(function, shared, parts, engine=Engine.HERE, workers=1)]
        roots = {of(found)}
        answer[name] = {}
        for workers in (1, 2):
            taken, last = measured(function, shared, parts, workers)
            answer[name][str(workers)] = taken
            roots.add(of(last))
        answer["roots"] = max(answer["roots"], len(roots))
    print(json.dumps(answer))


def measured(function: Any, shared: Any, parts: Any, workers: int) -> Any:
    """Rounds in one session of Ray: every worker is warm after the first, which does not count."""
    from miaopei.adapters.pricing.spread import on_ray

    taken, found = [], []
    with on_ray(workers) as session:
        held = session.held(shared)
        for turn in range(ROUNDS + 1):
            started = time.perf_counter()
            found = [part for _, part in session.run(function, held, parts)]
            if turn:
                taken.append(time.perf_counter() - started)
    return taken, found


if __name__ == "__main__":
    from miaopei.adapters.pricing.confined import enter

    enter()
    import_module("bench.on_ray").main()  # by its name, so that a worker finds it
