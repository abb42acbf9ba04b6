"""`issue_invoice`: what a month's calls and rent come to, computed here from the record.

Body: {listing, carrier, month}. The month must be over. Calls that an earlier month's invoice
missed stand in lines of their own. Makes `invoice` and its entry. Source: metering.md.
"""

from __future__ import annotations

from ..accounts.metering.fees import fees_invoiced
from ..accounts.metering.invoice import lines_of, totals_of
from ..accounts.metering.usage import check_month, month_ends
from ..measures.identity import content_id
from ..measures.instant import utc_text
from .base import Made, Moment, Outcome, clock_key, fields, known, refuse
from .entries import post
from .envelope import Act
from .metered import contract, must_act_for, rates_of, unbilled
from .state import State

KIND = "issue_invoice"
ROLES = frozenset({"operator", "data_provider"})


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused for a month that is not over or is invoiced, or in which nothing is owed."""
    listing, carrier, month = fields(act.body, listing=str, carrier=str, month=str)
    check_month(month)
    known(state, "listing", listing, "act.listing_not_known")
    of = contract(listing, carrier)
    agreed = list(state.range("rates", f"{of}/"))
    if not agreed:
        raise refuse("metering.no_rates", month=month)
    provider = agreed[-1][1]["provider"]
    must_act_for(state, act, provider)
    key = f"{of}/{month}"
    later = [k for k, _ in state.range("invoice", f"{of}/") if k >= key]
    if later:
        raise refuse("metering.invoice_known", id=later[0])
    if now.time < (ends := month_ends(month)):
        raise refuse("metering.month_open", month=month, ends=utc_text(ends))
    usages = list(unbilled(state, of, month))
    models = state.range("model_version", f"{of}/")
    rented = any(said["at"] < ends for _, said in models)
    lines = lines_of(month, usages, rates_of(state, of), rented=rented)
    totals = totals_of(lines)
    if not totals.total_fen:
        raise refuse("metering.nothing_to_bill", month=month)
    value = {
        "v": 1,
        "invoice": key,
        "listing": listing,
        "carrier": carrier,
        "provider": provider,
        "month": month,
        "at": now.time,
        "lines": [line.as_json() for line in lines],
        "data_fen": totals.data_fen,
        "rent_fen": totals.rent_fen,
        "total_fen": totals.total_fen,
    }
    for usage in usages:
        state.put("usage", usage.run, {**state.need("usage", usage.run), "invoice": key})
        state.delete("unbilled", f"{of}/{usage.month}/{usage.run}")
        state.put("billed", f"{key}/{usage.run}", 1)
    state.put("invoice", key, {**value, "credited_fen": 0, "disputes": 0})
    hashed = content_id("invoice", value)
    outcome = Outcome([Made("invoice", hashed, value, (act.id,))])
    entry = clock_key(now.time, act.id)
    post(state, outcome, fees_invoiced(entry, now.time, hashed, provider, carrier, totals))
    return outcome
