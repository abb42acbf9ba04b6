"""Members on machines of their own: a folder each, by the commands alone, as their operators do.

Where the machine lets us, each runs in a network namespace of its own and listens on all addresses
of it, known to the others by the one on the wire; else they share loopback, by ports.
"""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from miaopei.adapters.engine import install, wires
from miaopei.adapters.engine.wires import Wires
from miaopei.cli.main import main
from miaopei.cli.net.plan import HOST, Net, ports
from miaopei.cli.net.watching import standing
from miaopei.errors import Refused
from tests.support import commands, nets, servers

ROLES: Mapping[str, Sequence[str]] = {
    "insurer": ("carrier", "decider", "payer", "channel"),
    "cloud": ("operator", "gateway", "clock"),
    "regulator": ("regulator", "decider"),
    "notary": ("notary", "decider"),
    "utility": ("data_provider", "gateway", "operator"),
    "agent": ("channel", "decider"),
    "reinsurer": ("carrier", "decider"),
}

# Another program that has a port; it is ended by who has started it.
LISTENS = """
import socket, sys, time
held = socket.create_server((sys.argv[1], int(sys.argv[2])))
print("listens", flush=True)
time.sleep(600)
"""
PIPES: Mapping[str, Any] = {"stdout": subprocess.PIPE}

GIVEN = ("insurer", "regulator", "reinsurer")  # whose operators have a database server already


@dataclass(frozen=True)
class Said:
    """What a command said."""

    stdout: str
    stderr: str


@dataclass
class Machines:
    """Where each member has its folder, and how it is reached."""

    folder: Path
    laid: Wires | None
    places: dict[str, list[str]] = field(default_factory=dict)

    def at(self, member: str) -> Path:
        """A member's folder."""
        return self.folder / member

    def seat(self, member: str) -> Path:
        """The seat file that a member has written."""
        return self.at(member) / f"{member}.seat.json"

    def run(self, member: str, *words: str, code: int = 0, at: Path | None = None) -> Said:
        """One of the commands, by a member's operator, on its folder."""
        do, *rest = words
        lang = [] if "--json" in rest else ["--lang", "en"]
        given = ["member", do, str(at or self.at(member)), *rest, *lang]
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            ended = main(given)
        said = Said(out.getvalue(), err.getvalue())
        assert ended == code, f"{member} {words}: {ended} {said}"
        return said

    def start(self, member: str, at: Path | None = None, code: int = 0) -> str:
        """Bring a member up on its machine, in a process of its own; what it notes."""
        command = [sys.executable, "-m", "miaopei.cli", "member", "up", str(at or self.at(member))]
        done = subprocess.run(
            [*self._inside(member), *command, "--detach", "--lang", "en"],
            capture_output=True, text=True, timeout=600,
        )  # fmt: skip
        assert done.returncode == code, done.stderr
        return done.stderr

    def _inside(self, member: str) -> list[str]:
        return [] if self.laid is None else list(self.laid.inside(member))

    @contextmanager
    def taken(self, member: str, address: str) -> Iterator[None]:
        """Inside, another program of the member's machine listens at host:port."""
        host, _, port = address.rpartition(":")
        command = [sys.executable, "-c", LISTENS, host, port]
        with subprocess.Popen([*self._inside(member), *command], **PIPES) as holds:
            try:
                assert holds.stdout.readline() == b"listens\n"
                yield
            finally:
                holds.kill()

    def told(self, member: str, *words: str, code: int = 0) -> Any:
        """What a command tells with --json."""
        return json.loads(self.run(member, *words, "--json", code=code).stdout)

    def wishes(self, member: str, count: int) -> list[dict[str, Any]]:
        """What waits by a member's record, once it is so many: a block comes to each in its own
        time.
        """
        end = time.monotonic() + nets.SECONDS
        while len(found := self.told(member, "wishes")) != count:
            assert time.monotonic() < end, found
            time.sleep(0.2)
        listed: list[dict[str, Any]] = found
        return listed

    def init(self, *members: str) -> None:
        """Keys and seat file of each."""
        for member in members:
            roles = [word for role in ROLES[member] for word in ("--role", role)]
            server = ["--dsn", servers.postgres()] if member in GIVEN else []
            self.run(member, "init", "--id", member, *roles, *self.address(member), *server)

    def address(self, member: str) -> list[str]:
        """The options that say where a member is reached, and where it listens."""
        if member not in self.places:
            if self.laid is None:
                engine, blobs = (f"{HOST}:{port}" for port in ports(2))
                self.places[member] = ["--engine", engine, "--blobs", blobs]
            else:
                own = wires.address(self.laid.members.index(member))
                self.places[member] = [
                    *("--engine", f"{own}:{wires.ENGINE_PORT}"),
                    *("--blobs", f"{own}:{wires.BLOBS_PORT}"),
                    *("--listen-engine", f"0.0.0.0:{wires.ENGINE_PORT}"),
                    *("--listen-blobs", f"0.0.0.0:{wires.BLOBS_PORT}"),
                ]
        return self.places[member]

    def elsewhere(self, member: str) -> list[str]:
        """The same for another address: other ports."""
        if self.laid is None:
            self.places.pop(member)
            return self.address(member)
        own = wires.address(self.laid.members.index(member))
        words = ["--engine", f"{own}:36656", "--blobs", f"{own}:36657"]
        return [*words, "--listen-engine", "0.0.0.0:36656", "--listen-blobs", "0.0.0.0:36657"]

    @contextmanager
    def map(self, member: str) -> Iterator[str]:
        """`member map` in a process of its own; where it is looked at."""
        (port,) = ports(1)
        said = ["member", "map", str(self.at(member)), "--port", str(port)]
        address = f"http://{HOST}:{port}"
        with subprocess.Popen([sys.executable, "-m", "miaopei.cli", *said]) as serving:
            try:
                while True:
                    assert serving.poll() is None
                    with contextlib.suppress(httpx.TransportError):
                        httpx.get(f"{address}/api/v1/members", timeout=120)
                        break
                    time.sleep(0.2)
                yield address
            finally:
                serving.terminate()

    def up(self, *members: str) -> None:
        """Start some, at once: none goes on before enough others are there."""
        with ThreadPoolExecutor(len(members)) as pool:
            list(pool.map(self.start, members))

    def rows(self, member: str) -> dict[str, dict[str, Any]]:
        """How all stand, as `member status` of one of them sees it."""
        found = standing(Net.of(self.at(member)))
        return {row["member"]: row for row in found.as_json()["members"]}

    def until(
        self,
        member: str,
        holds: Callable[[dict[str, dict[str, Any]]], bool],
        seconds: float = nets.SECONDS,
    ) -> dict[str, dict[str, Any]]:
        """Wait until all stand so, as one member sees it."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if holds(found := self.rows(member)):
                return found
            time.sleep(0.2)
        raise AssertionError(f"never came to stand so: {self.rows(member)}")

    def agree(self, member: str, *members: str) -> dict[str, dict[str, Any]]:
        """Wait until these agree, as one of them sees it."""
        return self.until(member, lambda rows: all(rows[m]["verdict"] == "agrees" for m in members))


@contextmanager
def machines(name: str, members: Sequence[str]) -> Iterator[Machines]:
    """An empty machine for each of these; what runs on them is ended with the context."""
    install.install()
    folder = servers.folder() / name
    folder.mkdir()
    folder.chmod(0o711)
    made = Machines(folder, _wires(folder, members))
    try:
        yield made
    finally:
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda at: commands.run(["member", "down", str(at)]), folder.iterdir()))
        if made.laid is not None:
            made.laid.take_up()
        shutil.rmtree(folder, ignore_errors=True)


def _wires(folder: Path, members: Sequence[str]) -> Wires | None:
    try:
        wires.need()
    except Refused:
        return None
    laid = Wires(folder, members)
    laid.lay()
    return laid
