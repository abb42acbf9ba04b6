"""Before an engine may sign the others are asked: what they have seen decides."""

from __future__ import annotations

import hashlib
import json
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miaopei.adapters.engine.files.guard import Guard
from miaopei.adapters.engine.files.witness import Signed
from miaopei.adapters.peers.client import Seen
from miaopei.errors import OutsideFault
from miaopei.wiring.starting import MARGIN, Starting, enough, judge

OURS = "ab" * 20
VOTES = dict.fromkeys(("a", "b", "c", "d", "e", "me"), 1)
triples = st.tuples(st.integers(0, 9), st.integers(0, 2), st.integers(1, 3))
answers = st.dictionaries(
    st.sampled_from("abcde"), st.builds(Seen, st.integers(0, 12), st.none() | triples)
)


@given(triples, answers)
def test_it_is_held_past_all_that_was_seen_and_only_where_more_was_seen_than_it_knows(
    known: tuple[int, int, int], heard: dict[str, Seen]
) -> None:
    held = judge(Signed(*known), OURS, heard)
    later = [seen for seen in heard.values() if seen.signed is not None and seen.signed > known]
    assert (held is None) == (not later)
    if held is not None:
        assert all(held.begins > seen.signed[0] for seen in later if seen.signed)
        assert all(held.begins >= seen.height + MARGIN for seen in heard.values())
        assert held.begins > known[0]


def test_more_than_two_thirds_of_the_votes_must_have_answered_with_ours() -> None:
    assert not enough(VOTES, "me", {"a", "b", "c"})
    assert enough(VOTES, "me", {"a", "b", "c", "d"})
    assert enough({**VOTES, "me": 0}, "me", set())  # a reader signs nothing
    assert enough(VOTES, "stranger", set())
    assert not enough({"me": 2, "a": 1}, "me", set())
    assert enough({"me": 3, "a": 1}, "me", set())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A member whose engine has signed up to height 5."""
    for name, value in {
        "config/priv_validator_key.json": {"address": OURS.upper()},
        "data/priv_validator_state.json": {"height": "5", "round": 0, "step": 3},
    }.items():
        path = tmp_path / "engine" / name
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(value))
    return tmp_path


def state(folder: Path) -> dict[str, object]:
    """What the engine's file says."""
    value: dict[str, object] = json.loads(
        (folder / "engine/data/priv_validator_state.json").read_text()
    )
    return value


def test_the_engines_file_is_moved_ahead_and_says_so_also_after_a_restart(folder: Path) -> None:
    def ask(member: str, address: str) -> Seen:
        assert address == OURS
        if member == "e":
            raise OutsideFault("away", retry=True)
        return Seen(9, (8, 1, 2) if member == "c" else None)

    starting = Starting(folder, Guard(folder), VOTES, "me")
    assert starting.run(ask, threading.Event())
    assert state(folder) == {"height": "12", "round": 0, "step": 0}
    for each in (starting, again := Starting(folder, Guard(folder), VOTES, "me")):
        if each is again:
            assert each.run(ask, threading.Event())
            assert state(folder)["height"] == "12"
        told = each.waits(9)
        assert told is not None
        assert (told.code, told.facts["by"], told.facts["begins"]) == ("engine.set_back", "c", 12)
        assert each.waits(11) is None  # the next block is one that it may sign


def test_it_waits_while_too_few_answer_and_says_who_does_not(folder: Path) -> None:
    asked, stopped = [], threading.Event()

    def ask(member: str, _: str) -> Seen:
        asked.append(member)
        if member in "abc" or len(asked) > 20:
            return Seen(3, (5, 0, 3))
        raise OutsideFault("away", retry=True)

    starting = Starting(folder, Guard(folder), VOTES, "me")
    told = starting.waits(3)
    assert told is not None
    assert told.code == "engine.asks_others"
    assert starting.run(ask, stopped)
    assert len(asked) >= 10  # three and our own of six are too few
    assert starting.waits(3) is None
    assert state(folder)["height"] == "5"
    stopped.set()
    assert not Starting(folder, Guard(folder), VOTES, "me").run(ask, stopped)


def test_who_has_not_answered_yet_holds_up_nobody_once_enough_have(folder: Path) -> None:
    """What it is told counts as it comes: two hang for as long as this test lasts."""
    over = threading.Event()

    def ask(member: str, _: str) -> Seen:
        if member in "ab":
            over.wait()
        return Seen(9, (8, 1, 2) if member == "c" else None)

    starting = Starting(folder, Guard(folder), {**VOTES, "c": 2}, "me")
    try:
        assert starting.run(ask, threading.Event())
    finally:
        over.set()
    assert state(folder)["height"] == "12"


def test_a_reader_hears_everybody_once_and_waits_for_no_answer_again(folder: Path) -> None:
    def ask(member: str, _: str) -> Seen:
        if member == "a":
            raise OutsideFault("away", retry=True)
        return Seen(9, (8, 1, 2) if member == "e" else None)

    starting = Starting(folder, Guard(folder), {**VOTES, "me": 0}, "me")
    assert starting.run(ask, threading.Event())
    assert state(folder)["height"] == "12"


def test_a_fault_of_ours_while_it_asks_is_not_taken_for_silence(folder: Path) -> None:
    def ask(*_: str) -> Seen:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Starting(folder, Guard(folder), VOTES, "me").run(ask, threading.Event())


def test_an_engine_whose_key_is_not_the_seats_is_told_where_its_vote_would_count(
    folder: Path,
) -> None:
    """RFC 8032, 7.1, test 1; the address is the first 20 bytes of the key's SHA-256."""
    key = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    ours = hashlib.sha256(bytes.fromhex(key)).hexdigest()[:40]
    starting = Starting(folder, Guard(folder), VOTES, "me")
    told = starting.other_key({"engine": key, "power": 1})
    assert told is not None
    assert (told.code, told.facts) == ("engine.other_key", {"ours": OURS, "seat": ours})
    assert starting.other_key({"engine": key, "power": 0}) is None  # who reads along
    assert starting.other_key({}) is None
    path = folder / "engine/config/priv_validator_key.json"
    path.write_text(json.dumps({"address": ours.upper()}))
    fresh = Starting(folder, Guard(folder), VOTES, "me")
    assert fresh.other_key({"engine": key, "power": 1}) is None
