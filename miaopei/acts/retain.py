"""`retain`: a member must keep what it holds of a person until a time, by an open claim or by law.

Body: {subject, until, ground}. Until then no erasure of the person is taken. The last word of a
member counts; `until` of 0 takes it back. From rule set 4 on, where members have seats, it may also
be said after an erasure: the sender has not destroyed anything yet, and another's word stops it
from keeping nothing. Source: docs/specs/persons.md, section 5.
"""

from __future__ import annotations

from .base import Moment, Outcome, check_id, fields, refuse
from .consents import HOLDERS, check_not_erased, check_subject
from .envelope import Act
from .seats import seated
from .state import State

KIND = "retain"
ROLES = HOLDERS | {"decider", "regulator"}
STAYS_OPEN_SINCE = 4  # the rule set from which one member's erasure ends no other's retention
FOR_EVER = 10**11  # later than any date that a contract names


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused for a person who was erased (see above), and a time that no contract names."""
    subject, until, ground = fields(act.body, subject=str, until=int, ground=str)
    check_subject(subject)
    check_id("ground", ground)
    if not 0 <= until < FOR_EVER:
        raise refuse("act.bad_body", field="until", why="is no time")
    if now.rules < STAYS_OPEN_SINCE or not seated(state):
        check_not_erased(state, subject)
    key = f"{subject}/{act.by}"
    if until:
        state.put("retained", key, {"until": until, "ground": ground, "act": act.id})
    else:
        state.delete("retained", key)
    return Outcome()
