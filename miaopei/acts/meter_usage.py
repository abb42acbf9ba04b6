"""`meter_usage`: a claim model has run beside the data: what it read, and the measure it yields.

Body: {run, model, provider, trigger, purpose, caller, at, users, records, measure {policies, above,
unknown, refused, total_fen}}. Only this leaves the provider's node. A run counts once, for ever;
one that comes after its month was invoiced stands as a correction in the next invoice.
"""

from __future__ import annotations

from ..accounts.metering.usage import MOST, month_of, rates_for
from ..measures.instant import utc_text
from .base import Moment, Outcome, check_id, fields, known, refuse
from .blobs import is_digest
from .envelope import Act
from .metered import contract, must_act_for, rates_of
from .state import State

KIND = "meter_usage"
ROLES = frozenset({"operator", "data_provider"})


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused for a run that is metered, a model not on record, and counts that are none."""
    run, model, provider, trigger, purpose, caller, at, users, records, measure = fields(
        act.body,
        run=str,
        model=str,
        provider=str,
        trigger=str,
        purpose=str,
        caller=str,
        at=int,
        users=int,
        records=int,
        measure=dict,
    )
    if not is_digest(run):
        raise refuse("act.bad_body", field="run", why="needs 64 hex digits")
    filed = known(state, "model", model, "metering.model_not_known")
    known(state, "member", provider, "act.member_unknown_named")
    must_act_for(state, act, provider)
    known(state, "trigger", trigger, "act.trigger_not_known")
    check_id("purpose", purpose)
    check_id("caller", caller)
    names = ("policies", "above", "unknown", "refused", "total_fen")
    counts = fields(measure, **dict.fromkeys(names, int))
    if state.has("usage", run):
        raise refuse("metering.run_known", run=run[:16])
    fair = 0 <= users <= MOST and 0 <= records <= MOST and users + records > 0
    if not fair or min(counts) < 0:
        raise refuse("metering.bad_count", run=run[:16], users=users, records=records)
    if at > now.time or at < 0:
        raise refuse("metering.from_the_future", run=run[:16], at=utc_text(max(0, at)))
    of = contract(filed["listing"], filed["carrier"])
    if rates_for(month_of(at), rates_of(state, of)) is None:
        raise refuse("metering.no_rates", month=month_of(at))
    value = {**act.body, "contract": of, "act": act.id, "invoice": None, "void": None}
    state.put("usage", run, value)
    state.put("unbilled", f"{of}/{month_of(at)}/{run}", 1)
    return Outcome()
