"""Rounds: what deciders have said of an open trigger, in which round, and who counts.

A round begins when its trigger comes to its turn. Each decider has one word in it; a second,
different one is a fault on the record. Rule set 1 and listings of one decider know no rounds.
Source: docs/specs/consortium.md, section 10.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..claims.case import words_at
from ..market.listing import MOST, TIMES
from ..measures.identity import content_id
from .base import Made, Moment, Outcome, clock_key, has_role, refuse, ripe_in
from .envelope import Act
from .state import State

SINCE = 2  # the rule set that brought rounds
BOUNDED_SINCE = 4  # the rule set from which on the times of a listing are bounded
HELD = "held_deciders"
DECIDE_SECONDS = 600  # how long the carrier is waited for, where the listing names no time
HOLD_SECONDS = 3_600  # how long after that the others are
OPEN, ENDED, WAITING, SETTLED = "open", "ended", "waiting", "settled"
Word = dict[str, Any]


def in_rounds(trigger: Mapping[str, Any], listing: Mapping[str, Any]) -> bool:
    """Whether a trigger is decided in rounds: several decide, and its own rules know of them."""
    return bool(trigger["rules"] >= SINCE and not listing["solo"])


def number_in(body: Mapping[str, Any], *, several: bool) -> int:
    """Which round a word is said in: the first stands in no body.

    Errors   Refused act.bad_body.
    """
    if "round" not in body:
        return 1
    if not several or type(body["round"]) is not int or body["round"] < 2:
        raise refuse("act.bad_body", field="round", why="not known, or not 2 or more")
    return int(body["round"])


def begin(state: State, trigger_id: str, trigger: Mapping[str, Any], now: Moment) -> None:
    """The trigger has come to its turn: its first round, or the one that waited for it."""
    listing = state.need("listing", trigger["listing"])["listing"]
    if not in_rounds(trigger, listing):
        return
    before = state.get("round", trigger_id)
    decide = listing.get("decide_seconds") or DECIDE_SECONDS
    hold = listing.get("hold_seconds") or HOLD_SECONDS
    if now.rules >= BOUNDED_SINCE:  # older listings may name more
        decide, hold = (min(s, MOST[n]) for s, n in zip((decide, hold), TIMES[1:], strict=True))
    deadline = now.time + decide
    end = deadline + hold
    value = {
        "number": 1 if before is None else before["number"],
        "state": OPEN,
        "deadline": deadline,
        "end": end,
        "carrier": carrier_of(state, listing),
    }
    state.put("round", trigger_id, value)
    for time in (deadline, end):
        state.put("round_due", clock_key(time, trigger_id), trigger_id)


def carrier_of(state: State, listing: Mapping[str, Any]) -> str | None:
    """The decider that is waited for until the deadline: the first that is a carrier."""
    for member in listing["deciders"]:
        if has_role(state, member, ["carrier"]):
            return str(member)
    return None


def due(state: State, now: Moment) -> Iterator[str]:
    """Open rounds of which a deadline has come by the block's time; each is told once."""
    for key, trigger_id in ripe_in(state, "round_due", now.time):
        state.delete("round_due", key)
        found = state.need("round", trigger_id)
        if found["state"] == OPEN and found["deadline"] <= now.time:
            yield trigger_id


def words(state: State, trigger_id: str, counter: int, number: int) -> dict[str, Word]:
    """Member -> its word in a round, in byte order of the members."""
    found = state.range("decision", words_at(trigger_id, counter, number))
    return {key.rpartition("/")[2]: word for key, word in found}


def place_of(
    state: State, act: Act, trigger_id: str, trigger: Mapping[str, Any], counter: int, number: int
) -> bool:
    """Whether a word comes after the settlement, when it is only compared with it.

    Errors   Refused for a round that is not open, a counter that moved, a decider that has not
             signed for every batch that the trigger's place in the book includes.
    """
    book = state.need("book", trigger["book"])
    found = state.get("round", trigger_id)
    late = found is not None and found["state"] == SETTLED and found["counter"] == counter
    if not late and book["open"] != trigger_id:
        raise refuse("act.trigger_not_open", trigger=trigger_id, open=book["open"])
    number_now = state.need("round", trigger_id)["number"]
    if number_now != number:
        raise refuse("act.round_not_open", round=number_now, stated=number)
    if not late and counter != book["counter"]:
        raise refuse("act.counter_moved", counter=book["counter"], stated=counter)
    held = held_upto(state, trigger["book"], act.by)
    if held < trigger["book_size"]:
        raise refuse("act.batches_not_held", by=act.by, held=held, size=trigger["book_size"])
    return bool(late)


def placed(
    state: State,
    act: Act,
    trigger_id: str,
    trigger: Mapping[str, Any],
    listing: Mapping[str, Any],
    revision: int,
    counter: int,
) -> tuple[bool, int, bool]:
    """Whether a trigger is decided in rounds, in which one a word is said, and whether late.

    Errors   Refused act.bad_body, act.trigger_not_open, act.counter_moved, and as `place_of`.
    """
    several, book = in_rounds(trigger, listing), state.need("book", trigger["book"])
    number = number_in(act.body, several=several)
    if revision != trigger["revision"] or (book["open"] != trigger_id and not several):
        raise refuse("act.trigger_not_open", trigger=trigger_id, open=book["open"])
    late = several and place_of(state, act, trigger_id, trigger, counter, number)
    if not several and counter != book["counter"]:
        raise refuse("act.counter_moved", counter=book["counter"], stated=counter)
    return several, number, late


def say(
    state: State,
    outcome: Outcome,
    act: Act,
    trigger_id: str,
    counter: int,
    number: int,
    word: Word,
) -> bool:
    """Write a decider's word down; False where it is a second, different one, and so a fault.

    Errors   Refused act.decided_before for the same word again, and after a fault.
    """
    key = words_at(trigger_id, counter, number) + act.by
    before = state.get("decision", key)
    if before is None:
        state.put("decision", key, {"act": act.id, **word})
        return True
    if before["same"] == word["same"] or state.has("fault", key):
        raise refuse("act.decided_before", by=act.by, trigger=trigger_id)
    value = {
        "v": 1,
        "fault": "second_word",
        "by": act.by,
        "trigger": trigger_id,
        "counter": counter,
        "round": number,
        "first": before["act"],
        "second": act.id,
    }
    state.put("fault", key, value)
    because = (before["act"], act.id)
    outcome.made.append(Made("fault", content_id("fault", value), value, because))
    return False


def differ(
    state: State,
    outcome: Outcome,
    trigger_id: str,
    counter: int,
    number: int,
    against: str,
    members: list[str],
    settlement: str | None,
) -> None:
    """Name who has decided otherwise than `against`, on the record, with both acts."""
    said = words(state, trigger_id, counter, number)
    for member in members:
        value = {
            "v": 1,
            "trigger": trigger_id,
            "counter": counter,
            "round": number,
            "member": member,
            "against": against,
            "settlement": settlement,
        }
        id = content_id("difference", value)
        because = (said[member]["act"], said[against]["act"])
        outcome.made.append(Made("difference", id, value, because))
        state.put("difference", id, {**value, "shown": {}})


def held_upto(state: State, book: str, member: str) -> int:
    """Up to which size of the book a decider has signed for every batch in force."""
    size = int(state.get("holding", f"{book}/{member}") or 0)
    for _, batch_id in state.between("in_force", f"{book}/{size:012d}", f"{book}/\x7f"):
        batch = state.need("batch", batch_id)
        if batch["statements"].get(member) != agreed(batch):
            break
        size = batch["first"] + batch["rows"]["count"]
    return size


def agreed(batch: Mapping[str, Any]) -> dict[str, Any]:
    """The statement that put a batch in force: of those of its size, the one most often made."""
    size = batch["first"] + batch["rows"]["count"]
    fit = [said for said in batch["statements"].values() if said["size"] == size]
    return max(fit, key=fit.count)
