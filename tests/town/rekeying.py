"""A member's key for its acts changes in a run, by its own word or, where a thief was first, by the
votes of the others; the thief goes on sending. And the checker that knows which keys have ended.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

from miaopei.acts import change_key
from miaopei.acts.envelope import sign
from miaopei.acts.freshness import LONGEST
from miaopei.acts.state import State
from miaopei.acts.wishes import name_of
from miaopei.measures.suites import public_hex

from . import keys
from .founding import GATEWAYS, START
from .world import Breach

if TYPE_CHECKING:
    from .life import Life

HOUR, MINUTE = 3_600_000, 60_000  # milliseconds
LAST = 18 * HOUR  # when it begins at the latest
SENT_BY_THIEF = 8  # times, an hour apart, the first before the change
MINE, THIEFS = 2, 66  # numbers of the keys for acts; the first is what each began with
DAY = 86_400


class Rekeying:
    """What one seed has in store for one key; gateways keep theirs, by which they attest facts."""

    def __init__(self, life: Life) -> None:
        self.life, self.run = life, life.run
        chance = self.chance = Random(f"rekeying {self.run.seed}")
        self.who = chance.choice(sorted(set(self.run.by) - {*GATEWAYS})) * (chance.random() < 0.3)
        self.stolen = chance.random() < 0.5
        self._sent = 0

    def begin(self) -> None:
        """Who sees no block any more, or leaves, changes nothing; and who sees none gives no key:
        of six votes the five others are needed.
        """
        liar = self.run.liar
        self.stolen &= liar[0] != "root"
        if self.who in (self.life.goes, liar[1] if liar[0] == "root" else ""):
            self.who = ""
        if self.who:
            at = self.chance.randint(MINUTE, LAST)
            self.run.world.later(at - MINUTE, "thief", self._thief)
            self.run.world.later(at, "rekeys", self._rekey)

    def end(self) -> None:
        """It has the key that it was to have, and goes by it."""
        if not self.who:
            return
        if self._key() != public_hex(keys.acts(self.who, MINE)):
            raise Breach("key for acts never changed", member=self.who)
        if public_hex(self.run.by[self.who].node.identity.acts) != self._key():
            raise Breach("goes by an ended key", member=self.who)

    def _rekey(self) -> None:
        member = self.run.by[self.who]
        until, chain = self._until(), member.node.chain
        body = change_key.body_of(keys.acts(self.who, MINE), chain, self.who, until)
        member.follows = MINE  # its file holds it before anything is said
        member.node.ready(keys.acts(self.who, MINE))

        def over() -> bool:
            if not self._changed_at(member.disk):
                return False
            member.signs, member.follows = MINE, None
            return True

        if not self.stolen:
            self.life._say(self.who, change_key.KIND, body, over)
            return
        theirs = change_key.body_of(keys.acts(self.who, THIEFS), chain, self.who, until)
        key, end = keys.acts(self.who, 1), self._end()
        act = sign(key, chain, change_key.KIND, self.who, "stolen", theirs, end)
        self._hand_in(act)
        for name in self.run.by:
            if name != self.who:
                wait = self.chance.randint(0, HOUR)
                self.run.world.later(wait, "gives", lambda n=name: self._give(n, body))
        self._promote(over)

    def _give(self, name: str, body: dict[str, Any]) -> None:
        self.life._say(name, change_key.KIND, body, lambda: self._key() == body["key"])

    def _promote(self, over: Any) -> None:
        if not over():
            self.run.world.later(10 * MINUTE, "promotes", lambda: self._promote(over))

    def _thief(self) -> None:
        """Whoever has the stolen key, and what it was changed to, says something under both."""
        for number in (1, THIEFS):
            self._sent += 1
            chain, until = self.run.by[self.who].node.chain, self._until()
            wanted = keys.acts("cloud", THIEFS + self._sent)  # one vote for it, and never enough
            body = change_key.body_of(wanted, chain, "cloud", until)
            key, ref = keys.acts(self.who, number), f"theft {self._sent}"
            self._hand_in(sign(key, chain, change_key.KIND, self.who, ref, body, self._end()))
        if self._sent < 2 * SENT_BY_THIEF:
            self.run.world.later(HOUR, "thief", self._thief)

    def _until(self) -> int:
        return START + self.run.world.now // 1_000 + 30 * DAY

    def _end(self) -> int:
        """Of an act: a thief names one as far away as may be, by a clock that may be ahead."""
        return START + self.run.world.now // 1_000 + LONGEST - 2 * HOUR // 1_000

    def _hand_in(self, act: Any) -> None:
        """At all engines: what one would lose another has."""
        for member in self.run.members:
            if member.up and not member.stuck:
                member._alive(lambda m=member: m._send((act,)))

    def _key(self) -> str:
        entry = self.life._state("member", self.who)
        return str(entry["keys"][-1]["key"])

    def _changed_at(self, disk: Any) -> bool:
        with disk.reading() as reading:
            entry = State(reading).need("member", self.who)
        return bool(entry["keys"][-1]["key"] == public_hex(keys.acts(self.who, MINE)))


class KeysOfActs:
    """Which key each member's acts are signed by, worked out from the log alone."""

    def __init__(self) -> None:
        self.now: dict[str, str] = {}  # of whose key changed
        self.changes = 0
        self._said: dict[str, set[str]] = {}  # what others want -> who

    def taken_back(self, name: str, by: str) -> None:
        """A member's word for what stands under this name counts no more."""
        self._said.get(name, set()).discard(by)

    def read(self, leaf: dict[str, Any], powers: dict[str, int]) -> None:
        """The next act with its result, as votes stand."""
        act, ok = leaf["act"], leaf["result"]["ok"]
        if not ok:
            return
        if act["key"] != self.now.get(act["by"], act["key"]):
            raise Breach("an ended key counts", member=act["by"], kind=act["kind"])
        if act["kind"] != change_key.KIND:
            return
        body = act["body"]
        said = self._said.setdefault(name_of(act["kind"], body), set())
        if act["by"] != body["member"]:
            said.add(act["by"])
            if leaf["result"]["notes"]:
                return
            if 3 * sum(powers.get(name, 0) for name in said) <= 2 * sum(powers.values()):
                raise Breach("a key given by too few", member=body["member"], by=sorted(said))
        self.now[body["member"]] = body["key"]
        self.changes += 1
