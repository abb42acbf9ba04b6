"""How long a large book takes from its files to columns: opened, and checked to the last byte."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from miaopei.adapters.schedule_files import Files
from miaopei.policies.schedule import schedule_of

from .rows import Row, median, seconds

NAMES = ("x", "y", "z", "plan", "insured", "event_limit", "year_limit")


def run(book: dict[str, np.ndarray], folder: Path) -> Iterator[Row]:
    """Written once, then opened as a node opens it: nothing but the list and lengths is read."""
    rows = len(book["since"])
    rng = np.random.default_rng(20260404)
    schedule = schedule_of("bench", {
        "policy": rng.integers(0, 256, (rows, 16), dtype=np.uint8),
        "salt": rng.integers(0, 256, (rows, 32), dtype=np.uint8),
        "first": np.arange(rows), "since": book["since"], "until": book["until"],
        "year_from": book["since"], "cancels": np.zeros(rows, np.uint8),
        **{f"declared.{name}": book[name] for name in NAMES},
    })  # fmt: skip
    files = Files(folder / "schedules")
    size = sum(column.nbytes for column in schedule.columns().values())
    digest = files.write(schedule, 0)
    opened = files.open("bench", rows, digest)
    assert (opened.declared["insured"][-1] == book["insured"][-1]).all(), "another column"
    taken = [seconds(lambda: files.open("bench", rows, digest)) for _ in range(5)]
    what = f"a schedule of {rows / 1e6:g} M rows ({size / 1e6:,.0f} MB)"
    yield Row("open", f"{what}: opened from its files", median(taken) * 1e3, "ms")
    checked = seconds(lambda: files.check("bench", rows, digest), 1)
    yield Row("open.check", f"{what}: every byte held against its digests", checked, "s")
