"""`decide`: a decider's signed result for one trigger. `apply` itself settles on k equal ones.

Body: {trigger, revision, counter, book_size, book_root, claims: blob reference, totals}, and where
every shock of a sequence is decided `steady`.
Source: docs/specs/record.md, section 7.
"""

from __future__ import annotations

from typing import Any

from ..accounts.postings import receivable_changed, settlement_made
from ..evidence.shocks import each_decides
from ..measures.identity import content_id
from .base import Made, Moment, Outcome, check_carriers, fields, known, parts_of, refuse
from .blobs import check_reference
from .cases import open_next, reassess, set_case
from .entries import post
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
    body = {k: v for k, v in act.body.items() if k != "steady"}
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
    book = state.need("book", trigger["book"])
    listing = state.need("listing", trigger["listing"])["listing"]
    if act.by not in listing["deciders"]:
        raise refuse("act.not_a_decider", by=act.by, listing=listing["id"])
    if book["open"] != trigger_id or revision != trigger["revision"]:
        raise refuse("act.trigger_not_open", trigger=trigger_id, open=book["open"])
    if counter != book["counter"]:
        raise refuse("act.counter_moved", counter=book["counter"], stated=counter)
    if (size, root) != (trigger["book_size"], trigger["book_root"]):
        raise refuse("book.moved", book=trigger["book"], size=trigger["book_size"], stated=size)
    check_reference(claims, "miaopei/claims/1")
    _check_totals(totals, claims, listing)
    steady = _steady(state, act, trigger)
    key = f"{trigger_id}/{counter:012d}/{act.by}"
    if state.has("decision", key):
        raise refuse("act.decided_before", by=act.by, trigger=trigger_id)
    same = _comparable(act.body)
    state.put("decision", key, {"act": act.id, "same": same, "claims": claims})
    decisions = dict(state.range("decision", f"{trigger_id}/{counter:012d}/"))
    equal = sorted(k.rpartition("/")[2] for k, d in decisions.items() if d["same"] == same)
    if len(equal) < listing["k"]:
        return Outcome()
    if steady is not None:
        state.put("steady", trigger_id, steady)
    return _settle(state, now, act, trigger_id, trigger, listing, equal)


def _settle(
    state: State,
    now: Moment,
    act: Act,
    trigger_id: str,
    trigger: dict[str, Any],
    listing: dict[str, Any],
    equal: list[str],
) -> Outcome:
    totals = act.body["totals"]
    value = {
        "v": 1,
        "trigger": trigger_id,
        "revision": trigger["revision"],
        "counter": act.body["counter"],
        "listing": trigger["listing"],
        "book": trigger["book"],
        "claims_root": act.body["claims"]["root"],
        "totals": totals,
        "payer": listing["payer"],
        "deciders": equal,
        "k": listing["k"],
    }
    settlement = content_id("settlement", value)
    outcome = Outcome([Made("settlement", settlement, value, (trigger_id, act.id))])
    claims = act.body["claims"]
    state.put(
        "settlement",
        settlement,
        {"settlement": value, "claims": claims, "at": now.time, "act": act.id},
    )
    book = state.need("book", trigger["book"])
    book["counter"] += 1
    book["open"] = None
    state.put("book", trigger["book"], book)
    state.put("settled", f"{trigger['book']}/{book['counter']:012d}", settlement)
    state.delete("duty", f"decide/{trigger_id}")
    case_key = f"{trigger['listing']}/{trigger['occurrence']}/{trigger['benefit']}"
    _money(state, outcome, settlement, case_key, value, now)
    case = state.need("case", case_key)
    settled = {
        **case,
        "state": "settled",
        "reason": "equal_decisions",
        "settlement": settlement,
    }
    set_case(state, outcome, case_key, settled)
    if case["settlement"] and not totals["pay_fen"] and not totals["held"]:
        _lead(state, outcome, case_key, settled, case["settlement"])
    open_next(state, outcome, trigger["book"], now)
    reassess(state, outcome, trigger["listing"], case["at"], now, trigger["benefit"])
    return outcome


def _lead(
    state: State, outcome: Outcome, case_key: str, settled: dict[str, Any], before: str
) -> None:
    """Where one more shock of a sequence adds nothing, the case goes on speaking of the other."""
    trigger = state.need("settlement", before)["settlement"]["trigger"]
    if trigger not in (state.get("weighed", case_key) or {}).values():
        return  # not decided shock by shock, or a later word on the same shock
    told = state.need("trigger", trigger)
    leading = {"trigger": trigger, "facts": told["facts"], "instant": told["instant"]}
    set_case(state, outcome, case_key, {**settled, **leading, "settlement": before})


def _money(
    state: State,
    outcome: Outcome,
    settlement: str,
    case_key: str,
    value: dict[str, Any],
    now: Moment,
) -> None:
    """The debt of a settlement, the duty to pay it, and what may be asked back."""
    totals, carriers = value["totals"], value["totals"]["carriers"]
    if totals["pay_fen"]:
        payer = value["payer"]
        state.put("duty", f"pay/{settlement}", {"debt": settlement, "payer": payer})
        due = {
            "kind": "settlement",
            "payer": payer,
            "due_fen": totals["pay_fen"],
            "executed_fen": 0,
            "open_fen": {c["carrier"]: c["pay_fen"] for c in carriers if c["pay_fen"]},
            "batches": 0,
            "last_at": None,
        }
        state.put("payment", settlement, due)
        parts = [{"carrier": c["carrier"], "pay_fen": c["pay_fen"]} for c in carriers]
        post(state, outcome, settlement_made(settlement, now.time, settlement, parts))
    before = state.get("receivable", case_key) or {}
    after = {c["carrier"]: c["receivable_fen"] for c in carriers if c["receivable_fen"]}
    if before != after:
        state.put("receivable", case_key, after)
        names = [c["carrier"] for c in carriers]
        changed = [
            {"carrier": n, "before_fen": before.get(n, 0), "after_fen": after.get(n, 0)}
            for n in names
        ]
        key, owed_by = f"{settlement}/receivable", value["listing"]
        post(state, outcome, receivable_changed(key, now.time, settlement, owed_by, changed))


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
