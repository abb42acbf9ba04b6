"""A run of the town: what happens and what is hurt, all by chance from one seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from miaopei.acts.state import State
from miaopei.errors import OutsideFault, Refused
from miaopei.measures.instant import beijing_text
from miaopei.node import gateway
from miaopei.node.gateway import Row
from miaopei.wiring.lying import a_hundredth_less as less
from tests.support.facts import BEIJING_CITY, DALI_CITY, catalogue, quake

from .checkers import Checkers
from .disk import HOW, Crash
from .founding import DECIDERS, GATEWAYS, START, TAKE_OVER, Base, base, town
from .life import Life
from .member import Member
from .world import Breach, World

HOUR, MINUTE = 3_600_000, 60_000  # milliseconds
HURT, REST = 26 * HOUR, 16 * HOUR  # how long things go wrong, and how long all is whole after it
SPOTS = (DALI_CITY, ("26.55", "100.20", "云南鹤庆"), ("25.05", "100.50", "云南南涧"), BEIJING_CITY)
AGAIN = 20 * MINUTE  # after which a source sends again what is not on the record
LIARS = ("amounts", "root", "twice", "silent")
Plant = Callable[["Run"], None]


@dataclass(frozen=True)
class Told:
    """How a run ended: the digest of all that happened, and a few counts for whoever looks."""

    seed: int
    digest: str
    steps: int
    blocks: int
    settlements: int
    paid: int
    faults: int
    differences: int
    rounds: int
    takeovers: int
    seats: int
    keys: int
    sold: int
    rekeyed: int
    taken_back: int
    liar: str
    breach: str = ""


class Run:
    """One seed's town. `calm` hurts nothing; `plant` changes something that must be caught."""

    def __init__(self, seed: int, *, calm: bool = False, plant: Plant | None = None) -> None:
        self.base: Base = base()
        self.seed, self.calm = seed, calm
        self.world = World(f"run {seed}", START)
        self.chance = self.world.chance
        self.members, self.engine, self.bank = town(self.world, self.base)
        self.by = {member.id: member for member in self.members}
        for member in self.members:
            member.dice = _dice(seed, member.id)
            member.node.random = member.dice
            if seed % 2 == 0:
                member.beside = Random(f"fetching {seed} {member.id}")
        self.checkers = Checkers(self.world, self.members, self.bank)
        self.liar: tuple[str, str] = ("", "")
        self.life = Life(self)
        self._received: dict[tuple[str, str], int] = {}
        self.healed = False
        if plant is not None:
            plant(self)

    def go(self) -> Told:
        """The whole run; raises Breach."""
        first = self.world.now
        if not self.calm:
            self._hurt(first)
            self.life.begin()
        self._quakes(first)
        self.world.run(first + HURT)
        self._heal()
        end = first + HURT + REST
        self.world.run(end)
        for _ in range(60):
            if len({m.height for m in self.members if m.up}) == 1:
                break
            end += 1_000  # a block is on its way to some of them
            self.world.run(end)
        self.life.end()
        honest = [m for m in self.members if m.id != self.liar[1]]
        self.checkers.end([m for m in honest if self.life.stays(m)])
        return self.told()

    def told(self, breach: str = "") -> Told:
        """How it stands."""
        with self.by["cloud"].disk.reading() as reading:
            state = State(reading)
            count = {t: sum(1 for _ in state.range(t, "")) for t in
                     ("settlement", "fault", "difference", "takeover")}  # fmt: skip
            again = sum(r["number"] > 1 for _, r in state.range("round", ""))
        return Told(
            self.seed, self.world.digest, self.world.steps, len(self.engine.chain),
            count["settlement"], len(self.checkers.paid), count["fault"], count["difference"],
            again, count["takeover"], self.checkers.seating.changes, len(self.engine.sets) - 1,
            sum(self.checkers.seating.sold.values()) - 2, self.checkers.seating.acts.changes,
            self.checkers.seating.words.taken_back, " ".join(self.liar), breach,
        )  # fmt: skip

    # what happens --------------------------------------------------------------------------------
    def _quakes(self, first: int) -> None:
        """Shocks, each told by several sources, some of them later revised, some by a liar."""
        chance = self.chance
        liar = chance.random() < 0.3
        for number in range(chance.randint(1, 4)):
            at = chance.randint(MINUTE, 20 * HOUR)
            when = beijing_text(START + (first + at) // 1000 - 60)
            spot = chance.choice(SPOTS)
            tenths = chance.randint(47, 69)
            rows: list[tuple[int, Row]] = []
            for source in ("cenc.rapid", "other.rapid"):
                own = tenths + chance.randint(-2, 2) * (source != "cenc.rapid")
                own += chance.randint(5, 12) * (liar and source == "other.rapid")
                wait = chance.randint(0, 30 * MINUTE)
                if chance.random() < 0.15:
                    wait += chance.randint(0, 8 * HOUR)  # a source that is silent for hours
                for revision in range(chance.randint(1, 2)):
                    more: dict[str, Any] = {"key": f"{source} {number}", "revision": revision}
                    own += revision * chance.randint(-3, 3)
                    row = quake(when, _magnitude(own), spot, source=source, **more)
                    rows.append((wait + revision * chance.randint(MINUTE, 5 * HOUR), row))
            if chance.random() < 0.4:
                row = catalogue(when, _magnitude(tenths), spot, key=f"catalogue {number}")
                rows.append((chance.randint(HOUR, 6 * HOUR), row))
            for wait, row in rows:
                self.world.later(at + wait, "bulletin", lambda r=row: self._bulletin(r))

    def _bulletin(self, row: Row) -> None:
        """A source sends to the gateways, again and again until it is on the record."""
        if self._recorded(row):
            return
        for name in GATEWAYS:
            wait = self.chance.randint(100, 5 * MINUTE)
            if self.chance.random() >= self.world.loss:
                self.world.later(wait, "receive", lambda n=name: self._receive(self.by[n], row))
        self.world.later(AGAIN, "bulletin", lambda: self._bulletin(row))

    def _receive(self, member: Member, row: Row) -> None:
        """A gateway attests what it has received; a process that died has forgotten when."""
        if not member.up or member.stuck or self._recorded(row):
            return
        key = (member.id, row.observation.id)
        at = self._received.setdefault(key, self.world.clock + member.skew)

        def record() -> None:
            try:
                gateway.record(member.node, [row], at)
            except (OutsideFault, Refused):
                return

        member._alive(record)

    def _recorded(self, row: Row) -> bool:
        with max(self.members, key=lambda m: m.height).disk.reading() as reading:
            return State(reading).has("observation", row.observation.id)

    # what is hurt --------------------------------------------------------------------------------
    def _hurt(self, first: int) -> None:
        chance, world = self.chance, self.world
        world.loss, world.doubling = chance.choice([0, 0.02, 0.2]), chance.choice([0, 0.1])
        world.slow = chance.choice([50, 500, 8_000])
        self.bank.silence = chance.choice([0, 0.1, 0.5])
        for member in self.members:
            member.skew = chance.choice([-2, 0, 0, 1, 3])
            for _ in range(chance.choice([0, 0, 1, 3, 6])):
                member.disk.dies[member.disk.writes + chance.randint(1, 200)] = chance.choice(HOW)
        if chance.random() < 0.2:
            chance.choice(self.members).skew += chance.choice([-3_600, 3_600])
        if chance.random() < 0.4:
            self._lie(chance.choice(LIARS), chance.choice(DECIDERS))
        for _ in range(chance.randint(0, 4)):
            world.later(chance.randint(0, HURT), "cut", self._cut)
        if chance.random() < 0.25:  # the payer is away for longer than the standby waits
            wait = chance.randint(0, 12 * HOUR)
            world.later(wait, "away", lambda: self._away(self.by["insurer"]))
        for _ in range(chance.randint(0, 6)):
            world.later(chance.randint(0, HURT), "forget", self._forget)

    def _lie(self, how: str, who: str) -> None:
        self.liar = (how, who)
        member = self.by[who]
        self.world.tell(f"liar {how} {who}")
        match how:
            case "amounts":
                member.reads = less
                member.decider.reads = less
            case "root":
                member.tells_wrong_root = True
            case "silent":
                member.idle = True
            case "twice":
                member.doubles = True

    def _cut(self) -> None:
        """One member, or three, cannot reach the others for a while; or one way of one wire."""
        kind = self.chance.choice(["one", "half", "way"])
        ids = [member.id for member in self.members]
        self.chance.shuffle(ids)
        apart = {"one": 1, "half": 3, "way": 1}[kind]
        for one in ids[:apart]:
            for other in ids[apart:]:
                self.world.cut(one, other, both=kind != "way")
        self.world.tell(f"cut {kind} {ids[0]}")
        wait = self.chance.randint(MINUTE, 3 * HOUR)
        self.world.later(wait, "mend", self.world.cuts.clear)

    def _away(self, member: Member) -> None:
        if member.up and not self.healed:
            member.crash(TAKE_OVER * 1_000 + 4 * HOUR)

    def _forget(self) -> None:
        """An engine drops what it had queued, without a word."""
        member = self.chance.choice(self.members)
        if member.up:
            member.pool.clear()

    def _heal(self) -> None:
        """All is whole: wires, bank, clocks, disks; who was silent works; liars stay outvoted."""
        self.world.tell("healed")
        self.healed = True
        self.world.heal()
        self.world.slow = 200
        self.bank.silence = 0.0
        for member in self.members:
            member.disk.dies.clear()
            member.skew, member.idle = 0, False
            member.boot()
            member.sync()


def run(seed: int, *, calm: bool = False, plant: Plant | None = None) -> Told:
    """One seed to its end; a breach is told in the result."""
    return ended(Run(seed, calm=calm, plant=plant))


def ended(made: Run) -> Told:
    """A run to its end; of many seeds one that cannot go on stops no other, and is named."""
    try:
        return made.go()
    except Breach as breach:
        return made.told(str(breach))
    except (Exception, Crash) as error:  # noqa: BLE001 - whatever stops it is what is told
        return made.told(f"stopped by {error!r}")


def _magnitude(tenths: int) -> str:
    return f"{tenths // 10}.{tenths % 10}"


def _dice(seed: int, member: str) -> Any:
    from tests.support.town import Dice

    return Dice(f"run {seed} {member}")
