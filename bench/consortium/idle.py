"""One act while nothing else happens, and what members cost while nothing happens at all."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

from miaopei.cli.net import control
from miaopei.cli.net.plan import Net, database

from ..journey import row
from ..wanted import Wanted
from .running import SENDERS, Blocks, busy, level, say, share

ACTS, PAUSE = 40, 0.6
IDLE_SECONDS = 20.0
TICKS = os.sysconf("SC_CLK_TCK")


def one_act(net: Net, _: Wanted) -> Iterator[dict[str, Any]]:
    """Sent to committed on the sender and on all, and to the block whose header certifies it."""
    level(net)
    sender, here, everywhere, certified = SENDERS[0], list[float](), list[float](), list[float]()
    tag = os.urandom(4).hex()
    say(f"{ACTS} acts, one after another on an idle record")
    with Blocks(net) as blocks:
        for number in range(ACTS):
            time.sleep(PAUSE)
            sent = time.monotonic()
            control.call(
                net.at(sender), "load", tag=f"{tag}{number}", count=1, parcel=1, seconds=90
            )
            first = blocks.first(sender, lambda b, t=sent: b["acts"] and b["at"] > t)
            height, size = first["height"], first["size"]
            each = [
                blocks.first(m, lambda b, h=height: b["height"] == h)["at"] for m in net.members
            ]
            shown = blocks.first(sender, lambda b, s=size: b["certified"] >= s)["at"]
            here.append(first["at"] - sent)
            everywhere.append(max(each) - sent)
            certified.append(shown - sent)
    of = f"one act on an idle record, of {ACTS}{busy()}: sent to"
    yield row("C1.sender.p50", f"{of} committed on the sender, p50", share(here, 50), "s")
    yield row("C1.p50", f"{of} committed on all six, p50", share(everywhere, 50), "s")
    value = share(everywhere, 95)
    yield row("C1.p95", f"{of} committed on all six, p95", value, "s", "0.4", met=value <= 0.4)
    yield row("C2.p50", f"{of} a header that certifies its result, p50", share(certified, 50), "s")
    value = share(certified, 95)
    work = f"{of} a header that certifies its result, p95"
    yield row("C2.p95", work, value, "s", "0.8", met=value <= 0.8)


def cost(net: Net, _: Wanted) -> Iterator[dict[str, Any]]:
    """Processor time and memory of members that do nothing, by process."""
    level(net)
    say(f"nothing for {IDLE_SECONDS:.0f} s")
    told = control.call(net.folder, "status")["members"]
    pids = {kind: [member[kind] for member in told] for kind in ("engine", "node")}
    sessions, shared = _postgres(net)
    pids |= {"postgres": sessions, "postgres.shared": shared}
    before = {pid: _cpu(pid) for of in pids.values() for pid in of}
    time.sleep(IDLE_SECONDS)
    for kind, mine in pids.items():
        members = 1 if kind == "postgres.shared" else len(told)
        used = sum(_cpu(pid) - before[pid] for pid in mine if Path(f"/proc/{pid}").exists())
        memory = sum(_memory(pid) for pid in mine)
        what = {
            "postgres": f"sessions of its database, {len(sessions) / len(told):.1f} of them",
            "postgres.shared": "what the server of all six has beside them",
        }.get(kind, kind)
        of = f"idle member: {what}{busy()}"
        percent = 100 * used / IDLE_SECONDS / members
        yield row(f"C5.idle.{kind}.cpu", f"{of}, processor", percent, "% of a core")
        yield row(f"C5.idle.{kind}.memory", f"{of}, memory (its share of what it shares)",
                  memory / members, "MB")  # fmt: skip


def _postgres(net: Net) -> tuple[list[int], list[int]]:
    """Server processes that serve one of the members' databases, and the rest of the server."""
    with psycopg.connect(net.postgres.start()) as connection:
        (ours,) = connection.execute("select pg_backend_pid()").fetchone() or (0,)
        server = _parent(ours)
    names = [f" {database(member)} " for member in net.members]
    sessions, shared = [], [server]
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and _parent(int(entry.name)) == server:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            (sessions if any(name in line for name in names) else shared).append(int(entry.name))
    return sessions, shared


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def _cpu(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS


def _memory(pid: int) -> float:
    """Megabytes; of a page that several processes have, each is given its part."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1000
    except OSError:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 / 1e6
