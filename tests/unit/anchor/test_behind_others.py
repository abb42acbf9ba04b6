"""Anchors that others made of sizes which our log has not: read off a ledger without a chain."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from miaopei.adapters.anchor.outbox import OutboxFile
from miaopei.adapters.memory_store import MemoryStore
from miaopei.measures.instant import HOUR
from miaopei.node.anchoring.comparing import beyond
from miaopei.node.anchoring.port import Anchored, AnchorHead, Keep, Point
from miaopei.node.anchoring.worker import Anchorer, Pace, certified
from miaopei.node.ports import Head
from tests.support.anchoring import grow
from tests.support.town import Town

MADE = 1_700_000_000
SELDOM = Pace(3_600, 10_000)  # a worker notes once, when it starts


class Ledger:
    """An honest other ledger; a block an anchor, all made at one time."""

    us = "ours"

    def __init__(self) -> None:
        self.anchors = list[Anchored]()

    def add(self, by: str, point: Point) -> Anchored:
        made = Anchored(point, by, len(self.anchors) + 1, f"entry {len(self.anchors)}")
        self.anchors.append(made)
        return made

    def head(self) -> AnchorHead:
        sizes = [(anchor.point.size, anchor.by) for anchor in self.anchors]
        ours = max((size for size, by in sizes if by == self.us), default=0)
        count = len(sizes)
        return AnchorHead(count, count, max(sizes, default=(0, ""))[0], ours)

    def stands(self, point: Point) -> bool:
        return point in {anchor.point for anchor in self.anchors}

    def put(self, point: Point, kept: bytes | None, keep: Keep) -> Anchored:
        return self.add(self.us, point)

    def read(self, since: int) -> Sequence[Anchored]:
        return [anchor for anchor in self.anchors if anchor.height >= since]

    def time_at(self, height: int) -> int:
        return MADE


def point_of(store: MemoryStore) -> Point:
    with store.reading() as reading:
        return certified(reading)


def copy_of(town: Town) -> MemoryStore:
    made = MemoryStore()
    assert isinstance(town.store, MemoryStore)
    made._tables = town.store._tables.copy()
    return made


@pytest.mark.parametrize(
    ("later", "says"),
    [
        (-HOUR, "anchor.not_reached"),
        (0, "anchor.not_reached"),
        (HOUR, "anchor.not_reached"),
        (HOUR + 1, "anchor.ahead_of_all"),
    ],
)
def test_a_size_is_nobodys_once_our_log_has_come_an_hour_further_in_time(
    later: int, says: str
) -> None:
    ledger = Ledger()
    anchor = ledger.add("theirs", Point(9, b"r" * 32))
    ours = Head(5, b"o" * 32, 3, MADE + later)
    (told,) = beyond([anchor], ours, ledger.time_at)
    assert (told.code, told.facts["size"], told.facts["ours"]) == (says, 9, 5)


def test_a_member_that_begins_anew_below_what_once_agreed_is_behind_and_goes_on(
    tmp_path: Path,
) -> None:
    """It had noted less than another has anchored."""
    town, ledger, outbox = Town(), Ledger(), OutboxFile(tmp_path, "ledger")
    first = grow(town, "one")
    worker = Anchorer(town.store, ledger, outbox, SELDOM, alone=False)
    assert worker.run().anchored == 1
    second = grow(town, "two")
    cut = copy_of(town)
    third = grow(town, "three")
    ledger.add("theirs", point_of(copy_of(town)))
    worker.run()
    assert (outbox.last(), outbox.agreed()) == (first, third)
    anew = Anchorer(cut, ledger, outbox, SELDOM, alone=False)
    done = anew.run()
    assert [each.code for each in done.told] == ["anchor.not_reached"]
    assert (done.anchored, done.covered, outbox.agreed()) == (1, 0, first)
    assert ledger.anchors[-1].point.size == second
    outbox.close()


def test_below_a_size_that_agrees_nothing_is_sent(tmp_path: Path) -> None:
    """Another was quicker with a larger size: it holds the smaller one."""
    town, ledger, outbox = Town(), Ledger(), OutboxFile(tmp_path, "ledger")
    grow(town, "one")
    worker = Anchorer(town.store, ledger, outbox, SELDOM, alone=False)
    assert worker.note()
    grow(town, "two")
    theirs = ledger.add("theirs", point_of(copy_of(town)))
    done = worker.run()
    assert (done.covered, done.anchored) == (1, 0)
    assert ledger.anchors == [theirs]
    outbox.close()
