"""A member that was away for longer than its acts may be taken says them again by itself, once."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from miaopei.acts.apply import ActResult
from miaopei.acts.envelope import Act, from_json
from miaopei.acts.freshness import LONGEST, SINCE, USUAL
from miaopei.measures.identity import read_canonical
from miaopei.node.node import Node, said_again
from miaopei.node.order.application import Committed
from miaopei.node.order.consortium import Consortium, Sent
from miaopei.node.order.door import AT_ONCE, Door, Pace
from miaopei.node.order.parcel import read_parcel
from tests.support.consortium import newcomer
from tests.support.seating import Six, identity

DAY = USUAL


class Away:
    """The insurer's node over six members' record; its engine has each parcel in a block at once,
    and refuses what its door refuses. `skew`: how far its clock is off."""

    def __init__(self, six: Six, skew: int = 0) -> None:
        self.six, self.sent = six, list[Act]()
        self.before: Callable[[Act], tuple[Act, ...]] = lambda _: ()  # what comes before it
        self.door = Door(lambda: six.now + skew)
        self.learn()
        self.orderer = Consortium(six.store, self.door, self.send, patience=20)
        clock = lambda: six.now + skew  # noqa: E731
        self.node = Node(six.store, identity("insurer"), clock, os.urandom, self.orderer)

    def learn(self) -> None:
        with self.six.store.reading() as reading:
            self.door.pass_time(reading.head().time, reading.head().height)
            self.door.learn(reading)

    def send(self, item: bytes) -> Sent:
        parcel = read_parcel(item)
        assert parcel is not None
        self.sent += parcel.acts
        for act in parcel.acts:
            self.put(*self.before(act), act)
        return Sent.QUEUED

    def put(self, *acts: Act, later: int = 1) -> None:
        results = self.six.put(*acts, later=later)
        self.learn()
        self.orderer.heard(Committed(self.six.height, tuple(results), ""))

    def named(self, name: str) -> Act:
        """An act of ours, written down."""
        act = self.node.act("admit_member", name, newcomer(self.six.value, name).body)
        return from_json(read_canonical(_bytes(act)))


def _bytes(act: Act) -> bytes:
    from miaopei.measures.identity import canonical

    return canonical(act.as_json())


def leaves_of(six: Six, by: str = "insurer") -> list[tuple[str, bool]]:
    """The acts of a member on the record: name, and whether it was taken."""
    found = [read_canonical(leaf) for leaf in six.leaves()]
    return [(v["act"]["ref"], v["result"]["ok"]) for v in found
            if v["leaf"] == "act" and v["act"]["by"] == by]  # fmt: skip


def test_what_was_written_down_and_could_not_be_sent_is_signed_again() -> None:
    six = Six()
    away = Away(six)
    kept = away.named("x")
    assert kept.until == six.now + USUAL
    away.put(later=3 * DAY)
    (result,) = away.node.submit([kept])
    assert (result.ok, result.new, result.act) == (True, True, kept.id)
    assert [act.until for act in away.sent] == [six.now - 1 + USUAL]
    (again,) = away.node.submit([kept])  # as after a kill: what is written down is the old one
    assert (again.ok, again.new) == (True, False)
    assert leaves_of(six) == [("x", True)]


def test_what_others_put_on_the_record_after_its_end_is_wished_anew() -> None:
    """Kept back by whoever held it, and put where it is refused for good."""
    six = Six()
    away = Away(six)
    kept = away.named("x")
    away.put(kept, later=2 * DAY)
    assert leaves_of(six) == [("x", False)]
    for new in (True, False):
        (result,) = away.node.submit([kept])
        assert (result.ok, result.new) == (True, new)
    assert leaves_of(six) == [("x", False), ("x after 1", True)]


def test_it_is_put_there_while_we_say_it_again() -> None:
    six = Six()
    away = Away(six)
    kept = away.named("x")
    away.put(later=2 * DAY)
    away.before = lambda act: (kept,) if act.ref == "x" else ()
    (result,) = away.node.submit([kept])
    assert result.ok
    assert leaves_of(six) == [("x", False), ("x after 2", True)]


def test_what_was_refused_once_more_under_its_next_name_has_one_more() -> None:
    """Whoever held it kept that back too."""
    six = Six()
    away = Away(six)
    kept = away.named("x")
    away.put(kept, later=2 * DAY)
    second = away.node.act(kept.kind, "x after 1", kept.body)
    away.put(second, later=2 * DAY)
    with six.state() as state:
        again = said_again(state, away.node.identity, kept, six.end())
    assert again is not None
    assert again.ref == "x after 2"
    (result,) = away.node.submit([kept])
    assert (result.ok, result.new) == (True, True)
    assert leaves_of(six) == [("x", False), ("x after 1", False), ("x after 2", True)]


def test_what_came_there_under_the_old_key_while_we_said_it_is_not_said_under_the_new() -> None:
    """Another of our own services was quicker, and then our key changed."""
    six = Six()
    away = Away(six)
    kept, submit = away.named("x"), away.orderer.submit

    def meanwhile(acts: Sequence[Act]) -> list[ActResult]:
        away.orderer.submit = submit  # type: ignore[method-assign]
        away.put(kept, later=2 * DAY)
        away.put(away.node.act(kept.kind, "x after 1", kept.body))
        away.put(away.node.act("change_key", "change", six.new_key("insurer", "insurer 2")))
        return submit(acts)

    away.node.ready(identity("insurer 2").acts)
    away.orderer.submit = meanwhile  # type: ignore[method-assign]
    (result,) = away.node.submit([kept])
    assert (result.ok, result.new) == (True, False)
    assert leaves_of(six) == [("x", False), ("x after 1", True), ("change", True)]


@pytest.mark.parametrize("skew", [-400 * DAY, -3_600, 3_600, 5 * DAY, 9 * DAY, 400 * DAY])
def test_a_clock_that_is_off_keeps_no_act_from_the_record(skew: int) -> None:
    six = Six()
    away = Away(six, skew)
    assert away.node.accept("admit_member", "x", newcomer(six.value, "x").body).ok
    assert leaves_of(six)[-1][1]
    assert len(leaves_of(six)) <= 2


def test_what_was_written_down_before_the_rules_asked_for_an_end_gets_one() -> None:
    six = Six(rules=SINCE - 1)
    away = Away(six)
    kept, other = away.named("x"), away.named("y")
    assert (kept.until, other.until) == (None, None)
    raised = {"rules": SINCE, "height": six.height + 8}
    assert six.all_say(["utility", "insurer", "agent", "regulator", "cloud"], "raise_rules", raised)
    while six.height < raised["height"]:
        away.put()
    away.put(other)  # it was on its way
    results = away.node.submit([kept, other])
    assert [result.ok for result in results] == [True, True]
    assert [ref for ref, ok in leaves_of(six) if ok][-2:] == ["x", "y after 9"]


def test_others_acts_are_carried_as_they_are_or_not_at_all() -> None:
    six = Six()
    away = Away(six)
    theirs = six.act("notary", "admit_member", newcomer(six.value, "x").body)
    away.put(later=2 * DAY)
    for result in (away.node.carry(theirs), *away.node.submit([theirs])):
        assert [refusal.code for refusal in result.refusals] == ["act.too_late"]
    assert away.sent == []


def test_what_has_its_id_and_not_its_signature_does_not_answer_for_it() -> None:
    """Neither signature nor end are part of the id; who forged either would else have its sender
    hear no, and give up what all have taken."""
    six = Six()
    away = Away(six)
    away.before = lambda act: (replace(act, until=(act.until or 0) + 1), replace(act, sig="00"))
    (result,) = away.node.submit([away.named("x")])
    assert (result.ok, result.new) == (True, True)
    assert leaves_of(six) == [("x", False), ("x", False), ("x", True)]


def test_who_waits_hears_that_the_end_has_come() -> None:
    """An engine that never brings it in is not asked for two minutes more."""
    six = Six()
    away = Away(six)
    act, gone = away.named("x"), threading.Event()

    def lose(_item: bytes) -> Sent:
        gone.set()
        return Sent.AWAY

    orderer = Consortium(six.store, away.door, lose, patience=300)
    told = list[ActResult]()
    waits = threading.Thread(target=lambda: told.extend(orderer.submit([act])))
    waits.start()
    assert gone.wait(60)
    away.put(later=2 * DAY)
    waits.join(120)
    assert [refusal.code for refusal in told[0].refusals] == ["act.too_late"]
    assert orderer.in_flight == 0


def test_whoever_puts_old_or_forged_acts_on_the_record_uses_up_nothing_of_their_sender() -> None:
    six = Six()
    pace, away = Pace(lambda: six.now), Away(six)
    late = [away.named(f"late {n}") for n in range(90)]
    forged = [replace(away.named(f"forged {n}"), sig="00") for n in range(90)]
    results = six.put(*late, *forged, later=LONGEST)
    assert not any(result.ok for result in results)
    pace.weigh([*late, *forged], results, six.now)
    assert pace.wait("insurer") == 0
    good = [away.named(f"n{n}") for n in range(90)]
    bad = [replace(act, ref=f"{act.ref} again") for act in good]
    bad = [away.node.act(act.kind, act.ref, {**act.body, "id": "utility"}) for act in bad]
    pace.weigh(bad, six.put(*bad), six.now)
    assert pace.wait("insurer") > 0, f"its own refused acts do, beyond {AT_ONCE} bytes"
