"""Readings in signed batches at rising load: through six members, and through one alone.

What is too much is refused, and nothing stops. MIAOPEI_BENCH_READINGS=RATE:SECONDS[:BATCH],.. names
other loads; 10000:600:1000 is the long form, ten minutes, whose first and last minute are compared.
"""

from __future__ import annotations

import math
import os
import statistics
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

from miaopei.cli.net import control
from miaopei.cli.net.load.offering import AN_ACT, BATCH, offered
from miaopei.cli.net.plan import Net

from ..journey import row
from ..wanted import Wanted
from ..world import node_on_postgres
from .running import SENDERS, at_once, busy, say, share, status

AIM, AIM_SECONDS, LOADS = (
    10_000,
    2.0,
    "500:10,1000:10,2000:10,3000:10,5000:10,3000:10:1000,10000:20:1000",
)
SOLO_LOADS = "3000:8:40,10000:8:1000"
HELD_SECONDS = 300.0  # that members may take to fetch what lies in blobs
HOLDS = 200  # of them that a member is asked for at once
MINUTE = 60.0


def run(net: Net, wanted: Wanted) -> Iterator[dict[str, Any]]:
    """Every load, the members' roots after it, and the same on one member alone."""
    tag, before, facts = os.urandom(3).hex(), recorded(net, SENDERS[0]), 0
    finals: dict[str, float] = {}
    for rate, lasting, batch in _loads(os.environ.get("MIAOPEI_BENCH_READINGS") or LOADS):
        name, at = f"C6.{rate}x{batch}", busy()
        say(f"{rate:,} readings/s in batches of {batch} for {lasting} s")
        told = offer(net, tag, rate, lasting, batch, AN_ACT)
        facts += sum(each["final"] for each in told) // batch
        of = f"{rate:,} readings/s offered for {lasting} s in signed batches of {batch}{at}"
        for each in of_load(name, of, told, rate if rate == AIM else None):
            finals[each["id"]] = each["value"]
            yield each
        yield from drift(name, of, told, lasting)
        if blobs := [blob for each in told for blob in each["blobs"]]:
            work = f"members hold all {len(blobs)} originals of these batches, after the last"
            yield row(f"{name}.held", work, _until_held(net, blobs), "s")
    yield from agree(net, before + facts, "C6.same")
    if wanted.part("C6.solo"):
        yield from _solo(finals)


def agree(net: Net, facts: int, name: str) -> Iterator[dict[str, Any]]:
    """How many members have one root, and everything that was acknowledged, after a load."""
    height = min(status(net, seat.id)["height"] for seat in net.present)
    asked = {"heights": [height], "seconds": 60}
    roots = [control.call(net.at(m), "roots", **asked)[str(height)] for m in net.members]
    have = [recorded(net, member) for member in net.members]
    same = sum(root == roots[0] and count >= facts for root, count in zip(roots, have, strict=True))
    work = "members with one root afterwards, and with all that was acknowledged"
    yield row(name, work, same, "members", str(len(roots)), met=same == len(roots))


def offer(
    net: Net, tag: str, rate: float, lasting: float, batch: int, an_act: int
) -> list[dict[str, Any]]:
    """What became of a load that the senders share."""
    asked = {"rate": rate / len(SENDERS), "lasting": lasting, "batch": batch, "an_act": an_act}
    named = f"{tag}at{rate}x{batch}"
    return at_once([partial(_offer, net, member, named, asked) for member in SENDERS])


def _offer(net: Net, member: str, tag: str, asked: dict[str, Any]) -> dict[str, Any]:
    def tell(told: dict[str, Any]) -> None:
        counts = ", ".join(f"{told[what]:,} {what}" for what in ("final", "refused", "lost"))
        say(f"  {member}, {told['seconds']:.0f} s: readings {counts}; p99 {told['p99']:.2f} s")

    told: dict[str, Any] = control.call(
        net.at(member), "readings", tag=tag, tell=tell, seconds=None, **asked
    )
    return told


def recorded(net: Net, member: str) -> int:
    """How many facts a member's record has."""
    asked = {"tag": "", "rate": 1, "lasting": 0, "seconds": 60}
    return int(control.call(net.at(member), "readings", **asked)["recorded"])


def of_load(
    name: str, of: str, told: list[dict[str, Any]], aim: float | None
) -> Iterator[dict[str, Any]]:
    """What became of one load; `aim` is the rate that shall be final, within two seconds."""
    final = sum(each["final"] for each in told)
    taken = [each for one in told for each in one["taken"]]
    rate = final / max(each["seconds"] for each in told)
    met = None if aim is None else rate >= 0.99 * aim
    yield row(f"{name}.final", f"{of}: final", rate, "/s", f"{aim:,}" if aim else "", met=met)
    for percent in (50, 95, 99):
        value, bound = share(taken, percent), aim is not None and percent == 99
        met = value <= AIM_SECONDS if bound else None
        work = f"{of}: due to final, p{percent}"
        yield row(f"{name}.p{percent}", work, value, "s", "2" if bound else "", met=met)
    for what in ("refused", "lost"):
        yield row(f"{name}.{what}", f"{of}: {what}", sum(each[what] for each in told), "readings")


def drift(
    name: str, of: str, told: list[dict[str, Any]], lasting: float
) -> Iterator[dict[str, Any]]:
    """The last minute against the first (of less than two minutes a fifth each): delay and rate."""
    part = min(MINUTE, lasting / 5)
    over = "minute" if part == MINUTE else f"{part:.0f} s"
    every = [
        [t for one in told for due, t in zip(one["due"], one["taken"], strict=True)
         if at * part <= due < (at + 1) * part]
        for at in range(int(lasting / part))
    ]  # fmt: skip
    if not all(every):
        return
    first, last = every[0], every[-1]
    medians = [statistics.median(taken) for taken in every]
    each = ", ".join(f"{median:.2f}" for median in medians)
    work = f"{of}: p50 of the last {over} less that of the first (one by one {each} s)"
    yield row(f"{name}.drift", work, medians[-1] - medians[0], "s")
    more = share(last, 99) - share(first, 99)
    yield row(
        f"{name}.drift.p99", f"{of}: p99 of the last {over} less that of the first", more, "s"
    )
    rate = len(last) / len(first)
    yield row(
        f"{name}.drift.rate", f"{of}: acts final of the last {over} over the first", rate, "x"
    )


def _until_held(net: Net, blobs: list[str]) -> float:
    """Seconds until every member holds the last of these; nan where one lacks any of all."""
    began = time.monotonic()
    parts = [blobs[max(0, at - HOLDS) : at] for at in range(len(blobs), 0, -HOLDS)]
    took = 0.0
    for part in parts:
        for member in net.members:
            while control.call(net.at(member), "holds", blobs=part, seconds=120) < len(part):
                if time.monotonic() > began + HELD_SECONDS:
                    return math.nan
                time.sleep(0.1)
        took = took or time.monotonic() - began
    return took


def _solo(finals: dict[str, float]) -> Iterator[dict[str, Any]]:
    """The same offered to one member alone, which orders by itself."""
    with node_on_postgres(clock="live", now=time.time) as (node, _):
        for rate, lasting, batch in _loads(SOLO_LOADS):
            at = busy()
            say(f"one member alone: {rate:,} readings/s in batches of {batch} for {lasting} s")
            told = offered(node, "load.solo", f"solo{rate}x{batch}", rate, lasting, batch)
            of = f"one member alone, {rate:,} readings/s in signed batches of {batch}{at}"
            for each in of_load(f"C6.solo.{rate}x{batch}", of, [told], None):
                yield each
                six = finals.get(each["id"].replace(".solo", ""))
                if six and each["value"] and each["id"].endswith((".final", ".p50")):
                    of_six = "six members over one member alone: " + each["id"].rpartition(".")[2]
                    yield row(f"{each['id']}.ratio", of_six, six / each["value"], "x")


def _loads(wanted: str) -> Iterator[tuple[int, int, int]]:
    for each in wanted.split(","):
        rate, lasting, batch = (*map(int, each.split(":")), BATCH)[:3]
        yield rate, lasting, batch
