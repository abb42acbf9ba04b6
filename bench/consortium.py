"""Six members, engines, databases and this load generator on one machine, all on loopback.

One act on an idle record; acts in parcels at rising sizes through several members at once; what an
idle member costs; a receipt's certificate checked. One run each: read them as +-20 %.
"""

from __future__ import annotations

import contextlib
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from miaopei.adapters.engine.certificates import certificate
from miaopei.adapters.engine.rpc import EngineRpc
from miaopei.cli.net import control
from miaopei.cli.net.plan import Net
from miaopei.cli.net.steps import BATCH
from miaopei.ledger import quorum
from miaopei.ledger.certificate import founders, from_json
from miaopei.node.order.convening import read

from .wanted import Wanted

IDLE_ACTS, IDLE_PAUSE = 30, 0.5
SENDERS = ("cloud", "utility")
LOADS = ((1, 40), (10, 300), (100, 3_000))  # acts in a parcel, acts of each sender
AIM, READINGS = 10_000, "500:10,1000:10,2000:10,3000:10,5000:10,3000:10:1000,10000:20:1000"
HELD_SECONDS = 300.0  # that members may take to fetch what lies in blobs
IDLE_SECONDS, CHECKS = 20.0, 300


def run(wanted: Wanted) -> Iterator[dict[str, Any]]:
    """The rows that are asked for."""
    parts: tuple[tuple[tuple[str, ...], Callable[[Net], Iterable[dict[str, Any]]]], ...] = (
        (("C0", "C1", "C2"), _idle_act),
        (("C3",), _loads),
        (("C6",), _readings),
        (("C4",), _idle_cost),
        (("C5",), _certificates),
    )
    with _net() as net:
        for ids, part in parts:
            if wanted.part(*ids):
                yield from part(net)


@contextlib.contextmanager
def _net() -> Iterator[Net]:
    folder = Path(tempfile.mkdtemp(prefix="miaopei-bench-")).resolve()
    folder.chmod(0o711)
    at = folder / "net"
    try:
        _net_command("init", at, "--members", "6")
        began = time.monotonic()
        _net_command("up", at, "--detach")
        _UP.append(time.monotonic() - began)
        yield Net.of(at)
    finally:
        with contextlib.suppress(Exception):
            _net_command("down", at)
        shutil.rmtree(folder, ignore_errors=True)


def _net_command(*words: object) -> None:
    """As an operator says it: what stays the same when functions change."""
    cli = Path(sys.executable).with_name("miaopei")
    subprocess.run([cli, "net", *map(str, words)], check=True, stdout=sys.stderr)


_UP: list[float] = []


def _idle_act(net: Net) -> list[dict[str, Any]]:
    """One act on an idle record: sent to committed here, and to certified by the next header."""
    final, certified = [], []
    at = net.at(SENDERS[0])
    for number in range(IDLE_ACTS):
        time.sleep(IDLE_PAUSE)
        began = time.monotonic()
        control.call(at, "load", tag=f"idle{number}", count=1, parcel=1, seconds=60)
        final.append(time.monotonic() - began)
        size = control.call(at, "status")["size"]
        while control.call(at, "status")["certified"] < size:
            time.sleep(0.005)
        certified.append(time.monotonic() - began)
    return [
        _row("C0", "six members up", _UP[0], "s", "60", _UP[0] <= 60),
        _row("C1", "idle act, sent to final, p50", statistics.median(final), "s", "", None),
        _row("C1", "idle act, sent to final, p95", _p95(final), "s", "0.4", _p95(final) <= 0.4),
        _row("C2", "idle act, sent to certified, p95", _p95(certified), "s", "0.8",
             _p95(certified) <= 0.8),
    ]  # fmt: skip


def _loads(net: Net) -> list[dict[str, Any]]:
    """Acts final per second, sent one parcel after another by two members at once."""
    rows = []
    for parcel, count in LOADS:
        began = time.monotonic()
        with ThreadPoolExecutor(len(SENDERS)) as pool:
            asked = {"tag": f"load{parcel}", "count": count, "parcel": parcel, "seconds": 300}
            list(pool.map(lambda m, a=asked: control.call(net.at(m), "load", **_of(m, a)), SENDERS))
        rate = len(SENDERS) * count / (time.monotonic() - began)
        rows.append(_row("C3", f"acts final, {parcel} a parcel, 2 senders", rate, "/s", "", None))
    return rows


def _of(member: str, asked: dict[str, Any]) -> dict[str, Any]:
    return {**asked, "tag": f"{asked['tag']}-{member}"}


def _readings(net: Net) -> Iterator[dict[str, Any]]:
    """Signed batches of readings at rising load; what is too much is refused, and nothing stops.

    MIAOPEI_BENCH_READINGS=RATE:SECONDS[:BATCH],.. names other loads (10000:600: the long form).
    """
    wanted = os.environ.get("MIAOPEI_BENCH_READINGS") or READINGS
    before, facts = _held(net, SENDERS[0])[1], 0
    for each in wanted.split(","):
        rate, lasting, batch = (*map(int, each.split(":")), BATCH)[:3]
        with ThreadPoolExecutor(len(SENDERS)) as pool:
            asked: dict[str, Any] = {"rate": rate // len(SENDERS), "lasting": lasting}
            asked |= {"batch": batch, "tag": f"at{rate}x{batch}"}
            told = list(pool.map(lambda m, a=asked: _offer(net, m, a), SENDERS))
        facts += sum(each["final"] for each in told) // batch
        yield from _of_load(rate, lasting, batch, told)
        if blobs := [blob for each in told for blob in each["blobs"]]:
            work = f"members hold all {len(blobs)} originals of these batches, after the last"
            name = f"C6.{rate}x{batch}.held"
            yield _row(name, work, _until_held(net, blobs), "s", "", None)
    held = [_held(net, seat.id) for seat in net.seats]
    same = [each for each in held if each[0] == held[0][0] and each[1] - before >= facts]
    work = "members with one root afterwards, and with all that was acknowledged"
    yield _row("C6.same", work, len(same), "members", "6", len(same) == len(net.seats))


def _of_load(
    rate: int, lasting: int, batch: int, told: list[dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    """What became of one load."""
    final = sum(each["final"] for each in told)
    taken = sorted(each for one in told for each in one["taken"])
    rate_final = final / max(each["seconds"] for each in told)
    aimed = rate == AIM
    of = f"{rate:,} readings/s offered for {lasting} s in signed batches of {batch}"
    name = f"C6.{rate}x{batch}"
    met = rate_final >= 0.99 * rate if aimed else None
    yield _row(f"{name}.final", f"{of}: final", rate_final, "/s", "10,000" if aimed else "", met)
    for share in (50, 99):
        value = taken[min(share * len(taken) // 100, len(taken) - 1)] if taken else math.nan
        bound = aimed and share == 99
        work = f"{of}: due to final, p{share}"
        yield _row(f"{name}.p{share}", work, value, "s", "2" if bound else "",
                   value <= 2 if bound else None)  # fmt: skip
    fifth = min(len(one["taken"]) for one in told) // 5
    if fifth:  # in the order in which they became final
        first, last = ([t for one in told for t in one["taken"][cut]]
                       for cut in (slice(fifth), slice(-fifth, None)))  # fmt: skip
        drift = statistics.median(last) - statistics.median(first)
        yield _row(f"{name}.drift", f"{of}: p50, last fifth less first", drift, "s", "", None)
    for what in ("refused", "lost"):
        count = sum(each[what] for each in told)
        yield _row(f"{name}.{what}", f"{of}: {what}", count, "readings", "", None)


def _until_held(net: Net, blobs: list[str]) -> float:
    """Seconds until every member holds all of these."""
    began = time.monotonic()
    for seat in net.seats:
        while control.call(net.at(seat.id), "holds", blobs=blobs) < len(blobs):
            if time.monotonic() > began + HELD_SECONDS:
                return math.nan
            time.sleep(0.05)
    return time.monotonic() - began


def _offer(net: Net, member: str, asked: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = control.call(net.at(member), "readings", seconds=None, **asked)
    return told


def _held(net: Net, member: str) -> tuple[str, int]:
    """A member's root at a height that all have, and how many facts its record has."""
    height = min(control.call(net.at(seat.id), "status")["height"] for seat in net.seats)
    root = control.call(net.at(member), "roots", heights=[height])[str(height)]
    return root, _offer(net, member, {"tag": "", "rate": 1, "lasting": 0})["recorded"]


def _idle_cost(net: Net) -> list[dict[str, Any]]:
    """Processor time and memory of members that do nothing."""
    pids = [
        (member[name], name)
        for member in control.call(net.folder, "status")["members"]
        for name in ("engine", "node")
    ]
    before = {pid: _cpu(pid) for pid, _ in pids}
    time.sleep(IDLE_SECONDS)
    rows = []
    for kind in ("engine", "node"):
        mine = [pid for pid, name in pids if name == kind]
        used = sum(_cpu(pid) - before[pid] for pid in mine) / IDLE_SECONDS / len(mine)
        memory = sum(_memory(pid) for pid in mine) / len(mine)
        rows.append(_row("C4", f"idle {kind}, processor", 100 * used, "% of a core", "", None))
        rows.append(_row("C4", f"idle {kind}, memory", memory, "MB", "", None))
    return rows


def _certificates(net: Net) -> list[dict[str, Any]]:
    """Certificates of real headers checked, on one core."""
    genesis = net.genesis
    engine = EngineRpc(net.at(SENDERS[0]) / "rpc.sock")
    made = certificate(engine, 5)
    name, first = read(genesis).chain, founders(genesis)
    began = time.monotonic()
    for _ in range(CHECKS):
        quorum.check(from_json(made), name, first)
    rate = CHECKS / (time.monotonic() - began)
    return [_row("C5", "certificates checked, one core", rate, "/s", "", None)]


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def _memory(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 / 1e6


def _p95(values: list[float]) -> float:
    return sorted(values)[int(0.95 * len(values))]


def _row(
    name: str, work: str, value: float, unit: str, aim: str, met: bool | None
) -> dict[str, Any]:
    return {"id": name, "work": work, "value": value, "unit": unit, "aim": aim, "met": met}
