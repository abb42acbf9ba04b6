"""`confirm_notices`: what became of the notices of one revision of an outage's plan, as a batch.

Body: {observation, number, outcomes: list reference, delivered, undeliverable, open}. `outcomes` is
a sealed list with a row for each customer told; later numbers replace what was said before.
"""

from __future__ import annotations

from ..evidence.kinds import LIST, OUTAGE
from .base import Moment, Outcome, fields, known, refuse
from .blobs import check_reference
from .envelope import Act
from .state import State

KIND = "confirm_notices"
ROLES = frozenset({"gateway"})
TABLE = "notices"


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused for what is no plan, totals that differ, or a number that is not the next."""
    observation, number, outcomes, delivered, undeliverable, left = fields(
        act.body,
        observation=str,
        number=int,
        outcomes=dict,
        delivered=int,
        undeliverable=int,
        open=int,
    )
    plan = known(state, "observation", observation, "act.no_such_plan")["observation"]
    if plan["kind"] != OUTAGE:
        raise refuse("act.no_such_plan", id=observation)
    check_reference(outcomes, LIST)
    counts = (delivered, undeliverable, left)
    if min(counts) < 0 or sum(counts) != outcomes["count"]:
        raise refuse("act.totals_differ", what="outcomes", total=outcomes["count"])
    before = state.get(TABLE, f"{observation}/{act.by}")
    if number != (1 if before is None else before["number"] + 1):
        raise refuse("act.bad_body", field="number", why="is not the next")
    value = {**act.body, "by": act.by, "act": act.id, "at": now.time}
    state.put(TABLE, f"{observation}/{act.by}", value)
    return Outcome()
