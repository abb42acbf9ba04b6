"""`show_difference`: what one side of a difference makes of the first policy that differs.

Body: {difference, policy, position, trace: blob reference}. The trace, sealed for the book's group,
is the claim as this decider decided it and every step of the exact reading that led to it. The one
who differs and the one whom others equal each show their own, once.
Source: docs/specs/consortium.md, section 10.
"""

from __future__ import annotations

from .base import Moment, Outcome, fields, known, refuse
from .blobs import TRACE, check_reference
from .envelope import Act
from .state import State

KIND = "show_difference"
ROLES = frozenset({"decider"})


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused for a difference not known, for others than its two sides, and a second time."""
    id, policy, position, trace = fields(
        act.body, difference=str, policy=str, position=int, trace=dict
    )
    value = known(state, "difference", id, "act.difference_not_known")
    if act.by not in (value["member"], value["against"]):
        raise refuse("act.not_a_side", by=act.by, one=value["member"], other=value["against"])
    if act.by in value["shown"]:
        raise refuse("act.shown_before", by=act.by, difference=id)
    if not policy or position < 0:
        raise refuse("act.bad_body", field="position", why="a policy and its place are needed")
    check_reference(trace, TRACE)
    shown = {"act": act.id, "policy": policy, "position": position, "trace": trace}
    state.put("difference", id, {**value, "shown": {**value["shown"], act.by: shown}})
    return Outcome()
