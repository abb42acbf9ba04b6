"""Payouts: orders to pay, named before they are sent. Source: record.md, section 8."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..market.placement import Placement
from ..measures.identity import content_id
from .claim import ClaimLeaf


@dataclass(frozen=True)
class Payout:
    """One carrier's part of one claim. The id does not cover amount or account."""

    occurrence: str
    policy: str
    benefit: str
    carrier: str
    line: int
    revision: int
    amount_fen: int

    def as_json(self) -> dict[str, Any]:
        """What the id covers."""
        return {
            "v": 1,
            "occurrence": self.occurrence,
            "policy": self.policy,
            "benefit": self.benefit,
            "carrier": self.carrier,
            "line": self.line,
            "revision": self.revision,
        }

    @property
    def id(self) -> str:
        """Content id; with the instruction number it is the bank's idempotency key."""
        return content_id("payout", self.as_json())


def payouts_of(claim: ClaimLeaf, trigger: dict[str, Any], placement: Placement) -> list[Payout]:
    """The payouts of one claim, one a carrier with a part above zero; they sum to `pay_fen`."""
    return [
        Payout(
            trigger["occurrence"],
            claim.policy,
            trigger["benefit"],
            carrier,
            0,
            trigger["revision"],
            part,
        )
        for carrier, part in placement.split(claim.pay_fen).items()
        if part
    ]


def instruction_row(payout: Payout, debtor: str, creditor: str) -> dict[str, Any]:
    """The first instruction of a payout as it is written before anything is sent."""
    return {
        "payout": payout.id,
        "number": 1,
        "state": "new",
        "amount_fen": payout.amount_fen,
        "payer": payout.carrier,
        "policy": payout.policy,
        "debtor": debtor,
        "creditor": creditor,
        "about": payout.as_json(),
        "ref": None,
        "code": None,
        "at": None,
        "bank": None,
        "sandbox": None,
    }


def instruction_id(payout: str, number: int) -> str:
    """The bank's idempotency key."""
    return f"{payout}-{number}"
