"""How a case stands, written down: what nothing was decided of says so with its reason.

Source: docs/specs/record.md, section 6.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..claims import case as claims_case
from ..errors import Refusal
from ..measures.identity import content_id
from .base import Made, Moment, Outcome, clock_key
from .on_file import OnFile
from .state import State

CONFLICT = "held_conflict"


def set_case(state: State, outcome: Outcome, key: str, value: dict[str, Any]) -> None:
    """Write a case; a change of it is a leaf, and a deadline is put on the clock."""
    if state.get("case", key) == value:
        return
    state.put("case", key, value)
    if value["until"] is not None:
        state.put("ripe", clock_key(value["until"], key), key)
    because = tuple(x for x in (value["settlement"], value["trigger"]) if x)
    outcome.made.append(Made("case", content_id("case", value), value, because))


def standing_of(base: Mapping[str, Any], standing: claims_case.Standing) -> dict[str, Any]:
    """A case of which nothing has been decided."""
    return {
        **base,
        "state": standing.state,
        "reason": standing.reason,
        "facts": standing.facts,
        "until": standing.until,
        "owner": standing.owner,
        "instant": standing.instant,
    }


def held(on_file: OnFile, outcome: Outcome, listing: str, at: str, why: Refusal) -> None:
    """Cases of which nothing was decided yet say why they cannot be looked at."""
    state = on_file.state
    product = on_file.product(state.need("listing", listing)["product"])
    occurrence = state.need("occurrence", at)["id"]
    for benefit in product.benefits:
        key = f"{listing}/{occurrence}/{benefit}"
        case = state.get("case", key)
        if case is None or case["trigger"] is None:
            base = {"listing": listing, "occurrence": occurrence, "benefit": benefit, "at": at}
            base |= {"revision": 0, "trigger": None, "settlement": None}
            facts = {"refusal": why.as_json()}
            standing = claims_case.Standing("refused", why.code, facts, None, "operator")
            set_case(state, outcome, key, standing_of(base, standing))


def contradicted(
    state: State,
    outcome: Outcome,
    key: str,
    case: dict[str, Any],
    base: Mapping[str, Any],
    standing: claims_case.Standing,
    now: Moment,
) -> None:
    """What came after a settlement is looked at again at its deadline; a conflict is a person's."""
    if case["state"] != "settled" and not held_again(case):
        return
    if standing.state == CONFLICT:
        set_case(state, outcome, key, standing_of(base, standing))
    elif standing.until is not None and standing.until > now.time:
        set_case(state, outcome, key, {**case, "until": standing.until})


def held_again(case: Mapping[str, Any]) -> bool:
    """Whether a settled case is held for what contradicts it."""
    return case["state"] == CONFLICT and case["settlement"] is not None


def settled_again(
    state: State, outcome: Outcome, key: str, case: Mapping[str, Any], last: Mapping[str, Any]
) -> dict[str, Any]:
    """A case that was held for a contradiction, and no longer is: as its last trigger settled."""
    back = {"state": "settled", "reason": "equal_decisions", "owner": None, "until": None}
    value = {**case, **back, "facts": last["facts"], "instant": last["instant"]}
    set_case(state, outcome, key, value)
    return value


def supersede(on_file: OnFile, outcome: Outcome, rule_id: str, occurrence: str) -> None:
    """An earlier shock, recorded late, has taken this unsettled sequence into its own."""
    state = on_file.state
    for listing in on_file.listings(rule_id):
        for key, case in list(state.range("case", f"{listing}/{occurrence}/")):
            value = {
                **case,
                "state": "not_covered",
                "reason": "part_of_an_earlier_sequence",
                "until": None,
                "owner": None,
            }
            set_case(state, outcome, key, value)
