"""The node: a record begins once, time comes from where the genesis says, acts are final."""

from __future__ import annotations

import os
from typing import Any

import pytest

from miaopei.acts.envelope import from_json
from miaopei.acts.rule_sets import RULES
from miaopei.adapters.memory_store import MemoryStore
from miaopei.errors import Refused
from miaopei.ledger import checkpoint
from miaopei.ledger.merkle import Frontier, leaf_hash
from miaopei.measures.identity import read_canonical
from miaopei.measures.instant import from_beijing
from miaopei.node.node import Node, genesis_value
from miaopei.node.ports import Store
from tests.support.facts import quake
from tests.support.products import hills
from tests.support.town import Town, codes, identity

NAME = {"zh": "秒赔", "en": "Miaopei"}


def live(clock: list[int], store: Store | None = None) -> Node:
    """A node of a live record; the last number in `clock` is what its clock says."""
    me = identity()
    node = Node(store or MemoryStore(), me, lambda: clock[-1], os.urandom)
    node.found(
        genesis_value(
            "live", me, clock="live", time=clock[0], origin="example.org/live", member_name=NAME
        )
    )
    return node


def member(node: Node, name: str = "a") -> Any:
    body = {"id": name, "name": NAME, "operator": name, "roles": [], "keys": []}
    return node.act("admit_member", name, body)


def head(node: Node) -> Any:
    with node.store.reading() as reading:
        return reading.head()


# Beginning --------------------------------------------------------------------------------------


def test_the_same_genesis_again_changes_nothing_and_another_is_refused() -> None:
    clock = [1_000]
    node = live(clock)
    again = live(clock, node.store)
    assert (head(again).size, again.chain) == (1, node.chain)
    with pytest.raises(Refused, match=r"act\.other_genesis"):
        live([2_000], node.store)


@pytest.mark.parametrize(
    "change",
    [
        {"rules": RULES + 1},
        {"clock": "sundial"},
        {"suite": "national"},
        {"time": None},
        {"extra": 1},
    ],
)
def test_a_genesis_that_this_program_cannot_keep_is_refused(change: dict[str, Any]) -> None:
    me = identity()
    node = Node(MemoryStore(), me, lambda: 0, os.urandom)
    value = genesis_value(
        "live", me, clock="live", time=0, origin="example.org/live", member_name=NAME
    )
    with pytest.raises(Refused, match=r"act\.bad_genesis"):
        node.found({**value, **change})
    with pytest.raises(LookupError):
        _ = node.chain
    assert head(node).size == 0


# Time -------------------------------------------------------------------------------------------


def test_live_time_is_the_clock_and_never_goes_back() -> None:
    clock = [1_000]
    node = live(clock)
    for said, block in ((1_500, 1_500), (1_200, 1_500), (1_500, 1_500), (1_700, 1_700)):
        clock.append(said)
        node.submit([])
        assert head(node).time == block


def test_a_live_record_takes_no_time_act() -> None:
    node = live([1_000])
    (result,) = node.submit([node.act("time", "t", {"time": 9_999})])
    assert codes(result) == ["act.role_missing"]
    assert head(node).time == 1_000


def test_replay_time_is_that_of_the_time_acts_alone() -> None:
    """The node's own clock says 0 and is not asked."""
    town = Town()
    noon = from_beijing("2015-01-01 12:00:00")
    results = town.node.submit([member(town.node), town.act("time", {"time": noon})])
    assert [r.ok for r in results] == [True, True]
    assert town.now == noon
    town.at(noon - 60)
    assert town.now == noon


def test_a_member_that_is_not_the_replay_source_cannot_pass_time() -> None:
    town = Town()
    other = Node(town.store, identity("other"), lambda: 0, os.urandom)
    with pytest.raises(Refused, match=r"act\.member_unknown"):
        other.pass_time(from_beijing("2016-01-01"))
    assert town.now == from_beijing("2015-01-01")


# Blocks -----------------------------------------------------------------------------------------


def test_every_act_and_everything_made_is_found_at_its_place() -> None:
    town = Town().set_up()
    listing = town.list_product(hills())
    town.issue([town.policy(listing)])
    (result,) = town.tell(quake("2015-03-01 00:00:00", "5.6"), at="2015-03-01 00:10:00")
    with town.store.reading() as reading:
        place = reading.place(result.act)
        assert place is not None
        assert from_json(read_canonical(reading.leaf(place))["act"]).id == result.act
        for made in result.made:
            place = reading.place(made.id)
            assert place is not None
            assert read_canonical(reading.leaf(place))["id"] == made.id


def test_each_block_is_signed_with_the_root_of_all_its_leaves() -> None:
    node = live([1_000])
    key = checkpoint.verifier_key("example.org/live", identity().log.public_key())
    for name in ("a", "b", "c"):
        node.submit([member(node, name)])
        with node.store.reading() as reading:
            seen = checkpoint.verify(reading.checkpoint(), key)
            leaves = list(reading.leaves(0, seen.size))
        assert seen.root == Frontier().extend(leaf_hash(leaf) for leaf in leaves).root()
        assert seen.size == head(node).size


def test_accept_raises_what_the_record_says() -> None:
    node = live([1_000])
    node.submit([member(node)])
    with pytest.raises(Refused, match=r"act\.member_taken"):
        node.accept(
            "admit_member",
            "again",
            {"id": "a", "name": NAME, "operator": "b", "roles": [], "keys": []},
        )


def test_a_transaction_that_fails_leaves_the_record_as_it_was() -> None:
    """Stopped before its end: no leaf, no write, and the next act is taken."""
    town = Town()
    before = head(town.node)
    with pytest.raises(KeyboardInterrupt), town.store.writing() as block:
        block.append_leaves([b"x"])
        block.put("member", "ghost", b"{}")
        raise KeyboardInterrupt
    assert head(town.node) == before
    assert "ghost" not in town.table("member")
    assert town.send(member(town.node)).ok
