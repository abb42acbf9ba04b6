"""`release`: a person decides what a held claim of one policy is to be paid.

Body: {settlement, listing, occurrence, benefit, shock, policy, how, reason, person}. `shock` is the
one that the settlement decided where every shock decides, else empty. `how` is `reserved` (the
amount kept for it, of the version that gives more), `other` (that of the other version), or
`nothing`. A further revision of the case is made, decided and settled as any other, so that the
money moves by the same law and what was reserved in cap and `spent` is given back.
Source: docs/specs/record.md, section 7.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..claims.case import case_key
from ..claims.sequence import WHOLE
from .base import Moment, Outcome, fields, known, refuse
from .cases import reassess
from .envelope import Act
from .on_file import OnFile
from .state import State

KIND = "release"
ROLES = frozenset({"operator", "regulator"})
HOW = ("reserved", "other", "nothing")


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused where the last settlement of the shock holds no claim, and for one word twice."""
    names = ("settlement", "listing", "occurrence", "benefit", "shock", "policy", "how")
    *given, reason, person = fields(act.body, **dict.fromkeys((*names, "reason", "person"), str))
    settlement, listing, occurrence, benefit, shock, policy, how = given
    entry = known(state, "settlement", settlement, "act.settlement_not_known")["settlement"]
    key = f"{listing}/{occurrence}/{benefit}"
    spoken = case_of(state, entry["trigger"])
    if how not in HOW:
        raise refuse("act.bad_body", field="how", why=f"is none of {', '.join(HOW)}")
    if not reason.strip() or not person.strip() or not policy:
        raise refuse("act.bad_body", field="person", why="a name, a reason and a policy are needed")
    if spoken is None:
        last = state.need("case", key_of(state, entry["trigger"]))["settlement"]
        raise refuse("act.not_the_last_settlement", settlement=settlement, last=last)
    if spoken != (key, shock):
        raise refuse("act.bad_body", field="settlement", why="is not of this case and shock")
    rows = [said for _, said in state.range("release", f"{key}/")]
    before = [r for r in rows if (r["policy"], r["shock"]) == (policy, shock)]
    if before and before[-1]["how"] == how:
        raise refuse("act.released_before", policy=policy[:60], how=how)
    if not before and not entry["totals"]["held"]:
        raise refuse("act.no_claim_held", settlement=settlement)
    said = {"policy": policy, "how": how, "reason": reason, "person": person, "act": act.id}
    state.put("release", f"{key}/{len(rows) + 1:06d}", {**said, "shock": shock})
    outcome = Outcome()
    reassess(OnFile(state), outcome, listing, state.need("case", key)["at"], now, benefit)
    return outcome


def case_of(state: State, trigger: str) -> tuple[str, str] | None:
    """Case and shock of which a settled trigger is the last word; None where it no longer is."""
    key = key_of(state, trigger)
    weighed: dict[str, str] | None = state.get("weighed", key)
    if weighed is not None:
        return next(((key, shock) for shock, last in weighed.items() if last == trigger), None)
    settlement = state.need("case", key)["settlement"]
    last = settlement and state.need("settlement", settlement)["settlement"]["trigger"]
    return (key, WHOLE) if last == trigger else None


def holding(state: State) -> Iterator[tuple[str, str]]:
    """Settlements that hold claims until a person releases them, each with its trigger.

    Those alone that are still the last word of their case or shock: what `release` speaks of.
    """
    for id, entry in state.range("settlement", ""):
        value = entry["settlement"]
        if value["totals"]["held"] and case_of(state, value["trigger"]) is not None:
            yield id, value["trigger"]


def key_of(state: State, trigger: str) -> str:
    """The case that a trigger is of."""
    return case_key(state.need("trigger", trigger))


def counted(state: State, trigger: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The releases that a trigger counts, in order."""
    if not trigger.get("releases"):
        return []
    rows = [said for _, said in state.range("release", f"{case_key(trigger)}/")]
    return [said for said in rows if said["shock"] == trigger["shock"]][: trigger["releases"]]


def released(state: State, trigger: Mapping[str, Any]) -> dict[str, str]:
    """policy -> how, of the releases that a trigger counts; the last one of a policy."""
    return {said["policy"]: said["how"] for said in counted(state, trigger)}
