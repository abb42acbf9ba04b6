"""`record_credit`: the bank says that money came in. It counts for the application it names.

Body: {carrier, bank, ref, reference, amount_fen, at, sandbox}: whose account, the bank and its own
reference of the credit, which counts once; what the payer wrote; when it came by the bank's clock.
A reference that nobody has stands as unmatched until a person places it.
"""

from __future__ import annotations

from typing import Any

from ..accounts.premiums import deposit_received
from ..measures.identity import content_id
from . import sold
from .base import Moment, Outcome, clock_key, fields, has_role, refuse
from .entries import post
from .envelope import Act
from .file_offer import offer_of
from .state import State

KIND = "record_credit"
ROLES = frozenset({"operator", "carrier", "payer"})


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused for a credit that is recorded already, and for no money."""
    carrier, bank, ref, reference, fen, at, sandbox = fields(
        act.body, carrier=str, bank=str, ref=str, reference=str, amount_fen=int, at=int,
        sandbox=bool,
    )  # fmt: skip
    if not has_role(state, carrier, ["carrier"]):
        raise refuse("act.not_a_carrier", who=carrier[:60], listing="—")
    if fen <= 0 or not ref.strip():
        raise refuse("act.bad_body", field="amount_fen", why="needs money and a reference")
    key = credit_key(bank, ref)
    if state.has("credit", key):
        raise refuse("act.credit_known", ref=ref[:60], bank=bank[:60])
    outcome = Outcome()
    entry_key = clock_key(now.time, act.id)
    post(state, outcome, deposit_received(entry_key, now.time, act.id, carrier, fen))
    arrived = {
        "carrier": carrier,
        "bank": bank,
        "ref": ref,
        "reference": reference[:60],
        "amount_fen": fen,
        "at": at,
        "sandbox": sandbox,
        "recorded_at": now.time,
        "act": act.id,
        "used": "unmatched",
        "application": None,
    }
    place(state, outcome, now, key, arrived, reference)
    return outcome


def place(
    state: State,
    outcome: Outcome,
    now: Moment,
    key: str,
    arrived: dict[str, Any],
    reference: str,
) -> bool:
    """Count a credit for whom the reference names, where there is such a one; whether it did."""
    name = state.get("due", reference) if sold.is_reference(reference) else None
    if name is not None:
        value = dict(state.need("application", name))
        if offer_of(state, value["listing"], value["offer"]).collector == arrived["carrier"]:
            arrived["used"] = sold.credit(state, outcome, now, value, arrived)
            arrived["application"] = name
    state.put("credit", key, arrived)
    return arrived["application"] is not None


def credit_key(bank: str, ref: str) -> str:
    """The key of a credit: a bank's reference counts once."""
    return content_id("credit", [bank, ref])[:40]
