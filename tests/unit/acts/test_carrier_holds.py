"""From rule set 3 on no batch is in force without the word of the carrier, where one decides."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.consortium import SIX
from tests.support.seating import Six
from tests.support.town import CARRIERS

NAMES = ("blob", "length", "count", "root", "media")


def batch(six: Six, book: str) -> str:
    """A batch of one row that waits; its id."""
    rows = ("ab" * 32, 100, 1, "cd" * 32, "miaopei/rows/1")
    public = ("ef" * 32, 32, 1, "cd" * 32, "miaopei/commitments/1")
    part = {"carrier": CARRIERS[0], "premium_fen": 100}
    body: dict[str, Any] = {
        "book": book,
        "rows": dict(zip(NAMES, rows, strict=True)),
        "commitments": dict(zip(NAMES, public, strict=True)),
        "totals": {"premium_fen": 100, "carriers": [part]},
    }
    act = six.act("utility", "admit_batch", body)
    assert six.put(act)[0].ok
    return act.id


def in_force(six: Six, batch_id: str) -> bool:
    with six.state() as state:
        return state.need("batch", batch_id)["first"] is not None


@pytest.mark.parametrize(("rules", "needed"), [(2, False), (3, True)])
def test_two_others_put_a_batch_in_force_only_before_rule_set_3(rules: int, needed: bool) -> None:
    six = Six(rules=rules)
    six.admit("house")
    book = six.list_product(["house", "regulator", "notary"])
    name = batch(six, book)
    held = {"batch": name, "size": 1, "root": "12" * 32}
    assert six.all_say(["regulator", "notary"], "hold_batch", held) == ["", ""]
    assert in_force(six, name) is not needed
    assert six.say("house", "hold_batch", {**held, "root": "34" * 32}) == (
        "" if needed else "act.other_root"
    )
    assert in_force(six, name) is not needed, "its word is another"
    assert six.say("house", "hold_batch", held) == ""
    assert in_force(six, name)


def test_where_no_carrier_decides_any_k_do() -> None:
    six = Six(SIX)
    book = six.list_product()
    name = batch(six, book)
    held = {"batch": name, "size": 1, "root": "12" * 32}
    assert six.all_say(["regulator", "notary"], "hold_batch", held) == ["", ""]
    assert in_force(six, name)


def test_a_paused_listing_takes_no_batch() -> None:
    six = Six()
    book = six.list_product()
    said = {"listing": book, "reason": "a doubt", "person": "Li"}
    assert six.all_say(SIX[:2], "pause_listing", said) == ["", ""]
    with pytest.raises(AssertionError):
        batch(six, book)
    assert six.all_say(SIX[:2], "resume_listing", said) == ["", ""]
    assert not in_force(six, batch(six, book))
