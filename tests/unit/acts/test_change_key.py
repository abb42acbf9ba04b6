"""A member's key for acts changes by its own word, or by votes after a theft; never unproven."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from miaopei.acts import change_key
from miaopei.acts.envelope import sign
from miaopei.errors import Refused
from miaopei.measures.instant import DAY
from miaopei.measures.suites import named, within
from tests.support.consortium import SIX, founder
from tests.support.seating import Six, fresh
from tests.support.town import Town, identity


@pytest.fixture(params=["intl", "gm"])
def six(request: pytest.FixtureRequest) -> Iterator[Six]:
    with within(named(request.param)):
        yield Six()


def under(six: Six, by: str, name: str, kind: str, body: dict[str, Any]) -> str:
    """An act of a member, signed by the key of this name; "" where it was taken, else why not."""
    six.count += 1
    ref = f"{kind} {six.count}"
    (result,) = six.put(sign(identity(name).acts, six.chain, kind, by, ref, body, six.end()))
    return "" if result.ok else result.refusals[0].code


def rotate(tag: str) -> dict[str, Any]:
    return {"keys": {"node": fresh(tag)}}


def test_a_member_changes_its_key_by_its_own_word(six: Six) -> None:
    assert six.say("notary", "change_key", six.new_key("notary", "notary 2")) == ""
    assert six.say("notary", "rotate_keys", rotate("a")) == "act.key_changed"
    assert under(six, "notary", "notary 2", "rotate_keys", rotate("a")) == ""
    with six.state() as state:
        entry = state.need("member", "notary")
    old, new = entry["keys"]
    assert old["until"] == new["since"]
    assert entry["changed"] == {old["key"]: 1}


def test_what_stands_before_the_change_counts_and_what_stands_after_it_does_not() -> None:
    """In one block, and at one time: the place in the record decides."""
    six = Six()
    first = six.act("notary", "rotate_keys", rotate("a"))
    change = six.act("notary", "change_key", six.new_key("notary", "notary 2"))
    late = six.act("notary", "rotate_keys", rotate("b"))
    said = six.put(first, change, late)
    assert [result.ok for result in said] == [True, True, False]
    (why,) = said[2].refusals
    assert (why.code, why.facts["height"]) == ("act.key_changed", 1)
    (again,) = six.put(change, later=0)  # sent twice, applied once
    assert again.ok
    assert not again.new


def test_after_a_theft_the_votes_give_the_member_a_key_that_it_has(six: Six) -> None:
    """The thief may have changed the key already: what the votes want rests on no earlier one."""
    assert six.say("notary", "change_key", six.new_key("notary", "thief")) == ""
    mine = six.new_key("notary", "notary 2")
    others = [member for member in SIX if member != "notary"]
    said = [six.put(six.act(member, "change_key", mine)) for member in others[:4]]
    assert [result.ok for (result,) in said] == [True] * 4
    assert {result.notes[0].code for (result,) in said} == {"act.waits_votes"}
    assert under(six, "notary", "thief", "rotate_keys", rotate("a")) == ""
    (last,) = six.put(six.act(others[4], "change_key", mine))
    assert (last.ok, last.notes) == (True, ())
    assert under(six, "notary", "thief", "rotate_keys", rotate("b")) == "act.key_changed"
    assert under(six, "notary", "notary 2", "rotate_keys", rotate("b")) == ""
    assert six.say(others[0], "change_key", mine) == "act.approval_done"


def test_a_thief_keeps_no_key_from_whom_the_votes_give_it(six: Six) -> None:
    """The first vote shows the key: the thief puts it into the seat, and has its way no longer."""
    mine = six.new_key("notary", "notary 2")
    others = [member for member in SIX if member != "notary"]
    assert six.all_say(others[:1], "change_key", mine) == [""]
    assert six.say("notary", "rotate_keys", {"keys": {"log": mine["key"]}}) == ""
    assert six.say("notary", "change_key", mine) == "act.unfit_key"  # by its own word it may not
    assert six.all_say(others[1:], "change_key", mine) == [""] * 4
    assert six.say("notary", "rotate_keys", rotate("a")) == "act.key_changed"
    assert under(six, "notary", "notary 2", "rotate_keys", rotate("b")) == ""
    assert six.say(others[0], "change_key", six.new_key("notary", "notary")) == "act.unfit_key"


def test_no_key_without_its_own_word_and_none_that_has_stood(six: Six) -> None:
    mine = six.new_key("notary", "notary 2")
    forged = {**mine, "proof": six.new_key("notary", "other")["proof"]}
    for body, why in (
        (forged, "act.unfit_key"),
        ({**mine, "until": mine["until"] + 1}, "act.unfit_key"),  # proven for another end
        (six.new_key("utility", "notary 2"), ""),  # another's: one vote of six
        ({**mine, "proof": "zz"}, "act.unfit_key"),
        ({**mine, "key": mine["key"][:-2]}, "act.bad_body"),
        (six.new_key("notary", "notary 2", six.now), "act.approval_until"),
        (six.new_key("notary", "notary 2", six.now + 91 * DAY), "act.approval_until"),
        (six.new_key("nobody", "notary 2"), "act.unfit_key"),
        (six.new_key("notary", "notary"), "act.unfit_key"),
        (six.new_key("notary", "utility"), "act.unfit_key"),
    ):
        assert six.say("notary", "change_key", body) == why, body
    log = founder("utility").log.removeprefix("0x")
    assert six.say("notary", "change_key", {**mine, "key": log}) == "act.unfit_key"
    assert six.say("notary", "change_key", mine) == ""
    back = six.new_key("notary", "notary")
    assert under(six, "notary", "notary 2", "change_key", back) == "act.unfit_key"


def test_a_key_that_once_stood_in_a_seat_is_none(six: Six) -> None:
    """Its seat has another by now."""
    mine, next_log = (six.new_key("notary", name) for name in ("notary 2", "notary 3"))
    for body in (mine, next_log):
        assert six.say("notary", "rotate_keys", {"keys": {"log": body["key"]}}) == ""
    assert six.say("notary", "change_key", mine) == "act.unfit_key"


def test_a_key_of_a_source_is_none(six: Six) -> None:
    mine = six.new_key("notary", "notary 2")
    source = {"id": "gauge", "name": {"zh": "水位站", "en": "gauge"}, "operator": "notary",
              "kinds": ["quake.rapid"], "counted": False, "box": None,
              "keys": [{"key": mine["key"], "since": 0, "until": None}]}  # fmt: skip
    assert six.say("utility", "register_source", source) == ""
    assert six.say("notary", "change_key", mine) == "act.unfit_key"


def test_a_proof_has_one_spelling(six: Six) -> None:
    """Whoever checks receipts knows signatures in small letters alone."""
    mine = six.new_key("notary", "notary 2")
    spelt = {**mine, "proof": mine["proof"].upper()}
    assert six.say("notary", "change_key", spelt) == "act.unfit_key"
    assert six.say("notary", "change_key", mine) == ""


def test_a_key_of_small_order_is_none() -> None:
    six = Six()
    body = {**six.new_key("notary", "notary 2"), "key": "01" + 62 * "0"}
    assert six.say("notary", "change_key", body) == "act.bad_body"


def test_the_owner_of_a_record_of_its_own_changes_its_key_too() -> None:
    town = Town()
    end = town.now + DAY
    body = change_key.body_of(identity("miaopei 2").acts, town.node.chain, "miaopei", end)
    assert town.send(town.act("change_key", body)).ok
    with pytest.raises(Refused) as said:
        town.send(town.act("raise_rules", {"rules": 9, "height": 99}))
    assert [each.code for each in said.value.refusals] == ["act.key_changed"]


def test_what_was_written_down_under_the_old_key_is_signed_anew_and_counts_once() -> None:
    town = Town()
    said = {"name": {"zh": "成员", "en": "one"}, "operator": "one", "roles": [], "keys": []}
    sent, kept = (town.act("admit_member", {"id": name, **said}, name) for name in ("a", "b"))
    assert town.send(sent).ok
    end = town.now + DAY
    body = change_key.body_of(identity("miaopei 2").acts, town.node.chain, "miaopei", end)
    assert town.send(town.act("change_key", body)).ok
    with pytest.raises(Refused) as waits:
        town.send(kept)  # it still goes by the old one
    assert waits.value.refusals[0].code == "act.key_changed"
    town.node.identity = replace(town.node.identity, acts=identity("miaopei 2").acts)
    again, anew = town.node.submit([sent, kept])
    assert (again.ok, again.new) == (True, False)
    assert (anew.ok, anew.new) == (True, True)
    assert anew.act != kept.id


def test_by_its_own_word_a_member_changes_its_key_once_a_day_and_by_votes_at_any_time(
    six: Six,
) -> None:
    """Each change stays in its entry and in receipts: without a pace one could fill them."""
    assert six.say("notary", "change_key", six.new_key("notary", "notary 2")) == ""
    assert under(six, "notary", "notary 2", "change_key", six.new_key("notary", "notary 3")) == (
        "act.key_changed_lately"
    )
    mine = six.new_key("notary", "notary 4")
    others = [member for member in SIX if member != "notary"]
    assert six.all_say(others, "change_key", mine) == [""] * 5
    assert under(six, "notary", "notary 4", "change_key", six.new_key("notary", "notary 5")) == (
        "act.key_changed_lately"
    )
    six.put(later=DAY)
    assert under(six, "notary", "notary 4", "change_key", six.new_key("notary", "notary 5")) == ""
