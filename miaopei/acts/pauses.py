"""Pauses: a listing of which nothing more is sold for a while, by the word of two members.

A pause stops new policies and changes that would widen or lengthen cover. It stops nothing that is
in force: facts are recorded, triggers made, decided and paid as ever. In a record without seats one
operator is enough, since there is no second. Source: docs/specs/consortium.md, section 13.
"""

from __future__ import annotations

from typing import Any

from ..measures.instant import DAY
from . import seats
from .approvals import check_role
from .base import Moment, Outcome, fields, known, refuse
from .envelope import Act
from .state import State

TABLE = "pause"
NEEDED = 2  # members
WAITS = 7 * DAY  # seconds that one member's word waits for the second
SEATED = 4  # from this rule set on the word of who has lost its seat meanwhile counts no more


def say(state: State, act: Act, now: Moment, *, paused: bool) -> Outcome:
    """Note a member's word for a pause, or for its end; with the second it is so.

    Errors   Refused act.listing_not_known, act.no_seat, act.pause_is_so, act.approved_before.
    """
    listing, reason, person = fields(act.body, listing=str, reason=str, person=str)
    known(state, "listing", listing, "act.listing_not_known")
    if not reason.strip() or not person.strip() or len(reason) + len(person) > 400:
        raise refuse("act.bad_body", field="person", why="a name and a reason are needed")
    needed = _needed(state, act)
    sit = {member for member, _ in seats.seats(state)} or {act.by}
    value: dict[str, Any] = state.get(TABLE, listing) or {"paused": False, "since": None, "by": {}}
    if value["paused"] is paused:
        raise refuse("act.pause_is_so", listing=listing, paused=int(paused))
    waiting = {
        member: word
        for member, word in (value.get("waiting") or {}).items()
        if now.time < word["at"] + WAITS and (now.rules < SEATED or member in sit)
    }
    if act.by in waiting:
        raise refuse("act.approved_before", by=act.by)
    word = {"act": act.id, "at": now.time, "reason": reason, "person": person}
    waiting[act.by] = word
    if len(waiting) < needed:
        state.put(TABLE, listing, {**value, "waiting": waiting})
    else:
        state.put(TABLE, listing, {"paused": paused, "since": now.time, "by": waiting})
    return Outcome()


def _needed(state: State, act: Act) -> int:
    if not seats.seated(state):
        check_role(state, act, ["operator"])
        return 1
    if not state.has(seats.TABLE, act.by):
        raise refuse("act.no_seat", id=act.by)
    return NEEDED


def paused_since(state: State, listing: str) -> int | None:
    """Since when (UTC seconds) nothing more is sold of a listing; None where it is."""
    value = state.get(TABLE, listing)
    return int(value["since"]) if value is not None and value["paused"] else None


def check_open(state: State, listing: str) -> None:
    """Errors   Refused act.listing_paused."""
    if (since := paused_since(state, listing)) is not None:
        raise refuse("act.listing_paused", listing=listing, since=since)
