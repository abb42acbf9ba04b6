"""`raise_rules`: from a stated height on, the record is applied under a further rule set.

Body: {rules, height}. Every rule set that ever ran stays in the code and is chosen by height; a
trigger pins its own. A member that has not the rule set stops at that height and says so.
Source: docs/specs/record.md, section 2.
"""

from __future__ import annotations

from .base import Moment, Outcome, fields, refuse
from .envelope import Act
from .state import State

KIND = "raise_rules"
ROLES = frozenset({"operator"})


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused for any number but the next, and for a height that is not to come."""
    rules, height = wanted(state, act, now)
    put(state, rules, height, act.id)
    return Outcome()


def wanted(state: State, act: Act, now: Moment) -> tuple[int, int]:
    """Which rules from which height on. Errors   Refused act.rules_not_next, act.rules_height."""
    rules, height = fields(act.body, rules=int, height=int)
    raised = [said for _, said in state.range("rules", "")]
    last = raised[-1]["rules"] if raised else state.need("genesis", "it")["rules"]
    after = max(now.height, raised[-1]["height"] if raised else 0)
    if rules != last + 1:
        raise refuse("act.rules_not_next", rules=rules, next=last + 1)
    if not after < height < 10**12:
        raise refuse("act.rules_height", height=height, after=after)
    return rules, height


def put(state: State, rules: int, height: int, act: str) -> None:
    """Write down that these rules hold from a height on."""
    state.put("rules", f"{height:012d}", {"rules": rules, "height": height, "act": act})


def rules_at(state: State, height: int) -> int:
    """The rule set of a height: the last that was raised at or before it, else that of genesis."""
    found = [said["rules"] for _, said in state.between("rules", "0", f"{height + 1:012d}")]
    return int(found[-1] if found else (state.get("genesis", "it") or {"rules": 1})["rules"])
