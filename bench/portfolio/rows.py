"""One measurement, and how it is taken."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

ROUNDS = 5


@dataclass(frozen=True)
class Row:
    """What was measured, what was aimed at (`least` or `most`), and whether that was met."""

    id: str
    work: str
    value: float
    unit: str
    most: float | None = None
    least: float | None = None

    def as_json(self) -> dict[str, Any]:
        """The row as the table takes it."""
        row = asdict(self)
        most, least = row.pop("most"), row.pop("least")
        aim, met = "", None
        if most is not None:
            aim, met = f"<= {most:g}", self.value <= most
        elif least is not None:
            aim, met = f">= {least:g}", self.value >= least
        return {**row, "aim": aim, "met": met}


def seconds(
    work: Callable[[], Any], times: int = 3, clock: Callable[[], float] = time.perf_counter
) -> float:
    """The best of a few runs, one right after another: what others do to the machine only adds."""
    taken = []
    for _ in range(times):
        started = clock()
        work()
        taken.append(clock() - started)
    return min(taken)


def ratio(above: Sequence[float], below: Sequence[float]) -> float:
    """The median of the ratios within each round."""
    return statistics.median(a / b for a, b in zip(above, below, strict=True))


median = statistics.median
