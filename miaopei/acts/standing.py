"""How a case stands, written down: what nothing was decided of says so with its reason.

Source: docs/specs/record.md, section 6.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..claims import case as claims_case
from ..errors import Refusal
from ..evidence.grouping import Occurrence
from ..measures.identity import content_id
from ..terms.filing import Product
from .base import Made, Moment, Outcome, clock_key
from .facts import RecordContext
from .on_file import OnFile
from .state import State

CONFLICT = "held_conflict"


@dataclass(frozen=True)
class Case:
    """One benefit of one listing for one occurrence, as an act that looks at it finds it.

    `entry` is the listing as the record has it, `at` the occurrence's key in its table, `seen` what
    evidence may look at, `before` what is written of the case (None: nothing yet).
    """

    on_file: OnFile
    outcome: Outcome
    now: Moment
    entry: Mapping[str, Any]
    occurrence: Occurrence
    at: str
    benefit: str
    seen: RecordContext
    before: dict[str, Any] | None

    @property
    def state(self) -> State:
        """The record's state."""
        return self.on_file.state

    @property
    def product(self) -> Product:
        """What the listing sells."""
        return self.on_file.product(self.entry["product"])

    @property
    def key(self) -> str:
        """Its key in the case table."""
        return f"{self.entry['listing']['id']}/{self.occurrence.id}/{self.benefit}"

    @cached_property
    def base(self) -> dict[str, Any]:
        """What stays of it, however it stands."""
        before = self.before or {"revision": 0, "trigger": None, "settlement": None}
        return {
            "listing": self.entry["listing"]["id"],
            "occurrence": self.occurrence.id,
            "benefit": self.benefit,
            "at": self.at,
            "revision": before["revision"],
            "trigger": before["trigger"],
            "settlement": before["settlement"],
        }


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


def contradicted(case: Case, before: dict[str, Any], standing: claims_case.Standing) -> None:
    """What came after a settlement is looked at again at its deadline; a conflict is a person's."""
    if before["state"] != "settled" and not held_again(before):
        return
    if standing.state == CONFLICT:
        set_case(case.state, case.outcome, case.key, standing_of(case.base, standing))
    elif standing.until is not None and standing.until > case.now.time:
        set_case(case.state, case.outcome, case.key, {**before, "until": standing.until})


def held_again(before: Mapping[str, Any]) -> bool:
    """Whether a settled case is held for what contradicts it."""
    return before["state"] == CONFLICT and before["settlement"] is not None


def settled_again(case: Case, before: Mapping[str, Any], last: Mapping[str, Any]) -> dict[str, Any]:
    """A case that was held for a contradiction, and no longer is: as its last trigger settled."""
    back = {"state": "settled", "reason": "equal_decisions", "owner": None, "until": None}
    value = {**before, **back, "facts": last["facts"], "instant": last["instant"]}
    set_case(case.state, case.outcome, case.key, value)
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
