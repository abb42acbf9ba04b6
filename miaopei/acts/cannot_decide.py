"""`cannot_decide`: a decider states that the terms give no result for an open trigger, and why.

Body: {trigger, revision, counter, refusals: [{code, facts}]}, in a later round `round`. With k
equal statements the case is held with the first refusal as its reason, its trigger gives up its
turn, and the next one opens. It is a decider's one word for the round, as a decision is.
Source: docs/specs/record.md, sections 6 and 7.
"""

from __future__ import annotations

from typing import Any

from ..measures.identity import content_id
from . import rounds, settling
from .base import Moment, Outcome, fields, known, refuse
from .envelope import Act
from .state import State

KIND = "cannot_decide"
ROLES = frozenset({"decider"})
MOST = 20  # refusals in one statement
HELD = settling.UNDECIDED


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused for a trigger not open, one who does not decide, a second word, or no reason."""
    aside = ("round",) if now.rules >= rounds.SINCE else ()
    body = {k: v for k, v in act.body.items() if k not in aside}
    trigger_id, revision, counter, refusals = fields(
        body, trigger=str, revision=int, counter=int, refusals=list
    )
    trigger = known(state, "trigger", trigger_id, "act.trigger_not_known")
    listing = state.need("listing", trigger["listing"])["listing"]
    if act.by not in listing["deciders"]:
        raise refuse("act.not_a_decider", by=act.by, listing=listing["id"])
    several, number, after = rounds.placed(
        state, act, trigger_id, trigger, listing, revision, counter
    )
    _check(refusals)
    same = content_id("cannot_decide", act.body)
    if several:
        word = {"same": same, "claims": None, "refusals": refusals}
        return settling.said(state, act, now, trigger_id, counter, number, word, late=after)
    key = f"{trigger_id}/{counter:012d}/{act.by}"
    if state.has("decision", key):
        raise refuse("act.decided_before", by=act.by, trigger=trigger_id)
    state.put("decision", key, {"act": act.id, "same": same, "claims": None})
    said = state.range("decision", f"{trigger_id}/{counter:012d}/")
    outcome = Outcome()
    if sum(word["same"] == same for _, word in said) >= listing["k"]:
        held = settling.undecided(refusals[0])
        settling.hold(state, outcome, now, trigger_id, trigger, held)
    return outcome


def _check(refusals: list[Any]) -> None:
    if not 0 < len(refusals) <= MOST:
        raise refuse("act.bad_body", field="refusals", why=f"needs 1 to {MOST}")
    for one in refusals:
        if not isinstance(one, dict):
            raise refuse("act.bad_body", field="refusals", why="an item is no object")
        _, facts = fields(one, code=str, facts=dict)
        if not all(type(v) in (str, int, bool, type(None)) for v in facts.values()):
            raise refuse("act.bad_body", field="refusals", why="facts are plain values")
