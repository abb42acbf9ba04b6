"""Time, chance, events and wires of a simulated town. One seed gives one run, to the byte."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Callable
from random import Random
from typing import Any

Do = Callable[[], None]
STEPS = 60_000  # of a run; the longest that come to an end have fewer than half


class Breach(AssertionError):
    """A law is broken; its name comes first."""

    def __init__(self, law: str, **facts: Any) -> None:
        super().__init__(f"{law}: {facts}")
        self.law = law


class World:
    """What happens when. Times are whole milliseconds since the run began."""

    def __init__(self, seed: str, start: int) -> None:
        self.chance, self.start, self.now = Random(seed), start, 0
        self.steps = 0
        self._queue: list[tuple[int, int, str, Do]] = []
        self._count = 0
        self._trace = hashlib.sha256()
        self.told: list[str] = []
        self.after: Do = lambda: None
        self.loss = self.doubling = 0.0
        self.slow = 200  # milliseconds that a message takes at most
        self.cuts: set[tuple[str, str]] = set()

    @property
    def clock(self) -> int:
        """UTC seconds of an honest clock."""
        return self.start + self.now // 1000

    @property
    def digest(self) -> str:
        """Of all that was told so far: equal runs have equal ones."""
        return self._trace.hexdigest()

    def tell(self, line: str) -> None:
        """One line of the run's trace."""
        whole = f"{self.now} {line}"
        self._trace.update(whole.encode() + b"\n")
        self.told.append(whole)

    def later(self, wait: int, name: str, do: Do) -> None:
        """Have something happen after so many milliseconds; equal times in order of asking."""
        self._count += 1
        heapq.heappush(self._queue, (self.now + max(wait, 0), self._count, name, do))

    def send(self, sender: str, to: str, name: str, do: Do) -> None:
        """A message: late, lost, doubled, out of order, as the wires are just now."""
        if (sender, to) in self.cuts or self.chance.random() < self.loss:
            return
        for _ in range(2 if self.chance.random() < self.doubling else 1):
            self.later(self.chance.randint(1, self.slow), name, do)

    def linked(self, one: str, other: str) -> bool:
        """Whether two members reach one another, both ways."""
        return not {(one, other), (other, one)} & self.cuts

    def cut(self, one: str, other: str, *, both: bool = True) -> None:
        """Cut the wire between two, or one way of it."""
        self.cuts |= {(one, other), (other, one)} if both else {(one, other)}

    def heal(self) -> None:
        """All wires are whole and quick again."""
        self.cuts.clear()
        self.loss = self.doubling = 0.0

    def run(self, until: int, most: int = STEPS) -> None:
        """Let time pass up to `until`; the checkers look after each event."""
        while self._queue and self._queue[0][0] <= until:
            self.steps += 1
            if self.steps > most:
                raise Breach("no end", steps=most, hours=self.now // 3_600_000)
            self.now, _, _, do = heapq.heappop(self._queue)
            do()
            self.after()
        self.now = max(self.now, until)
