"""`cannot_decide`: a decider states that the terms give no result for an open trigger, and why.

Body: {trigger, revision, counter, refusals: [{code, facts}]}. With k equal statements the case is
held with the first refusal as its reason, its trigger gives up its turn, and the next one opens. It
is a decider's one word for the round, as a decision is. Source: record.md, sections 6 and 7.
"""

from __future__ import annotations

from typing import Any

from ..measures.identity import content_id
from .base import Moment, Outcome, fields, known, refuse
from .cases import open_next, set_case
from .envelope import Act
from .state import State

KIND = "cannot_decide"
ROLES = frozenset({"decider"})
MOST = 20  # refusals in one statement
HELD = "held_undecided"


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused for a trigger not open, one who does not decide, a second word, or no reason."""
    body = act.body
    trigger_id, revision, counter, refusals = fields(
        body, trigger=str, revision=int, counter=int, refusals=list
    )
    trigger = known(state, "trigger", trigger_id, "act.trigger_not_known")
    book = state.need("book", trigger["book"])
    listing = state.need("listing", trigger["listing"])["listing"]
    if act.by not in listing["deciders"]:
        raise refuse("act.not_a_decider", by=act.by, listing=listing["id"])
    if book["open"] != trigger_id or revision != trigger["revision"]:
        raise refuse("act.trigger_not_open", trigger=trigger_id, open=book["open"])
    if counter != book["counter"]:
        raise refuse("act.counter_moved", counter=book["counter"], stated=counter)
    _check(refusals)
    key = f"{trigger_id}/{counter:012d}/{act.by}"
    if state.has("decision", key):
        raise refuse("act.decided_before", by=act.by, trigger=trigger_id)
    same = content_id("cannot_decide", body)
    state.put("decision", key, {"act": act.id, "same": same, "claims": None})
    said = state.range("decision", f"{trigger_id}/{counter:012d}/")
    outcome = Outcome()
    if sum(word["same"] == same for _, word in said) >= listing["k"]:
        _hold(state, outcome, trigger_id, trigger, refusals[0], now)
    return outcome


def _hold(
    state: State,
    outcome: Outcome,
    trigger_id: str,
    trigger: dict[str, Any],
    refusal: dict[str, Any],
    now: Moment,
) -> None:
    """The case waits for a person or a later fact; its book's line goes on without it."""
    state.delete("duty", f"decide/{trigger_id}")
    book = state.need("book", trigger["book"])
    state.put("book", trigger["book"], {**book, "open": None})
    key = f"{trigger['listing']}/{trigger['occurrence']}/{trigger['benefit']}"
    case = {
        **state.need("case", key),
        "state": HELD,
        "reason": refusal["code"],
        "facts": {**trigger["facts"], "refusal": refusal},
        "until": None,
        "owner": "operator",
    }
    set_case(state, outcome, key, case)
    open_next(state, outcome, trigger["book"], now)


def _check(refusals: list[Any]) -> None:
    if not 0 < len(refusals) <= MOST:
        raise refuse("act.bad_body", field="refusals", why=f"needs 1 to {MOST}")
    for one in refusals:
        if not isinstance(one, dict):
            raise refuse("act.bad_body", field="refusals", why="an item is no object")
        _, facts = fields(one, code=str, facts=dict)
        if not all(type(v) in (str, int, bool, type(None)) for v in facts.values()):
            raise refuse("act.bad_body", field="refusals", why="facts are plain values")
