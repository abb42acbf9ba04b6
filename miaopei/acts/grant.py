"""`grant`: a holder of personal data lets people of a role at a member use them for a purpose.

Body: {grantee, role, purpose, scope, until}. The holder is who sends the act; the grantee may be
itself. Each use under it is logged (`log_uses`). Source: docs/specs/persons.md, section 3.
"""

from __future__ import annotations

from .base import Moment, Outcome, check_id, fields, known
from .consents import HOLDERS, check_scope, check_span, grant_key
from .envelope import Act
from .state import State

KIND = "grant"
ROLES = HOLDERS


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused for one who is no member, and a time that is over."""
    grantee, role, purpose, scope, until = fields(
        act.body, grantee=str, role=str, purpose=str, scope=list, until=int
    )
    known(state, "member", grantee, "act.member_unknown_named")
    check_id("role", role)
    check_id("purpose", purpose)
    check_scope(scope)
    check_span(0, until, now.time)
    said = {"scope": scope, "until": until, "since": now.time, "act": act.id, "ended": None}
    state.put("grant", grant_key(act.by, grantee, role, purpose), said)
    return Outcome()
