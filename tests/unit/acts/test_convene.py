"""`convene`: the members of a solo record take their seats, and nobody orders it alone any more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from miaopei.acts.convene import convened
from miaopei.acts.seats import seats
from miaopei.acts.state import State
from miaopei.adapters.memory_store import MemoryStore
from miaopei.cli.net.keep.importing import raise_rules
from miaopei.errors import Refused
from miaopei.ledger import checkpoint
from miaopei.node.order.application import Application
from miaopei.node.order.convening import found_by, read
from miaopei.node.proof.rebuild import reapply
from tests.support.consortium import block, who
from tests.support.convening import OTHERS, acts, hand_over
from tests.support.town import Town


@pytest.fixture
def town() -> Town:
    """A record with members, sources and areas."""
    return Town().set_up()


def code(town: Town, **more: Any) -> str:
    """Why the act that seats them is refused."""
    refused = [r for result in town.node.submit(acts(town, **more)) for r in result.refusals]
    return refused[0].code


def given(town: Town) -> MemoryStore:
    """Another member's store, with the leaves that the town's has."""
    made = MemoryStore()
    with town.store.reading() as reading:
        size = reading.head().size
        assert reapply(reading.leaves(0, size), size, made).same
    return made


def test_seats_are_taken_once_and_the_solo_orderer_ends(town: Town) -> None:
    before = len(town.leaves())
    founding = hand_over(town)
    with town.store.reading() as reading:
        state = State(reading)
        assert [member for member, _ in seats(state)] == sorted(["miaopei", *OTHERS])
        assert (convened(state) or {})["height"] == founding.height == reading.head().height
    assert len(town.leaves()) == before + len(founding.acts) + 1
    with pytest.raises(Refused) as refused:
        town.node.submit([])
    assert refused.value.refusals[0].code == "act.ordered_by_members"
    with pytest.raises(Refused):
        town.admit("late", "decider")


@pytest.mark.parametrize("rules", [1, 2])
def test_a_record_of_older_rules_is_raised_to_todays_before_it_is_handed_over(rules: int) -> None:
    town = Town(rules=rules).set_up()
    assert code(town) == "act.kind_unknown"
    raise_rules(town.node)
    hand_over(town)
    with town.store.reading() as reading:
        assert convened(State(reading)) is not None


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"log": "ab" * 32}, "act.bad_seat"),  # checkpoints would go on under another key
        ({"power": -1}, "act.bad_seat"),
        ({"box": "no key"}, "act.bad_seat"),
        ({"extra": 1}, "act.bad_body"),
    ],
)
def test_a_seat_that_cannot_be_seats_nobody(town: Town, more: Mapping[str, Any], said: str) -> None:
    assert code(town, **more) == said
    with town.store.reading() as reading:
        assert convened(State(reading)) is None
        assert list(seats(State(reading))) == []


def test_nobody_with_a_vote_and_no_seat_of_the_sender_are_refused(town: Town) -> None:
    assert code(town, others=(), power=0) == "act.bad_seat"
    alone = town.act("convene", {"seats": []})
    (result,) = town.node.submit([alone])
    assert result.refusals[0].code == "act.bad_seat"


def test_every_member_makes_the_same_block_over_the_same_leaves(town: Town) -> None:
    other, late = given(town), MemoryStore()
    founding = hand_over(town)
    found_by(other, read(founding.file), who("cloud").log)
    found_by(other, read(founding.file), who("cloud").log)  # once
    with town.store.reading() as ours, other.reading() as theirs:
        assert theirs.head() == ours.head()
        cloud = who("cloud").log
        vkey = checkpoint.verifier_key(founding.genesis["origin"], cloud)
        assert checkpoint.verify(theirs.checkpoint(), vkey).root == ours.head().root
    found_by(late, founding, who("notary").log)  # the leaves before come from the others
    with late.reading() as reading:
        assert (reading.head().size, reading.head().height) == (1, 0)


def test_who_has_another_record_does_not_go_on_with_this_one(town: Town) -> None:
    other = given(town)
    town.admit("between", "decider")
    town.admit("more", "decider")
    founding = hand_over(town)
    astray = Town(other)
    astray.admit("elsewhere", "decider")
    astray.admit("elsewhere2", "decider")
    with pytest.raises(Refused) as refused:
        found_by(other, founding, who("cloud").log)
    assert refused.value.refusals[0].code == "act.other_record"


def test_the_engine_goes_on_at_the_next_height_under_a_name_that_binds_the_whole_file(
    town: Town,
) -> None:
    other = given(town)
    founding = hand_over(town)
    application = Application(other, who("cloud"), founding.file, lambda: 0)
    assert application.begin(founding.chain) == application.head.root
    with town.store.reading() as reading:
        assert application.head.root == reading.head().root
    root, _ = application.finalize(founding.height + 1, block(None))
    assert application.commit() == founding.height + 1
    assert root == application.head.root
    changed = {**founding.file, "time": founding.file["time"] + 1}
    assert read(changed).chain != founding.chain


@pytest.mark.parametrize(
    "change",
    [
        {"v": 2},
        {"height": "7"},
        {"more": 1},
        {"seats": []},
        {"acts": []},
    ],
)
def test_a_file_that_is_none_is_refused(town: Town, change: Mapping[str, Any]) -> None:
    founding = hand_over(town)
    with pytest.raises(Refused):
        read({**founding.file, **change})
    with pytest.raises(Refused):
        read([])
