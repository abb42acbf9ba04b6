"""Who sits in the record: by more than two thirds of the votes, each once, before an end."""

from __future__ import annotations

import pytest

from miaopei.acts import wishes
from miaopei.acts.apply import apply_block
from miaopei.acts.pauses import WAITS
from miaopei.acts.rule_sets import RULES
from miaopei.acts.seats import KEYS, connections
from miaopei.acts.state import State
from miaopei.adapters.memory_store import MemoryStore
from miaopei.errors import Alarm
from miaopei.measures.instant import DAY
from tests.support.consortium import SIX, founder
from tests.support.histories import contents, replay
from tests.support.seating import Six, fresh, lived


@pytest.fixture
def six() -> Six:
    made = Six()
    made.admit("seventh")
    return made


def test_four_of_six_are_not_enough_and_the_fifth_seats(six: Six) -> None:
    wish = six.wish("seventh")
    assert six.all_say(SIX[:4], "seat_member", wish) == [""] * 4
    assert "seventh" not in six.powers()
    assert six.say("utility", "seat_member", wish) == "act.approved_before"
    assert six.say("cloud", "seat_member", {**wish, "power": 2}) == ""  # another wish
    assert "seventh" not in six.powers()
    assert six.say("cloud", "seat_member", wish) == ""
    assert six.powers()["seventh"] == 1
    assert six.say("notary", "seat_member", wish) == "act.approval_done"
    seat = {name: wish[name] for name in ("member", "power", *KEYS)}
    with six.state() as state:
        assert state.need("seat", "seventh") == seat


def test_votes_count_as_they_stand_when_they_are_counted(six: Six) -> None:
    """Five of six seat a seventh; then five of seven seat no eighth, though five once did."""
    assert six.all_say(SIX[:5], "seat_member", six.wish("seventh")) == [""] * 5
    six.admit("eighth")
    wish = six.wish("eighth")
    assert six.all_say(SIX[:4], "seat_member", wish) == [""] * 4
    assert "eighth" not in six.powers()  # 4 of 7
    assert six.say("seventh", "seat_member", wish) == ""
    assert six.powers()["eighth"] == 1  # 5 of 7


def test_the_word_of_one_that_has_lost_its_seat_counts_no_more(six: Six) -> None:
    assert six.all_say(SIX[:5], "seat_member", six.wish("seventh")) == [""] * 5
    six.admit("eighth")
    wish = six.wish("eighth")
    assert six.all_say(["seventh", *SIX[:3]], "seat_member", wish) == [""] * 4
    gone = {"member": "seventh", "reason": "left", "until": six.now + DAY}
    assert six.all_say(SIX[:5], "unseat_member", gone) == [""] * 5
    assert six.say("cloud", "seat_member", wish) == ""
    assert "eighth" not in six.powers()  # 4 of 6 are left of the five that said so
    assert six.say("regulator", "seat_member", wish) == ""
    assert "eighth" in six.powers()


def short_until_a_seat_was_lost(six: Six) -> dict[str, object]:
    """Four of six want an eighth; then one of the others leaves, and four of five would do."""
    six.admit("eighth")
    wish = six.wish("eighth")
    assert six.all_say(SIX[:4], "seat_member", wish) == [""] * 4
    gone = {"member": SIX[5], "reason": "left", "until": six.now + DAY}
    assert six.all_say(SIX[:5], "unseat_member", gone) == [""] * 5
    assert "eighth" not in six.powers()
    return wish


def test_a_word_said_again_brings_about_what_a_lost_seat_has_left_with_enough_votes(
    six: Six,
) -> None:
    wish = short_until_a_seat_was_lost(six)
    with six.state() as state:
        (open_,) = wishes.waiting(state, six.now, six.height)
    assert open_.again
    assert open_.lacks == tuple(sorted(SIX[:5]))
    assert six.say(SIX[5], "seat_member", wish) == "act.no_vote"
    (result,) = six.put(act := six.act(SIX[1], "seat_member", wish))
    assert result.ok
    assert six.powers()["eighth"] == 1
    with six.state() as state:
        said = state.need("approval", wishes.name_of("seat_member", wish))
        assert list(wishes.waiting(state, six.now, six.height)) == []
    assert said["by"][SIX[1]] == act.id
    assert six.say(SIX[1], "seat_member", wish) == "act.approval_done"


def test_a_word_said_again_counts_once(six: Six) -> None:
    wish = six.wish("seventh")
    assert six.all_say(SIX[:4], "seat_member", wish) == [""] * 4
    assert six.all_say(SIX[:4], "seat_member", wish) == ["act.approved_before"] * 4
    with six.state() as state:
        (open_,) = wishes.waiting(state, six.now, six.height)
    assert not open_.again
    assert open_.lacks == tuple(sorted(SIX[4:]))


def test_rules_that_two_thirds_want_once_a_seat_is_lost_are_raised_by_a_word_said_again(
    six: Six,
) -> None:
    raised = {"rules": RULES + 1, "height": 10**8}
    assert six.all_say(SIX[:4], "raise_rules", raised) == [""] * 4
    gone = {"member": SIX[5], "reason": "left", "until": six.now + DAY}
    assert six.all_say(SIX[:5], "unseat_member", gone) == [""] * 5
    with six.state() as state:
        assert list(state.range("rules", "")) == []
    (result,) = six.put(act := six.act(SIX[0], "raise_rules", raised))
    assert result.ok
    with six.state() as state:
        ((_, said),) = state.range("rules", "")
    assert said == {**raised, "act": act.id}


def test_before_rule_set_6_it_waits_for_who_has_not_spoken() -> None:
    six = Six(rules=5)
    six.admit("seventh")
    wish = short_until_a_seat_was_lost(six)
    with six.state() as state:
        (open_,) = wishes.waiting(state, six.now, six.height)
    assert (open_.again, open_.lacks) == (False, (SIX[4],))
    assert six.say(SIX[1], "seat_member", wish) == "act.approved_before"
    assert six.say(SIX[4], "seat_member", wish) == ""
    assert six.powers()["eighth"] == 1


def test_a_member_that_reads_along_has_no_vote_and_may_get_one(six: Six) -> None:
    assert six.all_say(SIX[:5], "seat_member", six.wish("seventh", 0)) == [""] * 5
    assert six.powers()["seventh"] == 0
    said = six.say("seventh", "seat_member", six.wish("seventh", 1))
    assert said == "act.no_vote"
    assert six.all_say(SIX[:5], "seat_member", six.wish("seventh", 1)) == [""] * 5
    assert six.powers()["seventh"] == 1
    assert six.all_say(SIX[:5], "seat_member", six.wish("regulator", 0)) == [""] * 5
    assert six.powers()["regulator"] == 0
    assert six.say("regulator", "seat_member", six.wish("regulator", 1)) == "act.no_vote"


def test_nobody_gets_a_third_of_the_votes_and_four_are_the_fewest() -> None:
    four = Six(SIX[:4])
    four.admit("seventh")
    gone = {"member": SIX[3], "reason": "its own wish", "until": four.now + DAY}
    assert four.say(SIX[3], "unseat_member", gone) == "act.too_few_votes"
    assert four.say(SIX[0], "seat_member", four.wish("seventh", 2)) == "act.too_few_votes"
    assert four.all_say(SIX[:3], "seat_member", four.wish("seventh", 1)) == ["", "", ""]
    assert four.all_say(SIX[:4], "unseat_member", {**gone, "until": four.now + DAY}) == [""] * 4
    assert set(four.powers()) == {*SIX[:3], "seventh"}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"member": "nobody"}, "act.bad_seat"),
        ({"power": -1}, "act.bad_seat"),
        ({"power": 10**7}, "act.bad_seat"),
        ({"engine": "ab"}, "act.bad_seat"),
        ({"until": 0}, "act.approval_until"),
        ({"until": 2**50}, "act.approval_until"),
        ({"beside": 1}, "act.bad_body"),
    ],
)
def test_a_seat_that_cannot_be_is_refused_to_the_first_who_wants_it(
    six: Six, change: dict[str, object], code: str
) -> None:
    assert six.say("utility", "seat_member", {**six.wish("seventh"), **change}) == code
    with six.state() as state:
        assert list(state.range("approval", "")) == []


def test_a_key_that_stood_in_a_seat_comes_back_in_none(six: Six) -> None:
    """Also not to the member that had it: its guard against signing twice may be lost."""
    with six.state() as state:
        first = state.need("seat", "notary")
    assert six.say("utility", "seat_member", {**six.wish("seventh"), "engine": first["log"]})
    assert six.say("notary", "rotate_keys", {"keys": {"engine": fresh("new")}}) == ""
    for who, name in (("notary", "engine"), ("notary", "peer"), ("utility", "engine")):
        again = {"keys": {name: first["engine"]}}
        assert six.say(who, "rotate_keys", again, later=2 * DAY) == "act.bad_seat"
    with six.state() as state:
        spent = dict(state.range("spent_key", ""))
    assert {key: value["member"] for key, value in spent.items()} == {first["engine"]: "notary"}
    gone = {"member": "notary", "reason": "left", "until": six.now + DAY}
    assert six.all_say(SIX[:5], "unseat_member", gone) == [""] * 5
    back = {**first, "until": six.now + DAY}
    assert six.say("utility", "seat_member", back) == "act.bad_seat"
    assert six.all_say(SIX[:4], "seat_member", six.wish("notary", tag=" 2")) == [""] * 4
    assert six.powers()["notary"] == 1


def test_a_member_puts_new_keys_into_its_own_seat_an_engine_key_once_a_day(six: Six) -> None:
    assert six.say("seventh", "rotate_keys", {"keys": {"log": fresh("x")}}) == "act.no_seat"
    assert six.say("notary", "rotate_keys", {"keys": {}}) == "act.bad_body"
    assert six.say("notary", "rotate_keys", {"keys": {"votes": fresh("x")}}) == "act.bad_body"
    assert six.say("notary", "rotate_keys", {"keys": {n: fresh(n) for n in KEYS}}) == ""
    with six.state() as state:
        seat = state.need("seat", "notary")
    assert {name: seat[name] for name in KEYS} == {name: fresh(name) for name in KEYS}
    assert seat["power"] == 1
    assert six.say("notary", "rotate_keys", {"keys": {"log": fresh("a")}}) == ""
    soon = {"keys": {"engine": fresh("b")}}
    assert six.say("notary", "rotate_keys", soon, later=DAY - 10) == "act.rotated_lately"
    assert six.say("notary", "rotate_keys", soon, later=10) == ""


def test_rules_are_raised_by_votes_where_there_are_seats(six: Six) -> None:
    raised = {"rules": RULES + 1, "height": six.height + 8}
    said = six.say("utility", "raise_rules", {"rules": RULES + 2, "height": 10**6})
    assert said == "act.rules_not_next"
    assert six.all_say(SIX[:4], "raise_rules", raised) == [""] * 4
    with six.state() as state:
        assert list(state.range("rules", "")) == []
    assert six.say("notary", "raise_rules", raised) == ""
    with pytest.raises(Alarm, match="install a newer one"):
        six.put(later=1) if six.height + 1 == raised["height"] else _until(six, raised["height"])


def _until(six: Six, height: int) -> None:
    while six.height < height:
        six.put(six.act("utility", "nothing", {}))


def test_in_rule_set_2_one_operator_raises_to_the_third_and_no_seat_moves_before() -> None:
    six = Six(rules=2)
    six.admit("seventh")
    assert six.say("utility", "seat_member", six.wish("seventh")) == "act.kind_unknown"
    height = six.height + 2
    assert six.say("agent", "raise_rules", {"rules": 3, "height": height}) == ""
    _until(six, height)
    assert six.all_say(SIX[:5], "seat_member", six.wish("seventh")) == [""] * 5


def test_two_members_pause_a_listing_and_two_resume_it(six: Six) -> None:
    listing = six.list_product()
    said = {"listing": listing, "reason": "a doubt about the source", "person": "Li"}
    assert six.say("seventh", "pause_listing", said) == "act.no_seat"
    assert six.say("regulator", "resume_listing", said) == "act.pause_is_so"
    assert six.say("regulator", "pause_listing", said) == ""
    assert six.say("regulator", "pause_listing", said) == "act.approved_before"
    with six.state() as state:
        assert not state.need("pause", listing)["paused"]
    assert six.say("agent", "pause_listing", {**said, "reason": "another", "person": "Wu"}) == ""
    with six.state() as state:
        paused = state.need("pause", listing)
    assert paused["paused"]
    assert {who: word["person"] for who, word in paused["by"].items()} == {
        "regulator": "Li", "agent": "Wu",
    }  # fmt: skip
    assert six.say("cloud", "pause_listing", said) == "act.pause_is_so"
    assert six.say("cloud", "resume_listing", said) == ""
    assert six.say("agent", "resume_listing", said, later=WAITS) == ""
    with six.state() as state:
        assert state.need("pause", listing)["paused"], "one word is older than it may wait"
    assert six.say("cloud", "resume_listing", said) == ""
    with six.state() as state:
        assert not state.need("pause", listing)["paused"]


def test_every_act_of_members_life_replays_to_the_same_bytes() -> None:
    six, again = lived(), MemoryStore()
    replay(again, six.leaves())
    assert contents(again) == contents(six.store)


def test_a_seat_that_moves_is_a_record_of_its_own_with_all_who_wanted_it(six: Six) -> None:
    wish = six.wish("seventh")
    acts = [six.act(member, "seat_member", wish) for member in SIX[:5]]
    results = six.put(*acts)
    (made,) = results[-1].made
    assert made.what == "seat"
    assert set(made.because) == {act.id for act in acts}
    assert made.value["seat"]["engine"] == wish["engine"]
    with six.store.reading() as reading:
        assert (
            apply_block(State(reading), [], height=six.height + 1, at=six.now, previous="").leaves
            == ()
        )


def test_the_engine_of_who_lost_its_seat_connects_for_one_block_more(six: Six) -> None:
    """Its vote counts on the next block; a key changed long ago, or never heard of, is shut out.

    Who was down while its key was changed comes back by the old one: how else would it learn of it?
    """

    def let_in(key: str, later: int = 0) -> bool:
        with six.state() as state:
            return key in connections(state, six.now + later, [key])

    utility, notary = founder("utility").node, founder("notary").node
    assert not six.say("notary", "rotate_keys", {"keys": {"node": fresh("notary 2")}})
    assert let_in(fresh("notary 2"))
    assert let_in(notary)
    gone = {"member": "utility", "reason": "left", "until": six.now + DAY}
    assert six.all_say(SIX[:5], "unseat_member", gone) == [""] * 5
    assert "utility" not in six.powers()
    assert let_in(utility)
    assert six.say("cloud", "unseat_member", gone) == "act.no_seat"  # one block more
    assert not let_in(utility)
    assert let_in(notary)
    assert not let_in(notary, DAY)
    assert let_in("ab" * 32), "told of, and not yet read of"
    with six.state() as state:
        assert "ab" * 32 not in connections(state, six.now)
