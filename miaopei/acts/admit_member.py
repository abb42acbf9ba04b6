"""`admit_member`: a member or participant, its operator, roles and keys.

Body: {id, name {zh, en}, operator, roles [..], keys [{key, since, until}]}. A participant without
keys (a carrier in solo, a policyholder) is named on the record and cannot send acts.
"""

from __future__ import annotations

from typing import Any

from ..market.participant import Role
from .base import Moment, Outcome, fields, refuse
from .envelope import Act
from .state import State

KIND = "admit_member"
ROLES = frozenset({"operator"})
ACTING = frozenset({"operator", "clock", "gateway", "decider", "payer", "channel"})
KNOWN_ROLES = ACTING | {str(role) for role in Role}


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused for an id that is taken, roles not known, keys not of 64 hex digits."""
    put_member(state, act.body)
    return Outcome()


def put_member(state: State, body: dict[str, Any]) -> None:
    """Check and write one member; genesis does the same."""
    member, name, operator, roles, keys = fields(
        body, id=str, name=dict, operator=str, roles=list, keys=list
    )
    if state.has("member", member):
        raise refuse("act.member_taken", id=member)
    if set(name) != {"zh", "en"} or not member:
        raise refuse("act.bad_body", field="name", why="needs zh and en")
    if unknown := sorted(set(roles) - KNOWN_ROLES):
        raise refuse("act.role_unknown", role=unknown[0])
    for key in keys:
        if set(key) != {"key", "since", "until"} or len(key["key"]) != 64:
            raise refuse(
                "act.bad_body", field="keys", why="needs key of 64 hex digits, since, until"
            )
    state.put(
        "member",
        member,
        {"id": member, "name": name, "operator": operator, "roles": sorted(roles), "keys": keys},
    )
