"""`repay`: a policyholder has paid back what was paid too much; the receivable shrinks by it.

Body: {listing, occurrence, benefit, policy, year, carriers: [{carrier, repaid_fen}], reference}:
the policy year, and the bank's own reference of what came in. What is settled for the policy is
less by it from now on; decisions that are being made are made again. Source: record.md, 7 and 9.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace

from ..accounts.postings import receivable_repaid
from .base import Moment, Outcome, check_carriers, clock_key, fields, known, parts_of, refuse
from .entries import post
from .envelope import Act
from .state import State

KIND = "repay"
ROLES = frozenset({"operator", "payer", "carrier"})


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused for more than a carrier may ask back, and where nothing is to be repaid."""
    listing, occurrence, benefit, policy, year, carriers, reference = fields(
        act.body,
        listing=str,
        occurrence=str,
        benefit=str,
        policy=str,
        year=int,
        carriers=list,
        reference=str,
    )
    listed = known(state, "listing", listing, "act.listing_not_known")["listing"]
    key = f"{listing}/{occurrence}/{benefit}"
    open_fen = dict(known(state, "receivable", key, "act.nothing_receivable"))
    parts = {who: fen for who, (fen,) in parts_of(carriers, "carrier", "repaid_fen").items()}
    check_carriers(listed, parts)
    if not sum(parts.values()) or not reference.strip() or not policy:
        raise refuse("act.bad_body", field="carriers", why="needs money, a policy and a reference")
    for who, fen in parts.items():
        if fen > open_fen.get(who, 0):
            raise refuse("act.repaid_too_much", who=who, due=open_fen.get(who, 0), repaid=fen)
        open_fen[who] = open_fen.get(who, 0) - fen
    state.put("receivable", key, {who: fen for who, fen in open_fen.items() if fen})
    number = sum(1 for _ in state.range("repaid", f"{key}/")) + 1
    note = {"act": act.id, "policy": policy, "total_fen": sum(parts.values()), "at": now.time}
    state.put("repaid", f"{key}/{number:06d}", note)
    book = state.need("book", listed["book"])
    state.put("book", listed["book"], {**book, "counter": book["counter"] + 1})
    outcome = Outcome()
    at = clock_key(now.time, act.id)
    about = {"listing": listing, "year": str(year)}
    entry = receivable_repaid(at, now.time, act.id, listing, carriers)
    post(state, outcome, replace(entry, about=about))
    return outcome


def repaid_of(
    state: State, listing: str, benefit: str, counts: Callable[[str], bool] = lambda _: True
) -> dict[str, dict[str, int]]:
    """What has been repaid so far, in fen, by occurrence and policy; by the acts that count."""
    found: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for key, note in state.range("repaid", f"{listing}/"):
        _, occurrence, of, _ = key.split("/")
        if of == benefit and counts(note["act"]):
            found[occurrence][note["policy"]] += note["total_fen"]
    return found
