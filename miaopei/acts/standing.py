"""How a case stands, written down: what nothing was decided of says so with its reason.

Source: docs/specs/record.md, section 6.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..claims import case as claims_case
from ..errors import Refusal
from ..measures.identity import content_id
from .base import Made, Outcome, clock_key
from .on_file import OnFile
from .state import State


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
