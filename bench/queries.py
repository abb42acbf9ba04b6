"""Reading the API with 100 clients at once, beside a bare FastAPI + psycopg endpoint (O-10).

A real server process (uvicorn) over a real PostgreSQL with at least 200,000 records. The clients
are another process; each keeps one connection and asks for a case chosen at random, and again when
it is answered: 100 clients then wait 100 over the rate on average, whatever the server does.
`MIAOPEI_BENCH_QUERIES=FOLDER` keeps the database for another run.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import random
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import uvloop

from miaopei.adapters.keys import load_or_make
from miaopei.adapters.persons import master_key
from miaopei.adapters.postgres.schema import migrate
from miaopei.adapters.postgres.starter import LocalPostgres
from miaopei.adapters.postgres.store import PostgresStore
from miaopei.cli.net.plan import ports
from miaopei.measures.identity import canonical, read_canonical
from miaopei.measures.instant import DAY, HOUR, from_beijing
from miaopei.node.gateway import record
from miaopei.node.node import Node, genesis_value

from .journey import row
from .world import member, put_book, quake

RECORDS, REAL = 200_000, 300
ID = re.compile("[0-9a-f]{64}")
LENGTH = re.compile(rb"(?i)\r\ncontent-length: (\d+)")
CLIENTS, SECONDS = 100, int(os.environ.get("MIAOPEI_BENCH_SECONDS", "60"))
ROOT = Path(__file__).parents[1]
PAUSE = 0.05  # seconds between two writes of the mixed run


def run() -> Iterator[dict[str, Any]]:
    """All measurements; the bare endpoint first, in the same run."""
    with _folder() as folder:
        _made(folder)
        server = LocalPostgres(folder / "pg")
        address = server.start()
        try:
            names, records = _names(address)
            bare = _measured(folder, address, "bare", names)
            ours = _measured(folder, address, "ours", names)
            mixed = _measured(folder, address, "mixed", names)
        finally:
            server.stop()
    what = "rows of the state: cases of generated facts, and as many more at other times"
    yield row("Q0", what, records, "records", ">= 200,000", records >= RECORDS)
    for key, what, found in (
        ("Q1", "read only", ours), ("Q2", "reads beside writes", mixed),
        ("Q3", "bare FastAPI + psycopg, one indexed read", bare),
    ):  # fmt: skip
        where = f"{CLIENTS} clients, {SECONDS} s, {what}"
        aim = key != "Q3"
        yield row(f"{key}.rate", f"{where}: answers", found["rate"], "1/s")
        yield row(f"{key}.p50", f"{where}: p50", found["p50"], "ms")
        yield row(f"{key}.p95", f"{where}: p95", found["p95"], "ms",
                  "<= 50 ms" if aim else "", found["p95"] <= 50 if aim else None)  # fmt: skip
        yield row(f"{key}.cpu", f"{where}: processor time of the server an answer",
                  found["cpu"] * 1e3, "ms")  # fmt: skip
        yield row(f"{key}.errors", f"{where}: errors", found["errors"], "",
                  "0" if aim else "", found["errors"] == 0 if aim else None)  # fmt: skip
    yield row("Q2.writes", "acts recorded meanwhile", mixed["writes"], "1/s")
    share = ours["rate"] / bare["rate"]
    yield row("Q4", "answers, ours to bare", share, "x", ">= 0.7", share >= 0.7)


# The record --------------------------------------------------------------------------------------
@contextmanager
def _folder() -> Iterator[Path]:
    if kept := os.environ.get("MIAOPEI_BENCH_QUERIES"):
        path = Path(kept)
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(0o755)
        yield path
        return
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o755)
        yield Path(made)


def _made(folder: Path) -> None:
    """A record with some hundred real cases, and 200,000 rows made of them; made once.

    The real ones come of facts: quakes of other times, places and magnitudes, recorded by acts.
    Each of the others is one of these at another time: its occurrence, its facts' ids and its
    instants are its own, so that no two rows are alike. They are copied in beside the acts, because
    only their reading is measured; rows, keys and index are those of a record of so many cases.
    """
    if (folder / "made").exists():
        return
    server = LocalPostgres(folder / "pg")
    address = server.start()
    migrate(address)
    store = PostgresStore(address, master_key.vault(folder))
    clock = [from_beijing("2015-01-01")]
    try:
        node = _node(folder, store, clock)
        put_book(node, 10)
        clock[0] = from_beijing("2015-09-01")
        for start in range(0, REAL, 20):
            quakes = [
                quake(
                    clock[0] + number * 5 * DAY,
                    f"{5 + (start + number) % 20 / 10:.1f}",
                    (25_890_000 - 7_000 * ((start + number) % 30), 99_800_000),
                )
                for number in range(20)
            ]
            clock[0] += 100 * DAY
            record(node, quakes, clock[0])
        with store.reading() as reading:
            real = [read_canonical(value) for _, value in reading.range("case", "")]
        assert len(real) >= REAL, f"{len(real)} cases of {REAL} quakes"
        with psycopg.connect(address) as connection, connection.cursor() as cursor:
            command = "copy shared.state (tab, key, value) from stdin"
            with cursor.copy(command) as copy:
                for number in range(RECORDS):
                    case = _at_another_time(real[number % len(real)], number + 1)
                    case["at"] = f"{case['at'].rpartition('/')[0]}/{case['occurrence']}"
                    key = f"{case['listing']}/{case['occurrence']}/{case['benefit']}"
                    copy.write_row(("case", key, canonical(case)))
            connection.commit()
            connection.autocommit = True
            connection.execute("analyze shared.state")
    finally:
        store.close()
        server.stop()
    (folder / "made").write_text("made\n")


def _at_another_time(value: Any, number: int) -> Any:
    """A case, or a part of one, so many hours later: with other ids wherever one stands."""
    if isinstance(value, dict):
        return {name: _at_another_time(each, number) for name, each in value.items()}
    if isinstance(value, list):
        return [_at_another_time(each, number) for each in value]
    if isinstance(value, str) and ID.fullmatch(value):
        return hashlib.sha256(f"{number}/{value}".encode()).hexdigest()
    return value + number * HOUR if type(value) is int and value > 10**9 else value


def _node(folder: Path, store: PostgresStore, clock: list[int]) -> Node:
    identity = load_or_make(folder / "keys.json", "miaopei")
    node = Node(store, identity, lambda: clock[0], os.urandom)
    if node.genesis is None:
        node.found(
            genesis_value(
                *("queries", identity), clock="live", time=clock[0], origin="example.org/queries",
                member_name={"zh": "测速", "en": "bench"},
            )
        )  # fmt: skip
    return node


def _count(address: str) -> int:
    store = PostgresStore(address)
    with store.reading() as reading:
        found = reading.execute("select count(*) from shared.state")[0][0]
    store.close()
    return int(found)


def _names(address: str) -> tuple[list[str], int]:
    store = PostgresStore(address)
    with store.reading() as reading:
        found = [key for key, _ in reading.range("case", "")]
    store.close()
    return found, _count(address)


# The servers -------------------------------------------------------------------------------------
def _measured(folder: Path, address: str, what: str, names: list[str]) -> dict[str, float]:
    (port,) = ports(1)
    kind = "bare" if what == "bare" else "ours"
    serve = [sys.executable, "-m", "bench.queries", kind, str(folder), address, str(port)]
    processes = [subprocess.Popen(serve, cwd=ROOT)]
    try:
        _wait(port)
        before, spent = _count(address), _spent(processes[0].pid)
        if what == "mixed":
            writer = [sys.executable, "-m", "bench.queries", "write", str(folder), address, "0"]
            processes.append(subprocess.Popen(writer, cwd=ROOT))
        prefix = "/bare/" if kind == "bare" else "/api/v1/cases/"
        (folder / "asked.json").write_text(json.dumps([prefix + name for name in names]))
        clients = [sys.executable, "-m", "bench.queries", "ask", str(folder), address, str(port)]
        done = subprocess.run(clients, cwd=ROOT, capture_output=True, check=True, text=True)
        found: dict[str, float] = json.loads(done.stdout)
        found["cpu"] = (_spent(processes[0].pid) - spent) / found["answers"]
    finally:
        for process in reversed(processes):
            process.send_signal(signal.SIGTERM)
            process.wait(30)
    found["writes"] = (_count(address) - before) / 2 / SECONDS
    return found


def _spent(pid: int) -> float:
    """Seconds of processor time that a process has taken, of all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _wait(port: int) -> None:
    end = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


def serve_ours(folder: Path, address: str, port: int) -> None:
    """The portal as `miaopei serve` runs it."""
    import uvicorn

    from miaopei import portal

    store = PostgresStore(address, master_key.vault(folder))
    uvicorn.run(
        portal.app(store, portal.Settings()), host="127.0.0.1", port=port, log_level="warning",
        access_log=False, server_header=False,
    )  # fmt: skip


def serve_bare(address: str, port: int) -> None:
    """One indexed read by FastAPI and psycopg's own pool, as their documentation shows it."""
    from contextlib import asynccontextmanager

    import uvicorn
    from fastapi import FastAPI
    from psycopg_pool import AsyncConnectionPool

    pool = AsyncConnectionPool(address, min_size=10, max_size=40, open=False)

    @asynccontextmanager
    async def life(_: FastAPI):
        async with pool:
            yield

    app = FastAPI(lifespan=life)

    @app.get("/bare/{listing}/{occurrence}/{benefit}")
    async def one(listing: str, occurrence: str, benefit: str) -> dict[str, Any]:
        query = "select value from shared.state where tab = 'case' and key = %s"
        async with pool.connection() as connection:
            found = await connection.execute(query, (f"{listing}/{occurrence}/{benefit}",))
            (value,) = await found.fetchone()
        return json.loads(value)

    uvicorn.run(
        app, host="127.0.0.1", port=port, log_level="warning", access_log=False,
        server_header=False,
    )  # fmt: skip


def write(folder: Path, address: str) -> None:
    """Another process writes to the record: an act a block, until it is told to stop."""
    store = PostgresStore(address, master_key.vault(folder))
    going = [True]
    signal.signal(signal.SIGTERM, lambda *_: going.clear())
    with store.reading() as reading:
        clock = [reading.head().time]
    node = _node(folder, store, clock)
    number = int.from_bytes(os.urandom(5))
    while going:
        number += 1
        node.accept("admit_member", f"m{number}", member(f"m{number}"))
        time.sleep(PAUSE)
    store.close()


# The clients -------------------------------------------------------------------------------------
class Client(asyncio.Protocol):
    """One connection with one question at a time, until the time is over."""

    def __init__(self, names: list[str], end: float, number: int) -> None:
        self._names, self._end, self._choose = names, end, random.Random(number)
        self._heard, self._asked = b"", 0.0
        self.taken: list[float] = []
        self.errors = 0
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._ask()

    def _ask(self) -> None:
        self._heard, self._asked = b"", time.perf_counter()
        path = self._choose.choice(self._names)
        self._transport.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())

    def data_received(self, data: bytes) -> None:
        self._heard += data
        head, ends, body = self._heard.partition(b"\r\n\r\n")
        stated = LENGTH.search(head)
        if not ends or (stated and len(body) < int(stated[1])):
            return
        good = stated and head.startswith(b"HTTP/1.1 200") and b'"state"' in body
        self.errors += not good
        now = time.perf_counter()
        self.taken.append(now - self._asked)
        if now < self._end:
            self._ask()
        else:
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        self.errors += error is not None or time.perf_counter() < self._end
        self.done.set_result(None)


async def ask(folder: Path, port: int) -> None:
    """So many connections, each with one question at a time, until the time is over."""
    names = json.loads((folder / "asked.json").read_text())
    began = time.perf_counter()
    clients = [Client(names, began + SECONDS, number) for number in range(CLIENTS)]
    loop = asyncio.get_running_loop()
    for client in clients:
        await loop.create_connection(lambda client=client: client, "127.0.0.1", port)
    for client in clients:
        await client.done
    taken = [each for client in clients for each in client.taken]
    errors = sum(client.errors for client in clients)
    cuts = statistics.quantiles(taken, n=100)
    rate = len(taken) / (time.perf_counter() - began)
    said = {"rate": rate, "p50": cuts[49] * 1e3, "p95": cuts[94] * 1e3, "errors": errors}
    said["answers"] = len(taken)
    sys.stdout.write(json.dumps(said))


if __name__ == "__main__":
    what, place, dsn, number = sys.argv[1:]
    match what:
        case "ours":
            serve_ours(Path(place), dsn, int(number))
        case "bare":
            serve_bare(dsn, int(number))
        case "write":
            write(Path(place), dsn)
        case "ask":
            uvloop.run(ask(Path(place), int(number)))
