"""`register_source` from rule set 4 on: where members have seats, an entry in force is theirs.

Body and effect are those of `register_source`. A new source is registered by one operator; another
entry in place of one that stands (its keys, its box, who runs it) needs more than two thirds of the
votes, since facts are believed by it. A record without seats goes on as before.
Source: docs/specs/consortium.md, section 13.
"""

from __future__ import annotations

from ...evidence.source import Source
from .. import approvals, register_source
from ..base import KNOWN_ROLES, Moment, Outcome
from ..envelope import Act
from ..seats import seated
from ..state import State

KIND = register_source.KIND
ROLES = KNOWN_ROLES  # whoever has a vote, and else an operator: see below


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused as `register_source`, and for who has no vote where votes are asked."""
    if not seated(state):
        approvals.check_role(state, act, register_source.ROLES)
        return register_source.apply(state, act, now)
    source = Source.from_json(act.body)
    if state.get("source", source.id) in (None, source.as_json()):
        approvals.check_role(state, act, register_source.ROLES)
        because, outcome = [act.id], Outcome()
    else:
        because, outcome = approvals.approve_anew(state, act, now)
    if because:
        register_source.apply(state, act, now)
    return outcome
