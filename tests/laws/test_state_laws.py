"""`State` is a plain ordered map with undo, over memory and over PostgreSQL alike."""

from __future__ import annotations

import atexit
import itertools
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from miaopei.acts.state import State, writes_digest
from miaopei.adapters.memory_store import MemoryStore
from miaopei.adapters.postgres.store import PostgresStore
from miaopei.errors import Refused
from miaopei.measures.identity import canonical, digest
from miaopei.node.ports import Store
from tests.support import servers

# Few, so that they meet: neighbours in byte order, prefixes of one another, both ends of ASCII.
KEYS = st.sampled_from(["!", "A", "a", "a!", "a/", "a/1", "a/10", "a/2", "a~", "a~~", "b", "~"])
TABLES = st.sampled_from(["case", "cash"])
VALUES = st.sampled_from([0, 1, -1, "", "大理", None, True, [], [1, {"a": None}], {"b": 1, "a": 2}])
_examples = itertools.count()


@cache
def postgres() -> PostgresStore:
    """A store over a database of its own; examples keep apart by their tables."""
    store = PostgresStore(servers.database())
    atexit.register(store.close)
    return store


class Law(RuleBasedStateMachine):
    """The same steps on `State` and on a dict; the dict is right."""

    make: Callable[[], Store] = MemoryStore

    @initialize()
    def begin(self) -> None:
        self.store = self.make()
        self.number = next(_examples)
        self.kept: dict[tuple[str, str], Any] = {}  # what the store holds
        self._open()

    def _open(self) -> None:
        self.context = self.store.writing()
        self.block = self.context.__enter__()
        self.state = State(self.block)
        self.now = dict(self.kept)
        self.marks: list[tuple[int, dict[tuple[str, str], Any]]] = []

    def _table(self, table: str) -> str:
        return f"{table}{self.number}"

    @rule(table=TABLES, key=KEYS, value=VALUES)
    def put(self, table: str, key: str, value: Any) -> None:
        self.state.put(self._table(table), key, value)
        self.now[self._table(table), key] = value

    @rule(table=TABLES, key=KEYS)
    def delete(self, table: str, key: str) -> None:
        self.state.delete(self._table(table), key)
        self.now.pop((self._table(table), key), None)

    @rule()
    def mark(self) -> None:
        self.marks.append((self.state.mark(), dict(self.now)))

    @precondition(lambda self: self.marks)
    @rule(data=st.data())
    def undo(self, data: st.DataObject) -> None:
        back = data.draw(st.integers(0, len(self.marks) - 1))
        mark, self.now = self.marks[back]
        self.marks = self.marks[:back]
        self.state.undo(mark)

    @rule(table=TABLES, key=KEYS)
    def read(self, table: str, key: str) -> None:
        name = self._table(table)
        wanted = self.now.get((name, key))
        assert self.state.get(name, key) == self.state.shared(name, key) == wanted
        there = (name, key) in self.now
        assert self.state.has(name, key) == there
        if there:
            assert self.state.need(name, key) == wanted
        else:
            with pytest.raises(KeyError):
                self.state.need(name, key)

    @rule(table=TABLES, prefix=st.just("") | KEYS)
    def read_prefix(self, table: str, prefix: str) -> None:
        name = self._table(table)
        wanted = self._sorted(name, lambda key: key.startswith(prefix))
        assert list(self.state.range(name, prefix)) == wanted
        raw = [(key, canonical(value)) for key, value in wanted]
        assert list(self.state.raw(name, prefix)) == raw

    @rule(table=TABLES, first=KEYS, last=KEYS)
    def read_between(self, table: str, first: str, last: str) -> None:
        name = self._table(table)
        wanted = self._sorted(name, lambda key: first <= key < last)
        assert list(self.state.between(name, first, last)) == wanted

    @rule(key=st.sampled_from(["中", "a\0b", "a\x7f", "\n", "é"]))
    def refuse_what_is_no_key(self, key: str) -> None:
        name = self._table("case")
        assert self.state.get(name, key) is None
        assert not self.state.has(name, key)
        with pytest.raises(Refused, match=r"act\.bad_key"):
            self.state.put(name, key, 1)
        assert list(self.state.range(name, key)) == []

    @rule()
    def written(self) -> None:
        """The writes are those, and only those, that make the new map of the old one."""
        wanted = [
            (*at, None if at not in self.now else canonical(self.now[at]))
            for at in sorted({*self.now, *self.kept})
            if at not in self.now or at not in self.kept
            or canonical(self.now[at]) != canonical(self.kept[at])
        ]  # fmt: skip
        found = self.state.writes()
        assert found == wanted
        rows = [[t, k, None if v is None else digest(v)] for t, k, v in wanted]
        assert writes_digest(found) == digest(canonical(rows))

    @rule(keep=st.booleans())
    def end_block(self, keep: bool) -> None:
        """What is written stays; what is not, or fails, leaves nothing."""
        self.written()
        for table, key, value in self.state.writes():
            if value is None:
                self.block.delete(table, key)
            else:
                self.block.put(table, key, value)
        if keep:
            self.kept = self.now
            self.context.__exit__(None, None, None)
        else:
            stop = KeyboardInterrupt()
            with pytest.raises(KeyboardInterrupt):
                assert not self.context.__exit__(KeyboardInterrupt, stop, None)
                raise stop
        self._open()

    def teardown(self) -> None:
        if hasattr(self, "context"):
            self.context.__exit__(None, None, None)

    def _sorted(self, table: str, takes: Callable[[str], bool]) -> list[tuple[str, Any]]:
        found = ((k, v) for (t, k), v in self.now.items() if t == table and takes(k))
        return sorted(found, key=lambda item: item[0].encode())


class OverPostgres(Law):
    """The same over a database."""

    make = staticmethod(postgres)


def test_state_over_memory_is_a_plain_ordered_map() -> None:
    run_state_machine_as_test(Law, settings=settings(max_examples=60, stateful_step_count=30))


def test_state_over_postgres_is_a_plain_ordered_map() -> None:
    run_state_machine_as_test(
        OverPostgres, settings=settings(max_examples=40, stateful_step_count=30)
    )
