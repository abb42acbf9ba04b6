"""A policy transaction: one immutable row of a book, committed to with a salt.

The row itself is sealed for the book's group; the shared record holds its commitment only.
Source: docs/specs/record.md, section 5.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ..errors import Refusal, Refused
from ..measures.identity import content_id


class Transaction(StrEnum):
    """What a row does to its policy."""

    ISSUE = "issue"
    ENDORSE = "endorse"
    RENEW = "renew"
    CANCEL = "cancel"
    REINSTATE = "reinstate"


@dataclass(frozen=True)
class PolicyRow:
    """One transaction. Half-open [since, until), UTC seconds; `year_from` starts the policy years.

    `policy` is a random number (32 hex digits), `subject` a subject token or None where the policy
    is not about a person; `declared` holds the integers that the terms read.
    """

    book: str
    policy: str
    transaction: Transaction
    number: int
    since: int
    until: int
    year_from: int
    premium_fen: int
    salt: str
    subject: str | None = None
    declared: Mapping[str, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The form that is committed to and sealed."""
        return {
            "v": 1,
            "book": self.book,
            "policy": self.policy,
            "transaction": str(self.transaction),
            "number": self.number,
            "since": self.since,
            "until": self.until,
            "year_from": self.year_from,
            "premium_fen": self.premium_fen,
            "salt": self.salt,
            "subject": self.subject,
            "declared": dict(self.declared),
        }

    def commitment(self) -> bytes:
        """32 bytes that stand in the book's tree for this row."""
        return bytes.fromhex(content_id("row", self.as_json()))


def row_from_json(value: Mapping[str, Any]) -> PolicyRow:
    """A row from its JSON form.

    Errors   Refused policies.bad_row naming what is wrong.
    """
    try:
        row = PolicyRow(
            book=value["book"],
            policy=value["policy"],
            transaction=Transaction(value["transaction"]),
            number=value["number"],
            since=value["since"],
            until=value["until"],
            year_from=value["year_from"],
            premium_fen=value["premium_fen"],
            salt=value["salt"],
            subject=value["subject"],
            declared=dict(value["declared"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise Refused(Refusal("policies.bad_row", {"why": str(error)[:80]})) from None
    if refusals := check_row(row):
        raise Refused(*refusals)
    return row


def check_row(row: PolicyRow) -> list[Refusal]:
    """Everything that is wrong with one row, at once."""
    refusals = []
    numbers = (row.number, row.since, row.until, row.year_from, row.premium_fen)
    if any(type(n) is not int for n in (*numbers, *row.declared.values())):
        refusals.append(Refusal("policies.not_integer", {"policy": row.policy}))
        return refusals
    if row.until <= row.since:
        refusals.append(
            Refusal(
                "policies.ends_before_start",
                {"policy": row.policy, "since": row.since, "until": row.until},
            )
        )
    if row.premium_fen < 0:
        refusals.append(
            Refusal("policies.negative_premium", {"policy": row.policy, "value": row.premium_fen})
        )
    if len(row.salt) != 64 or len(row.policy) != 32:
        refusals.append(Refusal("policies.bad_row", {"why": "salt of 64, policy of 32 hex digits"}))
    return refusals
