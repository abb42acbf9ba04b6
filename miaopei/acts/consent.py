"""`consent`: a person has said that a member may use data of theirs, for what, and until when.

Body: {subject, scope, purpose, grantee, since, until, document}. `subject` is a token, never a
name; `document` the salted commitment of what they signed, or null. A later consent for the same
purpose and grantee takes the place of an earlier one. Source: docs/specs/persons.md, section 3.
"""

from __future__ import annotations

from .base import Moment, Outcome, check_id, fields, known, refuse
from .blobs import is_digest
from .consents import HOLDERS, check_not_erased, check_scope, check_span, check_subject, consent_key
from .envelope import Act
from .state import State

KIND = "consent"
ROLES = HOLDERS


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused for one who is no member, a person who was erased, and a time that is over."""
    subject, scope, purpose, grantee, since, until, document = fields(
        act.body,
        subject=str,
        scope=list,
        purpose=str,
        grantee=str,
        since=int,
        until=int,
        document=(str, type(None)),
    )
    check_subject(subject)
    check_scope(scope)
    check_id("purpose", purpose)
    known(state, "member", grantee, "act.member_unknown_named")
    check_span(since, until, now.time)
    if document is not None and not is_digest(document):
        raise refuse("act.bad_body", field="document", why="needs a digest of 64 hex digits")
    check_not_erased(state, subject)
    said = {"scope": scope, "since": since, "until": until, "document": document}
    said |= {"by": act.by, "act": act.id, "revoked": None}
    state.put("consent", consent_key(subject, purpose, grantee), said)
    return Outcome()
