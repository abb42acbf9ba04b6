"""`raise_rules` from rule set 3 on: where members have seats, more than two thirds must want it.

Body and effect are those of `raise_rules`; each member with a vote sends the same body, and those
that come before the height count. A record without seats goes on as before: its operator decides.
From rule set 7 on, where another height may take the place of one to come, a word for a raise holds
for the raise that stood when it was said: once another is agreed on it is over. Left standing, some
and one more would bring about what those who said them have since given up.
Source: docs/specs/record.md, section 2; docs/specs/consortium.md, section 13.
"""

from __future__ import annotations

from .. import approvals, raise_rules, wishes
from ..base import KNOWN_ROLES, Moment, Outcome
from ..envelope import Act
from ..seats import seated
from ..state import State

KIND = raise_rules.KIND
ROLES = KNOWN_ROLES  # whoever has a vote, or without seats an operator: see below


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused as `raise_rules`, and for who has no vote."""
    if not seated(state):
        approvals.check_role(state, act, raise_rules.ROLES)
        return raise_rules.apply(state, act, now)
    rules, height = raise_rules.wanted(state, act, now)
    after = raise_rules.agreed(state) if now.rules >= raise_rules.REPLACED_SINCE else None
    if approvals.approve(state, act, now, after):
        for replaced in raise_rules.put(state, rules, height, act.id, now):
            wishes.forget(state, KIND, replaced)
    return Outcome()
