"""Words that are taken back before what they are for has its effect."""

from __future__ import annotations

from typing import Any

import pytest

from miaopei.acts import wishes
from miaopei.acts.approvals import LONGEST
from miaopei.acts.base import Moment
from miaopei.acts.rule_sets import RULES
from miaopei.acts.voted import member as voted_member
from miaopei.acts.wishes import name_of
from miaopei.measures.instant import DAY
from tests.support.consortium import SIX
from tests.support.seating import Six
from tests.unit.acts.test_agreeing import listed, named, source, there

Json = dict[str, Any]


@pytest.fixture
def six() -> Six:
    """Six with a vote each, and two that the record knows."""
    made = Six()
    made.admit("seventh")
    made.admit("eighth")
    return made


def said(six: Six, kind: str, body: Json) -> Any:
    """Whose words stand for it; None where nothing does."""
    with six.state() as state:
        value = state.get("approval", name_of(kind, body))
    return None if value is None else sorted(value["by"])


def bodies(six: Six) -> list[tuple[str, Json]]:
    """One of each kind that more than two thirds of the votes decide on."""
    assert not six.say("cloud", "register_source", source("gate"))
    return [
        ("seat_member", six.wish("seventh")),
        ("unseat_member", {"member": "notary", "reason": "left", "until": six.now + DAY}),
        ("change_key", six.new_key("seventh", "seventh 2")),
        ("raise_rules", {"rules": RULES + 1, "height": six.height + 10**6}),
        ("admit_member", named(six, "icbc", "bank")),
        ("register_source", source("thief")),
    ]


def test_a_word_taken_back_counts_no_more_and_may_be_said_again(six: Six) -> None:
    for kind, body in bodies(six):
        assert six.all_say(SIX[:4], kind, body) == [""] * 4
        assert six.take_back(SIX[1], kind, body) == ""
        assert said(six, kind, body) == sorted([SIX[0], *SIX[2:4]])
        assert six.say(SIX[4], kind, body) == "", "four of six again"
        assert said(six, kind, body) == sorted([SIX[0], *SIX[2:5]])
        with six.state() as state:
            assert state.need("approval", name_of(kind, body))["done"] is None
        assert six.say(SIX[1], kind, body) == ""
        with six.state() as state:
            assert state.need("approval", name_of(kind, body))["done"] == six.height


def test_a_wish_that_all_have_given_up_leaves_nothing(six: Six) -> None:
    for kind, body in bodies(six):
        with six.state() as state:
            before = list(state.range("approval", ""))
        assert six.all_say(SIX[:3], kind, body) == [""] * 3
        assert [six.take_back(member, kind, body) for member in SIX[:3]] == [""] * 3
        with six.state() as state:
            assert list(state.range("approval", "")) == before


def test_nobody_alone_brings_about_what_others_have_given_up_once_a_seat_is_lost(six: Six) -> None:
    """Four of six want it, one of them no more; of five that are left four would be enough."""
    wish = six.wish("eighth")
    assert six.all_say(SIX[:4], "seat_member", wish) == [""] * 4
    assert six.take_back(SIX[0], "seat_member", wish) == ""
    gone = {"member": SIX[5], "reason": "left", "until": six.now + DAY}
    assert six.all_say(SIX[:5], "unseat_member", gone) == [""] * 5
    with six.state() as state:
        (open_,) = wishes.waiting(state, six.now, six.height)
    assert (open_.again, open_.lacks) == (False, tuple(sorted((SIX[0], SIX[4]))))
    assert six.say(SIX[1], "seat_member", wish) == "act.approved_before"
    assert "eighth" not in six.powers()


def test_also_where_a_word_said_again_would_be_enough_already(six: Six) -> None:
    wish = six.wish("eighth")
    assert six.all_say(SIX[:4], "seat_member", wish) == [""] * 4
    gone = {"member": SIX[5], "reason": "left", "until": six.now + DAY}
    assert six.all_say(SIX[:5], "unseat_member", gone) == [""] * 5
    assert six.take_back(SIX[0], "seat_member", wish) == ""
    assert six.say(SIX[1], "seat_member", wish) == "act.approved_before"
    assert six.say(SIX[0], "seat_member", wish) == "", "and it changes its mind once more"
    assert "eighth" in six.powers()


def test_what_is_no_word_of_ours_is_not_taken_back(six: Six) -> None:
    wish = six.wish("seventh")
    assert six.take_back(SIX[0], "seat_member", wish) == "act.no_approval"
    assert six.all_say(SIX[:2], "seat_member", wish) == ["", ""]
    assert six.take_back(SIX[2], "seat_member", wish) == "act.no_approval"
    assert six.take_back(SIX[0], "seat_member", {**wish, "power": 2}) == "act.no_approval"
    for name in ("", "ab", "\x00", "é", "x" * 200):
        code = six.say(SIX[0], "withdraw_approval", {"approval": name, "word": name})
        assert code == "act.no_approval", name
    for bad in ({"approval": 7, "word": "a"}, {"approval": "a"}, {"approval": "a", "word": 7}):
        assert six.say(SIX[0], "withdraw_approval", bad) == "act.bad_body"
    others = six.word(SIX[1], "seat_member", wish)
    assert six.say(SIX[0], "withdraw_approval", others) == "act.no_approval"
    assert six.take_back(SIX[0], "seat_member", wish) == ""
    assert six.take_back(SIX[0], "seat_member", wish) == "act.no_approval", "once"
    assert said(six, "seat_member", wish) == [SIX[1]]


def test_what_has_had_its_effect_or_is_over_is_not_taken_back(six: Six) -> None:
    wish, late = six.wish("seventh"), six.wish("eighth")
    far = {"rules": RULES + 1, "height": six.height + 12}
    assert six.all_say(SIX[:5], "seat_member", wish) == [""] * 5
    assert six.take_back(SIX[0], "seat_member", wish) == "act.approval_done"
    assert six.say(SIX[0], "seat_member", late) == ""
    assert six.say(SIX[0], "raise_rules", far) == ""
    assert six.say(SIX[0], "admit_member", named(six, "icbc", "bank")) == ""
    assert six.take_back(SIX[0], "seat_member", late, later=DAY) == "act.approval_over"
    while six.height + 1 < far["height"]:
        six.put(six.act("utility", "nothing", {}))
    assert six.take_back(SIX[0], "raise_rules", far) == "act.approval_over"
    icbc = ("admit_member", named(six, "icbc", "bank"))
    assert six.take_back(SIX[0], *icbc, later=LONGEST) == "act.approval_over"


def test_who_has_lost_its_seat_takes_back_what_would_count_again_with_a_seat(six: Six) -> None:
    wish = six.wish("eighth")
    assert six.say("agent", "seat_member", wish) == ""
    gone = {"member": "agent", "reason": "left", "until": six.now + DAY}
    assert six.all_say([m for m in SIX if m != "agent"][:5], "unseat_member", gone)[:4] == [""] * 4
    assert "agent" not in six.powers()
    assert six.take_back("agent", "seat_member", wish) == ""
    assert said(six, "seat_member", wish) is None


def test_a_party_takes_back_its_agreement_before_the_last_has_agreed(six: Six) -> None:
    """One that is bound without a seat too; and the listing waits for it again by its name."""
    body = listed(six, ("utility", "regulator", "seventh"))
    parties = ["utility", "insurer", "agent", "regulator", "seventh"]
    assert six.all_say(parties[:-1], "list_product", body) == [""] * 4
    assert six.take_back("regulator", "list_product", body) == ""
    assert six.say("seventh", "list_product", body) == ""
    assert six.take_back("seventh", "list_product", body) == ""
    assert not there(six, "listing", "evil")
    with six.state() as state:
        (open_,) = wishes.waiting(state, six.now, six.height)
    assert (open_.wish.all, open_.lacks) == (True, ("regulator", "seventh"))
    assert six.all_say(["seventh", "regulator"], "list_product", body) == ["", ""]
    assert there(six, "listing", "evil")
    assert six.take_back("seventh", "list_product", body) == "act.approval_done"


def test_an_end_does_not_move_while_a_word_stands(six: Six) -> None:
    """Else one vote, said and taken back, would keep the words of others waiting for ever."""
    body = named(six, "icbc", "bank")
    assert six.all_say(SIX[:2], "admit_member", body) == ["", ""]

    def end() -> int:
        with six.state() as state:
            return int(state.need("approval", name_of("admit_member", body))["until"])

    first = end()
    for member in (SIX[0], SIX[0], SIX[1]):
        assert six.take_back(member, "admit_member", body, later=DAY) == ""
        assert six.say(member, "admit_member", body, later=DAY) == ""
    assert end() == first
    assert six.say(SIX[2], "admit_member", body, later=first - six.now) == "", "over: anew"
    assert said(six, "admit_member", body) == [SIX[2]]


def test_saying_and_taking_back_keeps_no_id_from_an_operator_any_longer(six: Six) -> None:
    """One word keeps an id for votes for 90 days and then not for 90 more, taken back or not."""
    wish, plain = named(six, "icbc", "bank"), named(six, "icbc", "decider")
    assert six.say(SIX[0], "admit_member", wish) == ""
    began = six.now
    for day in range(1, 178):
        assert six.take_back(SIX[0], "admit_member", wish) == "", day
        assert six.say(SIX[0], "admit_member", wish, later=began + day * DAY - six.now) == "", day
        with six.state() as state:
            now = Moment(six.height + 1, six.now, RULES, "")
            kept = voted_member.by_votes(state, plain, now)
            assert len(state.need(voted_member.RESERVED, "icbc")) == 1
        assert kept is (day < 90), day
    assert six.say("cloud", "admit_member", plain) == ""
    assert there(six, "member", "icbc")


def test_a_word_taken_back_leaves_its_id_to_votes_as_long_as_it_would_have(six: Six) -> None:
    wish, plain = named(six, "icbc", "bank"), named(six, "icbc", "decider")
    assert six.say(SIX[0], "admit_member", wish) == ""
    assert six.take_back(SIX[0], "admit_member", wish) == ""
    assert six.say("cloud", "admit_member", plain) == ""
    assert not there(six, "member", "icbc")
    assert six.all_say([m for m in SIX if m != "cloud"][:4], "admit_member", plain) == [""] * 4
    assert there(six, "member", "icbc"), "votes give it still"


def test_a_later_word_is_not_taken_back_by_what_was_sent_for_an_earlier(six: Six) -> None:
    """It was held back by somebody, and is brought after the word was taken back and said anew."""
    wish = six.wish("eighth")
    assert six.say(SIX[0], "seat_member", wish) == ""
    held = six.word(SIX[0], "seat_member", wish)
    assert six.take_back(SIX[0], "seat_member", wish) == ""
    assert six.say(SIX[0], "seat_member", wish) == ""
    assert six.say(SIX[0], "withdraw_approval", held) == "act.no_approval"
    assert said(six, "seat_member", wish) == [SIX[0]]


def test_in_one_block_the_order_decides(six: Six) -> None:
    wish = six.wish("eighth")
    assert six.all_say(SIX[:4], "seat_member", wish) == [""] * 4
    back = six.word(SIX[0], "seat_member", wish)
    results = six.put(
        six.act(SIX[0], "withdraw_approval", back), six.act(SIX[4], "seat_member", wish)
    )
    assert [result.ok for result in results] == [True, True]
    assert "eighth" not in six.powers()
    back = six.word(SIX[4], "seat_member", wish)
    results = six.put(
        six.act(SIX[0], "seat_member", wish), six.act(SIX[4], "withdraw_approval", back)
    )
    assert [result.ok for result in results] == [True, False]
    assert "eighth" in six.powers()


def test_before_rule_set_7_no_word_is_taken_back() -> None:
    six = Six(rules=6)
    six.admit("seventh")
    wish = six.wish("seventh")
    assert six.say(SIX[0], "seat_member", wish) == ""
    assert six.take_back(SIX[0], "seat_member", wish) == "act.kind_unknown"
    raised = {"rules": 7, "height": six.height + 8}
    assert six.all_say(SIX[:5], "raise_rules", raised) == [""] * 5
    while six.height + 1 < raised["height"]:
        six.put(six.act("utility", "nothing", {}))
    assert six.take_back(SIX[0], "seat_member", wish) == "", "said under the rules of before"
