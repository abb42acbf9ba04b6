"""The clock of a live record, doubted: one wrong start cannot carry the record's time away.

Time only goes on, so a clock once far ahead could never be taken back. It is held against the
record's last time, this process's own steady clock, and the clock of the database server.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from ..errors import Fact, Refusal, Refused
from ..measures.instant import beijing_text
from .postgres.store import PostgresStore

AHEAD = 7 * 86_400  # seconds that a record may have stood still without anybody saying so
APART = 120  # seconds between two clocks that tell the same time


@dataclass
class DoubtedClock:
    """UTC seconds of this machine, refused where they are not plausible.

    `last` gives the record's last time (None: it has none), `server` the database server's clock.
    `accepted`: a person has said that the machine's clock is right.
    Errors   Refused clock.far_ahead, clock.server_differs, clock.moved: no block is made.
    """

    last: Callable[[], int | None]
    server: Callable[[], int | None]
    accepted: bool = False
    wall: Callable[[], float] = time.time
    steady: Callable[[], float] = time.monotonic
    _began: tuple[int, int] | None = field(default=None, init=False)

    def __call__(self) -> int:
        """The time now."""
        now, mark = int(self.wall()), int(self.steady())
        if self._began is None:
            self._doubt(now)
            self._began = (now, mark)
        expected = self._began[0] + mark - self._began[1]
        if now - expected > APART:
            raise _no("moved", now=_said(now), expected=_said(expected))
        return now

    def _doubt(self, now: int) -> None:
        if self.accepted:
            return
        there = self.server()
        if there is not None and abs(now - there) > APART:
            raise _no("server_differs", now=_said(now), server=_said(there), limit=APART)
        last = self.last()
        if last is not None and now - last > AHEAD:
            days = (now - last) // 86_400
            raise _no("far_ahead", now=_said(now), last=_said(last), days=days)


def doubted(store: PostgresStore, *, accepted: bool = False) -> DoubtedClock:
    """The doubted clock of a record in a database."""

    def last() -> int | None:
        with store.reading() as reading:
            head = reading.head()
        return head.time if head.size else None

    def server() -> int:
        with store.reading() as reading:
            return int(
                reading.execute("select extract(epoch from clock_timestamp())::bigint")[0][0]
            )

    return DoubtedClock(last, server, accepted)


def _said(seconds: int) -> str:
    try:
        return beijing_text(seconds)
    except OverflowError:
        return f"{seconds} s"


def _no(code: str, **facts: Fact) -> Refused:
    return Refused(Refusal(f"clock.{code}", facts))
