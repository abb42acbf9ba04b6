"""The worker: notes certified checkpoints in its outbox, anchors them in order, compares.

It reads the record and writes nothing to it. Whatever is killed and whenever, it goes on where the
outbox stands. Over an alarm it anchors nothing further; only what another's key has signed stops
nobody (a false root, a size that no member has): its writer would have what it wants. It is told;
whether our own log was altered is decided by our own key's anchors and our own notes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from ...errors import Fact, OutsideFault, Refusal, Refused
from ...ledger import checkpoint, proof
from ..ports import Reading, Store
from .comparing import Against, beyond
from .port import (
    SIGNED,
    Anchor,
    Anchored,
    AnchorHead,
    Outbox,
    Point,
    SideAltered,
    State,
)

OVERLAP = 12  # blocks of the other ledger that are compared once more: it may have changed its mind
PASSED = ("anchor.smaller_size",)  # another was quicker with a larger size, whatever that is


@dataclass(frozen=True)
class Pace:
    """When a checkpoint is noted: after so many seconds, or so many entries, where it grew."""

    seconds: float = 60.0
    entries: int = 10_000


@dataclass(frozen=True)
class Done:
    """What one round of the worker did: what was noted, anchored, covered, and had to be again.

    `told` says what others' anchors do not have as our log has it: false roots, then sizes beyond.
    """

    noted: int = 0
    anchored: int = 0
    covered: int = 0
    again: int = 0
    compared: int = 0
    told: tuple[Refusal, ...] = ()


class Anchorer:
    """`alone`: only this member anchors and its log is never behind an anchor, as in solo."""

    def __init__(
        self,
        store: Store,
        chain: Anchor,
        outbox: Outbox,
        pace: Pace,
        *,
        alone: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._chain, self._outbox = store, chain, outbox
        self._pace, self._alone, self._clock = pace, alone, clock
        self._noted_at: float | None = None

    def run(self) -> Done:
        """One round. What goes wrong is written to the outbox as well, for whoever looks.

        Errors   OutsideFault (retry) where the other ledger is silent; Refused, SideAltered: a
                 person must look before anything further is anchored.
        """
        try:
            if self._catching_up():
                self._outbox.set_trouble(
                    Refusal("anchor.catching_up", {"size": self._outbox.last()})
                )
                return Done()
            done = self._round(int(self.note()))
        except OutsideFault as fault:
            self._outbox.set_trouble(Refusal("anchor.silent", {"why": str(fault)[:200]}))
            raise
        except Refused as refused:
            self._outbox.set_trouble(refused.refusals[0])
            raise
        except SideAltered as alarm:
            self._outbox.set_trouble(alarm.finding)
            raise
        self._outbox.set_trouble(done.told[0] if done.told else None)
        return done

    def note(self) -> bool:
        """Note the certified checkpoint where its time has come; also while nobody answers.

        Errors   SideAltered where it is not that of the log beneath it.
        """
        with self._store.reading() as reading:
            point = certified(reading)
        before = self._outbox.last()
        if point.size <= before:
            return False
        now = self._clock()
        waited = self._noted_at is None or now - self._noted_at >= self._pace.seconds
        if not waited and point.size - before < self._pace.entries:
            return False
        self._outbox.add(point)
        self._noted_at = now
        return True

    def _catching_up(self) -> bool:
        """Whether a member of several has begun anew and is not yet where it was."""
        if self._alone:
            return False
        with self._store.reading() as reading:
            return reading.head().size < self._outbox.last()

    def _round(self, noted: int) -> Done:
        head = self._chain.head()
        compared, told = self._compare(head)
        if not self._still_agrees():  # the chain went back, or our log changed: all of it anew
            self._outbox.set_compared(0)
            self._outbox.set_agreed(0)
            self._outbox.set_apart(())
            compared, told = self._compare(head)
        again = self._outbox.again(max(head.ours, self._outbox.agreed()))
        anchored = covered = 0
        for point in self._outbox.waiting():
            match self._send(point):
                case State.ANCHORED:
                    anchored += 1
                case State.COVERED:
                    covered += 1
        return Done(noted, anchored, covered, again, compared, told)

    def _send(self, point: Point) -> State:
        """Anchor one; covered where a larger size that agrees with our log was quicker. It waits on
        where one was quicker that is to be compared first, or that nobody has.
        """
        outbox = self._outbox
        if point.size < outbox.agreed():
            outbox.covered(point.size)
            return State.COVERED
        with self._store.reading() as reading:
            _same(reading, point)

        def keep(data: bytes) -> None:
            outbox.keep(point.size, data)

        try:
            outbox.anchored(self._chain.put(point, outbox.kept(point.size), keep))
        except Refused as refused:
            (said, *_) = refused.refusals
            if said.code == "anchor.other_root":
                if self._is_of_others(point.size):  # the first form has one root for all writers
                    return State.WAITING
                raise SideAltered(said) from refused
            if said.code not in PASSED:
                raise
            return State.WAITING
        return State.ANCHORED

    def _is_of_others(self, size: int) -> bool:
        """Whether what stands at a size was signed by others; where no anchor is shown, it was put
        there by whoever runs the chain.
        """
        shown = [a for a in self._chain.read(0) if a.point.size == size and not a.faults]
        return bool(shown) and all(anchor.by != self._chain.us for anchor in shown)

    def _still_agrees(self) -> bool:
        """Whether the largest anchor that agreed with our log is still there."""
        agreed = self._outbox.agreed()
        if agreed == 0:
            return True
        with self._store.reading() as reading:
            if reading.head().size < agreed:
                return False
            root = proof.root_at(agreed, reading.node)
        return self._chain.stands(Point(agreed, root))

    def _compare(self, head: AnchorHead) -> tuple[int, tuple[Refusal, ...]]:
        """Hold what has come since the last look against our log, and what did not agree before;
        what others have signed otherwise or beyond it is told each time, while it stands there.

        Errors   SideAltered naming the size: by our own key, or where the other ledger contradicts
                 itself. What another is said to have signed and no signature of its own bears out
                 is told alone: anybody can have a transaction of his taken that we cannot read.
        """
        anchors = self._new_and_apart(head)
        with self._store.reading() as reading:
            ours = reading.head()
            size = ours.size
            against = Against(size)
            for anchor in sorted(anchors, key=lambda anchor: anchor.point.size):
                at = anchor.point.size
                if at > size and not self._alone and not anchor.faults:
                    continue  # we are behind another member: looked at again later
                against.hold(anchor, None if at > size else proof.root_at(at, reading.node))
            for false in against.findings:
                if false.facts["by"] == self._chain.us or _contradicts(false):
                    raise SideAltered(false)
        entries = {false.facts["entry"] for false in against.findings}
        ahead = [a for a in anchors if a.point.size > size and a.entry not in entries]
        self._outbox.set_agreed(max(self._outbox.agreed(), against.last))
        # Before the height: a kill between the two has it read once more, and forgets nothing.
        self._outbox.set_apart([a for a in anchors if a in ahead or a.entry in entries])
        self._outbox.set_compared(head.height)
        told = (*against.findings, *beyond(ahead, ours, self._chain.time_at))
        return len(anchors), told

    def _new_and_apart(self, head: AnchorHead) -> list[Anchored]:
        """What stands there from the last look on, and of before it what did not agree, where it
        still stands there: one that is false for good must not have all after it read each time.
        """
        since = max(0, min(self._outbox.compared(), head.height) - OVERLAP)
        anchors = list(self._chain.read(since))
        read = {anchor.entry for anchor in anchors}
        before = (a for a in self._outbox.apart() if a.height < since and a.entry not in read)
        return anchors + [a for a in before if self._chain.stands(a.point)]


def _contradicts(false: Refusal) -> bool:
    """Whether the other ledger itself says two things, or lets somebody write who may not."""
    return false.code == "anchor.anchor_altered" and false.facts["why"] != SIGNED


def certified(reading: Reading) -> Point:
    """The last checkpoint that may be shown to others.

    Errors   SideAltered where it is not that of the log beneath it.
    """
    head = checkpoint.parse(reading.checkpoint())
    point = Point(head.size, head.root)
    _same(reading, point)
    return point


def _same(reading: Reading, point: Point) -> None:
    """Nothing is anchored that our log does not say.

    Errors   SideAltered.
    """
    size = reading.head().size
    if size < point.size:
        raise SideAltered(Refusal("anchor.log_cut", {"size": point.size, "ours": size}))
    ours = proof.root_at(point.size, reading.node)
    if ours != point.root:
        facts: dict[str, Fact] = {"noted": point.root.hex(), "ours": ours.hex()}
        raise SideAltered(Refusal("anchor.noted_otherwise", {"size": point.size, **facts}))
