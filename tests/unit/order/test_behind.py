"""An engine that is behind its node: answered from the log, and nothing is applied twice."""

from __future__ import annotations

import pytest

from miaopei.adapters.memory_store import MemoryStore
from miaopei.errors import Alarm
from miaopei.measures.instant import DAY
from miaopei.node.order.application import Application
from miaopei.node.order.behind import KEPT_EACH, PROGRESS, keep_at
from miaopei.node.order.keep import certify
from miaopei.node.proof.rebuild import reapply
from tests.support.consortium import SIX, START, act, block, founder, genesis, newcomer, who

VALUE = genesis()


def application(store: MemoryStore, member: str = "cloud") -> Application:
    return Application(store, who(member), VALUE, lambda: START)


def blocks() -> list[list[bytes]]:
    """A stretch of a record: newcomers, quiet blocks, a member whose votes change."""
    wish = {**founder("cloud").seat, "power": 2, "until": START + DAY}
    votes = [act(VALUE, member, "seat_member", f"seat {member}", wish) for member in SIX[:5]]
    made = [block(START + n, *([newcomer(VALUE, f"n{n}")] if n % 3 else [])) for n in range(70)]
    return [*made, block(START + 70, *votes), *(block(START + 71 + n) for n in range(3))]


def run(application: Application, items: list[list[bytes]], start: int = 1) -> list[bytes]:
    """The roots after each block, and what the engine is told of votes."""
    found = []
    for height, given in enumerate(items, start):
        root, codes = application.finalize(height, given)
        found.append(root + bytes(codes) + repr(application.moved).encode())
        assert application.commit() == height
    return found


def behind(first: MemoryStore) -> MemoryStore:
    """A store that was given the leaves of another, with an engine that has nothing yet."""
    made = MemoryStore()
    with first.reading() as reading:
        size = reading.head().size
        assert reapply(reading.leaves(0, size), size, made).same
    with made.writing() as block:
        certify(block, block.head(), who("notary").log)
        keep_at(block, 0)
    return made


def test_what_is_known_already_is_answered_as_it_was_made_and_then_it_goes_on() -> None:
    first = MemoryStore()
    ours, items = application(first), blocks()
    roots = run(ours, items)
    store = behind(first)
    late = application(store, "notary")
    with store.reading() as reading:
        size = reading.head().size
    assert late.info().height == 0  # what the engine is told, so that it begins at the beginning
    assert late.begin(late.chain_id) == late.info().root
    assert run(late, items) == roots
    assert late.info().height == len(items)
    with store.reading() as reading:
        assert reading.head().size == size  # nothing was applied twice
        assert reading.progress(PROGRESS) is None
    more = [block(START + 90, newcomer(VALUE, "later"))]
    assert run(late, more, len(items) + 1) == run(ours, more, len(items) + 1)


def test_blocks_in_which_only_time_passed_are_no_second_time_there_either() -> None:
    """A backup keeps their heights: the node stands beyond the last block with leaves."""
    first = MemoryStore()
    items = [*blocks(), block(START + 80), block(START + 81)]
    roots = run(application(first), items)
    with first.writing() as block_:
        keep_at(block_, 0)
    again = application(first)
    assert run(again, items) == roots
    assert again.info().height == len(items)


def test_a_stop_in_between_goes_on_where_the_engine_is_or_before() -> None:
    first = MemoryStore()
    items = blocks()
    roots = run(application(first), items)
    store, stop = behind(first), KEPT_EACH + 7
    assert run(application(store), items[:stop]) == roots[:stop]
    again = application(store)
    assert again.info().height == KEPT_EACH
    assert run(again, items[KEPT_EACH:], KEPT_EACH + 1) == roots[KEPT_EACH:]


def test_other_blocks_are_told_by_their_root_and_a_gap_stops() -> None:
    first = MemoryStore()
    items = blocks()
    roots = run(application(first), items)
    late = application(behind(first))
    changed = [block(START + 1, newcomer(VALUE, "another")), *items[1:]]
    told = [said[:32] for said in run(late, changed)]
    assert told == [said[:32] for said in roots]  # which the engine holds against the next header
    with pytest.raises(Alarm, match="does not follow"):
        application(behind(first)).finalize(3, items[2])
