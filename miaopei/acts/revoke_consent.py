"""`revoke_consent`: a person takes a consent back; from this block on it counts no more.

Body: {subject, purpose, grantee}. Whoever hears of it may say so: taking back is as easy as giving.
"""

from __future__ import annotations

from .base import Moment, Outcome, fields, refuse
from .consents import HOLDERS, check_subject, consent_key
from .envelope import Act
from .state import State

KIND = "revoke_consent"
ROLES = HOLDERS


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused where there is none, and for one that was taken back before."""
    subject, purpose, grantee = fields(act.body, subject=str, purpose=str, grantee=str)
    check_subject(subject)
    key = consent_key(subject, purpose, grantee)
    said = state.get("consent", key)
    if said is None or said["revoked"] is not None:
        raise refuse("consent.nothing_to_revoke", purpose=purpose[:60], grantee=grantee[:60])
    state.put("consent", key, {**said, "revoked": now.time})
    return Outcome()
