"""A trigger that the terms refuse: held with its reason, and its book's line goes on without it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from miaopei.claims.verify import verify
from miaopei.measures.money import wan
from miaopei.node.effects.decider import Decider
from miaopei.node.proof.receipts import Collector
from tests.faults.test_law_of_amounts import NIGHT, READ, a_town, claims_of, shake
from tests.support.facts import quake
from tests.support.products import hills
from tests.support.town import Town, codes

UNSET = ((0, 0), (50, wan(100)), (60, None), (65, wan(1_000)))  # between 6.0 and 6.4: no number


def test_a_trigger_that_cannot_be_decided_is_held_with_its_reason_and_the_next_opens() -> None:
    """What each policy declares is read beside a band that is unset: no number, but a reason."""
    town, listing = a_town(hills(units=True, steps=UNSET))
    town.issue([town.policy(listing, shares=10)])
    town.tell(quake(NIGHT, "6.2"), quake("2016-05-10 08:00:00", "5.6"), at=READ)
    assert len(town.table("line", f"{listing}/")) == 1
    town.work()
    held = next(c for c in town.cases(listing) if c["state"] != "settled")
    assert (held["state"], held["reason"]) == ("held_undecided", "terms.band_unset")
    assert (held["owner"], held["until"], held["settlement"]) == ("operator", None, None)
    assert held["facts"]["refusal"]["code"] == "terms.band_unset"
    assert town.decider.refusals() == {}
    assert [s["totals"]["pay_fen"] for s in town.settlements(listing)] == [1_000_000]
    assert town.table("duty", "decide/") == {}
    assert town.table("book")[listing]["open"] is None
    town.work()
    assert len(town.settlements(listing)) == 1


def test_a_later_fact_reopens_what_could_not_be_decided() -> None:
    town, listing = a_town(hills(units=True, steps=UNSET))
    town.issue([town.policy(listing, shares=10)])
    shake(town, NIGHT, "6.2", READ)
    assert town.case(listing)["state"] == "held_undecided"
    town.tell(quake(NIGHT, "6.2", key="another report of the same"), at="2016-05-18 02:00:00")
    town.work()
    assert town.case(listing)["state"] == "held_undecided"
    town.tell(quake("2016-05-18 09:00:00", "6.6"), at="2016-05-18 09:10:00")
    town.work()
    case = town.case(listing)
    assert (case["state"], case["revision"]) == ("settled", 2)
    assert [c.pay_fen for c in claims_of(town, listing)] == [1_000_000]


def test_a_person_reopens_it_and_it_is_decided_again_on_the_book_as_it_is_now() -> None:
    town, listing = a_town(hills(units=True, steps=UNSET))
    town.issue([town.policy(listing, shares=10)])
    shake(town, NIGHT, "6.2", READ)
    case = town.case(listing)
    body = {
        **{name: case[name] for name in ("listing", "occurrence", "benefit")},
        "reason": "the band is read again",
        "person": "Wang",
    }
    assert codes(town.send(town.act("reopen", {**body, "person": " "}))) == ["act.bad_body"]
    assert town.send(town.act("reopen", body)).ok
    assert town.case(listing)["state"] == "deciding"
    assert codes(town.send(town.act("reopen", body, "2"))) == ["act.not_undecided"]
    town.work()
    again = town.case(listing)
    assert (again["state"], again["revision"]) == ("held_undecided", 2)
    assert town.table("book")[listing]["open"] is None


def test_a_person_reopens_it_also_where_every_shock_decides() -> None:
    filed = hills(units=True, steps=UNSET)
    town, listing = a_town(replace(filed, grouping={**filed.grouping, "decides": "every_shock"}))
    town.issue([town.policy(listing, shares=10)])
    shake(town, NIGHT, "6.2", READ)
    case = town.case(listing)
    assert (case["state"], case["revision"]) == ("held_undecided", 1)
    body = {name: case[name] for name in ("listing", "occurrence", "benefit")}
    body |= {"reason": "the band is read again", "person": "Wang"}
    assert town.send(town.act("reopen", body)).ok
    assert town.case(listing)["state"] == "deciding"
    town.work()
    again = town.case(listing)
    assert (again["state"], again["revision"]) == ("held_undecided", 2)


def undecided() -> tuple[Town, str, dict[str, Any]]:
    """A town whose only trigger is open and refused by the terms; what its decider would say."""
    town, listing = a_town(hills(units=True, steps=UNSET))
    town.issue([town.policy(listing, shares=10)])
    town.tell(quake(NIGHT, "6.2"), at=READ)
    (duty,) = town.table("duty", "decide/").values()
    act = Decider(town.node)._decide(duty["trigger"])
    assert act is not None
    assert act.kind == "cannot_decide"
    return town, listing, act.body


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"trigger": "00" * 32}, "act.trigger_not_known"),
        ({"revision": 2}, "act.trigger_not_open"),
        ({"counter": 1}, "act.counter_moved"),
        ({"refusals": []}, "act.bad_body"),
        ({"refusals": ["terms"]}, "act.bad_body"),
        ({"refusals": [{"code": "terms.band_unset", "facts": {"deep": []}}]}, "act.bad_body"),
        ({"refusals": [{"code": "x", "facts": {}}] * 21}, "act.bad_body"),
    ],
)
def test_what_is_refused(change: dict[str, Any], code: str) -> None:
    town, listing, body = undecided()
    assert codes(town.send(town.act("cannot_decide", {**body, **change}))) == [code]
    assert town.case(listing)["state"] == "deciding"


def test_it_is_the_deciders_one_word_and_the_same_act_after_a_kill() -> None:
    town, listing, body = undecided()
    duty = body["trigger"]
    assert Decider(town.node)._decide(duty) == Decider(town.node)._decide(duty)
    town.work()
    assert town.case(listing)["state"] == "held_undecided"
    assert codes(town.send(town.act("cannot_decide", body, "2"))) == ["act.trigger_not_open"]


def test_its_receipt_holds_and_says_why() -> None:
    town, listing, _ = undecided()
    town.work()
    case = town.case(listing)
    with town.node.reading() as (reading, _):
        receipt = Collector(reading, town.me).case_refusal(listing, case["occurrence"], "house")
    signed = receipt.signed(town.me.acts.sign)
    found = verify(signed.to_bytes(), signed.vkey)
    assert found.holds, found.failed
    (why,) = [check for check in found.checks if check.name == "reason"]
    assert (why.facts["state"], why.facts["reason"]) == ("held_undecided", "terms.band_unset")
