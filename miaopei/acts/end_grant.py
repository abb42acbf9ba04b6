"""`end_grant`: a holder takes a grant back; from this block on nobody reads under it.

Body: {grantee, role, purpose}.
"""

from __future__ import annotations

from .base import Moment, Outcome, fields, refuse
from .consents import HOLDERS, grant_key
from .envelope import Act
from .state import State

KIND = "end_grant"
ROLES = HOLDERS


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused where the sender has given none, and for one that has ended."""
    grantee, role, purpose = fields(act.body, grantee=str, role=str, purpose=str)
    key = grant_key(act.by, grantee, role, purpose)
    said = state.get("grant", key)
    if said is None or said["ended"] is not None:
        raise refuse("grant.nothing_to_end", grantee=grantee[:60], role=role[:60])
    state.put("grant", key, {**said, "ended": now.time})
    return Outcome()
