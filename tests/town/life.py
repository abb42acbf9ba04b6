"""Members that come, go and change keys in a run, by chance of the run's seed.

What they want they say by acts, again and again until it is on the record; how those are put in
order, lost or doubled is the town's business.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

from miaopei.acts.seats import KEYS
from miaopei.acts.state import State
from miaopei.errors import OutsideFault, Refused
from miaopei.measures.instant import DAY
from tests.support.consortium import founder
from tests.support.town import Dice, identity, secret

from .checkers import Breach
from .disk import HOW, Disk
from .founding import START
from .member import Member

if TYPE_CHECKING:
    from .running import Run

HOUR, MINUTE = 3_600_000, 60_000  # milliseconds
NEW = "seventh"
MAY_LEAVE = ("utility", NEW)  # who decides nothing and pays nothing
SETTLED_BY = 20 * HOUR  # when the last wish is said first
AGAIN = 5 * MINUTE
DONE = {"act.approval_done", "act.approved_before", "act.no_seat", "act.no_vote"}


class Life:
    """What one seed has in store: nothing in most."""

    def __init__(self, run: Run) -> None:
        self.run, self.chance = run, Random(f"life {run.seed}")
        self.comes = self.chance.random() < 0.35
        self.left: set[str] = set()
        self.goes = self.chance.choice(MAY_LEAVE) if self.chance.random() < 0.25 else ""
        if self.goes == NEW and not self.comes:
            self.goes = ""
        self.turns = self.chance.choice(list(run.by)) if self.chance.random() < 0.3 else ""

    def begin(self) -> None:
        """Have all of it happen."""
        later, chance = self.run.world.later, self.chance
        at = chance.randint(MINUTE, SETTLED_BY // 2)
        if self.comes:
            later(at, "comes", self._come)
        if self.goes:
            after = at + HOUR if self.goes == NEW else MINUTE
            later(chance.randint(after, SETTLED_BY), "goes", self._go)
        if self.turns:
            keys = {name: secret(f"{self.turns}/{name} 2").hex() for name in KEYS if name != "box"}
            wait = chance.randint(MINUTE, SETTLED_BY)
            later(wait, "turns", lambda: self._say(self.turns, "rotate_keys", {"keys": keys}))

    def end(self) -> None:
        """What was wanted is so, once all is healed."""
        seated = self._state("cloud", "seat", NEW)
        gone = self.goes and self._state("cloud", "seat", self.goes) is None
        if self.comes and self.goes != NEW and not seated:
            raise Breach("never seated", member=NEW)
        if self.goes and not gone:
            raise Breach("never left", member=self.goes)
        if self.turns and self.turns not in self.left:
            now = self._state("cloud", "seat", self.turns)
            if now is None or now["engine"] != secret(f"{self.turns}/engine 2").hex():
                raise Breach("keys never changed", member=self.turns)

    def stays(self, member: Member) -> bool:
        """Whether a member is one at the end."""
        return member.id not in self.left

    # what is wanted ------------------------------------------------------------------------------
    def _come(self) -> None:
        """A seventh runs over an empty disk, is named, and is wanted by all."""
        run, me = self.run, identity(NEW)
        disk = Disk()
        for _ in range(self.chance.choice([0, 0, 3])):
            disk.dies[self.chance.randint(2, 60)] = self.chance.choice(HOW)
        member = Member(run.world, NEW, run.base.genesis, disk, None)
        member.engine, member.dice = run.engine, Dice(f"run {run.seed} {NEW}")
        run.members.append(member)
        run.by[NEW] = member
        member.boot()
        run.checkers.comes(member)
        run.world.later(self.chance.randint(0, 100_000), "every", member.every)
        key = me.acts.public_key().public_bytes_raw().hex()
        body = {"id": NEW, "name": {"zh": NEW, "en": NEW}, "operator": NEW, "roles": ["carrier"],
                "keys": [{"key": key, "since": 0, "until": None}]}  # fmt: skip
        self._say("cloud", "admit_member", body)
        until = START + run.world.now // 1_000 + 30 * DAY
        wish = {**founder(NEW).seat, "power": self.chance.choice([0, 1]), "until": until}
        for name in run.by:
            if name != NEW:
                self._say(name, "seat_member", wish)

    def _go(self) -> None:
        until = START + self.run.world.now // 1_000 + 30 * DAY
        body = {"member": self.goes, "reason": "its own wish", "until": until}
        self.left.add(self.goes)
        for name in list(self.run.by):
            self._say(name, "unseat_member", body)

    # how it is said ------------------------------------------------------------------------------
    def _say(self, name: str, kind: str, body: dict[str, Any]) -> None:
        """Send an act until it is on the record; what is refused at first may be taken later."""
        run, member = self.run, self.run.by[name]

        tries = 0

        def again() -> None:
            run.world.later(AGAIN + self.chance.randint(0, MINUTE), kind, say)

        def say() -> None:
            if not member.up or member.stuck or member.idle:
                again()
                return
            member._alive(send)

        def send() -> None:
            nonlocal tries
            try:
                ref = f"{kind} of {name} {tries}"
                (result,) = member.submit([member.node.act(kind, ref, body)])
            except (OutsideFault, Refused):
                again()
                return
            codes = {refusal.code for refusal in result.refusals}
            run.world.tell(f"said {name} {kind} {sorted(codes)}")
            if codes - DONE:
                tries += 1
                again()

        say()

    def _state(self, member: str, table: str, key: str) -> Any:
        with self.run.by[member].disk.reading() as reading:
            return State(reading).get(table, key)
