"""A town, a real Mosquitto broker, and concentrators in a sandbox process."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

import pytest

from miaopei.adapters.meters import broker, sealed
from miaopei.adapters.meters.admitted import certificates
from miaopei.adapters.meters.admitted.readers import Readers
from miaopei.adapters.meters.admitted.trust import Concentrators
from miaopei.adapters.meters.devices import Device, line_of, rows
from miaopei.adapters.meters.listening import Listener
from miaopei.adapters.meters.outages import Outages
from miaopei.adapters.meters.taking import Meters, Taken
from miaopei.adapters.sandbox_grid.starter import Running, start
from tests.support import sayings as s
from tests.unit.grid.conftest import Grid

NAMES = ("c1", "c2")
READ = Readers(
    {s.token(f"0571{n:05d}"): ((0, "c1"),) for n in range(100)}
    | {s.token(f"0572{n:05d}"): ((0, "c2"),) for n in range(100)}
)
__all__ = ["grid"]
from tests.unit.grid.conftest import grid  # noqa: E402 - the same town with both grid systems


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@dataclass
class Field:
    """Meters of a town: the broker, its clients, and what our side has taken."""

    grid: Grid
    folder: Path
    port: int
    sandbox: Running
    known: Concentrators
    meters: Meters
    outages: Outages
    taken: list[Taken] = field(default_factory=list)
    turn: Lock = field(default_factory=Lock)  # what is kept is in `taken` too

    def take(self, came: object) -> Taken:
        with self.turn:
            found = self.meters.take(came)  # type: ignore[arg-type]
            self.taken.append(found)
        return found

    def readings(self) -> int:
        """How many were taken, of all that is kept by now."""
        with self.turn:
            return sum(each.readings for each in self.taken)

    def listener(self) -> Listener:
        """Our side, not running yet; the town's clock stands still at now."""
        return Listener("127.0.0.1", self.port, self.folder, self.take, lambda: int(time.time()))

    def device(self, name: str = "c1") -> dict[str, object]:
        with self.grid.town.store.reading() as reading:
            found = {row["id"]: row for row in rows(reading, self.known, int(time.time()))}
        return found[name]

    def next(self, name: str = "c1") -> int:
        with self.grid.town.store.reading() as reading:
            return line_of(reading, name).next

    def whole(self, name: str, upto: int) -> bool:
        """Whether every number up to this one has come."""
        with self.grid.town.store.reading() as reading:
            line = line_of(reading, name)
        return line.next > upto and not line.missing

    def kept(self, name: str = "c1") -> Device:
        with self.grid.town.store.reading() as reading:
            return Device.of(reading, name)


def until(good: Callable[[], bool], seconds: float = 90.0) -> None:
    end = time.monotonic() + seconds
    while not good():
        assert time.monotonic() < end, "it did not come to be in time"
        time.sleep(0.05)


@pytest.fixture
def meadow(grid: Grid, tmp_path: Path) -> Iterator[Field]:
    """Everything but a running broker and listener."""
    folder, port = tmp_path / "broker", free_port()
    broker.make(folder, "127.0.0.1")
    with ExitStack() as opening:
        sandbox = opening.enter_context(start("concentrators", tmp_path / "sandbox"))
        keys = sandbox.keys(NAMES)
        sealed.hand(tmp_path / "clients", grid.town.node.identity)
        for name in NAMES:
            certificates.issue(folder, tmp_path / "clients", name)
        known = Concentrators(s.METERS, "127.0.0.1", port, {n: (k,) for n, k in keys.items()}, READ)
        outages = Outages(grid.town.node, known, s.names)
        meters = Meters(grid.town.node, known, s.names, outages.told)
        yield Field(grid, folder, port, sandbox, known, meters, outages)


@pytest.fixture
def meadow_up(meadow: Field, tmp_path: Path) -> Iterator[Field]:
    """Broker, listener and two connected concentrators."""
    with broker.running(meadow.folder, meadow.port), meadow.listener() as listener:
        meadow.sandbox.connect(NAMES, "127.0.0.1", meadow.port, tmp_path / "clients")
        until(lambda: listener.connected and all(meadow.kept(n).online for n in NAMES))
        yield meadow
        assert listener.failed is None
