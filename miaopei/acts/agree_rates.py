"""`agree_rates`: what a data provider asks of a carrier from a month on.

Body: {listing, carrier, provider, since, user_fen, record_fen, rent_fen}: fen a user read, a record
read, and a month of compute rent. Never for a month that is invoiced. Source: metering.md.
"""

from __future__ import annotations

from ..accounts.metering.usage import Rates
from .base import Moment, Outcome, check_carriers, fields, known, refuse
from .envelope import Act
from .metered import contract, must_act_for
from .state import State

KIND = "agree_rates"
ROLES = frozenset({"operator", "data_provider"})


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused for a carrier without a share, another's name, and a month that is invoiced."""
    listing, carrier, provider, since, user, record, rent = fields(
        act.body,
        listing=str,
        carrier=str,
        provider=str,
        since=str,
        user_fen=int,
        record_fen=int,
        rent_fen=int,
    )
    listed = known(state, "listing", listing, "act.listing_not_known")["listing"]
    check_carriers(listed, [carrier])
    known(state, "member", provider, "act.member_unknown_named")
    must_act_for(state, act, provider)
    rates, of = Rates(since, user, record, rent), contract(listing, carrier)
    billed = [key.rpartition("/")[2] for key, _ in state.range("invoice", f"{of}/")]
    if provider == carrier or any(month >= since for month in billed):
        raise refuse("metering.month_closed", month=since)
    value = {**rates.as_json(), "provider": provider, "act": act.id}
    state.put("rates", f"{of}/{since}", value)
    return Outcome()
