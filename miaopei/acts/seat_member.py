"""`seat_member`: a member takes a seat, or its seat is changed: its weight, or its keys.

Body: {member, power, engine, node, peer, log, box, until}. Done when members with more than two
thirds of the votes have sent the same body before `until`. Power 0 reads along without a vote.
Source: docs/specs/consortium.md, section 13.
"""

from __future__ import annotations

from . import approvals, seats
from .base import KNOWN_ROLES, Moment, Outcome, fields
from .envelope import Act
from .state import State

KIND = "seat_member"
ROLES = KNOWN_ROLES  # whoever has a vote


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused for who has no vote, a seat that cannot be, and an end that has passed."""
    (until, *_) = fields(
        act.body, until=int, member=str, power=int, **dict.fromkeys(seats.KEYS, str)
    )
    approvals.check_until(until, now)
    value = {name: given for name, given in act.body.items() if name != "until"}
    seats.check(state, value, now.rules)
    seats.check_votes(state, value["member"], value["power"])
    because = approvals.approve(state, act, now)
    return seats.change(state, now, value["member"], value, because) if because else Outcome()
