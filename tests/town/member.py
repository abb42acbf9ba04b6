"""One member of a town: the real application, node, decider, payer, keeper and fetcher on a disk.

What lies on the disk survives a crash; everything else is made anew, as a process is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from miaopei.acts.apply import ActResult
from miaopei.acts.envelope import Act
from miaopei.acts.state import State
from miaopei.errors import Alarm, OutsideFault, Refused
from miaopei.node.effects.decider import Decider
from miaopei.node.effects.keeper import Keeper
from miaopei.node.effects.payer import Payer
from miaopei.node.node import Node
from miaopei.node.order.application import Application, Committed
from miaopei.node.order.parcel import Parcel, parcels
from miaopei.node.ports import Rail
from miaopei.node.vault.fetch import Fetched, Fetcher
from tests.support.town import Dice, identity

from .disk import Crash, Disk
from .world import World

if TYPE_CHECKING:
    from .engine import Engine

RESEND = 3_000  # milliseconds after which an act that is not final is sent again
LOOK = 600_000  # between looks at duties where no block has come
DOWN = (2_000, 900_000)


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
        self.dice = Dice(f"{world.start} {id}")
        self.skew = 0
        self.reads: Callable[[Any], Any] | None = None
        self.tells_wrong_root = self.idle = self.doubles = False
        self.committed: Callable[[Member, Committed], None] = lambda *_: None
        self.alarms: list[Alarm] = []
        self.up = self.stuck = False

    # the process ---------------------------------------------------------------------------------
    def start(self) -> None:
        """A new process over the disk."""
        self.pool: dict[bytes, None] = {}
        self._results: dict[str, ActResult] = {}
        self._sent: dict[tuple[str, ...], tuple[int, int]] = {}
        self._alarmed = self.stuck = False
        me = identity(self.id)
        self.application = Application(self.disk, me, self.genesis, self._clock, self._heard)
        self.node = Node(self.disk, me, self._clock, self.dice, self)
        self.keeper = Keeper(self.node)
        more = {} if self.reads is None else {"reads": self.reads}
        self.decider = Decider(self.node, self.keeper, **more)
        self.payer = None if self.rail is None else Payer(self.node, self.rail, self.keeper)
        self.fetcher = Fetcher(self.node, self)
        self.up, self._due = True, 0
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
                self.world.tell(f"stuck {self.id} {self.height}")
                return
            root, _ = self.application.finalize(self.height + 1, block.items)
            self.application.commit()
            self.world.tell(f"final {self.id} {self.height} {root.hex()[:12]}")
            for item in block.items:
                self.pool.pop(item, None)
            self.soon(self.world.chance.randint(1, 500))

    def _heard(self, block: Committed) -> None:
        for result in block.results:
            self._results[result.act] = result
        self.committed(self, block)

    # the queue -----------------------------------------------------------------------------------
    def queue(self, item: bytes) -> None:
        """An item of our own or from another member; full queues drop without a word."""
        if self.up and item not in self.pool and self.application.check(item) is None:
            self.pool[item] = None
            self.engine.wake()

    def submit(self, acts: Sequence[Act]) -> list[ActResult]:
        """See `node.ports.Orderer`. What is not final yet is sent, and asked for again later."""
        with self.disk.reading() as reading:
            held = {act.id for act in acts if State(reading).has("act", act.id)}
        results: list[ActResult] = []
        pending = []
        for act in acts:
            objection = self.application.door.objection(act)
            if act.id in self._results:
                results.append(self._results[act.id])
            elif act.id in held:
                results.append(ActResult(act.id, ok=True, new=False))
            elif objection is not None:
                results.append(ActResult(act.id, ok=False, new=True, refusals=(objection,)))
            else:
                pending.append(act)
        if not pending:
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
        for other in self.engine.members:
            if other is not self:
                self.world.send(self.id, other.id, "gossip", lambda o=other: o.queue(item))
        self.soon(2 * pause)

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
        self.world.later(LOOK + self.world.chance.randint(0, LOOK), "every", self.every)

    def _duties(self) -> None:
        if not self.up or self.stuck or self._alarmed or self.idle:
            return
        if self.engine.block_for(self, self.height + 1) is not None:
            return  # catching up
        try:
            self.fetcher.run()
            self.keeper.run()
            self.decider.run()
            if self.payer is not None:
                self.payer.run()
        except (OutsideFault, Refused):
            pass  # again with the next block
        except Alarm as alarm:
            self._alarmed = True
            self.alarms.append(alarm)
            self.world.tell(f"alarm {self.id} {alarm.what}")

    # the other members' blobs --------------------------------------------------------------------
    @property
    def members(self) -> Sequence[str]:
        """See `node.vault.fetch.Peers`."""
        return [other.id for other in self.engine.members if other is not self]

    def fetch(self, member: str, name: str) -> Fetched | None:
        """Ask another member for a blob, over the same wires."""
        other = next(o for o in self.engine.members if o.id == member)
        if not other.up or not self.world.linked(self.id, member):
            raise OutsideFault(f"{member} does not answer", retry=True)
        box = identity(self.id).box.public_key().public_bytes_raw().hex()
        with other.disk.reading() as reading:
            data, wrap = reading.blob(name), reading.wrapped(name, box)
        return None if data is None else Fetched(data, wrap)


def another(node: Node, act: Act) -> Act:
    """A second, different word of the same decider in the same round."""
    claims = {**act.body["claims"], "root": act.body["claims"]["root"][::-1]}
    return node.act(act.kind, f"{act.ref} again", {**act.body, "claims": claims})
