"""`unseat_member`: a member loses its seat: its vote, its wires and the blobs that come over them.

Body: {member, reason, until}. Done when members with more than two thirds of the votes have sent
the same body before `until`; its own counts like any other. What it is on the record, a decider or
payer of listings with its own keys, it stays. Source: docs/specs/consortium.md, section 13.
"""

from __future__ import annotations

from . import approvals, seats
from .base import KNOWN_ROLES, Moment, Outcome, fields, known, refuse
from .envelope import Act
from .state import State

KIND = "unseat_member"
ROLES = KNOWN_ROLES  # whoever has a vote


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused for who has no vote, a member without a seat, and an end that has passed."""
    member, reason, until = fields(act.body, member=str, reason=str, until=int)
    known(state, seats.TABLE, member, "act.no_seat")
    if not 0 < len(reason.strip()) <= 200:
        raise refuse("act.bad_body", field="reason", why="a reason of at most 200 characters")
    seats.check_votes(state, member, 0)
    approvals.check_until(until, now)
    because = approvals.approve(state, act, now)
    return seats.change(state, now, member, None, because) if because else Outcome()
