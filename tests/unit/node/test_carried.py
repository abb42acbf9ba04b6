"""An act that another has signed is put into order as it is, never as the carrier's own."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace

import pytest

from miaopei.acts.envelope import Act, from_json, sign
from miaopei.acts.seats import KEYS
from miaopei.errors import Refused
from miaopei.node.node import Node
from miaopei.node.order.application import Committed
from miaopei.node.order.consortium import Consortium, Sent
from miaopei.node.order.door import Door
from miaopei.node.order.parcel import read_parcel
from tests.support.seating import Six, fresh, identity


def at_insurer(six: Six, key: str = "insurer") -> Node:
    """The insurer's node, whose engine has each parcel in a block at once; it has this key."""
    door = Door(lambda: six.now)

    def learn() -> None:
        with six.store.reading() as reading:
            door.learn(reading)
            door.pass_time(reading.head().time, six.height)

    def send(item: bytes) -> Sent:
        parcel = read_parcel(item)
        assert parcel is not None
        results = six.put(*parcel.acts)
        learn()
        orderer.heard(Committed(six.height, tuple(results), ""))
        return Sent.QUEUED

    learn()
    orderer = Consortium(six.store, door, send)
    own = replace(identity("insurer"), acts=identity(key).acts)
    return Node(six.store, own, lambda: six.now, os.urandom, orderer)


def refused_once(six: Six) -> Act:
    """Keys that the notary wants in its seat, and may not have so soon."""
    assert six.say("notary", "rotate_keys", {"keys": {"engine": fresh("first")}}) == ""
    act = six.act("notary", "rotate_keys", {"keys": {name: fresh(name) for name in KEYS}})
    (result,) = six.put(act)
    assert [refusal.code for refusal in result.refusals] == ["act.rotated_lately"]
    return act


def nothing_of_it_is_ours(hand_in: Callable[[Node, Act], bool]) -> None:
    six = Six()
    act = refused_once(six)
    stranger = identity("a stranger")
    body = {"keys": {"engine": fresh("a stranger's")}}
    unknown = sign(stranger.acts, six.chain, "rotate_keys", "nobody", "please carry", body)
    forged = sign(stranger.acts, six.chain, "rotate_keys", "insurer", "please carry", body)
    assert not any(result.ok for result in six.put(unknown, forged))
    with six.state() as state:
        before = state.get("seat", "insurer")
    for each in (act, unknown, forged):
        assert not hand_in(at_insurer(six), from_json(each.as_json()))
    with six.state() as state:
        assert state.get("seat", "insurer") == before


def test_what_was_refused_to_another_is_not_wished_by_who_carries_it() -> None:
    """Its keys would stand in the carrier's seat, and the carrier's word under any body."""
    nothing_of_it_is_ours(lambda node, act: node.carry(act).ok)


def test_nor_by_who_submits_it() -> None:
    nothing_of_it_is_ours(lambda node, act: node.submit([act])[0].ok)


def test_an_act_of_our_own_that_is_carried_is_not_wished_again() -> None:
    """Whoever hands it in a second time is not us; what we want again we say again."""
    six = Six()
    body = {"keys": {"engine": fresh("first")}}
    assert six.say("insurer", "rotate_keys", body) == ""
    act = six.act("insurer", "rotate_keys", {"keys": {"engine": fresh("second")}})
    six.put(act)
    result = at_insurer(six).carry(act)
    assert [refusal.code for refusal in result.refusals] == ["act.refused_before"]
    six.put(later=2 * 86_400)
    assert at_insurer(six).submit([act])[0].ok


def named(six: Six, member: str) -> Act:
    """The insurer, an operator of `Six`, names a member that binds nobody."""
    body = {"id": member, "name": {"zh": member, "en": member}, "operator": member}
    return six.act("insurer", "admit_member", {**body, "roles": ["policyholder"], "keys": []})


def test_what_we_wrote_down_under_an_earlier_key_is_said_once_by_the_present_one() -> None:
    """Sent and final, never sent, on the record as refused; again after a kill, and after the key
    has changed once more."""
    six = Six()
    sent, kept, late = (named(six, name) for name in "abc")
    assert six.put(sent)[0].ok
    assert six.say("insurer", "change_key", six.new_key("insurer", "insurer 2")) == ""
    assert [each.code for each in six.put(late)[0].refusals] == ["act.key_changed"]
    with pytest.raises(Refused) as waits:  # its keys.json has not the new one
        at_insurer(six).submit([sent, kept, late])
    assert [each.code for each in waits.value.refusals] == ["act.key_changed"]
    first = at_insurer(six, "insurer 2").submit([sent, kept, late])
    assert [(each.ok, each.new) for each in first] == [(True, False), (True, True), (True, True)]
    six.put(later=86_400)
    change = sign(
        identity("insurer 2").acts, six.chain, "change_key", "insurer", "again",
        six.new_key("insurer", "insurer 3"), six.end(),
    )  # fmt: skip
    assert six.put(change)[0].ok
    for key in ("insurer", "insurer 2", "insurer 3"):
        again = at_insurer(six, key).submit([sent, kept, late])
        assert [(each.ok, each.new) for each in again] == [(True, False)] * 3, key
        assert {each.act for each in again} == {each.act for each in first}


def test_a_command_said_again_after_its_key_has_changed_is_the_same_wish() -> None:
    """Sent, cut short, the key changed, the same command again: signed anew, and done once."""
    six = Six()
    sent = named(six, "a")
    assert six.put(sent)[0].ok
    assert six.say("insurer", "change_key", six.new_key("insurer", "insurer 2")) == ""
    node = at_insurer(six, "insurer 2")
    again = node.act(sent.kind, sent.ref, sent.body)
    assert again.id != sent.id
    (said,) = node.submit([again])
    assert (said.ok, said.new, said.act) == (True, False, sent.id)


def test_an_act_that_only_names_our_earlier_key_is_not_ours() -> None:
    six = Six()
    mine = named(six, "x")
    forged = replace(mine, body={**mine.body, "id": "y"})
    assert six.say("insurer", "change_key", six.new_key("insurer", "insurer 2")) == ""
    (said,) = at_insurer(six, "insurer 2").submit([forged])
    assert [each.code for each in said.refusals] == ["act.key_changed"]


def test_a_running_node_takes_up_the_key_that_stands_ready_and_says_all_that_waited() -> None:
    six = Six()
    kept = named(six, "x")
    node = at_insurer(six)
    node.ready(identity("insurer 2").acts)
    assert node.go_by_next()  # nothing has changed yet
    assert node.act("time", "t", {}).key == kept.key
    assert six.say("insurer", "change_key", six.new_key("insurer", "insurer 2")) == ""
    (said,) = node.submit([kept])  # before any block told it
    assert (said.ok, said.new) == (True, True)
    assert node.act("time", "t", {}).key != kept.key
    assert node.identity.next is None
    begun = replace(identity("insurer"), next=identity("insurer 2").acts)
    again = Node(six.store, begun, lambda: six.now, os.urandom, node.orderer)
    assert (
        again.identity.acts is begun.next
    )  # after a start, whatever its file calls the present one
