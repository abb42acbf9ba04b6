"""The record as the engine's application: what is asked of it, in the words of the house.

Pure but for the store and the clock: `adapters.engine` puts it on the wire. A block is computed by
`finalize` inside a transaction that `commit` ends, so that a crash between the two leaves nothing
and the engine asks again. The engine makes block H+1 only over our own root after H; therefore
what block H left is certified, and its effects may go out, once H+1 is committed.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from ...acts.apply import ActResult, apply_block, replay_time
from ...acts.envelope import Act
from ...acts.seats import SPENT, powers
from ...acts.seats import TABLE as SEATS
from ...acts.state import State
from ...errors import Alarm, Refusal
from ...ledger import checkpoint
from ...ledger.merkle import empty_root
from ...ledger.proof import root_at
from ...measures.suites import public_hex
from ..ports import Clock, Head, Identity, Store, Writing
from .behind import KEPT_EACH, Behind, behind, changes, keep_at
from .convening import found_by, read
from .door import TABLES, Door
from .keep import blocks_end, certify, keep
from .parcel import Parcel, parcel_under, read_time, time_item

TOLERANCE = 10  # seconds that a proposer's clock may be ahead of a voter's
ROOTS_KEPT = 5_000  # blocks of which the root is at hand, to be compared with other members
APP_VERSION = 1
TAKEN, NOT_READ = 0, 1


@dataclass(frozen=True)
class Committed:
    """What was made final: the block's height, its acts' results, the root after it."""

    height: int
    results: tuple[ActResult, ...]
    root: str


class Application:
    """One member's side of the engine; founds the record where it is empty.

    `genesis` is the value of the genesis file. Its methods are called one at a time.
    Errors   Refused act.bad_founding, and as `convening.found_by`.
    """

    def __init__(
        self,
        store: Store,
        identity: Identity,
        genesis: dict[str, Any],
        clock: Clock,
        heard: Callable[[Committed], None] = lambda _: None,
    ) -> None:
        self._store, self._identity, self.founding = store, identity, read(genesis)
        self._clock, self.heard = clock, heard
        self._live = self.founding.genesis["clock"] == "live"
        self._open: ExitStack | None = None
        self._newcomers = False
        self.moved: dict[str, int] = {}  # engine key -> votes, as the last computed block has it
        self.door = Door(clock)
        self._made: Committed | None = None
        self._acts: Sequence[Act] = ()  # of the computed block
        self._head = self._next = Head(0, empty_root(), -1, 0)
        self._after = 0
        self._behind: Behind | None = None
        self._missed = True  # whether blocks may lack our signature under their head
        self._skipped: int | None = None  # the block that was answered from the log
        self.roots: OrderedDict[int, str] = OrderedDict()
        self.certified = 0
        found_by(store, self.founding, identity.log)
        with store.reading() as reading:
            self._learn(reading.head())
            self.door.learn(reading)
            self.certified = checkpoint.parse(reading.checkpoint()).size
            self._behind = behind(reading, self.founding)

    @property
    def chain_id(self) -> str:
        """The name under which the engine knows this record: it binds the whole genesis."""
        return self.founding.chain

    @property
    def head(self) -> Head:
        """Where the record stands."""
        return self._head

    @property
    def engine_at(self) -> int:
        """Where our engine stands: behind us where it was given no snapshot and we were."""
        return self._head.height if self._behind is None else self._behind.at

    def info(self) -> Head:
        """What is committed as our engine shall know it; whatever was computed is forgotten."""
        self.forget()
        with self._store.reading() as reading:
            self._learn(reading.head())
            self.door.learn(reading)
            self._behind = behind(reading, self.founding)
        if self._behind is None:
            return self._head
        at = self._behind.at
        return Head(0, self._behind.root(at), at, self._head.time)

    def check(self, item: bytes) -> Refusal | None:
        """What the door says against an item; None where it may queue."""
        parcel = self._parcel(item)
        if parcel is None:
            return Refusal("net.no_parcel", {"bytes": len(item)})
        said = next((said for act in parcel.acts if (said := self.door.objection(act))), None)
        return said or self.door.too_fast(parcel.acts)

    def begin(self, chain: str) -> bytes:
        """The engine begins the record: it was founded when we started; its first root.

        Errors   Alarm where the engine speaks of another record, or what was before is not here.
        """
        if chain != self.chain_id:
            raise Alarm("the engine orders another record", engine=chain, ours=self.chain_id)
        head = self.info()
        if head.height != self.founding.height:
            facts = {"here": head.height, "first": self.founding.height}
            raise Alarm("what stands before the engine's first block is not here", **facts)
        return head.root

    def propose(self, items: Sequence[bytes], limit: int) -> list[bytes]:
        """A block of these items, our clock before them where the record is live."""
        first = [time_item(max(self._head.time, self._clock()))] if self._live else []
        block, size = list(first), sum(map(len, first)) + 8
        for item in items:
            size += len(item) + 8  # the engine counts the frame of an item as well
            if size > limit:
                break
            if self._parcel(item) is not None:
                block.append(item)
        return block

    def vote(self, items: Sequence[bytes]) -> bool:
        """Whether an honest proposer can have made this block.

        A time is refused before the last block's, or where it is later than that *and* too far
        ahead of our clock: time makes a refusal into consent, never the reverse.
        """
        if not self._live:
            return all(read_time(item) is None for item in items)
        if not items or (time := read_time(items[0])) is None:
            return False
        before = self._head.time
        if time < before or (time > before and time > self._clock() + TOLERANCE):
            return False
        return all(read_time(item) is None for item in items[1:])

    def finalize(self, height: int, items: Sequence[bytes]) -> tuple[bytes, list[int]]:
        """Compute a block; the root after it and a code for each item. Nothing stays yet.

        What it changes of the votes stands in `moved`: the engine goes by it two blocks later.
        Errors   Alarm for a height that does not follow what is committed.
        """
        self.forget()
        if self._behind is not None and height <= self._behind.last:
            return self._again(self._behind, height, items)
        with ExitStack() as opened:
            block = opened.enter_context(self._store.writing())
            before = block.head()
            if height != before.height + 1:
                raise Alarm("the engine's block does not follow", height=height, here=before.height)
            root, codes = self._apply(block, before, height, items)
            self._open = opened.pop_all()
        return root, codes

    def commit(self) -> int:
        """Make the computed block stay, in one transaction; its height."""
        if self._behind is not None and self._skipped is not None:
            return self._went_on(self._behind, self._skipped)
        opened, made = self._open, self._made
        if opened is None or made is None:
            raise Alarm("nothing was computed that could be committed", height=self._head.height)
        self._open = self._made = None
        opened.close()
        self._head = self._next
        self.certified = self._after
        self.door.pass_time(self._head.time, self._head.height)
        self.door.pace.weigh(self._acts, made.results, self._head.time)
        if self._newcomers:
            with self._store.reading() as reading:
                self.door.learn(reading)
        self._keep_root(made.height, made.root)
        self.heard(made)
        return made.height

    def root_at(self, height: int) -> str | None:
        """The root after a block, where it is at hand."""
        if self._behind is not None and 0 <= height <= self._behind.last:
            return self._behind.root(height).hex()
        return self.roots.get(height)

    def _again(
        self, engine: Behind, height: int, items: Sequence[bytes]
    ) -> tuple[bytes, list[int]]:
        """A block that we have applied already: its root stands in our log."""
        if height != engine.at + 1:
            raise Alarm("the engine's block does not follow", height=height, here=engine.at)
        self._skipped, self.moved = height, engine.moved.get(height, {})
        return engine.root(height), self._codes(items, self.door.rules_of(height))

    def _went_on(self, engine: Behind, height: int) -> int:
        """Our engine has come so far; kept now and then, so that it never stands before us."""
        self._skipped, engine.at = None, height
        caught_up = height == engine.last
        if caught_up or height % KEPT_EACH == 0:
            with self._store.writing() as block:
                keep_at(block, None if caught_up else height)
        if caught_up:
            self._behind = None
        return height

    def _parcel(self, item: bytes) -> Parcel | None:
        """The parcel in an item of the next block."""
        return parcel_under(self.door.rules_of(self._head.height + 1), item)

    def _codes(self, items: Sequence[bytes], rules: int) -> list[int]:
        """What is told of each item: whether it is one."""
        clocked = self._live and bool(items) and read_time(items[0]) is not None
        return [
            TAKEN if parcel_under(rules, item) is not None or (clocked and i == 0) else NOT_READ
            for i, item in enumerate(items)
        ]

    def _apply(
        self, block: Writing, before: Head, height: int, items: Sequence[bytes]
    ) -> tuple[bytes, list[int]]:
        self._sign(block, before)
        state, rules = State(block), self.door.rules_of(height)
        read: list[Parcel | None] = [parcel_under(rules, item) for item in items]
        acts = [act for parcel in read if parcel is not None for act in parcel.acts]
        told = read_time(items[0]) if items and self._live else None
        at = max(before.time, told or 0) if self._live else replay_time(state, acts, before.time)
        previous = before.root.hex()
        made = apply_block(state, acts, height=height, at=at, previous=previous, keep_refused=True)
        written = {table for table, _, _ in state.writes()}
        self._newcomers = bool(written & set(TABLES))
        self.moved = changes(powers(State(block)), powers(state)) if SEATS in written else {}
        self._next = keep(block, state, made)
        self._after, self._acts = before.size, acts
        self._made = Committed(height, made.results, self._next.root.hex())
        return self._next.root, self._codes(items, rules)

    def _sign(self, block: Writing, before: Head) -> None:
        """Sign what this block certifies, and earlier blocks whose turn a key out of force missed.

        A key that the record has put out of force signs nothing: the one in its place will.
        """
        if before.size <= self.certified:
            return
        log = self._identity.log
        if block.get(SPENT, public_hex(log)) is not None:
            self._missed = True
            return
        if self._missed:
            self._missed = False
            signed = checkpoint.parse(block.checkpoint()).size
            for size in blocks_end(block, signed, before.size):
                certify(block, Head(size, root_at(size, block.node), 0, 0), log)
        certify(block, before, log)

    def forget(self) -> None:
        """Give up what was computed: a new engine will ask for it again."""
        self._skipped = None
        if self._open is not None:
            opened, self._open, self._made = self._open, None, None
            opened.__exit__(_Forgotten, _Forgotten(), None)

    def _learn(self, head: Head) -> None:
        self._head = self._next = head
        self.door.pass_time(head.time, head.height)
        self._after = head.size
        if head.height >= 0:
            self._keep_root(head.height, head.root.hex())

    def _keep_root(self, height: int, root: str) -> None:
        self.roots[height] = root
        while len(self.roots) > ROOTS_KEPT:
            self.roots.popitem(last=False)


class _Forgotten(Exception):
    """Rolls a transaction back."""
