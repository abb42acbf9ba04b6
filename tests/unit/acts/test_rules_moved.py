"""A raise of the rules that is not in force yet, moved to another height."""

from __future__ import annotations

import pytest

from miaopei.acts import raise_rules
from miaopei.acts.raise_rules import FARTHEST
from miaopei.acts.rule_sets import RULES
from miaopei.acts.state import State
from miaopei.acts.wishes import waiting
from miaopei.errors import Alarm
from tests.support.consortium import SIX
from tests.support.seating import Six
from tests.support.town import Town, codes


@pytest.fixture
def six() -> Six:
    """Six with a vote each."""
    return Six()


def test_words_for_rules_from_elsewhere_are_over_once_a_height_is_agreed(six: Six) -> None:
    """Left standing, they and one more would move the height that all have agreed on since."""
    first = {"rules": RULES + 1, "height": 10**6}
    second = {**first, "height": 10**5}
    assert six.all_say(SIX[:4], "raise_rules", first) == [""] * 4
    assert six.all_say(SIX[:5], "raise_rules", second) == [""] * 5
    assert six.take_back(SIX[0], "raise_rules", first) == "act.approval_over"
    with six.state() as state:
        assert list(waiting(state, six.now, six.height)) == []
    assert six.say(SIX[5], "raise_rules", first) == ""
    assert raises(six) == [(RULES + 1, 10**5)]
    assert six.all_say(SIX[:4], "raise_rules", first) == [""] * 4
    assert raises(six) == [(RULES + 1, 10**6)]
    assert six.all_say(SIX[:5], "raise_rules", second) == [""] * 5, "and back again"
    assert raises(six) == [(RULES + 1, 10**5)]


def test_a_height_with_a_digit_too_many_is_replaced_by_as_many_votes(six: Six) -> None:
    far = {"rules": RULES + 1, "height": six.height + FARTHEST - 20}
    near = {**far, "height": six.height + 40}
    assert six.all_say(SIX[:5], "raise_rules", far) == [""] * 5
    assert six.say(SIX[5], "raise_rules", far) == "act.rules_raised_so"
    assert six.say(SIX[0], "raise_rules", {**near, "rules": RULES + 2}) == "act.rules_not_next"
    assert six.all_say(SIX[:4], "raise_rules", near) == [""] * 4
    assert raises(six) == [(far["rules"], far["height"])]
    assert six.say(SIX[4], "raise_rules", near) == ""
    assert raises(six) == [(near["rules"], near["height"])]


def test_a_height_is_at_most_a_year_of_the_fastest_blocks_away(six: Six) -> None:
    body = {"rules": RULES + 1, "height": six.height + 2 + FARTHEST}
    (result,) = six.put(six.act(SIX[0], "raise_rules", body))
    (refusal,) = result.refusals
    assert refusal.code == "act.rules_too_far"
    assert refusal.facts == {
        "height": body["height"], "last": body["height"] - 1, "blocks": 157_680_000,
    }  # fmt: skip
    assert six.say(SIX[0], "raise_rules", body) == "", "a block later it is near enough"
    assert six.say(SIX[0], "raise_rules", {**body, "height": six.height + 1}) == "act.rules_height"


def test_before_rule_set_7_a_far_height_stands_and_what_lies_beyond_it_goes_with_it_later() -> None:
    """Of several raised ahead, those beyond one that is moved would come in the wrong order."""
    six = Six(rules=6)
    for rules, height in ((7, 30), (8, 50), (9, 10**9)):
        assert six.all_say(SIX[:5], "raise_rules", {"rules": rules, "height": height}) == [""] * 5
    other = {"rules": 8, "height": 60}
    assert six.say(SIX[0], "raise_rules", other) == "act.rules_not_next"
    assert six.say(SIX[0], "raise_rules", {"rules": 9, "height": 70}) == "act.rules_not_next"
    while six.height + 1 < 30:
        six.put(six.act("utility", "nothing", {}))
    assert six.all_say(SIX[:5], "raise_rules", other) == [""] * 5
    assert raises(six) == [(7, 30), (8, 60)]
    with six.state() as state:
        wanted = [value["body"]["height"] for _, value in state.range("approval", "")]
    assert sorted(wanted) == [30, 60], "and what was done of it may be wanted again"


def test_a_height_is_free_where_other_rules_were_to_begin() -> None:
    """It said that rule set 8 begins there already, of a height at which 9 was to."""
    six = Six(rules=6)
    for rules, height in ((7, 30), (8, 50), (9, 70)):
        assert six.all_say(SIX[:5], "raise_rules", {"rules": rules, "height": height}) == [""] * 5
    while six.height + 1 < 30:
        six.put(six.act("utility", "nothing", {}))
    assert six.all_say(SIX[:5], "raise_rules", {"rules": 8, "height": 70}) == [""] * 5
    assert raises(six) == [(7, 30), (8, 70)]


def test_a_raise_looks_at_no_other_wish(six: Six, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of these one vote may have brought very many: its block would take as long for everybody."""
    looked, plain = list[str](), State._rows

    def looks(state: State, table: str, *more: str) -> object:
        looked.append(table)
        return plain(state, table, *more)

    monkeypatch.setattr(State, "_rows", looks)
    body = {"rules": RULES + 1, "height": 10**6}
    assert six.all_say(SIX[:5], "raise_rules", body) == [""] * 5
    assert "rules" in looked
    assert "approval" not in looked


def test_a_word_for_rules_that_have_begun_meanwhile_waits_for_nobody() -> None:
    six = Six(rules=6)
    assert six.all_say(SIX[:4], "raise_rules", {"rules": 7, "height": 10**9}) == [""] * 4
    assert six.all_say(SIX[:5], "raise_rules", {"rules": 7, "height": 30}) == [""] * 5
    with six.state() as state:
        assert [one.wish.body["height"] for one in waiting(state, six.now, six.height)] == [10**9]
    while six.height + 1 < 30:
        six.put(six.act("utility", "nothing", {}))
    with six.state() as state:
        assert list(waiting(state, six.now, six.height)) == []


def raises(six: Six) -> list[tuple[int, int]]:
    """Which rules from which height on."""
    with six.state() as state:
        return [(said["rules"], said["height"]) for _, said in state.range("rules", "")]


def test_it_holds_from_the_height_it_was_moved_to_and_from_no_other(six: Six) -> None:
    first, second = six.height + 12, six.height + 18
    for height in (first, second):
        body = {"rules": RULES + 1, "height": height}
        assert six.all_say(SIX[:5], "raise_rules", body) == [""] * 5
    while six.height + 1 < second:
        six.put(six.act("utility", "nothing", {}))
        with six.state() as state:
            assert raise_rules.rules_at(state, six.height + 1) in (RULES, RULES + 1)
    with pytest.raises(Alarm, match="install a newer one") as alarm:
        six.put(later=1)
    assert alarm.value.facts["height"] == second


def test_without_seats_the_operator_moves_it() -> None:
    town = Town().set_up()
    for number, height in enumerate((10**8, 10**6)):
        body = {"rules": RULES + 1, "height": height}
        assert town.send(town.act("raise_rules", body, f"{number}")).ok
        assert [said["height"] for said in town.table("rules").values()] == [height]
    assert codes(town.send(town.act("raise_rules", body, "once more"))) == ["act.rules_raised_so"]
    far = {**body, "height": 10**9}
    assert codes(town.send(town.act("raise_rules", far))) == ["act.rules_too_far"]
    assert town.table("rules").keys() == {"000001000000"}
