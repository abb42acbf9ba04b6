"""One member of a town: the real application, node, decider, payer, keeper and fetcher on a disk.

What lies on the disk survives a crash; everything else is made anew, as a process is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache
from random import Random
from typing import TYPE_CHECKING, Any

from miaopei.acts.apply import REFUSED, ActResult, forged, refused_before
from miaopei.acts.envelope import Act
from miaopei.acts.seats import KEYS, TABLE, boxes_of, connections
from miaopei.acts.state import State
from miaopei.errors import Alarm, DebtAlarm, OutsideFault, Refused
from miaopei.node.effects.decider import Decider
from miaopei.node.effects.keeper import Keeper
from miaopei.node.effects.payer import Payer
from miaopei.node.fetching.fetcher import Fetcher
from miaopei.node.fetching.handed import Fetched, handed
from miaopei.node.granted.asking import Keys
from miaopei.node.node import Node
from miaopei.node.order import parcel
from miaopei.node.order.application import Application, Committed
from miaopei.node.order.parcel import Parcel, parcels
from miaopei.node.ports import Rail
from tests.support.town import Dice

from . import keys
from .disk import Crash, Disk
from .world import World

if TYPE_CHECKING:
    from .engine import Engine

RESEND = 3_000  # milliseconds after which an act that is not final is sent again
LOOK = 1_800_000  # between looks at duties where no block has come; each block has one as well
GOSSIP = 20  # items of a queue that are handed on again at once
DOWN = (2_000, 900_000)
ENDS = 900  # seconds to an act's end: not a day, so that members are cut off and away for longer
# What bytes say, and whether a signature under them holds, is the same for whoever reads them: it
# is found out once for all members of a town. Each takes or refuses them by its own state. A real
# member, alone in its process, remembers as many as it has on their way, and no more.
parcel.read_parcel = lru_cache(4_000)(parcel.read_parcel.__wrapped__)


class Member:
    """A seat, its disk and what runs on it. `reads` is how its software reads terms."""

    def __init__(
        self,
        world: World,
        id: str,
        genesis: dict[str, Any],
        disk: Disk,
        rail: Rail | None,
    ) -> None:
        self.world, self.id, self.genesis, self.disk, self.rail = world, id, genesis, disk, rail
        self.engine: Engine
        self.numbers = dict.fromkeys(KEYS, 1)  # of the keys in its files
        self.keys = keys.seat_keys(id, 1)
        self.signs = 1  # number of the key for acts in its file
        self.follows: int | None = None  # of the one that is made
        self.told: set[str] = set()  # connection keys that its settings name
        self._seat_rows: list[tuple[str, bytes]] = []
        self.seats: dict[str, dict[str, Any]] = {}
        self.lets_in: set[str] = set()  # connection keys
        self._moved = False
        self.dice = Dice(f"{world.start} {id}")
        self.skew = 0
        self.reads: Callable[[Any], Any] | None = None
        self.tells_wrong_root = self.idle = self.doubles = False
        self.committed: Callable[[Member, Committed], None] = lambda *_: None
        self.alarms: list[Alarm] = []
        self.up = self.stuck = False
        # Fetching has a thread of its own: at what point of the other duties it ends is chance, or
        # it comes before them.
        self.beside: Random | None = None

    # the process ---------------------------------------------------------------------------------
    def start(self) -> None:
        """A new process over the disk."""
        self.pool: dict[bytes, None] = {}
        self._results: dict[str, ActResult] = {}
        self._sent: dict[tuple[str, ...], tuple[int, int]] = {}
        self._alarmed = self.stuck = False
        me = keys.who(self.id, self.numbers, self.signs, self.follows)
        self.application = Application(self.disk, me, self.genesis, self._clock, self._heard)
        self.application.door.usual = ENDS
        self.node = Node(self.disk, me, self._clock, self.dice, self)
        self.keeper = Keeper(self.node)
        more = {} if self.reads is None else {"reads": self.reads}
        self.decider = Decider(self.node, self.keeper, **more)
        self.payer = None if self.rail is None else Payer(self.node, self.rail, self.keeper)
        self.fetcher = Fetcher(self.node, Wires(self))
        self.up, self._due = True, 0
        self._look_at_seats()
        self.sync()
        self.soon()

    def boot(self) -> None:
        """Start, which a crash may end at once."""
        if not self.up:
            self._alive(self.start)

    def crash(self, wait: int | None = None) -> None:
        """The process dies; what was computed and not committed is gone. It comes back later."""
        self.up = False
        self.application.forget()
        self.world.tell(f"crash {self.id}")
        wait = self.world.chance.randint(*DOWN) if wait is None else wait
        self.world.later(wait, f"boot {self.id}", self.boot)

    def _alive(self, do: Callable[[], None]) -> None:
        try:
            do()
        except Crash:
            if hasattr(self, "application"):
                self.crash()
            else:
                self.world.later(1_000, f"boot {self.id}", self.boot)

    def _clock(self) -> int:
        return self.world.clock + self.skew

    # blocks --------------------------------------------------------------------------------------
    @property
    def height(self) -> int:
        """Its last block."""
        return self.application.head.height

    @property
    def root(self) -> str:
        """The root that it tells its engine."""
        root = self.application.head.root.hex()
        return root[::-1] if self.tells_wrong_root else root

    def votes_at(self, height: int) -> bool:
        """Whether it takes part in making the block after this one."""
        return self.up and not self.stuck and self.height == height

    def sync(self) -> None:
        """Apply final blocks that are at hand."""
        if self.up:
            self._alive(self._sync)

    def _sync(self) -> None:
        while not self.stuck:
            block = self.engine.block_for(self, self.height + 1)
            if block is None:
                return
            if block.app != self.root:
                self.stuck = True  # the engine halts: our root is not that of the header
                self.pool.clear()
                self.world.tell(f"stuck {self.id} {self.height}")
                return
            root, _ = self.application.finalize(self.height + 1, block.items)
            self.engine.told(self.height + 1, self.application.moved)
            self.application.commit()
            if self.node.identity.next is not None:
                self.node.go_by_next()
            self._look_at_seats()
            self.world.tell(f"final {self.id} {self.height} {root.hex()[:12]}")
            for item in block.items:
                self.pool.pop(item, None)
            self.soon(self.world.chance.randint(1, 500))

    # seats ---------------------------------------------------------------------------------------
    def _look_at_seats(self) -> None:
        """Who has a seat, and whose engines may connect: changed by a block, and by the next."""
        with self.disk.reading() as reading:
            rows = list(reading.range(TABLE, ""))
            moved, self._seat_rows = rows != self._seat_rows, rows
            if moved or self._moved:
                state = State(reading)
                self.seats = dict(state.range(TABLE, ""))
                self.lets_in = connections(state, reading.head().time, self.told)
            self._moved = moved

    @property
    def node_key(self) -> str:
        """What its engine shows to others."""
        return self.keys["node"]

    def admits(self, connection: str) -> bool:
        """Whether its engine lets another connect."""
        return connection in self.lets_in

    def renew(self, numbers: dict[str, int]) -> None:
        """Change its files to keys of these numbers, and start again; the others are told."""
        self.crash(self.world.chance.randint(1_000, 60_000))
        self.numbers |= numbers
        self.keys = {name: keys.public(self.id, name, n) for name, n in self.numbers.items()}
        for other in self.engine.members:
            other.told.add(self.node_key)
            other.lets_in.add(self.node_key)

    def _heard(self, block: Committed) -> None:
        for result in block.results:
            if not forged(result):
                self._results.setdefault(result.act, result)
        self.committed(self, block)

    # the queue -----------------------------------------------------------------------------------
    def queue(self, item: bytes) -> None:
        """An item of our own or from another member; full queues drop without a word."""
        waits = self.up and not self.stuck and item not in self.pool
        if waits and self.application.check(item) is None:
            self.pool[item] = None
            self.engine.wake()

    def end(self) -> int | None:
        """See `node.ports.Orderer`."""
        return self.application.door.end()

    def submit(self, acts: Sequence[Act]) -> list[ActResult]:
        """See `node.ports.Orderer`. What is not final yet is sent, and asked for again later; how
        it came out is said once, and then as the record has it.
        """
        with self.disk.reading() as reading:
            state = State(reading)
            held = {act.id for act in acts if state.has("act", act.id)}
            before = {act.id: state.get(REFUSED, act.id) for act in acts}
        results: list[ActResult] = []
        pending = []
        for act in acts:
            objection = self.application.door.objection(act)
            if act.id in self._results:
                results.append(self._results[act.id])
            elif act.id in held:
                results.append(ActResult(act.id, ok=True, new=False))
            elif before[act.id] is not None:
                results.append(refused_before(act.id, before[act.id]))
            elif objection is not None:
                results.append(ActResult(act.id, ok=False, new=True, refusals=(objection,)))
            else:
                pending.append(act)
        if not pending:
            for act in acts:
                self._results.pop(act.id, None)
            return results
        if self.doubles:
            for act in pending:
                if act.kind == "decide":
                    self._send((another(self.node, act),))
        for part in parcels(pending):
            self._send(part)
        raise OutsideFault("not final yet", retry=True)

    def _send(self, acts: tuple[Act, ...]) -> None:
        names = tuple(act.id for act in acts)
        attempt, at = self._sent.get(names, (0, -RESEND))
        pause = RESEND * min(64, 1 << attempt)
        if attempt and self.world.now - at < pause:
            return
        self._sent[names] = (attempt + 1, self.world.now)
        item = Parcel(attempt + 1, acts).to_bytes()
        self.world.tell(f"send {self.id} {acts[0].kind} {acts[0].id[:12]} {attempt + 1}")
        self.queue(item)
        self._hand_on(item)
        self.soon(2 * pause)

    def hand_on(self) -> None:
        """Tell the others of all that waits here once more."""
        for item in self.pool:
            self._hand_on(item)

    def _hand_on(self, item: bytes) -> None:
        for other in self.engine.members:
            if other is not self and self.engine.wired(self, other):
                self.world.send(self.id, other.id, "gossip", lambda o=other: o.queue(item))

    # duties --------------------------------------------------------------------------------------
    def soon(self, wait: int = 10) -> None:
        """Look at duties soon."""
        at = self.world.now + wait
        if self._due and self._due <= at:
            return  # looked at before that anyhow
        self._due = at

        def due() -> None:
            if self._due == at:
                self._due = 0
                self._alive(self._duties)

        self.world.later(wait, f"duties {self.id}", due)

    def every(self) -> None:
        """Look at duties now and then, also where nothing comes."""
        self.sync()
        if self.up:
            self._alive(self._duties)
        if self.up and not self.stuck:
            for item in list(self.pool)[:GOSSIP]:
                self._hand_on(item)  # an engine's queue goes to each that it is connected to
        self.world.later(LOOK + self.world.chance.randint(0, LOOK), "every", self.every)

    def _duties(self) -> None:
        if not self.up or self.stuck or self._alarmed or self.idle:
            return
        if self.engine.block_for(self, self.height + 1) is not None:
            return  # catching up
        payer = () if self.payer is None else (self.payer.run,)
        duties = [self.keeper.run, self.decider.run, *payer]
        at = 0 if self.beside is None else self.beside.randint(0, len(duties) + 1)
        if at <= len(duties):  # else what it asks for has not come yet
            duties.insert(at, self.fetcher.run)
        try:
            for duty in duties:
                with suppress(OutsideFault, Refused):  # again with the next block
                    duty()
        except Alarm as alarm:
            self._alarmed = not isinstance(alarm, DebtAlarm)
            self.alarms.append(alarm)
            self.world.tell(f"alarm {self.id} {alarm.what}")


class Wires:
    """The other members' blobs, asked for over the same wires; see `fetching.fetcher.Peers`."""

    def __init__(self, member: Member) -> None:
        self._me = member

    @property
    def members(self) -> Sequence[str]:
        """Those that can be asked."""
        return [other.id for other in self._me.engine.members if other is not self._me]

    def fetch(self, member: str, name: str, most: int | None = None) -> Fetched | None:
        """Ask another member for a blob; who answers longer is not read."""
        found = self._asked(member, name)
        return found if found is not None and _fits(most, found.data, found.rows) else None

    def keys(self, member: str, name: str, most: int | None = None) -> Keys | None:
        """Ask another member for our keys to a blob, which it answers without the blob."""
        found = self._asked(member, name)
        return found.keys() if found is not None and _fits(most, found.rows) else None

    def _asked(self, member: str, name: str) -> Fetched | None:
        """Each knows the other by its seat."""
        me = self._me
        other = next(o for o in me.engine.members if o.id == member)
        here, there = me.seats.get(member), other.seats.get(me.id)
        known = here and there and (here["peer"], there["peer"]) == (other.keys["peer"],
                                                                     me.keys["peer"])  # fmt: skip
        if not other.up or not known or not me.world.linked(me.id, member):
            raise OutsideFault(f"{member} does not answer", retry=True)
        with other.disk.reading() as reading:
            return handed(reading, name, boxes_of(State(reading), other.seats[me.id]))


def _fits(most: int | None, *parts: bytes | None) -> bool:
    return most is None or all(len(part or b"") <= most for part in parts)


def another(node: Node, act: Act) -> Act:
    """A second, different word of the same decider in the same round."""
    claims = {**act.body["claims"], "root": act.body["claims"]["root"][::-1]}
    return node.act(act.kind, f"{act.ref} again", {**act.body, "claims": claims})
