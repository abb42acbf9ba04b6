"""`resolve`: a person decides what a held case could not: the role of an epicentre, a conflict.

Body: {listing, occurrence, input, value, reason, person}. The value stands in place of the finding
and is named wherever the case is explained.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..evidence.findings import resolved_as
from ..evidence.shocks import each_decides
from .base import Moment, Outcome, fields, known, refuse
from .cases import reassess
from .envelope import Act
from .on_file import OnFile
from .state import State

KIND = "resolve"
ROLES = frozenset({"operator", "regulator"})


def held_in(case: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What a case holds for a person: its own facts, then those of other shocks still open."""
    parts = [case, *case.get("open", ())]
    held = [part["facts"].get("held") for part in parts if part["state"].startswith("held_")]
    return [each for each in held if each]


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused where no case of this listing and occurrence is held."""
    listing, occurrence, name, value, reason, person = fields(
        act.body, listing=str, occurrence=str, input=str, value=int, reason=str, person=str
    )
    known(state, "listing", listing, "act.listing_not_known")
    cases = [c for _, c in state.range("case", f"{listing}/{occurrence}/")]
    held = [of for case in cases for of in held_in(case) if of.get("input") == name]
    if not held:
        raise refuse("act.nothing_held", listing=listing, occurrence=occurrence, input=name)
    if not reason.strip() or not person.strip():
        raise refuse("act.bad_body", field="person", why="a name and a reason are needed")
    rule = state.need("listing", listing)["rule"]
    each = each_decides(state.need("rule", f"{rule}/{listing}"))
    state.put(
        "resolution",
        f"{listing}/{occurrence}/{resolved_as(name, held[0]) if each else name}",
        {"value": value, "reason": reason, "person": person, "by": act.by, "act": act.id},
    )
    outcome = Outcome()
    reassess(OnFile(state), outcome, listing, cases[0]["at"], now)
    return outcome
