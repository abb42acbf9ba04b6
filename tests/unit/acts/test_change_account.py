"""`change_account`: what the record takes of a change of a policyholder's account, and what not."""

from __future__ import annotations

from typing import Any

import pytest

from miaopei.acts.change_account import bound_to
from tests.support.products import hills
from tests.support.town import Town, codes

POLICY = "ab" * 16


def body(town: Town, **change: Any) -> dict[str, Any]:
    """A change that an operator was asked for."""
    said = {"policy": POLICY, "listing": next(iter(town.table("listing"))), "number": 1}
    said |= {"commitments": {"account": "aa" * 32, "name": "bb" * 32}}
    return {**said, "asked": "operator", "person": "Li", "reason": "a letter", **change}


@pytest.fixture(name="town")
def a_town() -> Town:
    town = Town().set_up()
    town.list_product(hills())
    town.admit("standby", "payer")
    return town


def say(town: Town, ref: str = "x", **change: Any) -> list[str]:
    return codes(town.send(town.act("change_account", body(town, **change), ref)))


def test_the_last_change_of_each_member_stands_with_its_time_and_never_the_account(
    town: Town,
) -> None:
    assert say(town) == []
    newer = {"account": "cc" * 32, "name": "bb" * 32}
    asked = {"asked": "holder", "person": None, "reason": None}
    town.at(town.now + 60)
    assert say(town, "y", number=2, commitments=newer, **asked) == []
    theirs = town.act_of("standby", "change_account", body(town), "z")
    assert town.send(theirs).ok
    with town.state() as state:
        ours, other = (bound_to(state, POLICY, who) for who in ("miaopei", "standby"))
    assert ours is not None
    assert other is not None
    assert (ours["number"], ours["commitments"], ours["at"]) == (2, newer, town.now)
    assert (other["number"], other["commitments"]["account"]) == (1, "aa" * 32)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"policy": "P-1"}, "act.bad_body"),
        ({"listing": "nothing"}, "act.listing_not_known"),
        ({"number": 0}, "act.account_number"),
        ({"number": 2}, "act.account_number"),
        ({"commitments": {"account": "aa" * 32}}, "act.bad_body"),
        ({"commitments": {"account": "6222 0000", "name": "bb" * 32}}, "act.bad_body"),
        ({"commitments": {"account": "aa" * 32, "name": "b" * 32, "x": "y"}}, "act.bad_body"),
        ({"asked": "nobody"}, "act.bad_body"),
        ({"person": None}, "act.bad_body"),
        ({"person": " "}, "act.bad_body"),
        ({"reason": "x" * 201}, "act.bad_body"),
        ({"asked": "holder"}, "act.bad_body"),
        ({"account": "6222 0000"}, "act.bad_body"),
    ],
)
def test_what_is_refused_leaves_nothing(town: Town, change: dict[str, Any], code: str) -> None:
    assert say(town, **change) == [code]
    assert town.table("account") == {}


def test_a_change_said_twice_counts_once_and_two_at_once_do_not_both(town: Town) -> None:
    assert say(town) == []
    assert town.send(town.act("change_account", body(town), "x")).new is False
    assert say(town, "y") == ["act.account_number"]


def test_nobody_changes_the_account_of_one_who_was_erased(town: Town) -> None:
    gone = {"subject": f"policy/{POLICY}", "kept_until": 0, "reason": "request"}
    assert town.send(town.act("erase", gone)).ok
    assert say(town) == ["persons.erased"]


def test_before_rule_set_4_the_record_knows_no_such_act() -> None:
    town = Town(rules=3).set_up()
    town.list_product(hills())
    assert say(town) == ["act.kind_unknown"]
