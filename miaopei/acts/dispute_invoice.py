"""`dispute_invoice`: a line of an invoice is contested, whole or for some of its calls.

Body: {invoice, line, runs, reason, person}. `runs` are the calls contested; none means the line as
a whole. Nothing changes in the accounts until the dispute is settled.
"""

from __future__ import annotations

from ..accounts.metering.invoice import line_from_json
from .base import Moment, Outcome, fields, known, refuse
from .envelope import Act
from .metered import calls_of, must_act_for, usage_from
from .state import State

KIND = "dispute_invoice"
ROLES = frozenset({"carrier", "operator"})


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused for a line or a call that the invoice does not have, and without a reason."""
    invoice, number, runs, reason, person = fields(
        act.body, invoice=str, line=int, runs=list, reason=str, person=str
    )
    value = known(state, "invoice", invoice, "metering.invoice_not_known")
    must_act_for(state, act, value["carrier"])
    if not reason.strip() or not person.strip():
        raise refuse("act.bad_body", field="reason", why="needs a reason and who says so")
    found = [line for line in value["lines"] if line["number"] == number]
    if not found:
        raise refuse("metering.line_not_known", id=invoice, line=number)
    line, calls = line_from_json(found[0]), calls_of(state, invoice)
    for run in runs:
        said = calls.get(run) if type(run) is str else None
        if said is None or said["void"] or not line.counts(usage_from(said)):
            raise refuse("metering.run_not_in_line", run=str(run)[:16], id=invoice)
    count = value["disputes"] + 1
    note = {**act.body, "act": act.id, "at": now.time, "settled": None}
    state.put("dispute", f"{invoice}/{count:03d}", note)
    state.put("invoice", invoice, {**value, "disputes": count})
    return Outcome()
