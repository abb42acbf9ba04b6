"""`admit_member` from rule set 4 on: where members have seats, some roles need more than one word.

Body and effect are those of `admit_member`. Who would hold one of `HELD_BY_VOTES` could bind or
judge the others, or speak for a bank: more than two thirds of the votes must want it. Whoever else
is named by one operator, since it binds nobody, as is who has no key, since it can say nothing. A
record without seats goes on as before.

From rule set 5 on an id about which votes are asked is for votes alone to give, while that waits:
else one operator that reads the waiting wish names somebody else so, and the newcomer is shut out.
Source: docs/specs/consortium.md, section 13.
"""

from __future__ import annotations

from . import admit_member, approvals
from .base import Moment, Outcome
from .envelope import Act
from .state import State

KIND = admit_member.KIND
ROLES = admit_member.KNOWN_ROLES  # whoever has a vote, and else an operator: see below
RESERVED = "reserved"  # id -> until when (UTC seconds) only votes give it
HELD_BY_VOTES = frozenset({"operator", "regulator", "gateway", "bank"})


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused as `admit_member`, and for who has no vote where votes are asked."""
    if not approvals.seated(state):
        approvals.check_role(state, act, admit_member.ROLES)
        return admit_member.apply(state, act, now)
    value = admit_member.checked(state, act.body)
    reserved = now.rules >= approvals.RESERVED_SINCE and _reserved(state, value["id"], now)
    if not reserved and (not value["keys"] or not HELD_BY_VOTES & set(value["roles"])):
        approvals.check_role(state, act, admit_member.ROLES)
        because, outcome = [act.id], Outcome()
    else:
        because, outcome = approvals.approve_anew(state, act, now)
        if now.rules >= approvals.RESERVED_SINCE and not because:
            state.put(RESERVED, value["id"], {"until": now.time + approvals.LONGEST})
    if because:
        admit_member.put(state, value)
    return outcome


def _reserved(state: State, member: str, now: Moment) -> bool:
    """Whether an id waits for votes."""
    kept: dict[str, int] | None = state.get(RESERVED, member)
    return kept is not None and now.time < kept["until"]
