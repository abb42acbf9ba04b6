"""`confirm_payments`: what the bank said of the instructions of one debt, as a batch.

Body: {debt, outcomes: blob reference, executed_fen, executed, refused, payers}. A debt is a
settlement, an allotment, a refund of premium or an invoice's payment. Totals by who pays; the
opened outcomes lie in the sealed blob. Only final answers are confirmed.
"""

from __future__ import annotations

from typing import Any

from ..accounts.entry import Entry
from ..accounts.metering.fees import fees_paid
from ..accounts.postings import allotment_paid, payouts_executed
from ..accounts.premiums import refund_paid
from .base import Moment, Outcome, clock_key, fields, known, parts_of, refuse
from .blobs import OUTCOMES, check_reference
from .entries import post
from .envelope import Act
from .state import State

KIND = "confirm_payments"
ROLES = frozenset({"payer"})


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused for one who is not the payer, totals that differ, or more than was owed."""
    debt, outcomes, executed_fen, executed, refused, payers = fields(
        act.body, debt=str, outcomes=dict, executed_fen=int, executed=int, refused=int, payers=list
    )
    payment = known(state, "payment", debt, "act.nothing_to_pay")
    if act.by != payment["payer"]:
        raise refuse("act.not_the_payer", by=act.by, payer=payment["payer"])
    check_reference(outcomes, OUTCOMES)
    if executed + refused != outcomes["count"] or min(executed, refused, executed_fen) < 0:
        raise refuse("act.totals_differ", what="outcomes", total=outcomes["count"])
    parts = {who: fen for who, (fen,) in parts_of(payers, "payer", "executed_fen").items()}
    if sum(parts.values()) != executed_fen or (executed > 0) != (executed_fen > 0):
        raise refuse("act.totals_differ", what="executed_fen", total=executed_fen)
    left = dict(payment["open_fen"])
    for who, fen in parts.items():
        if fen > left.get(who, 0):
            raise refuse("act.paid_too_much", who=who[:60], due=left.get(who, 0), paid=fen)
        left[who] -= fen
    paid = payment["executed_fen"] + executed_fen
    number = payment["batches"] + 1
    changed = {
        **payment,
        "executed_fen": paid,
        "open_fen": {who: fen for who, fen in left.items() if fen},
        "batches": number,
        "last_at": now.time,
    }
    state.put("payment", debt, changed)
    note = {"act": act.id, "outcomes": outcomes, "refused": refused, "at": now.time}
    state.put("paid", f"{debt}/{number:06d}", note)
    if paid == payment["due_fen"]:
        state.delete("duty", f"pay/{debt}")
    outcome = Outcome()
    if executed_fen:
        post(state, outcome, _entry(clock_key(now.time, act.id), now, debt, payment, payers))
    return outcome


def _entry(
    key: str, now: Moment, debt: str, payment: dict[str, Any], payers: list[dict[str, Any]]
) -> Entry:
    if payment["kind"] == "allotment":
        fen = sum(p["executed_fen"] for p in payers)
        return allotment_paid(key, now.time, debt, payment["holder"], fen)
    if payment["kind"] == "refund":
        fen = sum(p["executed_fen"] for p in payers)
        return refund_paid(key, now.time, debt, payment["holder"], fen)
    if payment["kind"] == "invoice":
        fen = sum(p["executed_fen"] for p in payers)
        return fees_paid(key, now.time, debt, payment["provider"], payment["holder"], fen)
    parts = [{"carrier": p["payer"], "executed_fen": p["executed_fen"]} for p in payers]
    return payouts_executed(key, now.time, debt, parts)
