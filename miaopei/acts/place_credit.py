"""`place_credit`: a person says what an unmatched credit was meant for.

Body: {credit, reference, reason, person}. It counts as if it had named that reference when it came.
"""

from __future__ import annotations

from .base import Moment, Outcome, fields, known, refuse
from .envelope import Act
from .record_credit import place
from .state import State

KIND = "place_credit"
ROLES = frozenset({"operator", "carrier"})


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused for a credit that was used, and a reference that is not of its carrier."""
    key, reference, reason, person = fields(
        act.body, credit=str, reference=str, reason=str, person=str
    )
    arrived = dict(known(state, "credit", key, "act.credit_not_known"))
    if arrived["used"] != "unmatched":
        raise refuse("act.credit_used", id=key, used=arrived["used"])
    if not reason.strip() or not person.strip():
        raise refuse("act.bad_body", field="reason", why="needs a reason and a person")
    arrived["placed"] = {"person": person, "reason": reason, "act": act.id, "at": now.time}
    outcome = Outcome()
    if not place(state, outcome, now, key, arrived, reference):
        raise refuse("act.reference_not_known", reference=reference[:40])
    return outcome
