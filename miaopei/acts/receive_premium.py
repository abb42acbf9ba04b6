"""`receive_premium`: premium has arrived at the carriers' bank, for a batch in force.

Body: {batch, year, carriers: [{carrier, premium_fen}], reference}. May come in parts, never more
than was written. The entry names listing and policy year (that of its first day in Beijing); older
kinds of entry are as they were. Source: docs/specs/record.md, section 9.
"""

from __future__ import annotations

from dataclasses import replace

from ..accounts.postings import premium_received
from .base import Moment, Outcome, check_carriers, clock_key, fields, known, parts_of, refuse
from .entries import post
from .envelope import Act
from .state import State

KIND = "receive_premium"
ROLES = frozenset({"operator", "carrier"})


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused for a batch not in force, and for more than a carrier's open premium."""
    batch_id, year, carriers, reference = fields(
        act.body, batch=str, year=int, carriers=list, reference=str
    )
    batch = known(state, "batch", batch_id, "act.batch_not_known")
    if batch["first"] is None:
        raise refuse("act.batch_not_in_force", batch=batch_id)
    listing = state.need("book", batch["book"])["listing"]
    parts = {who: fen for who, (fen,) in parts_of(carriers, "carrier", "premium_fen").items()}
    check_carriers(state.need("listing", listing)["listing"], parts)
    if not sum(parts.values()) or not reference.strip():
        raise refuse("act.bad_body", field="carriers", why="needs money and a reference")
    written = {c["carrier"]: c["premium_fen"] for c in batch["totals"]["carriers"]}
    received = dict(state.get("premium", batch_id) or {})
    for who, fen in parts.items():
        due = written.get(who, 0) - received.get(who, 0)
        if fen > due:
            raise refuse("act.premium_too_much", who=who, due=due, received=fen)
        received[who] = received.get(who, 0) + fen
    state.put("premium", batch_id, received)
    outcome = Outcome()
    at = clock_key(now.time, act.id)
    about = {"listing": listing, "year": str(year)}
    post(state, outcome, replace(premium_received(at, now.time, batch_id, carriers), about=about))
    return outcome
