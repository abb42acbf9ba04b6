"""Members killed under load, and members that have blocks to catch up with."""

from __future__ import annotations

import itertools
import os
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import psycopg

from miaopei.adapters.engine import home
from miaopei.adapters.engine.rpc import EngineRpc
from miaopei.cli.net import control
from miaopei.cli.net.plan import Net
from miaopei.errors import OutsideFault, Refused
from miaopei.wiring.machine import Machine

from ..journey import row
from ..wanted import Wanted
from .readings import offer
from .running import SENDERS, Blocks, at_once, busy, command, level, say, status, until

KILLS, RATE, BEFORE, AFTER = 3, 1_000, 3.0, 7.0
AIM = 2.0
AWAY_ACTS, PARCEL = 3_000, 100  # acts of each sender while a member is away
NEWCOMER = "seventh"


def kills(net: Net, _: Wanted) -> Iterator[dict[str, Any]]:
    """The longest wait between two blocks that survivors see once a member is killed under load.

    It stays away long enough that every member's turn to propose comes; then it is healed.
    """
    tag, lost = os.urandom(3).hex(), 0
    steady: list[float] = []
    for which, choose in (("member", _any), ("proposer", _proposer)):
        pauses = []
        for number in range(KILLS):
            level(net)
            say(f"kill {number + 1} of {KILLS}: {which}")
            calm, pause, missing = _killed(net, f"{tag}{which}{number}", choose)
            steady.append(calm)
            pauses.append(pause)
            lost += missing
        of = f"SIGKILL under {RATE:,} readings/s{busy()}, longest wait for a block of {KILLS} kills"
        who = {
            "member": "a member that is not to propose next",
            "proposer": "the member that is to propose next",
        }[which]
        name = f"C4.{which}"
        yield row(f"{name}.p50", f"{of}: {who}, middle", statistics.median(pauses), "s")
        met = max(pauses) < AIM
        yield row(f"{name}.max", f"{of}: {who}, longest", max(pauses), "s", "2", met=met)
    yield row("C4.before", "the same in the seconds before a kill, longest", max(steady), "s")
    yield row("C4.lost", "of it neither final nor refused", lost, "readings", "0", met=not lost)


def _killed(net: Net, tag: str, choose: Callable[[Net], str]) -> tuple[float, float, int]:
    """Longest wait before and after one kill, and readings that were lost."""
    told: list[dict[str, Any]] = []
    stay = [member for member in net.members if member in SENDERS]
    with Blocks(net, stay) as blocks:
        load = threading.Thread(
            target=lambda: told.extend(offer(net, tag, RATE, BEFORE + AFTER, 40, 280)), daemon=True
        )
        began = time.monotonic()
        load.start()
        time.sleep(BEFORE)
        victim = choose(net)
        at = time.monotonic()
        control.call(net.folder, "kill", members=[victim], stay=True, seconds=60)
        time.sleep(AFTER - 1.0)
        over = time.monotonic()
        control.call(net.folder, "heal", member=victim, rebuild=False, seconds=60)
        load.join()
    until(lambda: _caught_up(net, victim), f"{victim} is back")
    moments = [[block["at"] for block in blocks.seen[member]] for member in stay]
    calm = max(_longest(each, began + 1.0, at) for each in moments)
    return calm, max(_longest(each, at, over) for each in moments), sum(t["lost"] for t in told)


def _longest(moments: list[float], since: float, until: float) -> float:
    """The longest wait between blocks, of which one may have come before; open waits count."""
    before = [at for at in moments if at <= since][-1:] or [since]
    inside = [at for at in moments if since < at < until]
    return max(b - a for a, b in itertools.pairwise([*before, *inside, until]))


def _any(net: Net) -> str:
    """A member that sends nothing and does not propose now."""
    now = _turn(net)
    return next(m for m in net.members[::-1] if m not in SENDERS and m != now)


def _proposer(net: Net) -> str:
    """The member whose turn it is, once it is one that sends nothing."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        turn = _turn(net)
        if turn not in SENDERS:
            return turn
        time.sleep(0.01)
    raise OutsideFault("the turn never comes to a member that sends nothing", retry=True)


def _turn(net: Net) -> str:
    """Whose turn it is to propose the block that is being made."""
    engine = EngineRpc(net.at(SENDERS[0]) / home.RPC_SOCKET)
    now = engine.ask("consensus_state")["round_state"]["proposer"]["address"].lower()
    keys = {home.address(seat["engine"]): seat["member"] for seat in net.genesis["seats"]}
    return str(keys[now])


def _caught_up(net: Net, member: str) -> bool:
    here = int(status(net, member)["height"])
    return here >= max(status(net, each)["height"] for each in SENDERS) - 1


def catch_up(net: Net, wanted: Wanted) -> Iterator[dict[str, Any]]:
    """A member that was down while others went on, and one that comes new and replays all."""
    if wanted.part("C5.away"):
        yield from _away(net)
    if wanted.part("C5.new"):
        yield from _new(net)


def _away(net: Net) -> Iterator[dict[str, Any]]:
    level(net)
    member, tag = net.members[-1], os.urandom(3).hex()
    here = status(net, member)
    control.call(net.folder, "down", member=member, seconds=60)
    acts = len(SENDERS) * AWAY_ACTS
    say(f"{member} is away for {acts:,} acts")
    asked = {"count": AWAY_ACTS, "parcel": PARCEL, "seconds": 600}
    at_once([partial(control.call, net.at(m), "load", tag=f"{tag}{m}", **asked) for m in SENDERS])
    at = busy()
    began = time.monotonic()
    control.call(net.folder, "heal", member=member, rebuild=False, seconds=60)
    first, end, blocks = _followed(net, member, here["height"])
    yield from _rates("C5.away", f"a member that was away{at}", began, first, end, blocks, acts)


def _new(net: Net) -> Iterator[dict[str, Any]]:
    level(net)
    with psycopg.connect(Machine.of(net.at(SENDERS[0])).database) as connection:
        count = "select count(*) from shared.state where tab = 'act'"
        (acts,) = connection.execute(count).fetchone() or (0,)
    at, began = busy(), time.monotonic()
    say(f"a newcomer replays {acts:,} acts")
    joins = partial(command, "join", net.folder, NEWCOMER, "--power", "0")
    (first, end, blocks), _ = at_once([partial(_followed, net, NEWCOMER, 0), joins])
    of = f"a newcomer that replays the whole record{at}"
    yield from _rates("C5.new", of, began, first, end, blocks, acts)
    command("leave", net.folder, NEWCOMER)


def _followed(net: Net, member: str, height: int) -> tuple[float, float, int]:
    """When its first new block was seen, when it stood where the others do, blocks until then."""
    first, began, at = 0.0, time.monotonic(), height
    while time.monotonic() < began + 600:
        try:
            at = status(Net.of(net.folder), member)["height"]
        except (OutsideFault, Refused):  # not there yet
            time.sleep(0.05)
            continue
        if at > height and not first:
            first = time.monotonic()
        if first and at >= max(status(net, each)["height"] for each in SENDERS):
            return first, time.monotonic(), at - height
        time.sleep(0.05)
    raise OutsideFault(f"{member} does not catch up", retry=True)


def _rates(
    name: str, of: str, began: float, first: float, end: float, blocks: int, acts: int
) -> Iterator[dict[str, Any]]:
    yield row(f"{name}.first", f"{of}: from the command to its first block", first - began, "s")
    yield row(
        f"{name}.whole", f"{of}: to the last of {blocks:,} blocks, {acts:,} acts", end - began, "s"
    )
    over = max(end - first, 0.05)
    yield row(f"{name}.blocks", f"{of}: from its first block on", blocks / over, "blocks/s")
    yield row(f"{name}.acts", f"{of}: from its first block on", acts / over, "acts/s")
