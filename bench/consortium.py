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
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from miaopei.adapters.engine.certificates import certificate
from miaopei.adapters.engine.rpc import EngineRpc
from miaopei.cli.net import control
from miaopei.cli.net.plan import Net
from miaopei.ledger import quorum
from miaopei.ledger.certificate import founders, from_json
from miaopei.node.order.convening import read

IDLE_ACTS, IDLE_PAUSE = 30, 0.5
SENDERS = ("cloud", "utility")
LOADS = ((1, 40), (10, 300), (100, 3_000))  # acts in a parcel, acts of each sender
AIM, READINGS = 10_000, "1000:20,2500:20,5000:20,10000:30"
IDLE_SECONDS, CHECKS = 20.0, 300


def run() -> list[dict[str, Any]]:
    """All rows."""
    with _net() as net:
        measured = (_idle_act, _loads, _readings, _idle_cost, _certificates)
        return [row for each in measured for row in each(net)]


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


def _readings(net: Net) -> list[dict[str, Any]]:
    """Signed batches of readings at rising load; what is too much is refused, and nothing stops.

    MIAOPEI_BENCH_READINGS=RATE:SECONDS,.. names other loads (10000:600: the long form).
    """
    rows = []
    wanted = os.environ.get("MIAOPEI_BENCH_READINGS", READINGS)
    acknowledged = 0
    for rate, lasting in (map(int, each.split(":")) for each in wanted.split(",")):
        with ThreadPoolExecutor(len(SENDERS)) as pool:
            asked = {"rate": rate // len(SENDERS), "lasting": lasting, "tag": f"at{rate}"}
            told = list(pool.map(lambda m, a=asked: _offer(net, m, a), SENDERS))
        acknowledged += (final := sum(each["final"] for each in told))
        taken = sorted(each for one in told for each in one["taken"])
        rate_final = final / max(each["seconds"] for each in told)
        met = rate_final >= 0.99 * rate if rate == AIM else None
        of = f"{rate:,} readings/s offered for {lasting} s in signed batches"
        name = f"C6.{rate}"
        rows.append(_row(f"{name}.final", f"{of}: final", rate_final, "/s",
                         "10,000" if rate == AIM else "", met))  # fmt: skip
        for share in (50, 99):
            value = taken[min(share * len(taken) // 100, len(taken) - 1)] if taken else math.nan
            aimed = rate == AIM and share == 99
            rows.append(_row(f"{name}.p{share}", f"{of}: due to final, p{share}", value, "s",
                             "2" if aimed else "", value <= 2 if aimed else None))  # fmt: skip
        for what in ("refused", "lost"):
            count = sum(each[what] for each in told)
            rows.append(_row(f"{name}.{what}", f"{of}: {what}", count, "readings", "", None))
    held = [_held(net, seat.id) for seat in net.seats]
    same = [each for each in held if each[0] == held[0][0] and each[1] >= acknowledged]
    work = "members with one root afterwards, and with all that was acknowledged"
    rows.append(_row("C6.same", work, len(same), "members", "6", len(same) == len(net.seats)))
    return rows


def _offer(net: Net, member: str, asked: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = control.call(net.at(member), "readings", seconds=None, **asked)
    return told


def _held(net: Net, member: str) -> tuple[str, int]:
    """A member's root at a height that all have, and how many readings its record has."""
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
