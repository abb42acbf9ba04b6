"""Receipts of outages: the policy's own rows of the sealed lists, or what shows their absence."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from miaopei.claims.receipt import Line, Receipt, from_bytes
from miaopei.claims.verify import Verdict, verify
from miaopei.measures.identity import canonical
from miaopei.node.proof.receipts import Collector
from tests.support.grid import COMMAND, METERS, back, grid_town, insure, plan
from tests.support.town import Town, good

PEOPLE = ["a", "b", "c", "d", "e"]
TIMES = {
    "a": "2021-06-01 19:30:00",
    "b": "2021-06-01 18:00:59",
    "c": "2021-06-01 18:01:00",
    "d": "2021-06-01 20:00:00",
}


@pytest.fixture(scope="module")
def paid() -> tuple[Town, str, dict[str, str]]:
    """Four in scope come back at four times, of `d` the meters say another; `e` is not in scope."""
    town, listing = grid_town()
    policies = insure(town, listing, PEOPLE)
    town.at("2021-05-31 08:00:00")
    good(town.tell(plan(town, list(TIMES))))
    meters = {**TIMES, "d": "2021-06-01 18:20:00", "not insured": TIMES["d"]}
    town.at("2021-06-01 21:00:00")  # of the outage as a whole both say the same
    good(town.tell(back(town, TIMES), back(town, meters, source=METERS)))
    town.work()
    return town, listing, policies


def receipt(town: Town, listing: str, policy: str, *, payout: bool) -> Receipt:
    (settlement,) = town.settlements(listing)
    with town.store.reading() as reading:
        collector = Collector(reading, town.me)
        make = collector.payout if payout else collector.policy_refusal
        return make(settlement["id"], policy)


def told(given: Receipt) -> Verdict:
    return verify(given.to_bytes(), given.vkey)


@pytest.mark.parametrize(
    ("who", "payout"), [("a", True), ("c", True), ("b", False), ("e", False), ("d", False)]
)
def test_each_policy_is_proved_by_its_own_rows(paid, who: str, payout: bool) -> None:
    town, listing, policies = paid
    given = receipt(town, listing, policies[who], payout=payout)
    verdict = told(given)
    assert verdict.holds, [c for c in verdict.checks if not c.ok]
    assert len(given.lines) == 3  # scope, and restorations of both systems
    assert from_bytes(given.to_bytes()) == given
    others = {line.input for line in given.lines if len(line.rows) != 1}
    assert not others or who == "e"


def test_who_is_out_of_scope_is_shown_between_neighbours_and_no_others(paid) -> None:
    town, listing, policies = paid
    given = receipt(town, listing, policies["e"], payout=False)
    assert all(1 <= len(line.rows) <= 2 for line in given.lines)
    assert told(given).holds


def changed(given: Receipt, lines: tuple[Line, ...], town: Town) -> Receipt:
    """As if the member itself lied: signed anew."""
    return replace(given, lines=lines).signed(town.me.acts.sign)


def test_another_s_row_a_missing_list_and_a_changed_time_are_refused(paid) -> None:
    town, listing, policies = paid
    given, other = (receipt(town, listing, policies[w], payout=True) for w in ("a", "c"))
    later = [
        replace(
            line, rows=(({**line.rows[0][0], "on": line.rows[0][0]["on"] + 60}, *line.rows[0][1:]),)
        )
        for line in given.lines
        if "on" in line.rows[0][0]
    ]
    scope = tuple(line for line in given.lines if line.input == "in_scope")
    for lines in (other.lines, given.lines[:-1], (*scope, *later), (*given.lines, given.lines[0])):
        assert not told(changed(given, tuple(lines), town)).holds


def test_who_is_on_the_list_cannot_be_left_out_of_it(paid) -> None:
    """Two rows that do not stand side by side leave room for a policy between them."""
    town, listing, policies = paid
    absent = receipt(town, listing, policies["e"], payout=False)
    own = receipt(town, listing, policies["b"], payout=False)
    assert not told(changed(own, absent.lines, town)).holds


def test_a_receipt_without_lists_has_the_bytes_it_always_had(paid) -> None:
    town, listing, policies = paid
    given = replace(receipt(town, listing, policies["a"], payout=True), lines=())
    assert "lines" not in json.loads(given.to_bytes())
    assert canonical(json.loads(given.to_bytes())) == given.to_bytes()


def test_a_plan_recorded_late_is_proved_with_the_word_of_the_person() -> None:
    town, listing = grid_town()
    policies = insure(town, listing, ["a", "e"])
    town.at("2021-06-01 21:00:00")
    both = [back(town, {"a": TIMES["a"]}, source=s) for s in (COMMAND, METERS)]
    good(town.tell(plan(town, ["a"]), *both))
    case = town.case(listing, "delay")
    good([town.send(town.act("resolve", {
        "listing": listing, "occurrence": case["occurrence"], "input": "in_scope",
        "value": 1, "reason": "texts of the utility's own gateway", "person": "值班员",
    }))])  # fmt: skip
    town.work()
    given = receipt(town, listing, policies["a"], payout=True)
    assert told(given).holds, [c for c in told(given).checks if not c.ok]
    assert told(receipt(town, listing, policies["e"], payout=False)).holds
    said = {**given.leaves, "resolution": ()}
    alone = replace(given, leaves=said).signed(town.me.acts.sign)
    assert "facts" in told(alone).failed


@pytest.mark.parametrize(("second", "pays"), [("2021-06-01 19:30:00", 0), (TIMES["d"], 5_000)])
def test_what_one_loss_was_paid_under_another_number_stands_in_the_receipt(
    second: str, pays: int
) -> None:
    town, listing = grid_town()
    policies = insure(town, listing, ["a"])
    town.at("2021-05-31 08:00:00")
    for number, on in (("P-1", "2021-06-01 18:00:00"), ("P-2", "2021-06-01 17:30:00")):
        good(town.tell(plan(town, ["a"], number=number, on=on, feeder=number)))
    for number, when in (("P-1", "2021-06-01 20:00:00"), ("P-2", second)):
        both = [back(town, {"a": when}, number=number, source=s) for s in (COMMAND, METERS)]
        good(town.tell(*both, at="2021-06-02 12:00:00"))
        town.work()
    settled = town.settlements(listing)
    with town.store.reading() as reading:
        collector = Collector(reading, town.me)
        make = collector.payout if pays else collector.policy_refusal
        given = make(settled[1]["id"], policies["a"])
    verdict = told(given)
    assert verdict.holds, [c for c in verdict.checks if not c.ok]
    assert given.claim is not None
    claim = given.claim.claim
    assert (claim["settled_fen"], claim["pay_fen"]) == (10_000, pays)
