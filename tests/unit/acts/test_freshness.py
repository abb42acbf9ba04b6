"""Acts name their ends: what is kept back is not taken later, and what is put off is done once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miaopei.acts.apply import ActResult
from miaopei.acts.envelope import Act, sign
from miaopei.acts.freshness import LONGEST, SINCE, USUAL
from miaopei.adapters.memory_store import MemoryStore
from miaopei.measures.identity import canonical, content_id, read_canonical
from miaopei.measures.instant import DAY
from miaopei.node.order.application import Application, Committed
from miaopei.node.order.parcel import Parcel
from tests.support.consortium import SIX, START, act, block, genesis, newcomer, who
from tests.support.convening import hand_over
from tests.support.seating import Six
from tests.support.town import Town, identity

LAST = 2**53 - 1
BODY = st.dictionaries(
    st.text("abcuv", min_size=1, max_size=3),
    st.one_of(st.integers(-LAST, LAST), st.text(st.characters(codec="ascii"), max_size=8)),
    max_size=3,
)


def named(six: Six, name: str, until: int | None, by: str = "insurer") -> Act:
    """A member names another, up to an end."""
    body = newcomer(six.value, name).body
    return sign(identity(by).acts, six.chain, "admit_member", by, name, body, until)


def code(result: ActResult) -> str:
    return "" if result.ok else result.refusals[0].code


# One act ------------------------------------------------------------------------------------------


@given(BODY, st.text(max_size=5).filter(lambda t: t.isascii()), st.integers(0, LAST))
def test_an_end_is_signed_and_no_part_of_the_id(body: dict[str, Any], ref: str, until: int) -> None:
    key = identity("insurer").acts
    plain = sign(key, "c" * 64, "time", "insurer", ref, body)
    ended = sign(key, "c" * 64, "time", "insurer", ref, body, until)
    assert ended.id == plain.id == content_id("act", plain.unsigned())
    assert ended.signed_bytes == canonical(ended.unsigned())
    assert ended.size == len(canonical(ended.as_json()))
    assert ended.as_json() == {**plain.as_json(), "v": 2, "until": until, "sig": ended.sig}
    assert ended.signed_well
    assert not replace(ended, until=until + 1).signed_well
    assert not replace(ended, until=None).signed_well
    assert not replace(plain, until=until).signed_well


# A block ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("away", "says"),
    [
        (None, "act.no_end"),
        (-1, "act.too_late"),
        (0, ""),
        (USUAL, ""),
        (LONGEST, ""),
        (LONGEST + 1, "act.end_too_far"),
    ],
)
def test_an_act_is_taken_up_to_its_end_which_is_a_week_away_at_most(
    away: int | None, says: str
) -> None:
    six = Six()
    until = None if away is None else six.now + 10 + away
    (result,) = six.put(named(six, "x", until), later=10)
    assert code(result) == says
    for refusal in result.refusals:
        assert refusal.facts["time"] == six.now
        assert ("limit" in refusal.facts) == (says != "act.too_late")


@pytest.mark.parametrize("rules", range(1, SINCE))
def test_before_rule_set_5_acts_have_none(rules: int) -> None:
    six = Six(rules=rules)
    assert code(six.put(named(six, "x", six.now + USUAL))[0]) == "act.end_not_asked"
    assert code(six.put(named(six, "y", None))[0]) == ""


def test_where_one_orders_alone_and_in_a_replay_acts_have_none() -> None:
    """Who orders alone takes what it likes; the time of a replay leaps over years."""
    town = Town()
    body = {"id": "x", "name": {"zh": "甲", "en": "x"}, "operator": "x", "roles": [], "keys": []}
    me = town.me
    ended = sign(me.acts, town.node.chain, "admit_member", me.member, "x", body, town.now + 9)
    assert code(town.send(ended)) == "act.end_not_asked"
    assert town.act("admit_member", body).until is None
    assert town.send(town.act("admit_member", body)).ok
    replayed = genesis(clock="replay")
    app = application(replayed)
    assert app.door.end() is None
    late = sign(identity("cloud").acts, content_id("chain", replayed), "time", "cloud", "t",
                {"time": START + 99}, START + 200)  # fmt: skip
    app.finalize(1, block(None, late))
    app.commit()
    assert app.head.time == START, "nor does it move the time"


@pytest.mark.parametrize("clock", ["live", "replay"])
def test_from_the_block_that_seats_its_members_on_acts_of_a_live_record_have_one(
    clock: str,
) -> None:
    """It was one member's before, and no act named any."""
    town = Town(clock=clock)
    founding = hand_over(town)
    heard = list[Committed]()
    app = Application(town.store, town.me, founding.file, lambda: town.now, heard.append)
    app.begin(founding.chain)
    for number, until in enumerate((None, town.now + 9), 1):
        body = newcomer(town.node.genesis or {}, f"x{number}").body
        said = sign(identity("cloud").acts, town.node.chain, "admit_member", "cloud",
                    f"x{number}", body, until)  # fmt: skip
        app.finalize(founding.height + number, block(None if clock == "replay" else town.now, said))
        app.commit()
    codes = [code(result) for each in heard for result in each.results]
    assert codes == (["act.no_end", ""] if clock == "live" else ["", "act.end_not_asked"])


def test_where_the_record_stands_still_an_end_is_a_week_from_the_clock_at_most() -> None:
    """The door: the block that takes the act will be one of now."""
    value, now = genesis(), START + 30 * DAY
    app = application(value, lambda: now)
    for away, says in ((7 * DAY, ""), (7 * DAY + 1, "act.end_too_far")):
        wish = sign(identity("utility").acts, content_id("chain", value), "admit_member",
                    "utility", f"x {away}", newcomer(value, "x").body, now + away)  # fmt: skip
        refused = app.check(Parcel(1, (wish,)).to_bytes())
        assert ("" if refused is None else refused.code) == says


def application(value: dict[str, Any], clock: Callable[[], int] = lambda: START) -> Application:
    made = Application(MemoryStore(), who("utility"), value, clock)
    made.begin(made.chain_id)
    return made


def test_under_rule_set_4_nobody_reads_an_act_that_names_its_end() -> None:
    """Software of that time takes its parcel for rubbish: no leaf, the same root, the same code."""
    value = {**genesis(), "rules": SINCE - 1}
    plain = newcomer(value, "x")
    ended = sign(identity("utility").acts, plain.chain, plain.kind, "utility", "x", plain.body, 9)
    app, other = application(value), application(value)
    item = Parcel(1, (ended,)).to_bytes()
    refused = app.check(item)
    assert refused is not None
    assert refused.code == "net.no_parcel"
    assert item not in app.propose([item], 10**6)
    root, codes = app.finalize(1, [*block(START + 1), item])
    assert (root, codes) == (other.finalize(1, [*block(START + 1), b"rubbish"])[0], [0, 1])
    app.commit()
    assert app.head.size == 1
    assert app.check(Parcel(1, (plain,)).to_bytes()) is None


# What is kept back, put off, altered --------------------------------------------------------------


def test_an_act_that_was_signed_and_kept_back_is_refused_after_its_end() -> None:
    """At the door of every engine; and where a liar puts it into a block of its own, by all."""
    now = START
    value = genesis()
    app = application(value, lambda: now)
    kept = act(value, "insurer", "admit_member", "x", newcomer(value, "x").body)
    assert kept.until is not None
    item = Parcel(1, (kept,)).to_bytes()
    assert app.check(item) is None
    now = kept.until
    app.finalize(1, block(now))
    app.commit()
    assert app.check(item) is None, "exactly at its end"
    app.finalize(2, block(now + 1))
    app.commit()
    refused = app.check(item)
    assert refused is not None
    assert (refused.code, refused.facts["until"]) == ("act.too_late", now)
    app.finalize(3, block(now + 1, kept))
    app.commit()
    with app._store.reading() as reading:
        leaf = read_canonical(reading.leaf(1))
        assert reading.get("member", "x") is None
    assert leaf["act"] == kept.as_json()
    assert [each["code"] for each in leaf["result"]["refusals"]] == ["act.too_late"]


def test_an_altered_end_is_nobodys_word_and_stands_in_nobodys_way() -> None:
    six = Six()
    own = named(six, "x", six.now + USUAL)
    assert own.until is not None
    (spoilt,) = six.put(replace(own, until=own.until + 1))
    assert (code(spoilt), spoilt.act) == ("act.signature_bad", own.id)
    assert code(six.put(own)[0]) == ""


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(-USUAL, LONGEST + USUAL), st.integers(1, 3 * USUAL)),
                min_size=1, max_size=6))  # fmt: skip
def test_a_wish_that_is_signed_again_and_again_is_done_once(
    tries: list[tuple[int, int]],
) -> None:
    """Whichever of its bytes come, and when: done by the first that is in time, or refused for
    good by the first that is not.
    """
    six = Six(SIX[:4])
    first, seen = "", set[str]()
    for number, (away, later) in enumerate(tries):
        wish = named(six, "x", max(0, six.now + later + away))
        seen.add(wish.id)
        size = len(six.leaves())
        (result,) = six.put(wish, later=later)
        if number == 0:
            first = code(result)
            late, far = away < 0, away > LONGEST
            assert first == ("act.too_late" if late else "act.end_too_far" if far else "")
            assert result.new
        else:
            assert code(result) == ("act.refused_before" if first else "")
            assert not result.new
            assert len(six.leaves()) == size
    assert len(seen) == 1
    with six.state() as state:
        assert state.has("member", "x") is (not first)
