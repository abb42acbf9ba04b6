"""Receipts of the replayed and of the invented years, each made once a test run."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from miaopei.claims.receipt import Receipt
from miaopei.node.proof.receipts import Collector
from tests.unit.claims.replayed import DALI, IDENTITY, situations, world


@cache
def replayed() -> tuple[Receipt, ...]:
    """Payouts of the replayed years."""
    return tuple(_payouts(world()))


@cache
def invented() -> dict[str, Receipt]:
    """One receipt for each way in which a case can end, by state or reason (house cover)."""
    found = {}
    with situations().node.reading() as (reading, state):
        collector = Collector(reading, IDENTITY)
        for id, entry in state.range("settlement", ""):
            for claim in reading.claims(entry["settlement"]["trigger"]):
                make = collector.payout if claim["pay_fen"] else collector.policy_refusal
                name = f"{claim['state']} {entry['settlement']['revision']}"
                found[name] = make(id, claim["policy"])
            found["ended"] = collector.policy_refusal(id, "e" * 32)
        for key, case in state.range("case", f"{DALI}/"):
            if case["state"] != "settled" and case["benefit"] == "house":
                found[case["reason"]] = collector.case_refusal(*key.split("/"))
    return found


@cache
def refused() -> dict[str, Receipt]:
    """Refusals of the replayed years, one for each reason."""
    found = {}
    with world().node.reading() as (reading, state):
        collector = Collector(reading, IDENTITY)
        for key, case in state.range("case", ""):
            name = f"{case['benefit']} {case['reason']}"
            if case["state"] != "settled" and name not in found:
                found[name] = collector.case_refusal(*key.split("/"))
    return found


def _payouts(made: Any) -> Iterator[Receipt]:
    with made.node.reading() as (reading, state):
        collector = Collector(reading, IDENTITY)
        for id, entry in state.range("settlement", ""):
            for claim in reading.claims(entry["settlement"]["trigger"]):
                if claim["pay_fen"]:
                    yield collector.payout(id, claim["policy"])


@cache
def yangbi() -> Receipt:
    """2021-05-21, house cover of Dali."""
    return max(replayed(), key=lambda r: r.leaves["settlement"][0].index)
