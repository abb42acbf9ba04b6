"""`admit_member`: a member or participant, its operator, roles and keys.

Body: {id, name {zh, en}, operator, roles [..], keys [{key, since, until}]}. A participant without
keys (a carrier in solo, a policyholder) is named on the record and cannot send acts.
"""

from __future__ import annotations

from typing import Any

from ..market.participant import Role
from ..measures import suites
from .base import (
    KNOWN_ROLES,
    Moment,
    Outcome,
    check_id,
    check_points,
    check_public,
    fields,
    refuse,
)
from .envelope import Act
from .state import State

KIND = "admit_member"
ROLES = frozenset({"operator"})


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused for an id that is taken, roles not known, keys of no or another suite."""
    put_member(state, act.body)
    check_points("keys", act.body["keys"], now.rules)
    return Outcome()


def put_member(state: State, body: dict[str, Any]) -> None:
    """Check and write one member; genesis does the same."""
    put(state, checked(state, body))


def put(state: State, value: dict[str, Any]) -> None:
    """Write one member that was checked."""
    state.put("member", value["id"], value)


def checked(state: State, body: dict[str, Any]) -> dict[str, Any]:
    """A member as it stands on the record.

    Errors   as `apply`.
    """
    member, name, operator, roles, keys = fields(
        body, id=str, name=dict, operator=str, roles=list, keys=list
    )
    check_id("id", member)
    if state.has("member", member):
        raise refuse("act.member_taken", id=member)
    if set(name) != {"zh", "en"} or not all(type(text) is str and text for text in name.values()):
        raise refuse("act.bad_body", field="name", why="needs zh and en")
    for role in roles:
        if type(role) is not str or role not in KNOWN_ROLES:
            raise refuse("act.role_unknown", role=str(role)[:40])
    for key in keys:
        _check_key(key, foreign=Role.BANK in roles)
    roles = sorted(roles)
    return {"id": member, "name": name, "operator": operator, "roles": roles, "keys": keys}


def _check_key(value: Any, *, foreign: bool) -> None:
    """A bank signs its own messages, by its own suite: its keys may be of any."""
    if not isinstance(value, dict):
        raise refuse("act.bad_body", field="keys", why="an item is no object")
    key, since, until = fields(value, key=str, since=int, until=(int, type(None)))
    if not foreign or suites.of_public(key) is None:
        check_public("keys", key)
    if until is not None and until <= since:
        raise refuse("act.bad_body", field="keys", why="ends before it starts")
