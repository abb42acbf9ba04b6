"""The supervisor of a net: `python -m miaopei.cli.net.supervisor FOLDER`.

Starts the database server, the sandbox bank, and for each member its node, then its engine. When
either of the two ends, both are ended and started again: an engine leaves with status 0 when its
node dies, so a good exit is no wish. It can be told to kill, cut, heal and stop members.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...adapters.engine import home, process
from ...adapters.engine.rpc import EngineRpc
from ...adapters.engine.wires import Wires
from ...adapters.sandbox_bank import starter as sandbox
from ...errors import OutsideFault, Refused
from ...settings import own_environment
from . import control, mending
from .control import BOUND, Command
from .plan import NODE_LOG, SANDBOX, Net, held, no

TICK_SECONDS = 0.1
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 10.0
STEADY_SECONDS = 30.0  # after which an earlier end is forgotten
STOP_SECONDS = 15.0
HELD_SECONDS = 1.0  # less than any net takes to come up
TAKEN = 75  # the status of one that finds the net supervised
LOOK_SECONDS, ALONE_SECONDS = 5.0, 30.0  # between looks for neighbours; without any
BESIDE_SECONDS = 2.0  # between looks whether database and bank are there
MEMBER = f"{__package__}.member"
BANK_SOCKET = "bank.sock"


@dataclass
class Slot:
    """One member's two processes. `wanted` is what we were told; the rest follows."""

    member: str
    folder: Path
    inside: Sequence[str] = ()  # what stands before its commands, where it has wires of its own
    wanted: bool = True
    cut: bool = False
    node: subprocess.Popen[bytes] | None = None
    engine: subprocess.Popen[bytes] | None = None
    restarts: int = 0
    began: int = 0  # how long its node's log was when it was started
    fell: int | None = None  # the same of the life that ended last by itself
    pause: float = FIRST_PAUSE
    not_before: float = 0.0
    started: float = 0.0
    alone: float | None = None  # since when its engine has had no neighbour
    answered: float | None = None  # when its node first answered its engine
    served: float | None = None  # when its engine first answered
    trouble: str | None = None  # what keeps us from looking after it
    lock: threading.RLock = field(default_factory=threading.RLock)

    def tick(self) -> None:
        """Bring the processes nearer to what is wanted."""
        with self.lock:
            if not self.wanted or (self.cut and not self.inside):
                return  # frozen processes are not looked at
            if self._ended():
                self.fell = self.began
                self.end(signal.SIGKILL)
                self.restarts += 1
                self.not_before = time.monotonic() + self.pause
                self.pause = min(LONGEST_PAUSE, 2 * self.pause)
            elif self.node is None and time.monotonic() >= self.not_before:
                self._start_node()
            elif self.node and not self.engine and (self.folder / home.ABCI_SOCKET).exists():
                # Not before: it would try again only each 3 s by itself.
                self.engine = process.start(self.folder, self.inside)
                self.answered = self.answered or time.monotonic()
            elif self.engine and self.served is None and (self.folder / home.RPC_SOCKET).exists():
                self.served = time.monotonic()
            elif self.engine and time.monotonic() - self.started > STEADY_SECONDS:
                self.pause = FIRST_PAUSE

    def look(self) -> None:
        """End an engine that has had no neighbour for a while, to be started anew: by itself
        it tries them more and more seldom, at last every few hours.
        """
        engine, now = self.engine, time.monotonic()
        if engine is None:
            self.alone = None
            return
        try:
            peers = int(EngineRpc(self.folder / home.RPC_SOCKET).ask("net_info")["n_peers"])
        except OutsideFault:
            return
        self.alone = None if peers else self.alone or now
        if self.alone is not None and now - self.alone > ALONE_SECONDS:
            self.alone = None
            engine.terminate()

    def end(self, number: signal.Signals) -> None:
        """End both, and wait for it."""
        with self.lock:
            for running in (self.engine, self.node):
                if running is not None:
                    with suppress(ProcessLookupError):
                        running.send_signal(number)
                        running.send_signal(signal.SIGCONT)
            for running in (self.engine, self.node):
                if running is not None:
                    _wait(running)
            self.node = self.engine = None

    def freeze(self, number: signal.Signals) -> None:
        """Stop both where they stand, or let them go on."""
        for running in (self.engine, self.node):
            if running is not None:
                running.send_signal(number)

    def told(self) -> dict[str, Any]:
        """What the supervisor knows of it."""
        both = (self.node, self.engine)
        pids = [None if one is None or one.poll() is not None else one.pid for one in both]
        return {
            "member": self.member,
            "up": None not in pids,
            "wanted": self.wanted,
            "cut": self.cut,
            "node": pids[0],
            "engine": pids[1],
            "restarts": self.restarts,
            "fell": self.fell,
            "trouble": self.trouble,
        }

    def _ended(self) -> bool:
        return any(one is not None and one.poll() is not None for one in (self.node, self.engine))

    def _start_node(self) -> None:
        (self.folder / home.ABCI_SOCKET).unlink(missing_ok=True)
        if not self.started:
            process.end_left(self.folder, MEMBER, BOUND)
        with (self.folder / NODE_LOG).open("ab") as log:
            self.began = log.tell()
            self.node = subprocess.Popen(  # noqa: S603 - our own module
                [*self.inside, sys.executable, "-P", "-m", MEMBER, str(self.folder), BOUND],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=own_environment(),
            )
        self.started = time.monotonic()


class Supervisor:
    """All members of a net on this machine."""

    def __init__(self, net: Net) -> None:
        self.net = net
        self.wires = self._wires()
        self.slots = {member: self._new_slot(member) for member in net.here}
        self.bank: sandbox.RunningBank | None = None
        self.moments: dict[str, float] = {}  # when database and bank were there
        self.told = asyncio.Event()
        self._stop = threading.Event()

    async def run(self) -> None:
        """Until told to stop; then everything is put away."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, self.told.set)
        os.chdir(self.net.folder)
        with ExitStack() as opened:
            opened.callback(self.net.postgres.stop)
            self.net.postgres.start()
            self.moments["database"] = time.monotonic()
            if self.wires is not None:
                opened.callback(self.wires.take_up)
                self.wires.lay()
            at = self.net.folder / BANK_SOCKET if self.wires else None  # across namespaces
            if self.net.own is None or self.net.own.bank == SANDBOX:
                self.bank = sandbox.start(self.net.folder / "bank", socket=at)
                opened.callback(self._stop_bank)
                mending.tell_bank(self.net, self.bank.address)
            self.moments["bank"] = time.monotonic()
            looks = [threading.Thread(target=of) for of in (self._tick, self._beside)]
            for each in looks:
                each.start()
            try:
                async with control.serving(self._commands(loop)):
                    await self.told.wait()
            finally:
                self._stop.set()
                for each in looks:
                    await asyncio.to_thread(each.join)
            for slot in self.slots.values():
                slot.wanted = False
            await asyncio.gather(
                *(asyncio.to_thread(slot.end, signal.SIGTERM) for slot in self.slots.values())
            )

    def _tick(self) -> None:
        looked = time.monotonic()
        while not self._stop.wait(TICK_SECONDS):
            due = self.net.own is not None and time.monotonic() - looked > LOOK_SECONDS
            looked = time.monotonic() if due else looked
            for slot in self.slots.values():
                try:
                    slot.tick()
                    if due:
                        slot.look()
                    slot.trouble = None
                except Exception as error:  # noqa: BLE001 - whatever it is, we go on
                    before, slot.trouble = slot.trouble, f"{type(error).__name__}: {error}"
                    if slot.trouble != before:
                        _say(f"{slot.member}: {slot.trouble}")

    def _beside(self) -> None:
        """Start database and bank again where they have ended, however many minutes it takes."""
        while not self._stop.wait(BESIDE_SECONDS):
            try:
                if not self.net.postgres.running():
                    self.net.postgres.start()
                if self.bank is not None and not self.bank.alive:
                    self.bank.stop()  # lets go of what is left of it
                    self.bank = self.bank.again()
            except Exception as error:  # noqa: BLE001 - whatever it is, it is tried again
                _say(f"{type(error).__name__}: {error}")

    def _stop_bank(self) -> None:
        if self.bank is not None:
            self.bank.stop()

    def _commands(self, loop: asyncio.AbstractEventLoop) -> Mapping[str, Command]:
        def stop(*_: Any) -> None:
            loop.call_soon_threadsafe(self.told.set)

        return {
            "status": lambda *_: self.status(),
            "stop": stop,
            "down": lambda _, asked: self.down(asked["member"]),
            "kill": lambda _, asked: self.kill(asked["members"], stay=asked["stay"]),
            "cut": lambda _, asked: self.cut(
                asked["member"], asked["others"], one_way=asked["one_way"]
            ),
            "slow": lambda _, asked: self._laid().slow(asked["member"], asked["kbit"]),
            "start": lambda _, asked: self.start(asked["member"]),
            "heal": lambda _, asked: self.heal(asked["member"], rebuild=asked["rebuild"]),
            "add": lambda _, asked: self.add(asked["member"]),
            "remove": lambda _, asked: self.remove(asked["member"]),
        }

    def status(self) -> dict[str, Any]:
        """Processes, the bank's address, and when each sort was first there (monotonic clock)."""
        bank = None if self.bank is None else self.bank.address
        slots = list(self.slots.values())
        first = {
            "nodes": [slot.answered for slot in slots],
            "engines": [slot.served for slot in slots],
        }
        whole = {name: [at for at in of if at is not None] for name, of in first.items()}
        moments = {name: max(of) for name, of in whole.items() if of and len(of) == len(slots)}
        members = [slot.told() for slot in slots]
        return {"bank": bank, "members": members, "moments": {**self.moments, **moments}}

    def add(self, member: str) -> None:
        """Run one more member, which stands in the plan by now."""
        self.net = Net.of(self.net.folder)
        self.wires = self._wires()
        if member in self.slots:
            return
        if self.wires is not None:
            self.wires.plug(member)
        self.slots = {**self.slots, member: self._new_slot(member)}

    def remove(self, member: str) -> None:
        """End a member for good; in the plan it has left."""
        slot = self.slots.get(member)
        if slot is not None:
            slot.wanted = False
            slot.end(signal.SIGTERM)
        self.slots = {name: kept for name, kept in self.slots.items() if name != member}
        self.net = Net.of(self.net.folder)

    def _wires(self) -> Wires | None:
        seats = [seat.id for seat in self.net.seats]
        return Wires(self.net.folder, seats) if self.net.apart else None

    def _new_slot(self, member: str) -> Slot:
        inside = self.wires.inside(member) if self.wires else ()
        return Slot(member, self.net.at(member), inside)

    def down(self, member: str) -> None:
        """Stop one member in good order; it stays down."""
        slot = self._slot(member)
        slot.wanted = False
        slot.end(signal.SIGTERM)

    def start(self, member: str) -> None:
        """Start a member that was stopped; wires that were cut stay so."""
        slot = self._slot(member)
        with slot.lock:
            if not slot.wanted:
                slot.end(signal.SIGKILL)
            slot.cut = slot.cut and bool(slot.inside)  # what was frozen has ended
            slot.wanted, slot.not_before, slot.pause = True, 0.0, FIRST_PAUSE

    def kill(self, members: list[str], *, stay: bool) -> None:
        """Kill both processes of members at once; they are started again unless they shall stay."""
        slots = [self._slot(member) for member in members]
        for slot in slots:
            slot.wanted = slot.wanted and not stay
        with ExitStack() as held:
            for slot in slots:
                held.enter_context(slot.lock)
                slot.freeze(signal.SIGKILL)

    def cut(self, member: str, others: list[str], *, one_way: bool) -> None:
        """Cut a member's wires to others, all where none is named.

        Without wires of its own both its processes are frozen: to the others it is gone, to itself
        no time passes.
        """
        slot = self._slot(member)
        with slot.lock:
            if self.wires is None and not (others or one_way):
                slot.freeze(signal.SIGSTOP)
            else:
                from_whom = others or [m for m in self.net.members if m != member]
                self._laid().cut(member, from_whom, one_way=one_way)
            slot.cut = not (others or one_way)

    def heal(self, member: str, *, rebuild: bool) -> None:
        """Let a member go on that was cut, stopped or killed; with `rebuild` it begins its database
        anew from its engine's blocks, never losing what keeps the engine from signing twice.
        """
        slot = self._slot(member)
        with slot.lock:
            if self.wires is not None:
                self.wires.mend(member)
            elif slot.cut and not rebuild:
                slot.freeze(signal.SIGCONT)
            if rebuild:
                slot.end(signal.SIGTERM)
                mending.rebuild(self.net, member)
            slot.cut = False
            self.start(member)

    def _laid(self) -> Wires:
        """Errors   Refused net.not_apart where the members share this machine's network."""
        if self.wires is None:
            raise no("not_apart", folder=str(self.net.folder))
        return self.wires

    def _slot(self, member: str) -> Slot:
        self.net.at(member)
        return self.slots[member]


def _wait(running: subprocess.Popen[bytes]) -> None:
    try:
        running.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        running.kill()
        running.wait()
    if running.stdin is not None:
        running.stdin.close()


def _say(line: str) -> None:  # where the log has room
    with suppress(OSError):
        sys.stderr.write(f"{line}\n")


def main(folder: Path) -> int:
    """Supervise the net in a folder, alone."""
    net = Net.of(folder)
    with ExitStack() as alone:
        try:
            alone.enter_context(held(net, HELD_SECONDS))
        except Refused:
            return TAKEN
        try:
            asyncio.run(Supervisor(net).run())
        except (OutsideFault, sandbox.BankDidNotStart) as fault:
            _say(str(fault))
            return 3
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
