"""A town in which nothing is hurt by chance: a test says who decides what, and when."""

from __future__ import annotations

from typing import Any

from miaopei.acts.envelope import Act
from miaopei.acts.state import State
from miaopei.errors import OutsideFault
from miaopei.measures.instant import beijing_text
from miaopei.node import gateway
from tests.support.facts import DALI_CITY, Spot, quake

from .member import Member
from .running import Run, Told

SECOND = 1_000


class Court(Run):
    """Six members, three of whom decide. Seconds count from the first shock's facts."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed, calm=True)
        self.told_at = self.world.now

    def go(self) -> Told:
        """Let everything come to its end, healed; the checkers have the last word."""
        self._heal()
        self.world.run(self.world.now + 14 * 3_600 * SECOND)
        self.checkers.end(self.members)
        return self.told()

    def shake(self, magnitude: str = "5.6", spot: Spot = DALI_CITY) -> None:
        """A shock of which one source speaks: enough for one book, not for the other."""
        when = beijing_text(self.world.clock - 60)
        rows = [quake(when, magnitude, spot)]
        self.told_at = self.world.now
        cloud = self.by["cloud"]
        self._submit(cloud, *gateway.acts_of(cloud.node, rows, self.world.clock))

    def wait(self, seconds: int) -> None:
        """Until so many seconds after the facts were told."""
        self.world.run(self.told_at + seconds * SECOND)

    def pass_by(self, seconds: int) -> None:
        """Let so many seconds pass."""
        self.world.run(self.world.now + seconds * SECOND)

    def say(self, member: str, kind: str, body: dict[str, Any], ref: str = "") -> list[str]:
        """Have a member send an act; the codes of what is refused."""
        by = self.by[member]
        return self._submit(by, by.node.act(kind, ref or kind, body))

    def _submit(self, by: Member, *acts: Act) -> list[str]:
        for _ in range(200):
            try:
                results = by.submit(acts)
            except OutsideFault:
                self.pass_by(1)
                continue
            return [r.code for result in results for r in (*result.refusals, *result.notes)]
        raise AssertionError("never final")

    # looking -------------------------------------------------------------------------------------
    def table(self, name: str, prefix: str = "") -> dict[str, Any]:
        """A table of the shared state, on a member that does not decide."""
        with self.by["cloud"].disk.reading() as reading:
            return dict(State(reading).range(name, prefix))

    def one(self, name: str, prefix: str = "") -> Any:
        """The only value of a table."""
        (value,) = self.table(name, prefix).values()
        return value

    def made(self, what: str) -> list[dict[str, Any]]:
        """Records of one kind that stand in the log as leaves."""
        import json

        with self.by["cloud"].disk.reading() as reading:
            leaves = [json.loads(leaf) for leaf in reading.leaves(0, reading.head().size)]
        return [leaf["value"] for leaf in leaves if leaf.get("what") == what]

    def case(self, book: str = "hills") -> dict[str, Any]:
        """The only case of a book."""
        case: dict[str, Any] = self.one("case", f"{book}/")
        return case
