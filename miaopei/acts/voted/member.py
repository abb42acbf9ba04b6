"""`admit_member` from rule set 4 on: where members have seats, some roles need more than one word.

Body and effect are those of `admit_member`. Who would hold one of `HELD_BY_VOTES` could bind or
judge the others, or speak for a bank: more than two thirds of the votes must want it. Whoever else
is named by one operator, since it binds nobody, as is who has no key, since it can say nothing. A
record without seats goes on as before.

From rule set 5 on an id about which votes are asked is for votes alone to give, while that waits:
else one operator that reads the waiting wish names somebody else so, and the newcomer is shut out.
A member's word keeps an id so for 90 days, and its next only 90 days after: else one vote, asking
again and again, could keep an id from what one operator may name, for ever.
Source: docs/specs/consortium.md, section 13.
"""

from __future__ import annotations

from typing import Any

from .. import admit_member, approvals
from ..base import KNOWN_ROLES, Moment, Outcome
from ..envelope import Act
from ..seats import seated
from ..state import State

KIND = admit_member.KIND
ROLES = KNOWN_ROLES  # whoever has a vote, and else an operator: see below
RESERVED = "reserved"  # id -> by whose word, and since when (UTC seconds), only votes give it
KEEPS = approvals.LONGEST  # seconds that the word of one member keeps an id for votes
PACE = 2 * KEEPS  # seconds from one such word of a member to its next
HELD_BY_VOTES = frozenset({"operator", "regulator", "gateway", "bank"})


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused as `admit_member`, and for who has no vote where votes are asked."""
    if not seated(state):
        approvals.check_role(state, act, admit_member.ROLES)
        return admit_member.apply(state, act, now)
    value = admit_member.checked(state, act.body)
    if not by_votes(state, value, now):
        approvals.check_role(state, act, admit_member.ROLES)
        because, outcome = [act.id], Outcome()
    else:
        because, outcome = approvals.approve_anew(state, act, now)
        if now.rules >= approvals.RESERVED_SINCE and not because and _weighs(value):
            _reserve(state, value["id"], act.by, now)
    if because:
        admit_member.put(state, value)
    return outcome


def by_votes(state: State, value: dict[str, Any], now: Moment) -> bool:
    """Whether a record whose members have seats has this member named by votes, and by no operator
    alone.
    """
    reserved = now.rules >= approvals.RESERVED_SINCE and _reserved(state, value["id"], now)
    return reserved or _weighs(value)


def _weighs(value: dict[str, Any]) -> bool:
    return bool(value["keys"]) and not HELD_BY_VOTES.isdisjoint(value["roles"])


def _reserved(state: State, member: str, now: Moment) -> bool:
    """Whether an id waits for votes."""
    kept: dict[str, int] = state.get(RESERVED, member) or {}
    return any(now.time < since + KEEPS for since in kept.values())


def _reserve(state: State, member: str, by: str, now: Moment) -> None:
    """An id is for votes from now on, where it was not by this member's word of late."""
    kept: dict[str, int] = state.get(RESERVED, member) or {}
    recent = {name: since for name, since in kept.items() if now.time < since + PACE}
    if by not in recent:
        state.put(RESERVED, member, {**recent, by: now.time})
