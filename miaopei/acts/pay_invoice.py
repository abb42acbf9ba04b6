"""`pay_invoice`: what of an invoice is neither contested nor ordered yet becomes a debt to pay.

Body: {invoice, number}. `number` counts the payments of the invoice from 1, so that none is ordered
twice. What was overpaid on the contract's other invoices (a credit note after payment) is set off
first. Makes `invoice_payment`; the listing's payer pays it through the bank as every debt.
Source: docs/specs/metering.md, section 6.
"""

from __future__ import annotations

from typing import Any

from ..accounts.metering.invoice import line_from_json
from ..accounts.metering.paying import held_back, left_of, set_off
from ..measures.identity import content_id
from .base import Made, Moment, Outcome, fields, known, refuse
from .envelope import Act
from .metered import calls_of, contract, must_act_for, usage_from
from .state import State

KIND = "pay_invoice"
ROLES = frozenset({"carrier", "operator"})


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused for another number than the next, and where nothing is to be paid now."""
    invoice, number = fields(act.body, invoice=str, number=int)
    value = known(state, "invoice", invoice, "metering.invoice_not_known")
    must_act_for(state, act, value["carrier"])
    before = list(value.get("payments", ()))
    if number != len(before) + 1:
        raise refuse("metering.payment_number", id=invoice, number=number, next=len(before) + 1)
    held = held_of(state, value)
    due = left_of(value) - held
    if due <= 0:
        raise refuse("metering.nothing_to_pay", id=invoice, held_fen=held)
    met = set_off(due, _others(state, value))
    pay = due - sum(met.values())
    said = {
        "v": 1,
        "invoice": invoice,
        "number": number,
        "carrier": value["carrier"],
        "provider": value["provider"],
        "pay_fen": pay,
        "set_off": [{"invoice": name, "fen": fen} for name, fen in met.items()],
        "held_fen": held,
        "at": now.time,
    }
    debt = content_id("invoice_payment", said)
    for name, fen in met.items():
        other = state.need("invoice", name)
        state.put("invoice", name, {**other, "set_off_fen": other.get("set_off_fen", 0) - fen})
    more = {
        "ordered_fen": value.get("ordered_fen", 0) + pay,
        "set_off_fen": value.get("set_off_fen", 0) + due - pay,
        "payments": [*before, debt],
    }
    state.put("invoice", invoice, {**value, **more})
    if pay:
        _owe(state, debt, value, pay)
    return Outcome([Made("invoice_payment", debt, said, (act.id,))])


def held_of(state: State, value: dict[str, Any]) -> int:
    """What open disputes of an invoice keep back, in fen."""
    notes = [note for _, note in state.range("dispute", f"{value['invoice']}/")]
    contested = [(note["line"], note["runs"]) for note in notes if note["settled"] is None]
    if not contested:
        return 0
    said = calls_of(state, value["invoice"])
    calls = {run: usage_from(each) for run, each in said.items()}
    void = {run: calls[run] for run, each in said.items() if each["void"]}
    return held_back([line_from_json(line) for line in value["lines"]], calls, void, contested)


def _others(state: State, value: dict[str, Any]) -> list[tuple[str, int]]:
    """The contract's other invoices, the oldest first, with what is left of each."""
    of = contract(value["listing"], value["carrier"])
    found = state.range("invoice", f"{of}/")
    return [(name, left_of(each)) for name, each in found if name != value["invoice"]]


def _owe(state: State, debt: str, value: dict[str, Any], fen: int) -> None:
    payer = state.need("listing", value["listing"])["listing"]["payer"]
    payment = {
        "kind": "invoice",
        "payer": payer,
        "holder": value["carrier"],
        "provider": value["provider"],
        "listing": value["listing"],
        "invoice": value["invoice"],
        "due_fen": fen,
        "executed_fen": 0,
        "open_fen": {value["carrier"]: fen},
        "batches": 0,
        "last_at": None,
    }
    state.put("payment", debt, payment)
    state.put("duty", f"pay/{debt}", {"debt": debt, "payer": payer})
