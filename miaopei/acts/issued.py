"""What a batch of applications makes once it is in force: policies, their stacks, and the money."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from ..accounts.premiums import deposit_earned
from ..market.placement import Placement
from ..policies.row import Transaction
from ..policies.stack import Change
from . import sold
from .base import Made, Moment, Outcome, clock_key
from .entries import post
from .file_offer import offer_of
from .state import State


def in_force(
    state: State, outcome: Outcome, now: Moment, batch_id: str, batch: dict[str, Any]
) -> None:
    """Each application of the batch is a policy now, or a change of one; deposits are earned."""
    listing = state.need("book", batch["book"])["listing"]
    placement = Placement.from_json(state.need("listing", listing)["listing"]["placement"])
    earned: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for name in batch["applications"]:
        value = dict(state.need("application", name))
        value |= {"state": "in_force", "recorded_at": now.time}
        _stack(state, outcome, now, value)
        collector = offer_of(state, listing, value["offer"]).collector
        for who, fen in placement.split(value["premium_fen"]).items():
            earned[collector][who] += fen
        if value["refund_fen"]:
            sold.return_premium(state, outcome, now, value, value["refund_fen"])
        sold.put(state, outcome, value)
    written = {c["carrier"]: c["premium_fen"] for c in batch["totals"]["carriers"]}
    state.put("premium", batch_id, written)  # it has arrived: nobody may receive it again
    for collector, parts in earned.items():
        if any(parts.values()):
            key = clock_key(now.time, f"{batch_id}/{collector}")
            entry = deposit_earned(key, now.time, batch_id, collector, parts)
            post(state, outcome, entry)


def _stack(state: State, outcome: Outcome, now: Moment, value: dict[str, Any]) -> None:
    """The transaction on the policy's stack; those before it stay as they are."""
    policy = state.get("policy", value["policy"]) or _new(value)
    if value["kind"] in ("issue", "renew"):
        term = {"offer": value["offer"], "loading_ppm": value["loading_ppm"]}
        policy["terms"][value["id"]] = term
        policy["offer"] = value["offer"]
    change = Change(
        id=value["id"],
        transaction=Transaction(value["kind"]),
        at=value["at"],
        recorded=len(policy["changes"]),
        until=value["until"],
        declared=value["figures"],
        fen=value["premium_fen"] - value["refund_fen"],
        extra_fen=value["extra_fen"],
    )
    noted = {**change.as_json(), "recorded_at": now.time, "batch": value["batch"]}
    policy["changes"] = [*policy["changes"], noted]
    policy["numbers"] += [row["number"] for row in value["rows"]]
    state.put("policy", value["policy"], policy)
    state.put("sold", f"{value['listing']}/{value['policy']}", value["channel"])
    state.delete("open_change", value["policy"])
    sold.expose(state, policy, sold.segments_of(policy))
    made = {"policy": value["policy"], "listing": value["listing"], **noted}
    outcome.made.append(Made("transaction", f"transaction/{value['id']}", made, (value["batch"],)))


def _new(value: dict[str, Any]) -> dict[str, Any]:
    names = ("policy", "listing", "offer", "holder", "feeder", "facts", "channel", "agent", "order")
    kept = {name: value[name] for name in names}
    return {**kept, "year_from": value["at"], "terms": {}, "changes": [], "numbers": []}
