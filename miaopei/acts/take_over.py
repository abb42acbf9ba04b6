"""`take_over`: after the listing's deadline the standby payer takes over a settlement's open debt.

Body: {debt, reason}. The standby draws on the same accounts at the same bank under the same ids, so
that the bank itself refuses a double; what the first payer confirms afterwards is refused. A list
that a policyholder hands on is that policyholder's, and is not taken over. Source: record.md, 8.
"""

from __future__ import annotations

from typing import Any

from ..market.listing import Listing
from .base import Moment, Outcome, fields, known, refuse
from .envelope import Act
from .state import State

KIND = "take_over"
ROLES = frozenset({"payer"})


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused for one who is not the standby, before the deadline, and where nothing is open."""
    debt, reason = fields(act.body, debt=str, reason=str)
    payment = known(state, "payment", debt, "act.nothing_to_pay")
    if not reason.strip():
        raise refuse("act.bad_body", field="reason", why="is empty")
    listing, due = standby_of(state, debt)
    if act.by != listing.standby_payer:
        raise refuse("act.not_the_standby", by=act.by, standby=listing.standby_payer)
    if payment["payer"] == act.by or payment["executed_fen"] == payment["due_fen"]:
        raise refuse("act.nothing_to_take_over", debt=debt)
    if due is None or now.time < due:
        raise refuse("act.too_early_to_take_over", until=due, now=now.time)
    state.put("payment", debt, {**payment, "payer": act.by})
    state.put("duty", f"pay/{debt}", {"debt": debt, "payer": act.by})
    note: dict[str, Any] = {"act": act.id, "from": payment["payer"], "by": act.by, "at": now.time}
    state.put("takeover", debt, note)
    return Outcome()


def standby_of(state: State, debt: str) -> tuple[Listing, int | None]:
    """The listing of a settlement's debt, and from when its standby payer may take it over.

    Errors   Refused act.settlement_not_known, also for an allotment's list.
    """
    entry = known(state, "settlement", debt, "act.settlement_not_known")
    name = entry["settlement"]["listing"]
    listing = Listing.from_json(state.need("listing", name)["listing"])
    after = listing.takeover_seconds
    return listing, None if after is None else entry["at"] + after
