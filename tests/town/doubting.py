"""A member that thinks better of it: it takes its word back while it waits for others, and says it
again later; and what the log alone says of words that were taken back.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

from miaopei.acts import wishes, withdraw_approval
from miaopei.acts.envelope import from_json
from miaopei.acts.state import State
from miaopei.errors import OutsideFault, Refused

from .world import Breach

if TYPE_CHECKING:
    from .life import Life

SECOND = 1_000  # milliseconds
HESITATION = 600 * SECOND
LOOKS = 400  # times that it looks whether its word stands
DOUBTED = ("seat_member", "unseat_member", "raise_rules", "change_key")


class Doubting:
    """Who does so in a seed, if anybody; by chance of its own, so that the rest of a seed stays."""

    def __init__(self, life: Life) -> None:
        self.life, self.chance = life, Random(f"not so sure {life.run.seed}")
        self.who = self.chance.choice(list(life.run.by)) * (self.chance.random() < 0.3)

    def wants(self, name: str, kind: str, body: dict[str, Any]) -> None:
        """It begins to say so: once, a little later, it takes that back."""
        if name == self.who and kind in DOUBTED and body.get("member") != name:
            self._later(kind, body, LOOKS)

    def hesitates(self, name: str, kind: str) -> int:
        """How long another waits before it says so: else there would be little time for a doubt."""
        slow = self.who and name != self.who and kind in DOUBTED
        return self.chance.randint(0, HESITATION) if slow else 0

    def ref(self, name: str, kind: str, body: dict[str, Any], ref: str) -> str:
        """The name of its word: another where it has taken that back, else it would not count."""
        if name != self.who or kind not in DOUBTED or self._stands(name, kind, body):
            return ref
        return self.life.run.by[name].node.unsaid(kind, ref, body)

    def _later(self, kind: str, body: dict[str, Any], looks: int) -> None:
        after = self.chance.randint(SECOND // 10, SECOND)
        self.life.run.world.later(after, "doubts", lambda: self._doubt(kind, body, looks))

    def _doubt(self, kind: str, body: dict[str, Any], looks: int) -> None:
        member = self.life.run.by[self.who]
        name = wishes.name_of(kind, body)
        stands = self._stands(self.who, kind, body)
        if stands and member.up and not member.stuck and not member.idle:
            member._alive(lambda: self._take_back(name))
        elif looks and not self._done(name):
            self._later(kind, body, looks - 1)

    def _take_back(self, name: str) -> None:
        member = self.life.run.by[self.who]
        with member.disk.reading() as reading:
            word = State(reading).need(wishes.TABLE, name)["by"][self.who]
        body = {"approval": name, "word": word}
        act = member.node.act(withdraw_approval.KIND, f"doubt {name[:24]}", body)
        try:
            (result,) = member.submit([act])
        except (OutsideFault, Refused):
            return  # it may come to the record all the same
        codes = sorted(refusal.code for refusal in result.refusals)
        self.life.run.world.tell(f"took back {self.who} {name[:8]} {codes}")

    def _stands(self, member: str, kind: str, body: dict[str, Any]) -> bool:
        """Whether its word does, as it sees the record."""
        with self.life.run.by[member].disk.reading() as reading:
            value = State(reading).get(wishes.TABLE, wishes.name_of(kind, body))
        return value is not None and member in value["by"]

    def _done(self, name: str) -> bool:
        value = self.life._state(wishes.TABLE, name)
        return value is not None and value["done"] is not None


class Words:
    """Which words were taken back, worked out from the log alone."""

    def __init__(self) -> None:
        self.taken_back = 0
        self._said: dict[tuple[str, str], str] = {}  # (what is wanted, by whom) -> act
        self._void: set[str] = set()

    def read(self, leaf: dict[str, Any]) -> str:
        """The next act with its result; what was wanted by it that is taken back, or ""."""
        act = leaf["act"]
        if not leaf["result"]["ok"]:
            return ""
        if act["kind"] in DOUBTED:
            name = wishes.name_of(act["kind"], act["body"])
            self._said[name, act["by"]] = from_json(act).id
        if act["kind"] != withdraw_approval.KIND:
            return ""
        name = str(act["body"]["approval"])
        word = self._said.pop((name, act["by"]), None)
        if word is None:
            raise Breach("taken back what was not said", by=act["by"])
        self._void.add(word)
        self.taken_back += 1
        return name

    def counted(self, words: list[str]) -> None:
        """None of these acts may be one that was taken back."""
        if void := self._void.intersection(words):
            raise Breach("a word that was taken back counts", acts=sorted(void))
