"""Checks of the money: decisions, settlement, totals, the split between carriers, the bank."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...errors import Refused
from ...ledger.merkle import leaf_hash
from ...ledger.proof import check_inclusion, from_hex
from ...measures.identity import content_id
from ..receipt import Paid
from .contract import claim_of
from .seen import Seen
from .verdict import Facts, demand, fails

AMOUNTS = ("gross_fen", "terms_fen", "owed_fen", "pay_fen")
TOTALS = ("in_force", "claims", "held", *AMOUNTS, "kept_fen", "receivable_fen")
PAYOUT = ("v", "occurrence", "policy", "benefit", "carrier", "line", "revision")


def decisions(seen: Seen) -> Facts:
    """Enough deciders that the listing names said the same as the settlement."""
    value, listing = seen.settlement.value, seen.listing
    trigger = seen.trigger.value
    equal = set()
    for act in seen.acts["decisions"]:
        body = act.body
        demand(act.by in listing.deciders, "not_a_decider", by=act.by)
        demand(act.by not in equal, "decided_twice", by=act.by)
        same = (
            body["trigger"] == seen.trigger.id
            and body["revision"] == value["revision"] == trigger["revision"]
            and body["counter"] == value["counter"]
            and body.get("round", 1) == value.get("round", 1)
            and (body["book_size"], body["book_root"])
            == (trigger["book_size"], trigger["book_root"])
            and body["claims"]["root"] == value["claims_root"]
            and body["claims"]["count"] == value["totals"]["claims"]
            and body["totals"] == value["totals"]
        )
        demand(same, "decision_differs", by=act.by, index=act.index)
        demand(seen.trigger.index < act.index < seen.settlement.index, "order",
               first="trigger", then="decision")  # fmt: skip
        equal.add(act.by)
    operators = {seen.members[by][0]["operator"] for by in equal}
    demand(len(operators) >= listing.k, "too_few_deciders", k=listing.k, found=len(operators))
    demand(sorted(equal) == value["deciders"], "deciders_differ", found=len(equal))
    return {"deciders": len(equal), "k": listing.k}


def settlement(seen: Seen) -> Facts:
    """The settlement: its id, its trigger, its payer, made by the last of the decisions."""
    made, listing = seen.settlement, seen.listing
    value = made.value
    demand(value["trigger"] == seen.trigger.id, "settlement_other", field="trigger")
    demand(value["listing"] == listing.id, "settlement_other", field="listing")
    demand(value["book"] == listing.book, "settlement_other", field="book")
    demand(value["payer"] == listing.payer, "settlement_other", field="payer")
    demand(value["k"] == listing.k, "settlement_other", field="k")
    by = {act.id for act in seen.acts["decisions"]}
    one = listing.solo or seen.trigger.value["rules"] == 1
    demand(not one or made.by in by, "settlement_other", field="by")
    caused = (made.by,) if one else by  # in a round also another's word, or the time, may end it
    because = [(seen.trigger.id, act) for act in caused]
    demand(made.because in because, "settlement_other", field="because")
    return {
        "settlement": made.id, "counter": value["counter"], "settled_at": seen.time(made.height),
    }  # fmt: skip


def totals(seen: Seen) -> Facts:
    """Totals add up as far as one claim lets them be seen."""
    sums = seen.settlement.value["totals"]
    demand(set(sums) == {*TOTALS, "cap", "carriers"}, "totals", what="fields")
    demand(all(type(sums[n]) is int and sums[n] >= 0 for n in TOTALS), "totals", what="numbers")
    for name in ("pay_fen", "receivable_fen"):
        carried = sum(part[name] for part in sums["carriers"])
        demand(carried == sums[name], "totals", what=f"carriers.{name}")
    demand(sums["claims"] <= sums["in_force"], "totals", what="claims")
    names = [part["carrier"] for part in sums["carriers"]]
    shares = [share.carrier for share in seen.listing.placement.shares]
    demand(names == shares, "totals", what="carriers")
    if seen.receipt.claim is not None:
        claim = claim_of(seen)
        alone = sums["claims"] == 1
        for name in AMOUNTS:
            fits = claim[name] == sums[name] if alone else claim[name] <= sums[name]
            demand(fits, "totals", what=name)
    return {
        "claims": sums["claims"], "in_force": sums["in_force"], "total_fen": sums["pay_fen"],
    }  # fmt: skip


def split(seen: Seen) -> Facts:
    """The claim is divided between the carriers by the placement, and each payout's id follows."""
    claim, trigger = claim_of(seen), seen.trigger.value
    parts = seen.listing.placement.split(claim["pay_fen"])
    wanted = {carrier: fen for carrier, fen in parts.items() if fen}
    found: dict[str, int] = {}
    for part in seen.receipt.payouts:
        value = part.payout
        stated = tuple(value.get(name) for name in PAYOUT)
        carrier = str(value.get("carrier"))
        expected = (
            1, trigger["occurrence"], claim["policy"], trigger["benefit"], carrier, 0,
            trigger["revision"],
        )  # fmt: skip
        demand(set(value) == set(PAYOUT) and stated == expected, "payout_fields", carrier=carrier)
        demand(carrier not in found, "payout_twice", carrier=carrier)
        found[carrier] = part.amount_fen
    for carrier in {*wanted, *found}:
        stated_fen, found_fen = found.get(carrier, 0), wanted.get(carrier, 0)
        demand(stated_fen == found_fen, "split", carrier=carrier, stated_fen=stated_fen,
               found_fen=found_fen)  # fmt: skip
    return {"carriers": len(found), "pay_fen": claim["pay_fen"]}


def payments(seen: Seen) -> Facts:
    """What the bank said of each payout, under the outcomes root of an act of the payer."""
    sums = dict.fromkeys(("executed", "refused", "open"), 0)
    used = set()
    for part in seen.receipt.payouts:
        if part.paid is None:
            sums["open"] += part.amount_fen
            continue
        outcome = part.paid.outcome
        _under_root(seen, part.paid)
        used.add(part.paid.act)
        payout = content_id("payout", part.payout)
        demand(outcome["payout"] == payout, "outcome_other", payout=payout[:16])
        demand(outcome["amount_fen"] == part.amount_fen, "outcome_amount",
               stated_fen=part.amount_fen, found_fen=outcome["amount_fen"])  # fmt: skip
        demand(outcome["payer"] == part.payout["carrier"], "outcome_other", payout=payout[:16])
        numbered = type(outcome["number"]) is int and outcome["number"] >= 1
        final = outcome["state"] in ("executed", "refused")
        demand(numbered and final, "outcome_state", state=str(outcome["state"])[:20])
        sums[outcome["state"]] += part.amount_fen
    extra = {act.id for act in seen.acts["payments"]} - used
    demand(not extra, "payment_unused", count=len(extra))
    return {f"{name}_fen": fen for name, fen in sums.items()}


def _under_root(seen: Seen, paid: Paid) -> None:
    act = next((a for a in seen.acts["payments"] if a.id == paid.act), None)
    if act is None:
        raise fails("payment_absent", act=paid.act[:16])
    body: Mapping[str, Any] = act.body
    demand(body["debt"] == seen.settlement.id, "payment_other", act=act.id[:16])
    demand(act.by == seen.settlement.value["payer"], "not_the_payer", by=act.by)
    demand(act.index > seen.settlement.index, "order", first="settlement", then="payment")
    try:
        hashed = leaf_hash(bytes.fromhex(content_id("outcome", paid.outcome)))
        root = bytes.fromhex(body["outcomes"]["root"])
        demand(paid.count == body["outcomes"]["count"], "outcome_path", index=paid.index)
        check_inclusion(hashed, paid.index, paid.count, from_hex(list(paid.path)), root)
    except Refused:
        raise fails("outcome_path", index=paid.index) from None
