"""Settling: what follows when enough deciders have said the same, or cannot come to agree.

Made by `apply` itself, by no one's submission. Source: docs/specs/record.md, section 7, and
docs/specs/consortium.md, section 10.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..accounts.postings import receivable_changed, settlement_made
from ..claims.case import case_key
from ..measures.identity import content_id
from . import rounds
from .base import Made, Moment, Outcome, by_itself
from .cases import reassess
from .entries import post
from .envelope import Act
from .on_file import OnFile
from .standing import set_case
from .state import State
from .triggers import open_next

UNDECIDED = "held_undecided"


@dataclass(frozen=True)
class Decided:
    """A decision that others equal: its act, what it counted, its claims, totals, steady time."""

    act: str
    counter: int
    claims: Mapping[str, Any]
    totals: Mapping[str, Any]
    steady: Sequence[int] | None


def settle(
    state: State,
    outcome: Outcome,
    now: Moment,
    trigger_id: str,
    trigger: Mapping[str, Any],
    listing: Mapping[str, Any],
    decided: Decided,
    equal: Sequence[str],
    more: Mapping[str, Any] | None = None,
) -> str:
    """Settle a trigger; the settlement's id. `more` stands in its value beside the rest."""
    if decided.steady is not None:
        state.put("steady", trigger_id, decided.steady)
    totals = decided.totals
    value = {
        "v": 1,
        "trigger": trigger_id,
        "revision": trigger["revision"],
        "counter": decided.counter,
        "listing": trigger["listing"],
        "book": trigger["book"],
        "claims_root": decided.claims["root"],
        "totals": totals,
        "payer": listing["payer"],
        "deciders": list(equal),
        "k": listing["k"],
        **(more or {}),
    }
    settlement = content_id("settlement", value)
    outcome.made.append(Made("settlement", settlement, value, (trigger_id, decided.act)))
    kept = {"settlement": value, "claims": decided.claims, "at": now.time, "act": decided.act}
    state.put("settlement", settlement, kept)
    book = state.need("book", trigger["book"])
    book["counter"] += 1
    book["open"] = None
    state.put("book", trigger["book"], book)
    state.put("settled", f"{trigger['book']}/{book['counter']:012d}", settlement)
    state.delete("duty", f"decide/{trigger_id}")
    key = case_key(trigger)
    _money(state, outcome, settlement, key, value, now)
    case = state.need("case", key)
    settled = {
        **case,
        "state": "settled",
        "reason": "equal_decisions",
        "settlement": settlement,
    }
    set_case(state, outcome, key, settled)
    if case["settlement"] and not totals["pay_fen"] and not totals["held"]:
        _lead(state, outcome, key, settled, case["settlement"])
    open_next(state, outcome, trigger["book"], now)
    reassess(OnFile(state), outcome, trigger["listing"], case["at"], now, trigger["benefit"])
    return settlement


def hold(
    state: State,
    outcome: Outcome,
    now: Moment,
    trigger_id: str,
    trigger: Mapping[str, Any],
    held: Mapping[str, Any],
) -> None:
    """The case waits as `held` says (state, reason, facts); its book's line goes on without it."""
    state.delete("duty", f"decide/{trigger_id}")
    book = state.need("book", trigger["book"])
    state.put("book", trigger["book"], {**book, "open": None})
    key = case_key(trigger)
    facts = {**trigger["facts"], **held["facts"]}
    case = {**state.need("case", key), **held, "facts": facts, "until": None, "owner": "operator"}
    set_case(state, outcome, key, case)
    open_next(state, outcome, trigger["book"], now)


def undecided(refusal: Mapping[str, Any]) -> dict[str, Any]:
    """How a case is held of which the terms give no result."""
    return {"state": UNDECIDED, "reason": refusal["code"], "facts": {"refusal": refusal}}


# Rounds ------------------------------------------------------------------------------------------


def ripen(state: State, outcome: Outcome, now: Moment) -> None:
    """Look at every open round of which a deadline has come by the block's time."""
    for trigger_id in rounds.due(state, now):
        with by_itself(state, outcome):
            look(state, outcome, trigger_id, now)


def said(
    state: State,
    act: Act,
    now: Moment,
    trigger_id: str,
    counter: int,
    number: int,
    word: rounds.Word,
    *,
    late: bool,
) -> Outcome:
    """A decider's word in a round, and what follows from it.

    Errors   Refused act.decided_before.
    """
    outcome = Outcome()
    if rounds.say(state, outcome, act, trigger_id, counter, number, word):
        if late:
            _late(state, outcome, act.by, trigger_id, counter, number)
        else:
            look(state, outcome, trigger_id, now)
    return outcome


def look(state: State, outcome: Outcome, trigger_id: str, now: Moment) -> None:
    """End the open round of a trigger where what has been said, or the time, ends it.

    Until the deadline the carrier is waited for, unless it has spoken: neither its silence nor a
    wrong answer of its own is a veto.
    """
    trigger = state.need("trigger", trigger_id)
    listing = state.need("listing", trigger["listing"])["listing"]
    found = state.need("round", trigger_id)
    counter, number = state.need("book", trigger["book"])["counter"], found["number"]
    said = rounds.words(state, trigger_id, counter, number)
    agreeing = _largest(said)
    if len(agreeing) >= listing["k"]:
        if found["carrier"] in (None, *said) or now.time >= found["deadline"]:
            _agreed(state, outcome, now, trigger_id, listing, counter, agreeing)
    elif len(said) == len(listing["deciders"]) or now.time >= found["end"]:
        _apart(state, outcome, now, trigger_id, listing, counter)


def _largest(said: Mapping[str, rounds.Word]) -> list[str]:
    """The members whose word is the one most often said; k is more than half, so one is enough."""
    same = [word["same"] for word in said.values()]
    most = max(same, key=same.count, default=None)
    return [member for member, word in said.items() if word["same"] == most]


def _agreed(
    state: State,
    outcome: Outcome,
    now: Moment,
    trigger_id: str,
    listing: Mapping[str, Any],
    counter: int,
    equal: list[str],
) -> None:
    trigger, found = state.need("trigger", trigger_id), state.need("round", trigger_id)
    number = found["number"]
    said = rounds.words(state, trigger_id, counter, number)
    ended = {**found, "state": rounds.SETTLED, "counter": counter}
    state.put("round", trigger_id, ended)
    first = said[equal[0]]
    others = [member for member in said if member not in equal]
    settlement = None
    if "refusals" in first:
        hold(state, outcome, now, trigger_id, trigger, undecided(first["refusals"][0]))
    else:
        decided = Decided(
            first["act"], counter, first["claims"], first["totals"], first.get("steady")
        )
        more = {} if number == 1 else {"round": number}
        settlement = settle(state, outcome, now, trigger_id, trigger, listing, decided, equal, more)
    rounds.differ(state, outcome, trigger_id, counter, number, equal[0], others, settlement)
    state.put("round", trigger_id, {**ended, "against": equal[0], "settlement": settlement})
    if settlement is not None and len(said) < len(listing["deciders"]):
        state.put("late", trigger_id, {"counter": counter, "round": number})


def _apart(
    state: State,
    outcome: Outcome,
    now: Moment,
    trigger_id: str,
    listing: Mapping[str, Any],
    counter: int,
) -> None:
    """No k are equal: held, and out of turn until a decider opens the next round."""
    trigger, found = state.need("trigger", trigger_id), state.need("round", trigger_id)
    number = found["number"]
    said = rounds.words(state, trigger_id, counter, number)
    silent = [member for member in listing["deciders"] if member not in said]
    told = {"number": number, "counter": counter, "said": list(said), "silent": silent}
    state.put("round", trigger_id, {**found, "state": rounds.ENDED, "counter": counter})
    state.put("ended", trigger_id, {"round": number, "silent": silent})
    apart = len({word["same"] for word in said.values()}) > 1
    held = {
        "state": rounds.HELD,
        "reason": "deciders_differ" if apart else "deciders_silent",
        "facts": {"round": told},
    }
    hold(state, outcome, now, trigger_id, trigger, held)
    if apart:
        agreeing = _largest(said)
        others = [member for member in said if member not in agreeing]
        rounds.differ(state, outcome, trigger_id, counter, number, agreeing[0], others, None)


def _late(
    state: State, outcome: Outcome, act_by: str, trigger_id: str, counter: int, number: int
) -> None:
    """A word that comes after the settlement moves nothing, and is compared with it."""
    trigger = state.need("trigger", trigger_id)
    listing = state.need("listing", trigger["listing"])["listing"]
    found = state.need("round", trigger_id)
    said = rounds.words(state, trigger_id, counter, number)
    if len(said) == len(listing["deciders"]):
        state.delete("late", trigger_id)
    against = found["against"]
    if said[act_by]["same"] != said[against]["same"]:
        rounds.differ(
            state, outcome, trigger_id, counter, number, against, [act_by], found["settlement"]
        )


# Money -------------------------------------------------------------------------------------------


def _lead(state: State, outcome: Outcome, key: str, settled: dict[str, Any], before: str) -> None:
    """Where one more shock of a sequence adds nothing, the case goes on speaking of the other."""
    trigger = state.need("settlement", before)["settlement"]["trigger"]
    if trigger not in (state.get("weighed", key) or {}).values():
        return  # not decided shock by shock, or a later word on the same shock
    told = state.need("trigger", trigger)
    leading = {"trigger": trigger, "facts": told["facts"], "instant": told["instant"]}
    set_case(state, outcome, key, {**settled, **leading, "settlement": before})


def _money(
    state: State,
    outcome: Outcome,
    settlement: str,
    key: str,
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
    before = state.get("receivable", key) or {}
    after = {c["carrier"]: c["receivable_fen"] for c in carriers if c["receivable_fen"]}
    if before != after:
        state.put("receivable", key, after)
        names = [c["carrier"] for c in carriers]
        changed = [
            {"carrier": n, "before_fen": before.get(n, 0), "after_fen": after.get(n, 0)}
            for n in names
        ]
        entry, owed_by = f"{settlement}/receivable", value["listing"]
        post(state, outcome, receivable_changed(entry, now.time, settlement, owed_by, changed))
