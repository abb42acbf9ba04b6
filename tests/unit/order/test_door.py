"""The door goes by the rules of each block, whatever has befallen the record and its process."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miaopei.acts import freshness
from miaopei.acts.raise_rules import rules_at
from miaopei.acts.state import State
from miaopei.adapters.memory_store import MemoryStore
from miaopei.measures.identity import canonical
from miaopei.node.order.door import Door

LAST = 12
TIME = 1_790_000_000


class Record:
    """Heights and the rules raised at them; nothing else of a record."""

    def __init__(self, rules: int) -> None:
        self.store = MemoryStore()
        self.height, self.raised = 0, 0
        self.rules = rules
        genesis = {"clock": "live", "log_key": None, "rules": rules}
        self._write({"genesis": {"it": genesis}})

    def next_block(self, ahead: int | None) -> bool:
        """One more; with `ahead` it raises the rules so many blocks later, in place of what was to
        come, as rule set 7 does. Whether it has.
        """
        self.height += 1
        if ahead is None:
            return False
        with self.store.reading() as reading:
            rules = rules_at(State(reading), self.height) + 1
            later = [key for key, _ in reading.range("rules", "") if int(key) > self.height]
        at = self.height + ahead
        row = {"rules": rules, "height": at, "act": ""}
        self._write({"rules": dict.fromkeys(later) | {f"{at:012d}": row}})
        return True

    def _write(self, tables: dict[str, dict[str, Any]]) -> None:
        with self.store.writing() as block:
            for table, rows in tables.items():
                for key, value in rows.items():
                    if value is None:
                        block.delete(table, key)
                    else:
                        block.put(table, key, canonical(value))

    def learnt_by(self, door: Door, *, whole: bool = True) -> Door:
        """As `Application` tells it after a block, and all of it after a start."""
        door.pass_time(TIME + self.height, self.height)
        if whole:
            with self.store.reading() as reading:
                door.learn(reading)
        return door

    def holds(self, door: Door) -> None:
        """Each height's rules are those of the state, the next block's among them."""
        with self.store.reading() as reading:
            wanted = [rules_at(State(reading), at) for at in range(self.height + 2)]
        assert [door.rules_of(at) for at in range(self.height + 2)] == wanted
        assert (door.end() is None) == (wanted[-1] < freshness.SINCE)


@given(
    begins=st.integers(1, 7),
    raises=st.dictionaries(st.integers(1, LAST), st.integers(1, 4)),
    starts=st.sets(st.integers(0, LAST)),
)
def test_its_rules_are_those_of_the_state_at_every_height_and_after_every_start(
    begins: int, raises: dict[int, int], starts: set[int]
) -> None:
    """From before the first block on, where they change, and in a process that comes later."""
    record = Record(begins)
    door = record.learnt_by(Door(lambda: TIME))
    record.holds(door)
    for height in range(1, LAST + 1):
        changed = record.next_block(raises.get(height))
        if height in starts:
            door = Door(lambda: TIME)
            changed = True
        record.holds(record.learnt_by(door, whole=changed))


def test_before_it_has_learnt_anything_it_goes_by_the_first_rules() -> None:
    door = Door(lambda: TIME)
    assert [door.rules_of(at) for at in (0, 1, 2, 100)] == [1] * 4
    assert door.end() is None


@pytest.mark.parametrize("back", [0, 1, 3])
def test_it_goes_by_what_it_is_told_last_also_where_that_is_earlier(back: int) -> None:
    """A store that was set back, and an engine that asks for what we have applied already."""
    record = Record(4)
    door = record.learnt_by(Door(lambda: TIME))
    record.next_block(2)
    for _ in range(3):
        record.next_block(None)
    record.holds(record.learnt_by(door))
    record.height -= back
    record.holds(record.learnt_by(door))
