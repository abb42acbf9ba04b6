"""Wires of a net's own: each member in a network namespace, joined by a bridge nobody else sees.

What one member no longer hears from another is dropped without a word, as by a cut cable: nothing
is refused, connections only fall silent. Needs Linux, root and iproute2; nothing of the machine's
own network is touched.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from ...errors import OutsideFault, Refusal, Refused

SUBNET, FIRST = "10.78.0", 10
ENGINE_PORT, BLOBS_PORT = 26656, 26657


def address(place: int) -> str:
    """The address of the member at a place of the plan."""
    return f"{SUBNET}.{FIRST + place}"


def need() -> None:
    """Errors   Refused net.no_namespaces where they cannot be made, with what is lacking."""
    if os.geteuid() != 0:
        raise _no("root")
    if shutil.which("ip") is None:
        raise _no("iproute2")
    probe = f"mp-{os.getpid()}"
    try:
        _run("ip", "netns", "add", probe)
    except OutsideFault as fault:
        raise _no(str(fault)[:160]) from None
    _run("ip", "netns", "del", probe)


@dataclass(frozen=True)
class Wires:
    """The namespaces of one net, by its folder and members in the plan's order.

    Who has left keeps its place among them.
    """

    folder: Path
    members: Sequence[str]

    @property
    def _prefix(self) -> str:
        return "mp" + sha256(str(self.folder).encode()).hexdigest()[:8]

    @property
    def _hub(self) -> str:
        return f"{self._prefix}-hub"

    def _space(self, member: str) -> str:
        return f"{self._prefix}-{self.members.index(member)}"

    def inside(self, member: str) -> list[str]:
        """What stands before a command that shall run at a member's end of the wires."""
        return ["ip", "netns", "exec", self._space(member)]

    def lay(self) -> None:
        """Make all of them, anew where some are left of an earlier run."""
        self.take_up()
        _run("ip", "netns", "add", self._hub)
        self._ip(self._hub, "link", "add", "bridge", "type", "bridge")
        self._ip(self._hub, "link", "set", "bridge", "up")
        for member in self.members:
            self.plug(member)

    def plug(self, member: str) -> None:
        """Make the namespace of one member and join it to the bridge, which is there."""
        place = self.members.index(member)
        space, port = self._space(member), f"port{place}"
        _run("ip", "netns", "add", space)
        ends = ("link", "add", port, "type", "veth", "peer", "name", "wire", "netns", space)
        self._ip(self._hub, *ends)
        self._ip(self._hub, "link", "set", port, "master", "bridge", "up")
        self._ip(space, "link", "set", "lo", "up")
        self._ip(space, "addr", "add", f"{address(place)}/24", "dev", "wire")
        self._ip(space, "link", "set", "wire", "up")
        # Rules that drop stand before what is for ourselves; else everything would be taken.
        self._ip(space, "rule", "add", "pref", "100", "lookup", "local")
        self._ip(space, "rule", "del", "pref", "0")

    def take_up(self) -> None:
        """Remove what there is of them; no harm where there is nothing."""
        for space in (*map(self._space, self.members), self._hub):
            with suppress(OutsideFault):
                _run("ip", "netns", "del", space)

    def cut(self, member: str, others: Iterable[str], *, one_way: bool) -> None:
        """Nothing of a member reaches the others; nor theirs the member, unless `one_way`."""
        for other in others:
            self._deaf(other, member)
            if not one_way:
                self._deaf(member, other)

    def mend(self, member: str) -> None:
        """Everything that was cut from or to a member is whole again, and as fast as it can be."""
        for other in self.members:
            if other != member:
                for deaf, unheard in ((other, member), (member, other)):
                    with suppress(OutsideFault):
                        self._rule("del", deaf, unheard)
        with suppress(OutsideFault):
            self._ip(self._space(member), "qdisc", "del", "dev", "wire", "root", tool="tc")

    def slow(self, member: str, kbit: int) -> None:
        """What a member sends passes at no more than so many kilobits a second."""
        told = ("rate", f"{kbit}kbit", "burst", "16kb", "latency", "500ms")
        where = ("qdisc", "replace", "dev", "wire", "root", "tbf")
        self._ip(self._space(member), *where, *told, tool="tc")

    def _deaf(self, member: str, unheard: str) -> None:
        with suppress(OutsideFault):
            self._rule("del", member, unheard)
        self._rule("add", member, unheard)

    def _rule(self, what: str, member: str, unheard: str) -> None:
        source = address(self.members.index(unheard))
        rule = ("pref", "10", "from", source, "blackhole")
        self._ip(self._space(member), "rule", what, *rule)

    def _ip(self, space: str, *arguments: str, tool: str = "ip") -> None:
        _run(tool, "-n", space, *arguments)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = f"{' '.join(command)}: {done.stderr.strip()[:200]}"
        raise OutsideFault(said, retry=False)


def _no(lacking: str) -> Refused:
    return Refused(Refusal("net.no_namespaces", {"lacking": lacking}))
