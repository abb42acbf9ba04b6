"""Blocks of a book and of years on Ray's workers, one of which is killed: run as a program.

It must run where only lo exists (Ray listens everywhere); `enter` sees to that, before NumPy, which
begins threads, is there. Prints JSON.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from functools import partial
from pathlib import Path
from typing import Any

MARKER = "killed"


def world() -> tuple[Any, Any]:
    """2,000 years, 300 policies with limits, 20,000 pairs of seeded losses."""
    import numpy as np

    from miaopei.pricing.chance import Stream
    from miaopei.pricing.events import Occurrences, Touched
    from miaopei.pricing.years import Book

    year = np.sort(Stream(1, "year").below(2000, 2000))
    first = np.arange(2001, dtype=np.int64) * 10
    policy = Stream(1, "policy").below(300, 2000).repeat(10) // 10 * 10 + np.tile(
        np.arange(10), 2000
    )
    loss = Stream(1, "loss").below(1_000_000, 20_000)
    limits = {n: Stream(1, n).below(900_000, 300) for n in ("occurrence_limit", "year_limit")}
    return Occurrences(2000, year, {}, Touched(first, policy, {"loss": loss})), Book(300, limits)


def block(shared: Any, part: Any) -> Any:
    """One block of years; the third one kills its own process the first time it is worked on."""
    from miaopei.pricing.events import own_losses
    from miaopei.pricing.years import settle_years

    book, folder = shared
    events, years, number = part
    marker = Path(folder) / MARKER
    if number == 2 and not marker.exists():
        marker.write_text(str(os.getpid()))
        os.kill(os.getpid(), signal.SIGKILL)
    return settle_years(own_losses(), "cover", events, book, years)


def policies(shared: Any, part: Any) -> Any:
    """One block of policies under one occurrence."""
    from miaopei.pricing.events import own_losses
    from miaopei.pricing.years import Book, settle_policies

    first, last = part
    own = {name: column[first:last] for name, column in shared.declared.items()}
    return settle_policies(own_losses(), "cover", {"loss": 400_000}, Book(last - first, own), first)


def listeners() -> list[str]:
    """Interfaces of this process's network."""
    return sorted(name for _, name in socket.if_nameindex())


def main(folder: str) -> None:
    """Both kinds of blocks here, in threads and on Ray; their roots."""
    from miaopei.adapters.pricing.spread import Engine, on_ray, spread
    from miaopei.pricing.years import blocks, part_of, policies_root, put_together, root

    events, book = world()
    cuts = blocks(events, book, 1_500)
    parts = [lambda c=c, n=n: (part_of(events, c), c, n) for n, c in enumerate(cuts)]
    pieces = [partial(tuple, (at, min(at + 70, 300))) for at in range(0, 300, 70)]
    answer: dict[str, Any] = {"interfaces": listeners(), "blocks": len(cuts)}
    with on_ray(2) as session:
        years = [f for _, f in session.run(block, session.held((book, folder)), parts)]
        mass = [f for _, f in session.run(policies, session.held(book), pieces)]
    answer["ray"] = [root(put_together(years)), policies_root(mass)]
    for engine in (Engine.THREADS, Engine.HERE):
        run = partial(spread, engine=engine, workers=2)
        years = [f for _, f in run(block, (book, folder), parts)]
        mass = [f for _, f in run(policies, book, pieces)]
        answer[engine] = [root(put_together(years)), policies_root(mass)]
    answer["killed"] = (Path(folder) / MARKER).read_text()
    print(json.dumps(answer))


if __name__ == "__main__":
    from miaopei.adapters.pricing.confined import enter

    enter()
    import tests.support.losing as this  # by its name, so that a worker finds it

    this.main(sys.argv[1])
