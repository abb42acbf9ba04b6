"""`confirm_payments`: what the bank said of a settlement's instructions, as a batch.

Body: {settlement, outcomes: blob reference, executed_fen, executed, refused, carriers}. Totals by
carrier; the opened outcomes lie in the sealed blob. Only final answers are confirmed.
"""

from __future__ import annotations

from ..accounts.postings import payouts_executed
from .base import Moment, Outcome, clock_key, fields, known, refuse
from .blobs import check_reference
from .entries import post
from .envelope import Act
from .state import State

KIND = "confirm_payments"
ROLES = frozenset({"payer"})


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused for one who is not the payer, totals that differ, or more than was owed."""
    settlement, outcomes, executed_fen, executed, refused, carriers = fields(
        act.body,
        settlement=str,
        outcomes=dict,
        executed_fen=int,
        executed=int,
        refused=int,
        carriers=list,
    )
    entry = known(state, "settlement", settlement, "act.settlement_not_known")
    payment = known(state, "payment", settlement, "act.nothing_to_pay")
    if act.by != entry["settlement"]["payer"]:
        raise refuse("act.not_the_payer", by=act.by, payer=entry["settlement"]["payer"])
    check_reference(outcomes, "miaopei/outcomes/1")
    if executed + refused != outcomes["count"] or min(executed, refused, executed_fen) < 0:
        raise refuse("act.totals_differ", what="outcomes", total=outcomes["count"])
    if sum(c["executed_fen"] for c in carriers) != executed_fen:
        raise refuse("act.totals_differ", what="executed_fen", total=executed_fen)
    paid = payment["executed_fen"] + executed_fen
    if paid > payment["due_fen"]:
        raise refuse("act.paid_too_much", due=payment["due_fen"], paid=paid)
    number = payment["batches"] + 1
    state.put(
        "payment",
        settlement,
        {**payment, "executed_fen": paid, "batches": number, "last_at": now.time},
    )
    state.put(
        "paid",
        f"{settlement}/{number:06d}",
        {"act": act.id, "outcomes": outcomes, "refused": refused, "at": now.time},
    )
    if paid == payment["due_fen"]:
        state.delete("duty", f"pay/{settlement}")
    outcome = Outcome()
    if executed_fen:
        key = clock_key(now.time, act.id)
        post(state, outcome, payouts_executed(key, now.time, settlement, carriers))
    return outcome
