"""A net of six for measuring: made, brought up, told how it stands, and always taken down."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from miaopei.adapters.postgres.starter import LocalPostgres
from miaopei.cli.net import control
from miaopei.cli.net.plan import Net
from miaopei.errors import OutsideFault

from ..journey import row

SENDERS = ("cloud", "utility")
CLI = Path(sys.executable).with_name("miaopei")
UP_AIM = 60.0
PARTS = {  # of `net up --json`: what its parts are
    "database": "until the database server answers",
    "bank": "from there until the sandbox bank answers",
    "nodes": "from there until every member's node answers its engine",
    "engines": "from there until every engine answers",
    "blocks": "from there until every member has its first block",
}


@contextmanager
def up() -> Iterator[tuple[Net, list[dict[str, Any]]]]:
    """The net, and what bringing it up took (C8); nothing is left of it, also when interrupted."""
    given = os.environ.get("MIAOPEI_BENCH_NET")
    if given:
        yield Net.of(Path(given)), []
        return
    folder = Path(tempfile.mkdtemp(prefix="miaopei-bench-")).resolve()
    folder.chmod(0o711)
    at = folder / "net"
    try:
        with interruptible():
            began = time.monotonic()
            command("init", at, "--members", "6")
            made, began = time.monotonic() - began, time.monotonic()
            told = json.loads(command("up", at, "--detach", "--json"))
            rows = [row("C8.init", f"six members made{busy()}", made, "s")]
            seconds = time.monotonic() - began
            met = seconds <= UP_AIM
            rows.append(
                row("C8.up", f"six members brought up{busy()}", seconds, "s", "60", met=met)
            )
            rows += [row(f"C8.up.{name}", f"of it {what}", told[name], "s")
                     for name, what in PARTS.items()]  # fmt: skip
            yield Net.of(at), rows
    finally:
        _away(at)
        shutil.rmtree(folder, ignore_errors=True)


def command(*words: object) -> str:
    """As an operator says it: what stays the same when functions change. What it printed."""
    done = subprocess.run(
        [CLI, "net", *map(str, words)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    return done.stdout


def say(text: str) -> None:
    """One line of progress."""
    sys.stderr.write(f"consortium: {text}\n")
    sys.stderr.flush()


def busy() -> str:
    """The load of the machine in the last minute, as a row names it."""
    return f" (load {os.getloadavg()[0]:.1f})"


def _away(at: Path) -> None:
    """End what runs there; whoever interrupts again does not end this."""
    old = {number: signal.signal(number, signal.SIG_IGN) for number in INTERRUPTS}
    try:
        with contextlib.suppress(Exception):
            command("down", at)
        with contextlib.suppress(Exception):
            LocalPostgres(at / "postgres").remove()
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def interruptible() -> Iterator[None]:
    """While it lasts any wish to end us runs through our own `finally`, as Ctrl-C does."""

    def told(number: int, _: FrameType | None) -> None:
        raise KeyboardInterrupt(signal.Signals(number).name)

    old = {number: signal.signal(number, told) for number in INTERRUPTS}
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


def at_once(works: Sequence[Callable[[], Any]]) -> list[Any]:
    """Results of works done at the same moment. An interruption does not wait for them: they end
    with the members that they ask."""
    done: list[Any] = [None] * len(works)

    def work(number: int) -> None:
        try:
            done[number] = works[number]()
        except BaseException as error:  # noqa: BLE001 - raised below, in the thread that waits
            done[number] = error

    threads = [threading.Thread(target=work, args=(n,), daemon=True) for n in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        while thread.is_alive():
            thread.join(0.5)
    for each in done:
        if isinstance(each, BaseException):
            raise each
    return done


class Blocks:
    """Blocks as members commit them: each member's own moments on this machine's one clock."""

    def __init__(self, net: Net, members: Sequence[str] | None = None) -> None:
        self.net, self.members = net, list(members or net.members)
        self.seen: dict[str, list[dict[str, Any]]] = {member: [] for member in self.members}
        self._ready = {member: threading.Event() for member in self.members}
        self._new = threading.Condition()
        self._threads = [
            threading.Thread(target=self._follow, args=(member,), daemon=True)
            for member in self.members
        ]

    def __enter__(self) -> Blocks:
        for thread in self._threads:
            thread.start()
        for member, ready in self._ready.items():
            if not ready.wait(60):
                raise OutsideFault(f"{member} tells no blocks", retry=True)
        return self

    def __exit__(self, *_: object) -> None:
        for member in self.members:
            with contextlib.suppress(OutsideFault):
                control.call(self.net.at(member), "followed")
        for thread in self._threads:
            thread.join(10)

    def _follow(self, member: str) -> None:
        def heard(told: dict[str, Any] | None) -> None:
            if told is None:
                self._ready[member].set()
                return
            with self._new:
                self.seen[member].append(told)
                self._new.notify_all()

        with contextlib.suppress(OutsideFault):  # it was killed: what it said is here
            control.call(self.net.at(member), "follow", tell=heard, lasting=1800, seconds=None)

    def first(
        self, member: str, holds: Callable[[dict[str, Any]], bool], seconds: float = 120.0
    ) -> dict[str, Any]:
        """The first block of a member of which this holds; waits for it.

        Errors   OutsideFault (retry) where none comes in that time.
        """
        with self._new:
            end = time.monotonic() + seconds
            while True:
                for block in self.seen[member]:
                    if holds(block):
                        return block
                if time.monotonic() > end:
                    raise OutsideFault(f"{member} has no such block", retry=True)
                self._new.wait(1.0)


def status(net: Net, member: str) -> dict[str, Any]:
    """How a member stands, by itself."""
    told: dict[str, Any] = control.call(net.at(member), "status", seconds=60)
    return told


def until(holds: Callable[[], bool], what: str, seconds: float = 300.0) -> None:
    """Wait until something holds.

    Errors   OutsideFault (retry) where it does not come to.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OutsideFault):
            if holds():
                return
        time.sleep(0.05)
    raise OutsideFault(f"never: {what}", retry=True)


def level(net: Net) -> None:
    """Wait until all members stand at one height or next to it, and nothing else goes on."""

    def near() -> bool:
        heights = [status(net, member)["height"] for member in net.members]
        return max(heights) - min(heights) <= 1

    until(near, "all members at one height")


def share(values: Sequence[float], percent: float) -> float:
    """Nearest rank: the value that so many of a hundred do not exceed."""
    ordered = sorted(values)
    if not ordered:
        return float("nan")
    rank = -(-len(ordered) * percent // 100)
    return ordered[max(0, min(len(ordered), int(rank)) - 1)]
