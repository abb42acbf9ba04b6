"""The orderer of several members: acts go out in parcels and come back in our own commit.

The engine's acceptance is no promise: its queue is memory, and full queues drop without a word. So
what was sent is sent again until this member itself has committed it: the same bytes, which our
engine passes on only where it has lost them, and after long under the next number. Facts come in
any quantity; of them no more is taken than comes back soon, and the rest is told at once to wait.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, wait
from enum import Enum

from ...acts import record_facts
from ...acts.apply import REFUSED, ActResult, forged, refused_before
from ...acts.envelope import Act
from ...acts.freshness import TOO_LATE
from ...acts.state import State
from ...errors import Fact, OutsideFault, Refusal, Refused
from ..ports import Store
from .application import Committed
from .door import Door
from .parcel import Parcel, parcels

IN_FLIGHT_MAX = 2_000_000  # bytes that this member has sent and not seen committed
# Of them facts, at first and by what comes back: a quarter stays for all else.
FACTS_FIRST, FACTS_MIN, FACTS_MAX = 500_000, 200_000, 1_500_000
SOON_SECONDS, LATE_SECONDS = 1.0, 2.0  # beyond the quickest seen: more is taken, or less
RESEND_SECONDS, RESENDS_GROW = 3.0, 8  # before the first resend; up to so many times as long
ANEW_SECONDS = 24.0  # that bytes lie in our engine's queue before they go under the next number
PAUSE_SECONDS = 0.3  # before an engine that is full or away is asked again
PATIENCE_SECONDS = 120.0
BUSY_SECONDS = 2  # what a caller is told to wait


class Sent(Enum):
    """What became of a parcel that was handed to the engine."""

    QUEUED = "queued"  # taken
    THERE = "there"  # it had these bytes already: they wait there, or are in a block
    FULL = "full"
    AWAY = "away"  # the engine does not answer


class Window:
    """How many bytes of facts we may have under way: as many as come back soon.

    Grows while they do, and shrinks once for each time that they come late: so that who is over
    the top of what the members can order hears so at once instead of waiting for minutes.
    """

    def __init__(self) -> None:
        self.limit = FACTS_FIRST
        self._quickest, self._cut = LATE_SECONDS, 0.0

    def came(self, size: int, sent: float, now: float, in_flight: int) -> None:
        """So many bytes came back that were sent at a moment, while so many were under way."""
        took = now - sent
        self._quickest = min(self._quickest, took)
        if took > self._quickest + LATE_SECONDS:
            if sent > self._cut:  # what was sent before the last cut says nothing of it
                self.limit, self._cut = max(FACTS_MIN, self.limit * 3 // 4), now
        elif took < self._quickest + SOON_SECONDS and 2 * in_flight > self.limit:
            self.limit = min(FACTS_MAX, self.limit + size // 4)


class Consortium:
    """See `node.ports.Orderer`. `send` hands bytes to our own engine."""

    def __init__(
        self,
        store: Store,
        door: Door,
        send: Callable[[bytes], Sent],
        *,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self._store, self._door, self._send = store, door, send
        self._patience = patience
        self._lock = threading.Lock()
        self._waiting: dict[str, list[Future[ActResult]]] = defaultdict(list)
        self._in_flight = 0
        self._window = Window()

    @property
    def in_flight(self) -> int:
        """Bytes of ours that are on their way."""
        return self._in_flight

    def submit(self, acts: Sequence[Act]) -> list[ActResult]:
        """Send acts in order; when this returns they are final, or refused at the door.

        Errors   Refused net.busy where too much of ours is on its way, net.too_fast where too much
                 has come on the record of late; OutsideFault (retry) where the members do not come
                 to an end. The same acts may be sent again.
        """
        return [result for part in parcels(acts) for result in self._order(part)]

    def end(self) -> int | None:
        """See `node.ports.Orderer`."""
        return self._door.end()

    def heard(self, block: Committed) -> None:
        """Told by the application what a block has made final."""
        with self._lock:
            for result in block.results:
                if forged(result):
                    continue  # not what we have sent, though it has the same id
                for future in self._waiting.pop(result.act, ()):
                    if not future.done():
                        future.set_result(result)

    def _order(self, acts: Sequence[Act]) -> list[ActResult]:
        results = self._refused(acts) | self._recorded([act.id for act in acts])
        rest = tuple(act for act in acts if act.id not in results)
        if rest:
            results |= self._carry(rest)
        return [results[act.id] for act in acts]

    def _carry(self, acts: tuple[Act, ...]) -> dict[str, ActResult]:
        """Send until all of it is committed here."""
        if said := self._door.too_fast(acts):
            raise Refused(said)
        size, sent = sum(map(_burden, acts)), time.monotonic()
        futures: dict[str, Future[ActResult]] = {act.id: Future() for act in acts}
        facts = all(act.kind == record_facts.KIND for act in acts)
        with self._lock:
            limit = self._window.limit if facts else IN_FLIGHT_MAX
            if self._in_flight and self._in_flight + size > limit:
                raise self._busy(limit)
            self._in_flight += size
            for name, future in futures.items():
                self._waiting[name].append(future)
        try:
            self._until_final(acts, futures)
        finally:
            with self._lock:
                if facts:
                    self._window.came(size, sent, time.monotonic(), self._in_flight)
                self._in_flight -= size
                for name, future in futures.items():
                    if name in self._waiting and future in self._waiting[name]:
                        self._waiting[name].remove(future)
                        if not self._waiting[name]:
                            del self._waiting[name]
        return {name: future.result() for name, future in futures.items()}

    def _until_final(self, acts: tuple[Act, ...], futures: dict[str, Future[ActResult]]) -> None:
        began = new = time.monotonic()
        attempt, answer, grown = 1, Sent.AWAY, 1
        while (now := time.monotonic()) < began + self._patience:
            if answer is Sent.THERE and now > new + ANEW_SECONDS:
                attempt, new = attempt + 1, now  # others may have dropped it: pass it on once more
            rest = tuple(act for act in acts if not futures[act.id].done())
            answer = self._send(Parcel(attempt, rest).to_bytes())
            if answer in (Sent.QUEUED, Sent.THERE):
                pause, grown = RESEND_SECONDS * grown, min(2 * grown, RESENDS_GROW)
            else:
                pause = PAUSE_SECONDS
            if not wait(futures.values(), pause).not_done:
                return
            # Those whose end has come, and that a later look does not find, never will be there.
            over = (act for act in rest if (r := self._door.objection(act)) and r.code == TOO_LATE)
            found = self._refused(over) | self._recorded([act.id for act in rest])
            with self._lock:
                for name, result in found.items():
                    if not futures[name].done():
                        futures[name].set_result(result)
            if all(future.done() for future in futures.values()):
                return
        if answer is Sent.FULL:
            raise self._busy(IN_FLIGHT_MAX)
        if answer is Sent.AWAY and (said := self._door.too_fast(acts)):
            raise Refused(said)
        raise OutsideFault(
            f"the members have not put it in order within {self._patience:.0f} s", retry=True
        )

    def _refused(self, acts: Iterable[Act]) -> dict[str, ActResult]:
        """Those that the door does not let in."""
        return {
            act.id: ActResult(act.id, ok=False, new=True, refusals=(said,))
            for act in acts
            if (said := self._door.objection(act)) is not None
        }

    def _busy(self, limit: int) -> Refused:
        facts: dict[str, Fact] = {"bytes": self._in_flight, "limit": limit, "seconds": BUSY_SECONDS}
        return Refused(Refusal("net.busy", facts))

    def _recorded(self, names: Sequence[str]) -> dict[str, ActResult]:
        """Those that the record has taken or refused already."""
        if not names:
            return {}
        with self._store.reading() as reading:
            state = State(reading)
            state.prefetch((table, name) for table in ("act", REFUSED) for name in names)
            held = [name for name in names if state.has("act", name)]
            heights = {name: state.get(REFUSED, name) for name in names}
        refused = {n: refused_before(n, at) for n, at in heights.items() if at is not None}
        return refused | {name: ActResult(name, ok=True, new=False) for name in held}


def _burden(act: Act) -> int:
    """Bytes that an act puts on the way: its own, and originals that every member then fetches."""
    size, facts = act.size, act.body.get("facts")
    for fact in facts if act.kind == record_facts.KIND and isinstance(facts, list) else ():
        match fact:
            case {"attestation": {"original": {"bytes_b64": None, "length": int(length)}}}:
                size += max(length, 0)
    return size
