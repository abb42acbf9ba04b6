"""`erase`: a person is forgotten: every holder destroys the keys of what it has of them.

Body: {subject, kept_until, reason}. `kept_until` is the last date to which the sender's own rows
bind it (0 where none does); what others must keep they have said by `retain`. Nothing is taken
before the last of these. The record itself stays as it is. Source: docs/specs/persons.md,
section 5.
"""

from __future__ import annotations

from ..measures.instant import utc_text
from .base import Moment, Outcome, check_id, fields, refuse
from .consents import HOLDERS, check_not_erased, check_subject
from .envelope import Act
from .retain import FOR_EVER
from .state import State

KIND = "erase"
ROLES = HOLDERS | {"regulator"}


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused before everything that must be kept may go, with who keeps it and until when."""
    subject, kept_until, reason = fields(act.body, subject=str, kept_until=int, reason=str)
    check_subject(subject)
    check_id("reason", reason)
    if not 0 <= kept_until < FOR_EVER:
        raise refuse("act.bad_body", field="kept_until", why="is no time")
    check_not_erased(state, subject)
    bound = [(kept_until, act.by, "own_rows")]
    bound += [
        (said["until"], key.removeprefix(f"{subject}/"), said["ground"])
        for key, said in state.range("retained", f"{subject}/")
    ]
    until, who, ground = max(bound)
    if now.time < until:
        raise refuse(
            "persons.retained", person=subject, until=utc_text(until), who=who, ground=ground
        )
    state.put("erased", subject, {"at": now.time, "by": act.by, "reason": reason, "act": act.id})
    return Outcome()
