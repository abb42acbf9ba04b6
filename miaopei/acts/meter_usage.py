"""`meter_usage`: a claim model has run beside the data: what it read, and the measure it yields.

Body: {run, model, provider, trigger, purpose, caller, at, users, records, measure {policies, above,
unknown, refused, total_fen}}. Only this leaves the provider's node. A run counts once, for ever;
one that comes after its month was invoiced stands as a correction in the next invoice. From rule
set 4 on a model runs once for a trigger, or once for each purpose that the model as filed names,
unless that run was made void: the purpose of a call is its provider's own word.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..accounts.metering.usage import MOST, month_of, rates_for
from ..measures.instant import utc_text
from .base import Moment, Outcome, check_id, fields, known, refuse
from .blobs import is_digest
from .envelope import Act
from .metered import ONCE_SINCE, contract, must_act_for, rates_of
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
    if now.rules >= ONCE_SINCE:
        check_purpose(model, filed, purpose)
    if now.rules >= ONCE_SINCE and (before := run_before(state, model, trigger, purpose)):
        about = {"model": model[:16], "trigger": trigger[:16], "run": before[:16]}
        raise refuse("metering.run_repeated", **about)
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
    if now.rules >= ONCE_SINCE:
        state.put("ran", _once(filed, model, trigger, purpose), run)
    return Outcome()


def check_purpose(model: str, filed: Mapping[str, Any], purpose: str) -> None:
    """Errors   Refused metering.purpose_unknown for one that the model as filed does not name."""
    named = filed.get("purposes")
    if named is not None and purpose not in named:
        about = {"model": model[:16], "purpose": purpose[:60], "purposes": ", ".join(named)[:200]}
        raise refuse("metering.purpose_unknown", **about)


def run_before(state: State, model: str, trigger: str, purpose: str) -> str | None:
    """The run of a model for a trigger that stands, if there is one; only one for this purpose
    where the model as filed names several.

    A trigger of an older rule set may have runs that no index names: they are looked through.
    """
    filed = state.need("model", model)
    once = _once(filed, model, trigger, purpose)
    run = state.get("ran", once)
    runs = [] if run is None else [(run, state.need("usage", run))]
    if state.need("trigger", trigger)["rules"] < ONCE_SINCE:
        runs = list(state.range("usage", ""))
    for name, said in runs:
        same = said["model"] == model and said["trigger"] == trigger
        if same and said["void"] is None and _once(filed, model, trigger, said["purpose"]) == once:
            return str(name)
    return None


def _once(filed: Mapping[str, Any], model: str, trigger: str, purpose: str) -> str:
    """What a run is metered for once."""
    return f"{model}/{trigger}" + (f"/{purpose}" if "purposes" in filed else "")
