"""Six members, engines, databases and this load generator on one machine, all on loopback.

One act on an idle record; acts in parcels at rising sizes through several members at once; what an
idle member costs; a receipt's certificate checked. One run each: read them as +-20 %.
"""

from __future__ import annotations

import contextlib
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from miaopei.adapters.engine.certificates import certificate
from miaopei.adapters.engine.rpc import EngineRpc
from miaopei.cli.net import control, running
from miaopei.cli.net.plan import Net
from miaopei.ledger import quorum
from miaopei.ledger.certificate import founders, from_json
from miaopei.node.order.convening import read

IDLE_ACTS, IDLE_PAUSE = 30, 0.5
SENDERS = ("cloud", "utility")
LOADS = ((1, 40), (10, 300), (100, 3_000))  # acts in a parcel, acts of each sender
IDLE_SECONDS, CHECKS = 20.0, 300


def run() -> list[dict[str, Any]]:
    """All rows."""
    with _net() as net:
        return [*_idle_act(net), *_loads(net), *_idle_cost(net), *_certificates(net)]


@contextlib.contextmanager
def _net() -> Iterator[Net]:
    folder = Path(tempfile.mkdtemp(prefix="miaopei-bench-")).resolve()
    folder.chmod(0o711)
    at = folder / "net"
    try:
        running.init(at, 6, replay=False, origin=None, language="en")
        began = time.monotonic()
        running.up(at, detach=True, language="en")
        _UP.append(time.monotonic() - began)
        yield Net.of(at)
    finally:
        with contextlib.suppress(Exception):
            running.down(at, None, language="en")
        shutil.rmtree(folder, ignore_errors=True)


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
