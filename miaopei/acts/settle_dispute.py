"""`settle_dispute`: the provider answers a dispute, and the invoice is counted again.

Body: {dispute, void, reason, person}. `void` are calls, of the disputed line, that should not have
been counted; they are void for every line. What the recount comes to less is a credit note, posted;
with none void the recount confirms the invoice. Source: metering.md.
"""

from __future__ import annotations

from ..accounts.metering.fees import fees_credited
from ..accounts.metering.invoice import Totals, line_from_json, totals_of, without
from ..measures.identity import content_id
from .base import Made, Moment, Outcome, clock_key, fields, known, refuse
from .entries import post
from .envelope import Act
from .metered import calls_of, must_act_for, usage_from
from .state import State

KIND = "settle_dispute"
ROLES = frozenset({"data_provider", "operator"})


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused for a dispute that is settled, and for calls that do not stand in its line."""
    key, void, reason, person = fields(act.body, dispute=str, void=list, reason=str, person=str)
    dispute = known(state, "dispute", key, "metering.dispute_not_known")
    if dispute["settled"] is not None:
        raise refuse("metering.dispute_not_known", id=key)
    invoice = dispute["invoice"]
    value = state.need("invoice", invoice)
    must_act_for(state, act, value["provider"])
    if not reason.strip() or not person.strip():
        raise refuse("act.bad_body", field="reason", why="needs a reason and who says so")
    lines = [line_from_json(line) for line in value["lines"]]
    contested = next(line for line in lines if line.number == dispute["line"])
    calls = calls_of(state, invoice)
    gone = {run: usage_from(said) for run, said in calls.items() if said["void"]}
    before = totals_of(without(lines, gone))
    for run in void:
        said = calls.get(run) if type(run) is str else None
        if said is None or run in gone or not contested.counts(usage_from(said)):
            raise refuse("metering.run_not_in_line", run=str(run)[:16], id=invoice)
        gone[run] = usage_from(said)
        state.put("usage", run, {**said, "void": key})
    after = totals_of(without(lines, gone))
    less = Totals(before.data_fen - after.data_fen, before.rent_fen - after.rent_fen)
    note = {
        "v": 1,
        "dispute": key,
        "invoice": invoice,
        "void": sorted(void),
        "recount_fen": after.total_fen,
        "credit_fen": less.total_fen,
        "at": now.time,
    }
    state.put("dispute", key, {**dispute, "settled": {**note, "act": act.id, "reason": reason}})
    credited = value["credited_fen"] + less.total_fen
    state.put("invoice", invoice, {**value, "credited_fen": credited})
    hashed = content_id("recount", note)
    outcome = Outcome([Made("recount", hashed, note, (act.id,))])
    if less.total_fen:
        entry, parties = clock_key(now.time, act.id), (value["provider"], value["carrier"])
        post(state, outcome, fees_credited(entry, now.time, hashed, *parties, less))
    return outcome
