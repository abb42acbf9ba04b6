"""When a bank accepted what it was told to pay: a rail that notes the moments."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from ....accounts.rail import ClosedId, Instruction, Outcome
from ....node.ports import Rail


@dataclass
class TimedRail:
    """A rail that remembers when it accepted each instruction: seconds of this machine's clock."""

    rail: Rail
    accepted: dict[str, float] = field(default_factory=dict)

    def pay(self, instructions: list[Instruction]) -> list[Outcome]:
        """As the rail does, and note the time of what it took."""
        found = self.rail.pay(instructions)
        now = time.monotonic()
        taken = (o.id for o in found if str(o.state) in ("executed", "pending"))
        self.accepted.update(dict.fromkeys(taken, now))
        return found

    def ask(self, ids: list[str]) -> list[Outcome]:
        """As the rail does."""
        return self.rail.ask(ids)

    def close(self, instruction: str) -> ClosedId | Outcome:
        """As the rail does."""
        return self.rail.close(instruction)


def at_percent(ordered: Sequence[float], percent: int) -> str | None:
    """The value that `percent` of the sorted values do not exceed, in seconds."""
    return f"{nearest_rank(ordered, percent):.3f}" if ordered else None


def nearest_rank(ordered: Sequence[float], percent: int) -> float:
    """The least of the sorted values that `percent` of them do not exceed; there is one."""
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]
