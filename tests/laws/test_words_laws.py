"""Laws of words for what several must want: said and taken back in any order, those that stand are
what counts, and nothing remains of those that were taken back.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miaopei.acts.rule_sets import RULES
from miaopei.acts.wishes import name_of
from miaopei.measures.instant import DAY
from tests.support.consortium import SIX
from tests.support.seating import Six
from tests.unit.acts.test_agreeing import named

Json = dict[str, Any]
KINDS = ("seat_member", "unseat_member", "raise_rules", "admit_member")
# Who does what: says so, takes it back, or loses its seat by a word of each of the others.
STEP = st.tuples(st.sampled_from(SIX), st.sampled_from(("say", "say", "back", "lose")))


def wished(six: Six, kind: str) -> Json:
    """One body of a kind, the same in each record."""
    return {
        "seat_member": six.wish("seventh"),
        "unseat_member": {"member": "seventh", "reason": "left", "until": six.now + DAY},
        "raise_rules": {"rules": RULES + 1, "height": 10**6},
        "admit_member": named(six, "icbc", "bank"),
    }[kind]


def begun(kind: str) -> Six:
    """Six, and where it is about one that shall go a seventh that reads along."""
    six = Six()
    six.admit("seventh")
    if kind == "unseat_member":
        assert six.all_say(SIX[:5], "seat_member", six.wish("seventh", 0)) == [""] * 5
    return six


@pytest.mark.parametrize("kind", KINDS)
@given(steps=st.lists(STEP, max_size=24))
def test_the_words_that_stand_are_what_counts(kind: str, steps: list[tuple[str, str]]) -> None:
    """Against a count of its own: a set of names, and who has a seat."""
    six = begun(kind)
    body, seated = wished(six, kind), list(SIX)
    stand, done = set[str](), False
    for member, step in steps:
        if step == "lose" and len(seated) > 4 and member in seated:
            gone = {"member": member, "reason": "thief", "until": six.now + DAY}
            needed = 2 * len(seated) // 3 + 1
            assert six.all_say(seated[:needed], "unseat_member", gone) == [""] * needed
            seated.remove(member)
        if step == "say" and not done:
            votes = len({*stand, member} & set(seated))
            enough = 3 * votes > 2 * len(seated)
            wanted = "act.approved_before" if member in stand and not enough else ""
            wanted = wanted if member in seated else "act.no_vote"
            assert six.say(member, kind, body) == wanted
            stand |= set() if wanted else {member}
            done = not wanted and enough
        if step == "back":
            code = "act.approval_done" if done else ""
            assert six.take_back(member, kind, body) == (
                code if member in stand else "act.no_approval"
            )
            stand -= set() if done else {member}
        with six.state() as state:
            value = state.get("approval", name_of(kind, body)) or {"by": {}, "done": None}
        assert (set(value["by"]), value["done"] is not None) == (stand, done)


@given(steps=st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=24))
def test_what_was_taken_back_is_as_if_it_had_not_been_said(steps: list[tuple[int, bool]]) -> None:
    """To the byte, but for the acts themselves: that they were is on the record."""
    kind, stand = "seat_member", list[str]()
    six, other = begun(kind), begun(kind)
    body = wished(six, kind)
    for at, says in steps:
        member = SIX[at]
        if says and member not in stand and len(stand) < 4:
            assert six.say(member, kind, body) == ""
            stand.append(member)
        elif not says and member in stand:
            assert six.take_back(member, kind, body) == ""
            stand.remove(member)
    assert other.all_say(stand, kind, body) == [""] * len(stand)
    found = []
    for each in (six, other):
        with each.state() as state:
            value = state.get("approval", name_of(kind, body))
            assert (value is None) == (not stand)
            found.append(None if value is None else {**value, "by": sorted(value["by"])})
            found.append([row for table in ("seat", "member", "rules", "reserved")
                          for row in state.range(table, "")])  # fmt: skip
    assert found[:2] == found[2:]
    last = [member for member in SIX if member not in stand][: 5 - len(stand)]
    for each in (six, other):
        assert each.all_say(last, kind, body) == [""] * len(last)
        assert each.powers()["seventh"] == 1
