"""`raise_rules`: from a stated height on, the record is applied under a further rule set.

Body: {rules, height}. Every rule set that ever ran stays in the code and is chosen by height; a
trigger pins its own. A member that has not the rule set stops at that height and says so.

From rule set 7 on a raise that is not in force yet is replaced by a later one, with another height
to come, and no height is farther than `FARTHEST`: a digit too many would else shut out every
further rule set for ever. Source: docs/specs/record.md, section 2.
"""

from __future__ import annotations

from typing import Any

from ..measures.instant import DAY
from .base import Moment, Outcome, fields, refuse
from .envelope import Act
from .state import State

KIND = "raise_rules"
ROLES = frozenset({"operator"})
REPLACED_SINCE = 7  # the rule set from which on a raise to come is replaced by a later one
# Blocks ahead that a height may be: a year where they come fastest, one each 0.2 s (the engine's
# `timeout_commit`), so that a busy record too may name a day a year away. A quiet one makes far
# fewer: there the bound only keeps out what nobody can have meant, and replacing mends the rest.
FARTHEST = 365 * DAY * 5


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused for any number but the next, and for a height that is not to come, or too far."""
    rules, height = wanted(state, act, now)
    put(state, rules, height, act.id, now)
    return Outcome()


def wanted(state: State, act: Act, now: Moment) -> tuple[int, int]:
    """Which rules from which height on.

    Errors   Refused act.rules_not_next, act.rules_height, act.rules_too_far, act.rules_raised_so.
    """
    rules, height = fields(act.body, rules=int, height=int)
    raised = [said for _, said in state.range("rules", "")]
    last = raised[-1]["rules"] if raised else state.need("genesis", "it")["rules"]
    after = max(now.height, raised[-1]["height"] if raised else 0)
    replaces = now.rules >= REPLACED_SINCE
    if replaces:  # what is to come is not yet
        last, after = now.rules, now.height
    if rules != last + 1:
        raise refuse("act.rules_not_next", rules=rules, next=last + 1)
    if not after < height < 10**12:
        raise refuse("act.rules_height", height=height, after=after)
    if replaces and height > after + FARTHEST:
        raise refuse("act.rules_too_far", height=height, last=after + FARTHEST, blocks=FARTHEST)
    if replaces and (state.get("rules", _key(height)) or {}).get("rules") == rules:
        raise refuse("act.rules_raised_so", rules=rules, height=height)
    return rules, height


def put(state: State, rules: int, height: int, act: str, now: Moment) -> list[dict[str, Any]]:
    """Write down that these rules hold from a height on; in place of what was to come, where rules
    are raised so: the bodies by which that was wanted.
    """
    replaced = []
    if now.rules >= REPLACED_SINCE:
        for key, said in list(state.range("rules", "")):
            if key > _key(now.height):
                state.delete("rules", key)
                replaced.append({"rules": said["rules"], "height": said["height"]})
    state.put("rules", _key(height), {"rules": rules, "height": height, "act": act})
    return replaced


def agreed(state: State) -> str:
    """The act of the raise that was agreed on last; "" where none was."""
    raised = [str(said["act"]) for _, said in state.range("rules", "")]
    return raised[-1] if raised else ""


def possible(state: State, wanted: int, after: str | None, height: int) -> bool:
    """Whether these rules, wanted `after` the raise that was agreed on then, can still be the next
    after the block of this height.
    """
    rules = rules_at(state, height + 1)
    if rules < REPLACED_SINCE:
        return wanted > rules
    return wanted == rules + 1 and after == agreed(state)


def rules_at(state: State, height: int) -> int:
    """The rule set of a height: the last that was raised at or before it, else that of genesis."""
    found = [said["rules"] for _, said in state.between("rules", "0", _key(height + 1))]
    return int(found[-1] if found else (state.shared("genesis", "it") or {"rules": 1})["rules"])


def _key(height: int) -> str:
    return f"{height:012d}"
