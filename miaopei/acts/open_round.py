"""`open_round`: a decider has a trigger that the deciders could not settle decided once more.

Body: {trigger, round}: the number of the round to come. The trigger takes its place at the end of
its book's line; its next round begins when its turn comes, at the counter of that moment.
Source: docs/specs/consortium.md, section 10.
"""

from __future__ import annotations

from ..claims.case import case_key
from .base import Moment, Outcome, fields, known, refuse
from .envelope import Act
from .rounds import HELD, WAITING
from .standing import set_case
from .state import State
from .triggers import line_up, open_next

KIND = "open_round"
ROLES = frozenset({"decider"})


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused for one who does not decide, and where no round has ended without agreement."""
    trigger_id, number = fields(act.body, trigger=str, round=int)
    trigger = known(state, "trigger", trigger_id, "act.trigger_not_known")
    listing = state.need("listing", trigger["listing"])["listing"]
    if act.by not in listing["deciders"]:
        raise refuse("act.not_a_decider", by=act.by, listing=listing["id"])
    ended = state.get("ended", trigger_id)
    key = case_key(trigger)
    case = state.need("case", key)
    if ended is None or case["state"] != HELD or case["trigger"] != trigger_id:
        raise refuse("act.no_round_ended", trigger=trigger_id)
    if number != ended["round"] + 1:
        raise refuse("act.round_not_next", round=number, next=ended["round"] + 1)
    outcome = Outcome()
    state.delete("ended", trigger_id)
    found = state.need("round", trigger_id)
    state.put("round", trigger_id, {**found, "number": number, "state": WAITING})
    facts = {name: fact for name, fact in case["facts"].items() if name != "round"}
    ready = {**case, "state": "ready", "reason": "next_round", "facts": facts, "owner": None}
    set_case(state, outcome, key, ready)
    line_up(state, trigger["book"], trigger_id)
    open_next(state, outcome, trigger["book"], now)
    return outcome
