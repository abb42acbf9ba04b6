"""`take_over`: after the listing's deadline its other payer takes over a settlement's open debt.

Body: {debt, reason}. Who takes over draws on the same accounts at the same bank under the same ids,
so that the bank itself refuses a double; what the other confirms afterwards is refused. From rule
set 4 on a standby that has taken over and is silent as long is no dead end: the listing's payer
takes the debt back, by the same act, and so on in turn, each after twice the time of the turn
before: what neither can pay is not handed to and fro for ever. A list that a policyholder hands on
is that policyholder's, and is not taken over. Source: record.md, 8.
"""

from __future__ import annotations

from typing import Any

from ..market.listing import Listing
from .base import Moment, Outcome, fields, known, refuse
from .envelope import Act
from .state import State

KIND = "take_over"
ROLES = frozenset({"payer"})
SINCE = 4  # the rule set from which the payer may take a debt back
MOST_DOUBLED = 20  # times that the wait between turns doubles


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused for one who is not the other payer, before the deadline, and where nothing is
    open.
    """
    debt, reason = fields(act.body, debt=str, reason=str)
    payment = known(state, "payment", debt, "act.nothing_to_pay")
    if not reason.strip():
        raise refuse("act.bad_body", field="reason", why="is empty")
    other, due = other_payer(state, debt, now.rules)
    if act.by != other:
        raise refuse("act.not_the_standby", by=act.by, standby=other)
    if payment["payer"] == act.by or payment["executed_fen"] == payment["due_fen"]:
        raise refuse("act.nothing_to_take_over", debt=debt)
    if due is None or now.time < due:
        raise refuse("act.too_early_to_take_over", until=due, now=now.time)
    state.put("payment", debt, {**payment, "payer": act.by})
    state.put("duty", f"pay/{debt}", {"debt": debt, "payer": act.by})
    note: dict[str, Any] = {"act": act.id, "from": payment["payer"], "by": act.by, "at": now.time}
    if now.rules >= SINCE and (before := state.get("takeover", debt)) is not None:
        note["turn"] = before.get("turn", 1) + 1
    state.put("takeover", debt, note)
    return Outcome()


def other_payer(state: State, debt: str, rules: int) -> tuple[str | None, int | None]:
    """Who may take a settlement's debt over from who has it now, and from when (None: never).

    Errors   Refused act.settlement_not_known, also for an allotment's list.
    """
    entry = known(state, "settlement", debt, "act.settlement_not_known")
    name = entry["settlement"]["listing"]
    listing = Listing.from_json(state.need("listing", name)["listing"])
    after, taken = listing.takeover_seconds, state.get("takeover", debt)
    back = taken is not None and rules >= SINCE and taken["by"] == listing.standby_payer
    since = entry["at"] if taken is None else taken["at"]
    if taken is not None and rules >= SINCE and after is not None:
        since = max(since, state.need("payment", debt)["last_at"] or 0)  # who pays is not silent
        after <<= min(taken.get("turn", 1) - 1, MOST_DOUBLED)
    other = listing.payer if back else listing.standby_payer
    return other, None if after is None else since + after
