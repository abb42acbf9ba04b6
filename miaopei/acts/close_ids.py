"""`close_ids`: the bank's signed word that it will never pay ids of a debt that it has refused.

Body: {debt, key, closed: blob reference}. `key` is the bank's, its statements lie in the sealed
blob. A payout's next number may exist only after this act: what a bank refused it might still pay.
"""

from __future__ import annotations

from typing import Any

from ..measures import suites
from .base import Moment, Outcome, fields, has_role, known, refuse
from .blobs import CLOSED, check_reference
from .envelope import Act
from .state import State

KIND = "close_ids"
ROLES = frozenset({"payer"})
BANK = "bank"


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused for one who does not pay, more ids than were refused, and a key not a bank's here."""
    debt, key, closed = fields(act.body, debt=str, key=str, closed=dict)
    payment = known(state, "payment", debt, "act.nothing_to_pay")
    if act.by != payment["payer"]:
        raise refuse("act.not_the_payer", by=act.by, payer=payment["payer"])
    check_reference(closed, CLOSED)
    if suites.of_public(key) is None:
        raise refuse("act.bad_body", field="key", why="needs a public key in hex digits")
    named = [m for m, _ in state.range("member", "") if has_role(state, m, [BANK])]
    keys = [k for m in named for k in state.need("member", m)["keys"]]
    if keys and not any(_in_force(k, key, now) for k in keys):
        raise refuse("act.bank_key_unknown", key=key[:16])
    before = list(state.range("closed", f"{debt}/"))
    shut = sum(c["closed"]["count"] for _, c in before) + closed["count"]
    refused = sum(p["refused"] for _, p in state.range("paid", f"{debt}/"))
    if not closed["count"] or shut > refused:
        raise refuse("act.closed_too_many", closed=shut, refused=refused)
    note = {"act": act.id, "closed": closed, "key": key, "at": now.time}
    state.put("closed", f"{debt}/{len(before) + 1:06d}", note)
    return Outcome()


def _in_force(entry: dict[str, Any], key: str, now: Moment) -> bool:
    since, until = entry["since"], entry["until"]
    return bool(entry["key"] == key and since <= now.time and (until is None or now.time < until))
