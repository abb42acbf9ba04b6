"""`resolve`: a person decides what a held case could not: the role of an epicentre, a conflict.

Body: {listing, occurrence, input, value, reason, person}. The value stands in place of the finding
and is named wherever the case is explained.
"""

from __future__ import annotations

from .base import Moment, Outcome, fields, known, refuse
from .cases import reassess
from .envelope import Act
from .state import State

KIND = "resolve"
ROLES = frozenset({"operator", "regulator"})


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused where no case of this listing and occurrence is held."""
    listing, occurrence, name, value, reason, person = fields(
        act.body, listing=str, occurrence=str, input=str, value=int, reason=str, person=str
    )
    known(state, "listing", listing, "act.listing_not_known")
    cases = [c for _, c in state.range("case", f"{listing}/{occurrence}/")]
    held = [case for case in cases if case["state"].startswith("held_")]
    if not any(case["facts"].get("held", {}).get("input") == name for case in held):
        raise refuse("act.nothing_held", listing=listing, occurrence=occurrence, input=name)
    if not reason.strip() or not person.strip():
        raise refuse("act.bad_body", field="person", why="a name and a reason are needed")
    state.put(
        "resolution",
        f"{listing}/{occurrence}/{name}",
        {"value": value, "reason": reason, "person": person, "by": act.by, "act": act.id},
    )
    outcome = Outcome()
    reassess(state, outcome, listing, cases[0]["at"], now)
    return outcome
