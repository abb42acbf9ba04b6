"""Lies in a receipt, each found by its check.

They are signed again by the operator's own key, so that it is not the receipt's signature that
finds them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from miaopei.claims.receipt import Receipt, from_json
from miaopei.claims.verify import verify
from miaopei.measures.identity import content_id
from tests.unit.claims.made import invented, replayed, yangbi
from tests.unit.claims.replayed import IDENTITY, YUXI


def changed(receipt: Receipt, change: Callable[[Any], object]) -> tuple[str, ...]:
    """The failed checks after a change that the operator has signed again."""
    value = json.loads(receipt.to_bytes())
    change(value)
    value["sig"] = ""
    again = from_json(value).signed(IDENTITY.acts.sign)
    verdict = verify(again.to_bytes(), receipt.vkey)
    assert not verdict.holds
    assert "signer" not in verdict.failed
    return verdict.failed


def leaf(value: Any, role: str, index: int = 0) -> Any:
    return value["leaves"][role][index]["leaf"]


LIES: dict[str, tuple[Callable[[Any], object], str]] = {
    "a larger payout": (lambda v: v["payouts"][0].update(amount_fen=1), "split"),
    "a payout left out": (lambda v: v["payouts"].pop(), "split"),
    "another carrier": (lambda v: v["payouts"][0]["payout"].update(carrier="x"), "split"),
    "another amount at the bank": (
        lambda v: v["payouts"][0]["paid"]["outcome"].update(amount_fen=5), "payments",
    ),
    "an answer of the bank moved": (
        lambda v: v["payouts"][0].update(paid=v["payouts"][1]["paid"]), "payments",
    ),
    "a claim that owes more": (lambda v: v["claim"]["claim"].update(owed_fen=1), "amount"),
    "a claim that spent less": (lambda v: v["claim"]["claim"].update(spent_fen=9), "claim"),
    "another salt": (lambda v: v["claim"]["claim"].update(salt="0" * 64), "claim"),
    "another place in the book": (lambda v: v["row"].update(position=1), "row"),
    "a policy that lasted longer": (lambda v: v["row"]["row"].update(until=2**40), "row"),
    "a premium that was less": (lambda v: v["row"]["row"].update(premium_fen=0), "row"),
    "another magnitude": (
        lambda v: leaf(v, "trigger")["value"]["facts"]["magnitude"].update(value=70), "inclusion",
    ),
    "a later checkpoint": (
        lambda v: v.update(
            checkpoint=re.sub(
                r"\n(\d+)\n", lambda size: f"\n{int(size[1]) + 1}\n", v["checkpoint"], count=1
            )
        ),
        "checkpoint",
    ),
    "an act dropped": (lambda v: v["leaves"]["decisions"].clear(), "decisions"),
    "the sources dropped": (lambda v: v["leaves"]["sources"].clear(), "observations"),
    "the areas dropped": (lambda v: v["leaves"]["areas"].clear(), "facts"),
    "the facts dropped": (lambda v: v["leaves"]["facts"].clear(), "facts"),
    "the members dropped": (lambda v: v["leaves"]["members"].clear(), "listing"),
    "the blocks dropped": (lambda v: v["leaves"]["blocks"].clear(), "blocks"),
    "the statement dropped": (lambda v: v["leaves"]["hold"].clear(), "in_force"),
    "the batch dropped": (lambda v: v["leaves"]["batch"].clear(), "in_force"),
    "the case dropped": (lambda v: v["leaves"]["case"].clear(), "case"),
    "the payments dropped": (lambda v: v["leaves"]["payments"].clear(), "payments"),
    "two leaves exchanged": (
        lambda v: v["leaves"].update(
            trigger=v["leaves"]["settlement"], settlement=v["leaves"]["trigger"]
        ),
        "trigger",
    ),
    "a leaf at another place": (
        lambda v: v["leaves"]["trigger"][0].update(index=3), "inclusion",
    ),
    "a leaf twice": (
        lambda v: v["leaves"]["facts"].append(v["leaves"]["facts"][0]), "inclusion",
    ),
    "a path cut": (lambda v: v["leaves"]["case"][0]["path"].pop(), "inclusion"),
    "another genesis": (lambda v: leaf(v, "genesis")["value"].update(clock="live"), "inclusion"),
    "a refused act": (
        lambda v: leaf(v, "decisions").update(result={"ok": False, "refusals": []}), "acts",
    ),
    "an act by another": (lambda v: leaf(v, "decisions")["act"].update(by="picc"), "acts"),
}  # fmt: skip


@pytest.mark.parametrize("name", LIES)
def test_a_lie_signed_by_the_operator_is_found_by_its_check(name: str) -> None:
    change, check = LIES[name]
    assert check in changed(yangbi(), change)


def test_a_claim_of_another_policy_or_trigger_does_not_fit() -> None:
    receipt = yangbi()
    yuxi = [r for r in replayed() if r.leaves["trigger"][0].leaf["value"]["listing"] == YUXI]
    other = json.loads(yuxi[0].to_bytes())
    failed = changed(receipt, lambda v: v.update(claim=other["claim"]))
    assert {"claim", "amount", "split"} & set(failed)
    assert "row" in changed(receipt, lambda v: v.update(row=other["row"]))


def test_a_refusal_of_a_paid_case_is_not_believed() -> None:
    """The case's own leaf from before it settled is no refusal, and no other reason is invented."""
    receipt = invented()["no_rapid_report"]
    value = json.loads(receipt.to_bytes())
    case = value["leaves"]["case"][0]["leaf"]
    for state, reason in (
        ("settled", "equal_decisions"), ("nothing_due", "terms_give_zero"),
        ("not_covered", "outside_area"), ("not_covered", "no_terms_in_force"),
        ("closed", "no_assessed_loss_reported"), ("held_person", "roles_differ"),
        ("refused", "terms.band_unset"), ("anything", "anything"),
    ):  # fmt: skip

        def lie(v: Any, state: str = state, reason: str = reason) -> None:
            made = {**case, "value": {**case["value"], "state": state, "reason": reason}}
            made["id"] = content_id("case", made["value"])
            v["leaves"]["case"][0]["leaf"] = made

        assert {"case", "reason"} & set(changed(receipt, lie)), state


def test_a_refusal_for_a_policy_that_is_paid_is_not_believed() -> None:
    paid, ended = invented()["paid 1"], invented()["ended"]

    def lie(v: Any) -> None:
        true = json.loads(paid.to_bytes())
        v["leaves"], v["row"] = true["leaves"], true["row"]
        v["leaves"]["payments"] = []

    assert "reason" in changed(ended, lie)
