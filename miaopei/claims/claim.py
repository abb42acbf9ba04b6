"""Claims: what each policy of a book is owed for one trigger, evaluated twice.

The columnar reading decides the mass; the exact reading confirms every amount that is not zero and
a sample of the zeros (`confirm`). A difference is an alarm: no money moves. Source: record.md,
section 7.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..measures.identity import content_id
from ..measures.suites import in_use

STATES = ("paid", "cut", "exhausted", "held", "kept", "receivable", "declined")


@dataclass(frozen=True)
class ClaimLeaf:
    """One policy's claim: fen, whole for the occurrence; `pay_fen` is what to move."""

    trigger: str
    policy: str
    position: int
    gross_fen: int
    spent_fen: int
    terms_fen: int
    owed_fen: int
    settled_fen: int
    pay_fen: int
    state: str
    salt: str

    def as_json(self) -> dict[str, Any]:
        """The form that is committed to."""
        return {
            "v": 1,
            "trigger": self.trigger,
            "policy": self.policy,
            "position": self.position,
            "gross_fen": self.gross_fen,
            "spent_fen": self.spent_fen,
            "terms_fen": self.terms_fen,
            "owed_fen": self.owed_fen,
            "settled_fen": self.settled_fen,
            "pay_fen": self.pay_fen,
            "state": self.state,
            "salt": self.salt,
        }

    def commitment(self) -> bytes:
        """32 bytes that stand in the sub-tree of claims."""
        return bytes.fromhex(content_id("claim", self.as_json()))


def claim_from_json(value: Mapping[str, Any]) -> ClaimLeaf:
    """A claim leaf from its JSON form (KeyError where a field is missing)."""
    return ClaimLeaf(**{name: value[name] for name in ClaimLeaf.__dataclass_fields__})


def claim_salt(row_salt: str, trigger: str) -> str:
    """A salt that every holder of the row derives alike and no neighbour can guess."""
    message = b"miaopei/v1/claim\0" + bytes.fromhex(trigger)
    return in_use.suite.hmac(bytes.fromhex(row_salt), message).hex()
