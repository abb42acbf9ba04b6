"""Members that come, go and change keys in a run, and what they want together, by chance of the
run's seed.

What they want they say by acts, again and again until it is so; how those are put in order, lost or
doubled is the town's business.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from random import Random
from typing import TYPE_CHECKING, Any

from miaopei.acts import wishes
from miaopei.acts.envelope import Act
from miaopei.acts.rule_sets import RULES as NEWEST
from miaopei.acts.seats import KEYS, TABLE
from miaopei.acts.state import State
from miaopei.errors import OutsideFault, Refused
from miaopei.measures.instant import DAY
from miaopei.node.ports import Reading
from tests.support.town import Dice, identity

from . import keys
from .disk import HOW, Disk
from .doubting import Doubting
from .founding import START, batch, put_payees, rows_of
from .member import Member
from .rekeying import Rekeying
from .world import Breach

if TYPE_CHECKING:
    from .running import Run

HOUR, MINUTE = 3_600_000, 60_000  # milliseconds
NEW = "seventh"
SETTLED_BY = 20 * HOUR  # when the last wish is said first
AGAIN = 5 * MINUTE
SPENT_TRIES = 3  # times that a member asks for its old key back
RULES = {"rules": NEWEST + 1, "height": 10**8}  # no run comes to them: their vote is what counts
Over = Callable[[], bool]


class Life:
    """What one seed has in store."""

    def __init__(self, run: Run) -> None:
        self.run, self.chance = run, Random(f"life {run.seed}")
        chance = self.chance
        self.comes = chance.random() < 0.4
        self.power = chance.choice([0, 1, 1])
        self.goes = chance.choice(["utility", "agent", "notary", NEW]) * (chance.random() < 0.4)
        self.turns = chance.choice(list(run.by)) * (chance.random() < 0.4)
        self.numbers = dict.fromkeys(chance.sample(KEYS, chance.randint(1, len(KEYS))), 2)
        self.raises = chance.random() < 0.3
        self.pauses = chance.choice(["hills", "two"]) * (chance.random() < 0.35)
        self.sells = (self.pauses or "hills") * (chance.random() < 0.35)
        self.left: set[str] = set()
        self.rekeying, self.doubting = Rekeying(self), Doubting(self)

    def begin(self) -> None:
        """Have all of it happen. A decider leaves only where the other two do not lie, the standby
        payer only where the payer's application comes back.
        """
        later, chance, liar = self.run.world.later, self.chance, self.run.liar
        if (self.goes == NEW and not self.comes) or (self.goes == "notary" and liar[1]):
            self.goes = ""
        if self.goes == "agent" and liar == ("root", "insurer"):
            self.goes = ""
        if self.turns in (self.goes, liar[1] if liar[0] == "root" else ""):
            self.turns = ""  # it sees no block any more by which it would know
        if liar == ("root", "insurer"):
            self.sells = ""
        if self.sells:
            accounts = {f"policy/{row.policy}": f"P-{row.policy[:12]}"
                        for row in rows_of(self.sells, "more")}  # fmt: skip
            for payer in ("insurer", "agent"):
                put_payees(self.run.by[payer], accounts)
        at = chance.randint(MINUTE, SETTLED_BY // 2)
        if self.comes:
            later(at, "comes", self._come)
        if self.goes:
            after = at + HOUR if self.goes == NEW else MINUTE
            later(chance.randint(after, SETTLED_BY), "goes", self._go)
        if self.turns:
            later(chance.randint(MINUTE, SETTLED_BY), "turns", self._turn)
        if self.raises:
            later(chance.randint(MINUTE, SETTLED_BY), "raises", self._raise)
        at = chance.randint(MINUTE, SETTLED_BY // 2)
        if self.pauses:
            later(at, "pauses", lambda: self._pause("pause_listing", "", paused=True))
            later(at + chance.randint(HOUR, 8 * HOUR), "resumes", self._resume)
        if self.sells:
            later(at + chance.randint(-MINUTE, 6 * HOUR), "sells", self._sell)
        self.rekeying.begin()

    def end(self) -> None:
        """What was wanted is so, once all is healed."""
        if self.comes and self.goes != NEW and not self._seat(NEW):
            raise Breach("never seated", member=NEW)
        if self.goes and self._seat(self.goes):
            raise Breach("never left", member=self.goes)
        self.rekeying.end()
        if self.turns and not self._turned():
            raise Breach("keys never changed", member=self.turns)
        if self.turns and self.run.by[self.turns].numbers.items() < self.numbers.items():
            raise Breach("goes by old keys", member=self.turns)
        if self.raises and not self._raised():
            raise Breach("never agreed", rules=RULES["rules"])
        if self.pauses and self._paused():
            raise Breach("never resumed", listing=self.pauses)
        if self.sells and self._size() != 6:
            raise Breach("never sold", book=self.sells, size=self._size())

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
        member.told = {other.node_key for other in run.members}
        run.members.append(member)
        run.by[NEW] = member
        member.boot()
        run.checkers.comes(member)
        run.world.later(self.chance.randint(0, 100_000), "every", member.every)
        key = me.acts.public_key().public_bytes_raw().hex()
        body = {"id": NEW, "name": {"zh": NEW, "en": NEW}, "operator": NEW, "roles": ["carrier"],
                "keys": [{"key": key, "since": 0, "until": None}]}  # fmt: skip
        self._say("cloud", "admit_member", body, lambda: self._state("member", NEW) is not None)
        wish = {"member": NEW, "power": self.power, **keys.seat_keys(NEW, 1), "until": self._until}
        for name in run.by:
            if name != NEW:
                self._say(name, "seat_member", wish, lambda: self._seat(NEW) is not None)

    def _go(self) -> None:
        """Who goes is wanted away by all, itself among them; it has to be there for that."""
        if self.goes == NEW and not self._seat(NEW):
            self.run.world.later(HOUR, "goes", self._go)
            return
        body = {"member": self.goes, "reason": "its own wish", "until": self._until}
        self.left.add(self.goes)
        for name in list(self.run.by):
            self._say(name, "unseat_member", body, lambda: self._seat(self.goes) is None)

    def _turn(self) -> None:
        """A member wants new keys in its seat, goes by them, and then tries to have an old back."""
        member = self.run.by[self.turns]
        fresh = {name: keys.public(member.id, name, n) for name, n in self.numbers.items()}

        def go_by() -> bool:
            voters = self.run.engine.voters(member.height + 1)
            if "engine" in fresh and fresh["engine"] not in voters:
                return False  # the block between needs the earlier key
            if member.seats.get(member.id, {}).items() >= fresh.items():
                if not member.numbers.items() >= self.numbers.items():
                    member.renew(self.numbers)
                    self._ask_back(member)
                return True
            return False

        self._say(member.id, "rotate_keys", {"keys": fresh}, go_by)

    def _ask_back(self, member: Member) -> None:
        name, tries = self.chance.choice(sorted(set(self.numbers) - {"engine"}) or ["engine"]), 0

        def enough() -> bool:
            nonlocal tries
            tries += 1
            return tries > SPENT_TRIES

        body = {"keys": {name: keys.public(member.id, name, 1)}}
        self._say(member.id, "rotate_keys", body, enough)

    def _raise(self) -> None:
        for name in list(self.run.by):
            self._say(name, "raise_rules", RULES, self._raised)

    def _pause(self, kind: str, tag: str, *, paused: bool) -> None:
        """All that stay want it, though two are enough; whoever comes later is refused."""
        body = {"listing": self.pauses, "reason": f"a doubt{tag}", "person": "Li"}
        for name in [name for name in self.run.by if name not in (self.goes, NEW)]:
            self._say(name, kind, body, lambda: self._paused() is paused)

    def _resume(self) -> None:
        """Again where a word that was late has paused it once more."""
        now = self.run.world.now
        self.run.world.later(HOUR, "resumes", self._resume)
        if self._paused():
            self._pause("resume_listing", f" at {now}", paused=False)

    def _sell(self) -> None:
        """Three more policies of a book; refused while it is paused, and brought again later."""
        member = self.run.by["insurer"]
        made: list[Act] = []

        def act(tries: int) -> Act:
            if not made:
                made.append(batch(member, self.sells, "more"))
            first = made[0]
            ref = f"{first.ref} {tries}" if tries else first.ref
            return member.node.act(first.kind, ref, first.body)

        self._repeat(member, "admit_batch", act, lambda: self._sold() > 1)

    # how it is said ------------------------------------------------------------------------------
    @property
    def _until(self) -> int:
        return START + self.run.world.now // 1_000 + 30 * DAY

    def _say(self, name: str, kind: str, body: dict[str, Any], over: Over) -> None:
        """Send an act until something is so."""
        member = self.run.by[name]

        def act(tries: int) -> Act:
            said = f"{body.get('reason', '')}{self._before(name, kind, body)}"
            ref = self.doubting.ref(name, kind, body, f"{kind} of {name} {tries} {said}")
            return member.node.act(kind, ref, body)

        self.doubting.wants(name, kind, body)
        if wait := self.doubting.hesitates(name, kind):
            self.run.world.later(wait, kind, lambda: self._repeat(member, kind, act, over))
        else:
            self._repeat(member, kind, act, over)

    def _before(self, name: str, kind: str, body: dict[str, Any]) -> str:
        """The act by which a member has said so, where it has to say so once more; else nothing."""
        with self._farthest() as reading:
            state = State(reading)
            wish = wishes.read(state, kind, body)
            if wish is None or wish.done is not None:
                return ""
            return wish.by.get(name, "") if wish.once_more(state, reading.head().height) else ""

    def _repeat(self, member: Member, kind: str, act: Callable[[int], Act], over: Over) -> None:
        """What is refused at first may be taken later: it is said again as another act."""
        run, tries = self.run, 0

        def say() -> None:
            if over():
                return
            run.world.later(AGAIN + self.chance.randint(0, MINUTE), kind, say)
            if member.up and not member.stuck and not member.idle:
                member._alive(send)

        def send() -> None:
            nonlocal tries
            try:
                (result,) = member.submit([act(tries)])
            except (OutsideFault, Refused):
                return
            codes = sorted(refusal.code for refusal in result.refusals)
            run.world.tell(f"said {member.id} {kind} {codes}")
            tries += bool(codes)

        say()

    # how it stands -------------------------------------------------------------------------------
    def _state(self, table: str, key: str) -> Any:
        """As whoever has come farthest sees it."""
        with self._farthest() as reading:
            return State(reading).get(table, key)

    def _farthest(self) -> AbstractContextManager[Reading]:
        return max(self.run.members, key=lambda m: m.height).disk.reading()

    def _seat(self, member: str) -> Any:
        return self._state(TABLE, member)

    def _turned(self) -> bool:
        seat = self._seat(self.turns) or {}
        return all(seat.get(k) == keys.public(self.turns, k, n) for k, n in self.numbers.items())

    def _raised(self) -> bool:
        return self._state("rules", f"{RULES['height']:012d}") is not None

    def _paused(self) -> bool:
        return bool((self._state("pause", self.pauses) or {}).get("paused"))

    def _sold(self) -> int:
        return self.run.checkers.seating.sold[self.sells]

    def _size(self) -> int:
        return int(self._state("book", self.sells)["size"])
