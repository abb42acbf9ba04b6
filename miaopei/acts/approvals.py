"""Approvals: what more than two thirds of the votes must want, each saying so by an act of its own.

Members that have a seat with a vote send acts with the same body; the one that brings enough votes
together has the effect, in its own block. Votes count as the seats stand at that moment. What is
wanted stands until its end, of which the body speaks, and is done once.
Source: docs/specs/consortium.md, section 13.
"""

from __future__ import annotations

from typing import Any

from ..measures.identity import content_id
from ..measures.instant import DAY
from .base import Moment, refuse
from .envelope import Act
from .seats import TABLE as SEAT
from .seats import weight
from .state import State

TABLE = "approval"
LONGEST = 90 * DAY  # seconds that something may wait for approvals


def check_until(until: int, now: Moment) -> None:
    """Errors   Refused act.approval_until for an end that has passed or is too far away."""
    if not now.time < until <= now.time + LONGEST:
        raise refuse("act.approval_until", until=until, now=now.time, limit=LONGEST)


def check_vote(state: State, member: str) -> None:
    """Errors   Refused act.no_vote for who has no seat, or one that reads along."""
    if not (state.get(SEAT, member) or {"power": 0})["power"]:
        raise refuse("act.no_vote", by=member)


def name_of(kind: str, body: dict[str, Any]) -> str:
    """Where it stands who has wanted something."""
    return content_id("approval", {"kind": kind, "body": body})


def approve(state: State, act: Act, now: Moment) -> tuple[str, ...]:
    """Note that a member wants what this body says; where that is enough, the acts that said so.

    Errors   Refused act.no_vote, act.approved_before (by this member), act.approval_done.
    """
    check_vote(state, act.by)
    key = name_of(act.kind, act.body)
    value: dict[str, Any] = state.get(TABLE, key) or {
        "kind": act.kind,
        "body": act.body,
        "by": {},
        "done": None,
    }
    if value["done"] is not None:
        raise refuse("act.approval_done", height=value["done"])
    if act.by in value["by"]:
        raise refuse("act.approved_before", by=act.by)
    value["by"][act.by] = act.id
    votes, total = weight(state, value["by"])
    enough = 3 * votes > 2 * total
    state.put(TABLE, key, {**value, "done": now.height if enough else None})
    return tuple(value["by"].values()) if enough else ()
