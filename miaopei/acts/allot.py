"""`allot`: a policyholder's payout is handed on to a list of households, fixed before it is paid.

Body: {settlement, policy, holder, total_fen, rule, lines: blob reference}. The list is sealed; its
root, count, total and weight rule stand in the act. Paying it is a duty of its own.
"""

from __future__ import annotations

from ..accounts.postings import allotment_fixed, payout_received
from ..market.allotment import WeightRule
from .base import Moment, Outcome, clock_key, fields, known, refuse
from .blobs import LINES, check_reference
from .entries import post
from .envelope import Act
from .state import State

KIND = "allot"
ROLES = frozenset({"operator", "payer"})


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused before the payout has arrived whole, and for more than was paid."""
    settlement, policy, holder, total, rule, lines = fields(
        act.body, settlement=str, policy=str, holder=str, total_fen=int, rule=dict, lines=dict
    )
    entry = known(state, "settlement", settlement, "act.settlement_not_known")
    payment = known(state, "payment", settlement, "act.nothing_to_pay")
    known(state, "member", holder, "act.member_unknown_holder")
    check_reference(lines, LINES)
    WeightRule.from_json(rule)
    if payment["executed_fen"] < payment["due_fen"]:
        due, paid = payment["due_fen"], payment["executed_fen"]
        raise refuse("act.payout_not_arrived", due=due, paid=paid)
    key = f"{settlement}/{policy}"
    if state.has("allotment", key):
        raise refuse("act.allotted_before", settlement=settlement, policy=policy)
    before = sum(a["total_fen"] for _, a in state.range("allotment", f"{settlement}/"))
    if total <= 0 or before + total > payment["due_fen"] or not lines["count"]:
        raise refuse("act.totals_differ", what="allotment", total=total)
    state.put("allotment", key, {"act": act.id, "total_fen": total, "lines": lines["count"]})
    payer = entry["settlement"]["payer"]
    state.put("duty", f"pay/{act.id}", {"debt": act.id, "payer": payer})
    value = {
        "kind": "allotment",
        "payer": payer,
        "holder": holder,
        "settlement": settlement,
        "due_fen": total,
        "executed_fen": 0,
        "open_fen": {holder: total},
        "batches": 0,
        "last_at": None,
    }
    state.put("payment", act.id, value)
    outcome = Outcome()
    at = clock_key(now.time, act.id)
    post(state, outcome, payout_received(f"{at}/received", now.time, settlement, holder, total))
    post(state, outcome, allotment_fixed(f"{at}/fixed", now.time, act.id, holder, total))
    return outcome
