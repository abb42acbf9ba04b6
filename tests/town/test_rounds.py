"""Equal decisions of several: who is waited for, who cannot veto, who is named, what is held."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from miaopei.acts import rounds
from miaopei.acts.envelope import from_json
from miaopei.acts.state import State
from miaopei.claims.case import words_at
from miaopei.cli.net.life.asked import answers
from miaopei.errors import OutsideFault, Refused
from miaopei.measures.identity import read_canonical
from miaopei.measures.money import wan
from miaopei.node.effects.differing import traces
from miaopei.terms import words as w
from miaopei.wiring.consortium import Seated
from miaopei.wiring.lying import a_hundredth_less as less
from tests.town.court import Court
from tests.town.founding import DECIDE, DECIDERS, HOLD, TAKE_OVER, batch
from tests.town.member import another
from tests.town.running import SPOTS

FULL = wan(300)


@pytest.fixture
def court() -> Court:
    """Nothing has shaken yet."""
    return Court()


def misread(court: Court, member: str, read: Any = less) -> None:
    """From now on a member's software reads terms otherwise, also after a restart."""
    court.by[member].reads = read
    court.by[member].decider.reads = read


def more(terms: w.Terms) -> w.Terms:
    """Another wrong reading than `less`: no year's limit."""
    return replace(less(less(terms)), id=terms.id)


def as_filed(terms: w.Terms) -> w.Terms:
    """A mended reading."""
    return terms


def test_the_carrier_is_waited_for_though_two_others_are_equal(court: Court) -> None:
    court.by["insurer"].idle = True
    court.shake()
    court.wait(DECIDE // 2)
    trigger = court.case()["trigger"]
    said = court.table("decision", words_at(trigger, 0))
    assert {key.rpartition("/")[2] for key in said} == {"notary", "regulator"}
    assert court.case()["state"] == "deciding"
    court.by["insurer"].idle = False
    court.by["insurer"].soon()
    court.wait(DECIDE // 2 + 30)
    settled = court.one("settlement")["settlement"]
    assert (settled["deciders"], settled["totals"]["pay_fen"]) == (sorted(DECIDERS), 3 * FULL)
    assert court.go().differences == 0


def test_a_silent_carrier_is_no_veto_and_the_standby_pays(court: Court) -> None:
    court.by["insurer"].idle = True
    court.shake()
    court.wait(DECIDE + 1_300)  # with nothing to order blocks are twenty minutes apart
    entry = court.one("settlement")
    assert entry["settlement"]["deciders"] == ["notary", "regulator"]
    opened = court.table("round")[court.case()["trigger"]]
    assert entry["at"] >= opened["deadline"]
    assert court.checkers.paid == {}
    court.wait(DECIDE + TAKE_OVER + 6_000)
    assert court.one("takeover")["by"] == "agent"
    assert sorted(court.checkers.paid.values()) == [FULL] * 3
    told = court.go()
    assert (told.paid, told.settlements, told.differences) == (3, 1, 0)
    late = court.table("decision", words_at(court.case()["trigger"], 0))
    assert len(late) == 3, "back again, the carrier says its word as well"


def test_a_wrong_carrier_is_no_veto_and_is_named_with_both_traces(court: Court) -> None:
    misread(court, "insurer")
    court.shake()
    court.wait(DECIDE - 60)
    entry = court.one("settlement")
    opened = court.table("round")[court.case()["trigger"]]
    assert entry["at"] < opened["deadline"], "at once, not at the deadline"
    assert entry["settlement"]["deciders"] == ["notary", "regulator"]
    assert entry["settlement"]["totals"]["pay_fen"] == 3 * FULL
    (named,) = court.made("difference")
    assert (named["member"], named["against"]) == ("insurer", "notary")
    court.pass_by(600)
    difference = court.one("difference")
    assert set(difference["shown"]) == {"insurer", "notary"}
    assert len({said["policy"] for said in difference["shown"].values()}) == 1
    regulator = court.by["regulator"]
    with regulator.node.reading() as (reading, state):
        (found,) = traces(reading, state, regulator.node)
    amounts = {who: said["opened"]["amount_fen"] for who, said in found["shown"].items()}
    assert amounts == {"insurer": FULL * 99 // 100, "notary": FULL}
    assert all(said["opened"]["trace"]["value"] for said in found["shown"].values())
    utility = court.by["utility"]
    with utility.node.reading() as (reading, state):
        (closed,) = traces(reading, state, utility.node)
    assert {said["opened"] for said in closed["shown"].values()} == {None}, "outside the group"
    assert court.go().paid == 3


def test_a_wrong_decider_that_comes_after_the_settlement_is_named_as_well(court: Court) -> None:
    misread(court, "notary")
    court.by["notary"].idle = True
    court.shake()
    court.wait(60)
    assert court.one("settlement")["settlement"]["deciders"] == ["insurer", "regulator"]
    court.shake("6.1", SPOTS[1])  # another occurrence has settled before the late word
    court.pass_by(60)
    assert len(court.table("settlement")) == 2
    court.by["notary"].idle = False
    court.by["notary"].soon()
    court.pass_by(300)
    assert [d["member"] for d in court.made("difference")] == ["notary", "notary"]
    assert court.table("late") == {}
    assert court.go().paid == 6


def test_an_honest_decider_that_comes_late_says_what_the_others_said(court: Court) -> None:
    court.by["notary"].idle = True
    for magnitude, spot in (("5.6", SPOTS[0]), ("6.1", SPOTS[1]), ("6.6", SPOTS[2])):
        court.shake(magnitude, spot)  # the year's limit cuts the third
        court.pass_by(60)
    assert len(court.table("late")) == 3
    court.by["notary"].idle = False
    court.by["notary"].soon()
    told = court.go()
    assert (told.settlements, told.differences) == (3, 0)
    assert court.table("late") == {}


def test_three_that_differ_hold_the_case_and_the_line_goes_on(court: Court) -> None:
    misread(court, "insurer")
    misread(court, "notary", more)
    court.shake()
    court.wait(120)
    case = court.case()
    assert (case["state"], case["reason"]) == ("held_deciders", "deciders_differ")
    assert case["facts"]["round"]["silent"] == []
    assert court.table("book")["hills"]["open"] is None
    assert len(court.made("difference")) == 2
    assert court.table("settlement") == {}
    ask = {"trigger": case["trigger"], "round": 2}
    assert court.say("cloud", "open_round", ask) == ["act.role_missing"]
    assert court.say("regulator", "open_round", {**ask, "round": 3}) == ["act.round_not_next"]
    misread(court, "insurer", as_filed)
    misread(court, "notary", as_filed)
    assert court.say("regulator", "open_round", ask, "2") == []
    assert court.say("notary", "open_round", ask) == ["act.no_round_ended"]
    court.pass_by(120)
    settled = court.one("settlement")["settlement"]
    assert (settled["round"], settled["totals"]["pay_fen"]) == (2, 3 * FULL)
    assert court.go().paid == 3


def test_the_command_finds_the_held_case_and_opens_the_round_after_the_one_that_ended(
    court: Court,
) -> None:
    """What `miaopei net reopen-round` asks of a member, over that member's own node."""
    misread(court, "insurer")
    misread(court, "notary", more)
    court.shake()
    court.wait(120)
    seated = SimpleNamespace(member=SimpleNamespace(node=court.by["notary"].node))
    asked = answers(cast(Seated, seated))

    def ask(do: str, **given: str) -> Any:
        return asked[do](lambda _: None, given)

    (held,) = ask("held", case="hills")
    assert held == {"case": held["case"], "trigger": court.case()["trigger"],
                    "reason": "deciders_differ"}  # fmt: skip
    assert ask("held", case="two") == []
    assert ask("named", member="notary") == ["hills", "two"]
    assert ask("named", member="utility") == []
    misread(court, "insurer", as_filed)
    misread(court, "notary", as_filed)
    with pytest.raises(OutsideFault):  # on its way: in the town nobody waits for what he has sent
        ask("open_round", trigger=held["trigger"])
    court.pass_by(120)
    assert court.one("settlement")["settlement"]["round"] == 2
    with pytest.raises(Refused) as again:
        ask("open_round", trigger=held["trigger"])
    assert [refusal.code for refusal in again.value.refusals] == ["act.no_round_ended"]
    assert court.go().paid == 3


def test_a_next_round_waits_its_turn_and_counts_at_the_counter_of_then(court: Court) -> None:
    misread(court, "insurer")
    misread(court, "notary", more)
    court.shake("6.6")
    court.wait(120)
    first = court.case()["trigger"]
    assert court.case()["state"] == "held_deciders"
    misread(court, "insurer", as_filed)
    misread(court, "notary", as_filed)
    court.shake("6.1", SPOTS[1])  # settles while the first is out of turn
    court.pass_by(120)
    assert court.table("book")["hills"]["counter"] == 1
    assert court.say("notary", "open_round", {"trigger": first, "round": 2}) == []
    court.pass_by(120)
    paid = [e["settlement"] for e in court.table("settlement").values()]
    again = next(s for s in paid if s["trigger"] == first)
    assert (again["counter"], again["round"]) == (1, 2)
    assert again["totals"]["pay_fen"] == 3 * (wan(1_200) - wan(600)), "what was left of the year"
    court.go()


def test_too_few_words_hold_the_case_and_who_was_silent_opens_the_next_round(court: Court) -> None:
    court.by["insurer"].idle = court.by["regulator"].idle = True
    court.shake()
    court.wait(DECIDE + HOLD + 1_300)
    case = court.case()
    assert (case["state"], case["reason"]) == ("held_deciders", "deciders_silent")
    assert case["facts"]["round"]["silent"] == ["insurer", "regulator"]
    assert case["owner"] == "operator"
    court.by["regulator"].idle = False
    court.by["regulator"].soon()
    court.pass_by(DECIDE + 1_300)
    settled = court.one("settlement")["settlement"]
    assert (settled["round"], settled["deciders"]) == (2, ["notary", "regulator"])
    assert court.go().paid == 3


def test_a_second_different_word_is_a_fault_and_the_first_counts(court: Court) -> None:
    court.by["regulator"].doubles = True
    court.by["notary"].idle = True  # so that the round stays open for the second word
    court.by["insurer"].idle = True
    court.shake()
    court.wait(60)
    (fault,) = court.made("fault")
    assert (fault["by"], fault["fault"], fault["round"]) == ("regulator", "second_word", 1)
    trigger = court.case()["trigger"]
    said = court.table("decision", words_at(trigger, 0))
    assert [word["act"] for word in said.values()] == [fault["first"]]
    assert {fault["first"], fault["second"]} <= set(court.table("act"))
    court.by["notary"].idle = court.by["insurer"].idle = False
    told = court.go()
    assert (told.faults, told.paid) == (1, 3)


def test_the_same_word_twice_is_no_fault_and_a_third_word_is_refused(court: Court) -> None:
    court.by["insurer"].idle = court.by["notary"].idle = True
    court.shake()
    court.wait(60)
    regulator, trigger = court.by["regulator"], court.case()["trigger"]
    with regulator.disk.reading() as reading:
        kept = reading.progress(f"decide/{words_at(trigger, 0)}regulator")
    assert kept is not None
    act = from_json(read_canonical(kept))
    again = {"ref": "once more", "body": act.body}
    assert court.say("regulator", "decide", again["body"], "once more") == ["act.decided_before"]
    assert court.made("fault") == []
    second = another(regulator.node, act)
    assert court.say("regulator", "decide", second.body, "2") == []
    third = {**second.body, "claims": {**second.body["claims"], "root": "ab" * 32}}
    assert court.say("regulator", "decide", third, "3") == ["act.decided_before"]
    assert len(court.made("fault")) == 1


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"round": 2}, "act.round_not_open"),
        ({"round": 1}, "act.bad_body"),
        ({"round": "2"}, "act.bad_body"),
        ({"counter": 1}, "act.counter_moved"),
        ({"revision": 2}, "act.trigger_not_open"),
        ({"trigger": "00" * 32}, "act.trigger_not_known"),
    ],
)
def test_what_is_refused(court: Court, change: dict[str, Any], code: str) -> None:
    for member in DECIDERS:
        court.by[member].idle = True
    court.shake()
    court.wait(60)
    regulator, trigger = court.by["regulator"], court.case()["trigger"]
    act = regulator.decider._decide(trigger)
    assert act is not None
    assert court.say("regulator", "decide", {**act.body, **change}) == [code]
    assert court.table("decision") == {}


def test_who_has_not_signed_for_a_batch_does_not_count_until_it_has(court: Court) -> None:
    notary, insurer, cloud = (court.by[name] for name in ("notary", "insurer", "cloud"))
    notary.idle = True
    admitted = batch(insurer, "hills", "more")
    assert court.say("insurer", admitted.kind, admitted.body, admitted.ref) == []
    court.pass_by(60)
    assert court.table("book")["hills"]["size"] == 6
    held = {}
    with cloud.disk.reading() as reading:
        for member in DECIDERS:
            held[member] = rounds.held_upto(State(reading), "hills", member)
    assert held == {"insurer": 6, "regulator": 6, "notary": 3}
    insurer.idle = True
    court.shake()
    court.wait(60)
    trigger = court.case()["trigger"]
    (word,) = court.table("decision").values()
    book = court.table("book")["hills"]
    body = {"trigger": trigger, "revision": 1, "counter": 0, "book_size": 6,
            "book_root": book["root"], "claims": word["claims"],
            "totals": word["totals"]}  # fmt: skip
    assert court.say("notary", "decide", body) == ["act.batches_not_held"]
    wrong = {"batch": admitted.id, "size": 6, "root": "ab" * 32}
    assert court.say("notary", "hold_batch", wrong) == ["act.other_root"]
    notary.idle = False
    notary.soon()
    court.pass_by(60)
    assert len(court.table("decision")) == 2, "it has signed for the batch, and then decided"
    insurer.idle = False
    insurer.soon()
    for member in ("insurer", "agent"):
        with court.by[member].disk.writing() as block:
            for recorded in block.rows("hills", 6):
                account = {"account": f"P-{recorded.row.policy[:12]}", "name": "投保人"}
                block.put_payee(f"policy/{recorded.row.policy}", account)
    assert court.go().paid == 6
