"""Whoever is given a value of the state that others are given too changes nothing of it, and puts
it into nothing that is written: the next to ask would read what nobody has written.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, NoReturn

import pytest

from miaopei.acts import state
from miaopei.acts.state import State
from miaopei.adapters.memory_store import MemoryStore
from miaopei.errors import Refused
from miaopei.measures.identity import as_written, canonical
from tests.golden.history import test_history as histories
from tests.town.running import run

SHARED = {"genesis", "member", "listing"}  # the tables that are read so
RECORDED = [path for path in histories.HISTORIES if path.name[6] in "146"]


def _changes(*_: Any, **__: Any) -> NoReturn:
    raise AssertionError("a shared value is changed")


BOTH = ("__setitem__", "__delitem__", "clear", "pop")
CHANGES: dict[type, tuple[str, ...]] = {
    dict: (*BOTH, "__ior__", "popitem", "setdefault", "update"),
    list: (
        *BOTH,
        "__iadd__",
        "__imul__",
        "append",
        "extend",
        "insert",
        "remove",
        "reverse",
        "sort",
    ),
}
# Of kinds that `canonical` does not write: whoever hands one on is found as well.
FROZEN = {of: type(f"Frozen{of}", (of,), dict.fromkeys(CHANGES[of], _changes)) for of in CHANGES}


def frozen(value: Any) -> Any:
    """The same value, which says so where it is changed or written."""
    if type(value) is dict:
        return FROZEN[dict]({key: frozen(item) for key, item in value.items()})
    return FROZEN[list](map(frozen, value)) if type(value) is list else value


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """From now on shared values are frozen; the tables of those that were asked for."""
    found, real = set[str](), State.shared

    def shared(self: State, table: str, key: str) -> Any:
        found.add(table)
        return real(self, table, key)

    monkeypatch.setattr(state, "_shared", lru_cache(512)(lambda data: frozen(as_written(data))))
    monkeypatch.setattr(State, "shared", shared)
    return found


def test_what_is_frozen_shows_who_changes_it_and_who_writes_it(asked: set[str]) -> None:
    store = MemoryStore()
    with store.writing() as block:
        here = State(block)
        here.put("member", "a", {"roles": ["payer"], "keys": [{"key": "00"}]})
        given = here.shared("member", "a")
        assert given == here.get("member", "a")
        assert given is here.shared("member", "a")
        for change in (
            lambda: given["roles"].append("decider"),
            lambda: given["keys"][0].update(key="01"),
            lambda: given.pop("roles"),
        ):
            with pytest.raises(AssertionError, match="a shared value is changed"):
                change()
        for value in (given, {"of": given["keys"]}, [given["keys"][0]]):
            with pytest.raises(Refused, match="not_integer"):
                canonical(value)
    assert asked == {"member"}


@pytest.mark.parametrize("path", RECORDED, ids=lambda p: p.name)
def test_the_recorded_histories_change_no_shared_value(path: Path, asked: set[str]) -> None:
    histories.test_the_same_acts_give_the_same_leaves(path)
    assert {"genesis", "member"} <= asked


@pytest.mark.parametrize("seed", [24, 33])  # rounds, a liar and a takeover; seats and words
def test_a_town_runs_the_same_to_the_byte_where_no_shared_value_can_be_changed(
    seed: int, request: pytest.FixtureRequest
) -> None:
    """Its members are in one process, and so are given the same values by one another's looks."""
    told = run(seed)
    assert told.breach == ""
    asked = request.getfixturevalue("asked")
    assert run(seed) == told
    assert asked == SHARED, "another table is read so: see that this run changes what it gives"
