"""Rule sets by height: raised by an act, pinned by triggers, and a member without one stops.

The rule set after the newest is made up here and exists nowhere else.
"""

from __future__ import annotations

from types import ModuleType

import pytest

from miaopei.acts import rule_sets
from miaopei.acts.base import Moment, Outcome, fields
from miaopei.acts.envelope import Act
from miaopei.acts.rule_sets import RULES
from miaopei.acts.state import State
from miaopei.adapters.memory_store import MemoryStore
from miaopei.errors import Alarm
from tests.faults.test_law_of_amounts import NIGHT, READ
from tests.support.facts import quake
from tests.support.histories import contents, replay
from tests.support.products import hills
from tests.support.town import ONE_CARRIER, Town, codes

NEXT = RULES + 1


def note(state: State, act: Act, now: Moment) -> Outcome:
    """An act that only the next rule set knows."""
    (text,) = fields(act.body, text=str)
    state.put("note", act.id, text)
    return Outcome()


@pytest.fixture
def further(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next rule set: everything of the newest, and notes."""
    made_up = ModuleType("note")
    vars(made_up).update(KIND="note", ROLES=frozenset({"operator"}), apply=note)
    monkeypatch.setitem(rule_sets.RULE_SETS, NEXT, {**rule_sets.KINDS, "note": made_up})


def height(town: Town) -> int:
    """The height of the last block."""
    with town.store.reading() as reading:
        return reading.head().height


@pytest.mark.usefixtures("further")
def test_rules_change_at_their_height_and_a_trigger_keeps_its_own() -> None:
    town = Town().set_up()
    listing = town.list_product(hills(), placement=ONE_CARRIER)
    town.issue([town.policy(listing)])
    before = town.act("note", {"text": "too early"})
    assert codes(town.send(before)) == ["act.kind_unknown"]
    start = height(town) + 6
    assert town.send(town.act("raise_rules", {"rules": NEXT, "height": start})).ok
    town.tell(quake(NIGHT, "5.6"), at=READ)
    while height(town) < start:
        town.send(town.act("nothing", {}, str(height(town))))
    assert town.send(town.act("note", {"text": "now"}, "2")).ok
    town.decider.run()
    town.tell(quake("2017-05-18 00:48:48", "5.6"), at="2017-05-18 01:00:00")
    pinned = sorted(trigger["rules"] for trigger in town.table("trigger").values())
    assert pinned == [RULES, NEXT]
    fresh = MemoryStore()
    replay(fresh, town.leaves())
    assert contents(fresh) == contents(town.store)


def test_a_member_without_the_rule_set_stops_at_its_height_and_says_so() -> None:
    town = Town().set_up()
    start = height(town) + 3
    assert town.send(town.act("raise_rules", {"rules": NEXT, "height": start})).ok
    assert town.send(town.act("raise_rules", {"rules": NEXT + 1, "height": start}, "2")).ok is False
    while height(town) < start - 1:
        town.at(town.now + 1)
    leaves = town.leaves()
    for _ in range(2):
        with pytest.raises(Alarm, match="install a newer one") as alarm:
            town.at(town.now + 1)
        assert alarm.value.facts == {"rules": NEXT, "height": start, "newest": RULES}
    assert town.leaves() == leaves


@pytest.mark.parametrize(
    ("rules", "ahead", "code"),
    [
        (RULES, 5, "act.rules_not_next"),
        (NEXT + 1, 5, "act.rules_not_next"),
        (NEXT, 0, "act.rules_height"),
        (NEXT, 10**12, "act.rules_height"),
    ],
)
def test_what_is_refused(rules: int, ahead: int, code: str) -> None:
    town = Town().set_up()
    body = {"rules": rules, "height": height(town) + ahead}
    assert codes(town.send(town.act("raise_rules", body))) == [code]
    assert town.table("rules") == {}


def test_which_rule_set_brought_an_act_and_a_form_that_votes_decide_on() -> None:
    """As docs/specs/record.md and docs/specs/consortium.md have it: records go by these numbers."""
    brought = {"time": 1, "open_round": 2, "convene": 3, "use_grant": 4, "change_key": 5}
    brought["withdraw_approval"] = 7
    assert {kind: rule_sets.since(kind) for kind in brought} == brought
    decided = {"raise_rules": 3, "admit_member": 4, "list_product": 4, "register_source": 4}
    for rules in range(1, NEXT + 1):
        assert {kind for kind in rule_sets.KINDS if rule_sets.votes_decide(rules, kind)} == {
            kind for kind, first in decided.items() if rules >= first
        }
