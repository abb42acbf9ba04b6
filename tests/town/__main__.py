"""Many seeds, one after another on every core: see `script/town --help`."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict

from . import running
from .running import Told

COUNTED = (
    "blocks", "settlements", "paid", "faults", "differences", "rounds", "takeovers", "seats",
    "keys", "sold", "rekeyed", "taken_back",
)  # fmt: skip
EVERY = 5.0  # seconds between lines of progress


def many(first: int, count: int, workers: int) -> Iterator[Told]:
    """Runs of so many seeds, in order."""
    with ProcessPoolExecutor(workers) as pool:
        yield from pool.map(running.run, range(first, first + count), chunksize=4)


def main(arguments: list[str]) -> int:
    """0 where every law held in every run, else 1 and each failing seed by its number."""
    parser = argparse.ArgumentParser(prog="script/town", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1_000, help="how many runs")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--trace", action="store_true", help="print all that happened (one seed)")
    asked = parser.parse_args(arguments)
    if asked.trace:
        made = running.Run(asked.first)
        told = running.ended(made)
        sys.stdout.write("\n".join(made.world.told) + f"\n{told}\n")
        return bool(told.breach)
    sums, bad = Counter[str](), list[Told]()
    began = said = time.monotonic()
    for done, told in enumerate(many(asked.first, asked.seeds, asked.workers), 1):
        sums.update({name: asdict(told)[name] for name in COUNTED})
        if told.breach:
            bad.append(told)
            liar = told.liar.strip() or "no liar"
            sys.stdout.write(f"seed {told.seed} ({liar}): {told.breach}\n")
        if time.monotonic() - said > EVERY or done == asked.seeds:
            said = time.monotonic()
            rate = done / (said - began)
            sys.stdout.write(f"{done} of {asked.seeds}, {rate:.1f}/s, {len(bad)} broken; "
                             + ", ".join(f"{sums[n]} {n}" for n in COUNTED) + "\n")  # fmt: skip
            sys.stdout.flush()
    for told in bad:
        sys.stdout.write(f"again: script/town --trace --first {told.seed}\n")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
