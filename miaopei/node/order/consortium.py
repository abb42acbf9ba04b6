"""The orderer of several members: acts go out in parcels and come back in our own commit.

The engine's acceptance is no promise: its queue is memory, and full queues drop without a word. So
what was sent is sent again, under the next number, until this member itself has committed it.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from enum import Enum

from ...acts.apply import ActResult
from ...acts.envelope import Act
from ...acts.state import State
from ...errors import OutsideFault, Refusal, Refused
from ..ports import Store
from .application import Committed
from .door import Door
from .parcel import Parcel, parcels

IN_FLIGHT_MAX = 1_000_000  # bytes that this member has sent and not seen committed
RESEND_SECONDS, RESENDS_GROW = 3.0, 8  # before the first resend; up to so many times as long
PAUSE_SECONDS = 0.3  # before an engine that is full or away is asked again
PATIENCE_SECONDS = 120.0
BUSY_SECONDS = 2  # what a caller is told to wait


class Sent(Enum):
    """What became of a parcel that was handed to the engine."""

    QUEUED = "queued"  # taken, or there already
    FULL = "full"
    AWAY = "away"  # the engine does not answer


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

    def submit(self, acts: Sequence[Act]) -> list[ActResult]:
        """Send acts in order; when this returns they are final, or refused at the door.

        Errors   Refused net.busy where too much of ours is on its way; OutsideFault (retry) where
                 the members do not come to an end: the same acts may be sent again.
        """
        return [result for part in parcels(acts) for result in self._order(part)]

    def heard(self, block: Committed) -> None:
        """Told by the application what a block has made final."""
        with self._lock:
            for result in block.results:
                for future in self._waiting.pop(result.act, ()):
                    if not future.done():
                        future.set_result(result)

    def _order(self, acts: Sequence[Act]) -> list[ActResult]:
        said = {act.id: refusal for act in acts if (refusal := self._door.objection(act))}
        results = {
            name: ActResult(name, ok=False, new=True, refusals=(refusal,))
            for name, refusal in said.items()
        }
        results |= self._recorded([act.id for act in acts])
        rest = tuple(act for act in acts if act.id not in results)
        if rest:
            results |= self._carry(rest)
        return [results[act.id] for act in acts]

    def _carry(self, acts: tuple[Act, ...]) -> dict[str, ActResult]:
        """Send until all of it is committed here."""
        size = sum(act.size for act in acts)
        futures: dict[str, Future[ActResult]] = {act.id: Future() for act in acts}
        with self._lock:
            if self._in_flight and self._in_flight + size > IN_FLIGHT_MAX:
                facts = {"bytes": self._in_flight, "limit": IN_FLIGHT_MAX, "seconds": BUSY_SECONDS}
                raise Refused(Refusal("net.busy", facts))
            self._in_flight += size
            for name, future in futures.items():
                self._waiting[name].append(future)
        try:
            self._until_final(acts, futures)
        finally:
            with self._lock:
                self._in_flight -= size
                for name, future in futures.items():
                    if name in self._waiting and future in self._waiting[name]:
                        self._waiting[name].remove(future)
                        if not self._waiting[name]:
                            del self._waiting[name]
        return {name: future.result() for name, future in futures.items()}

    def _until_final(self, acts: tuple[Act, ...], futures: dict[str, Future[ActResult]]) -> None:
        end, attempt, answer = time.monotonic() + self._patience, 0, Sent.AWAY
        grown = 1
        while time.monotonic() < end:
            attempt += 1
            answer = self._send(Parcel(attempt, acts).to_bytes())
            # Each attempt is new bytes to the engine: what waits in a long queue is not sent at the
            # same pace again, or the queue grows by what stands in it.
            if answer is Sent.QUEUED:
                pause, grown = RESEND_SECONDS * grown, min(2 * grown, RESENDS_GROW)
            else:
                pause = PAUSE_SECONDS
            if not wait(futures.values(), pause).not_done:
                return
            found = self._recorded([name for name, future in futures.items() if not future.done()])
            with self._lock:
                for name, result in found.items():
                    if not futures[name].done():
                        futures[name].set_result(result)
            if all(future.done() for future in futures.values()):
                return
        if answer is Sent.FULL:
            facts = {"bytes": self._in_flight, "limit": IN_FLIGHT_MAX, "seconds": BUSY_SECONDS}
            raise Refused(Refusal("net.busy", facts))
        raise OutsideFault(
            f"the members have not put it in order within {self._patience:.0f} s", retry=True
        )

    def _recorded(self, names: Sequence[str]) -> dict[str, ActResult]:
        """Those that the record holds already."""
        if not names:
            return {}
        with self._store.reading() as reading:
            state = State(reading)
            held = [name for name in names if state.has("act", name)]
        return {name: ActResult(name, ok=True, new=False) for name in held}
