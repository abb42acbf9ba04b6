"""`decide`: a decider's signed result for one trigger. `apply` itself settles on k equal ones.

Body: {trigger, revision, counter, book_size, book_root, claims: blob reference, totals}, where
every shock of a sequence is decided `steady`, and in a round after the first `round`. When equal
ones settle, where several decide, stands in `settling`. Source: docs/specs/record.md, section 7.
"""

from __future__ import annotations

from typing import Any

from ..evidence.shocks import each_decides
from ..measures.identity import content_id
from . import rounds, settling
from .base import Moment, Outcome, check_carriers, fields, known, parts_of, refuse
from .blobs import CLAIMS, check_reference
from .envelope import Act
from .state import State

KIND = "decide"
ROLES = frozenset({"decider"})
TOTALS = (
    *("in_force", "claims", "held", "gross_fen", "terms_fen", "owed_fen", "pay_fen"),
    *("kept_fen", "receivable_fen"),
)


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused for a trigger not open, a book that moved, one who does not decide, a second word."""
    aside = ("steady", "round") if now.rules >= rounds.SINCE else ("steady",)
    body = {k: v for k, v in act.body.items() if k not in aside}
    trigger_id, revision, counter, size, root, claims, totals = fields(
        body,
        trigger=str,
        revision=int,
        counter=int,
        book_size=int,
        book_root=str,
        claims=dict,
        totals=dict,
    )
    trigger = known(state, "trigger", trigger_id, "act.trigger_not_known")
    listing = state.need("listing", trigger["listing"])["listing"]
    if act.by not in listing["deciders"]:
        raise refuse("act.not_a_decider", by=act.by, listing=listing["id"])
    several, number, after = rounds.placed(
        state, act, trigger_id, trigger, listing, revision, counter
    )
    if (size, root) != (trigger["book_size"], trigger["book_root"]):
        raise refuse("book.moved", book=trigger["book"], size=trigger["book_size"], stated=size)
    check_reference(claims, CLAIMS)
    _check_totals(totals, claims, listing)
    steady = _steady(state, act, trigger)
    same = _comparable(act.body)
    if several:
        word = {"same": same, "claims": claims, "totals": totals, "steady": steady}
        return settling.said(state, act, now, trigger_id, counter, number, word, late=after)
    key = f"{trigger_id}/{counter:012d}/{act.by}"
    if state.has("decision", key):
        raise refuse("act.decided_before", by=act.by, trigger=trigger_id)
    state.put("decision", key, {"act": act.id, "same": same, "claims": claims})
    decisions = dict(state.range("decision", f"{trigger_id}/{counter:012d}/"))
    equal = sorted(k.rpartition("/")[2] for k, d in decisions.items() if d["same"] == same)
    outcome = Outcome()
    if len(equal) >= listing["k"]:
        decided = settling.Decided(act.id, counter, claims, totals, steady)
        settling.settle(state, outcome, now, trigger_id, trigger, listing, decided, equal)
    return outcome


def _steady(state: State, act: Act, trigger: dict[str, Any]) -> list[int] | None:
    """Around which time the book is the same, where every shock of a sequence is decided."""
    rule = state.need("listing", trigger["listing"])["rule"]
    each = each_decides(state.need("rule", f"{rule}/{trigger['listing']}"))
    if each != ("steady" in act.body):
        raise refuse("act.bad_body", field="steady", why="missing" if each else "not known")
    if not each:
        return None
    stated: Any = act.body["steady"]
    whole = isinstance(stated, list) and len(stated) == 2 and all(type(n) is int for n in stated)
    if not whole or not 0 <= stated[0] <= trigger["instant"] < stated[1]:
        raise refuse("act.bad_body", field="steady", why="does not hold the instant")
    return [int(n) for n in stated]


def _comparable(body: dict[str, Any]) -> str:
    """Equal decisions differ in nothing but the bytes of the sealed blob."""
    claims = {k: v for k, v in body["claims"].items() if k not in ("blob", "length")}
    return content_id("decision", {**body, "claims": claims})


def _check_totals(totals: dict[str, Any], claims: dict[str, Any], listing: dict[str, Any]) -> None:
    *numbers, _, carriers = fields(
        totals, **dict.fromkeys(TOTALS, int), cap=(dict, type(None)), carriers=list
    )
    if min(numbers) < 0:
        raise refuse("act.totals_differ", what="totals", total=min(numbers))
    if totals["claims"] != claims["count"]:
        raise refuse("act.totals_differ", what="claims", total=totals["claims"])
    parts = parts_of(carriers, "carrier", "pay_fen", "receivable_fen")
    check_carriers(listing, parts)
    for at, name in enumerate(("pay_fen", "receivable_fen")):
        if sum(amounts[at] for amounts in parts.values()) != totals[name]:
            raise refuse("act.totals_differ", what=name, total=totals[name])
