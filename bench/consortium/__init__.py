"""Six members, engines, databases and this load generator on one machine, all on loopback.

C0 acts at rising load, C1 and C2 one act on an idle record, C3 fact to payment order, C4 members
killed, C5 members that come back or come new and what an idle one costs, C6 readings in signed
batches, C7 receipts, C8 bringing it up. Beside them the same load on one member alone (`.solo`) and
on the bare engine (`.bare`), with ratios. One run each: read them as +-20 %.
MIAOPEI_BENCH_NET=DIR measures on a live net that is up already, and leaves it up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from miaopei.adapters.engine import install
from miaopei.cli.net.plan import Net

from ..wanted import Wanted
from . import acts, bare, faults, idle, paid, proofs, readings
from .running import up

Rows = Iterable[dict[str, Any]]
# In the order in which they disturb each other least: C5 has much to fetch when others have run.
PARTS: tuple[tuple[tuple[str, ...], Callable[[Net, Wanted], Rows]], ...] = (
    (("C1", "C2"), idle.one_act),
    (("C5.idle",), idle.cost),
    (("C3",), paid.run),
    (("C0",), acts.run),
    (("C6",), readings.run),
    (("C4",), faults.kills),
    (("C5.away", "C5.new"), faults.catch_up),
    (("C7",), proofs.run),
)
ALONE = ("C6.bare",)  # needs no net of ours


def run(wanted: Wanted) -> Iterator[dict[str, Any]]:
    """The rows that are asked for."""
    install.install()  # at once where the engine is there already
    if wanted.part(*ALONE):
        yield from bare.run(wanted)
    if wanted.part("C8", *(each for ids, _ in PARTS for each in ids), but=ALONE):
        with up() as (net, rows):
            yield from rows
            for ids, part in PARTS:
                if wanted.part(*ids, but=ALONE):
                    yield from part(net, wanted)
