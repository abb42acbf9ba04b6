"""A policy transaction: one immutable row of a book, committed to with a salt.

The row itself is sealed for the book's group; the shared record holds its commitment only.
Source: docs/specs/record.md, section 5.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ..errors import Refusal, Refused
from ..measures.identity import LARGEST, canonical, id_of

PLAIN = re.compile(r"[ !#-\[\]-~]*")  # what JSON writes as it is
HEX_32, HEX_64 = re.compile("[0-9a-f]{32}"), re.compile("[0-9a-f]{64}")


class Transaction(StrEnum):
    """What a row does to its policy."""

    ISSUE = "issue"
    ENDORSE = "endorse"
    RENEW = "renew"
    CANCEL = "cancel"
    REINSTATE = "reinstate"


KINDS = {kind.value.encode("ascii"): kind for kind in Transaction}


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
    gone: str | None = None  # the commitment of a row whose key was destroyed; nothing else is left

    def as_json(self) -> dict[str, Any]:
        """The form that is committed to and sealed; of an erased row what proves that it was."""
        if self.gone is not None:
            return {"erased": self.gone, "policy": self.policy}
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
        return bytes.fromhex(self.gone or id_of("row", row_bytes(self)))


def erased_row(book: str, policy: str, commitment: str) -> PolicyRow:
    """What is left of a row about a person after erasure: its place, and that it covers nothing."""
    issue, nothing = Transaction.ISSUE, "0" * 64
    return PolicyRow(book, policy, issue, 0, 0, 0, 0, 0, nothing, gone=commitment)


def row_bytes(row: PolicyRow) -> bytes:
    """The canonical bytes of a row, written out: books of millions are hashed by them.

    Errors   Refused identity.* as `canonical`.
    Same as  canonical(row.as_json()).
    """
    if row.gone is not None:
        return canonical(row.as_json())
    names = sorted(row.declared)
    values = [row.declared[name] for name in names]
    numbers = (row.number, row.since, row.until, row.year_from, row.premium_fen, *values)
    texts = f"{row.book}{row.subject or ''}{row.policy}{row.salt}{''.join(names)}"
    plain = PLAIN.fullmatch(texts) and "" not in names
    whole = set(map(type, numbers)) == {int} and -LARGEST <= min(numbers) <= max(numbers) <= LARGEST
    if not (plain and whole):
        return canonical(row.as_json())
    declared = ",".join([f'"{name}":{row.declared[name]}' for name in names])
    subject = "null" if row.subject is None else f'"{row.subject}"'
    return (
        f'{{"book":"{row.book}","declared":{{{declared}}},"number":{row.number},'
        f'"policy":"{row.policy}","premium_fen":{row.premium_fen},"salt":"{row.salt}",'
        f'"since":{row.since},"subject":{subject},"transaction":"{row.transaction.value}",'
        f'"until":{row.until},"v":1,"year_from":{row.year_from}}}'
    ).encode("ascii")


def row_from_bytes(data: bytes, book: str = "") -> PolicyRow:
    """A row of a book from its canonical bytes, whole or erased; other bytes are refused.

    Errors   Refused policies.bad_row, identity.*.
    """
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Refused(Refusal("policies.bad_row", {"why": str(error)[:80]})) from None
    row = stored_row(book, value)
    if row_bytes(row) != data:
        raise Refused(Refusal("policies.bad_row", {"why": "not the canonical bytes of a row"}))
    return row


def rows_from_bytes(values: Iterable[bytes], of: str = "") -> list[PolicyRow]:
    """Many rows of one book, a million in seconds.

    A form that fits only canonical bytes of a sound row is tried first, of the inputs that the row
    before had; whatever does not fit it is read the long way, and refused there. `of` is the
    book, which an erased row does not name.
    Errors, Same as  row_from_bytes for each.
    """
    rows: list[PolicyRow] = []
    names: tuple[str, ...] = ()
    form = _form(names)
    for data in values:
        found = form.fullmatch(data)
        if found is None:
            row = row_from_bytes(data, of)
            known = row.gone is not None or tuple(sorted(row.declared)) == names
            if not known and PLAIN.fullmatch("".join(row.declared)):
                names = tuple(sorted(row.declared))
                form = _form(names)
            rows.append(row)
            continue
        book, *given, number, policy, premium, salt, since, subject, kind, until, year_from = (
            found.groups()
        )
        start, end = int(since), int(until)
        if end <= start:
            rows.append(row_from_bytes(data, of))
            continue
        rows.append(
            PolicyRow(
                *(book.decode(), policy.decode(), KINDS[kind], int(number), start, end),
                *(int(year_from), int(premium), salt.decode()),
                None if subject == b"null" else subject[1:-1].decode(),
                dict(zip(names, map(int, given), strict=True)),
            )
        )
    return rows


def _form(names: Iterable[str]) -> re.Pattern[bytes]:
    """Canonical bytes of a row that declares these inputs, in plain text; a group for each value.

    Integers of up to 15 digits, which are all within 2**53 - 1; no premium below zero.
    """
    whole, text = r"(0|-?[1-9][0-9]{0,14})", r"[ !#-\[\]-~]*"
    declared = ",".join(f'"{re.escape(name)}":{whole}' for name in names)
    kinds = "|".join(kind.value for kind in Transaction)
    return re.compile(
        rf'\{{"book":"({text})","declared":\{{{declared}\}},"number":{whole},'
        rf'"policy":"([0-9a-f]{{32}})","premium_fen":(0|[1-9][0-9]{{0,14}}),'
        rf'"salt":"([0-9a-f]{{64}})","since":{whole},"subject":(null|"{text}"),'
        rf'"transaction":"({kinds})","until":{whole},"v":1,"year_from":{whole}\}}'.encode("ascii")
    )


def row_from_json(value: Mapping[str, Any]) -> PolicyRow:
    """A row from its JSON form.

    Errors   Refused policies.bad_row naming what is wrong, policies.row_erased.
    """
    if set(value) == {"erased", "policy"}:
        raise Refused(Refusal("policies.row_erased", {"policy": str(value["policy"])[:32]}))
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


def stored_row(book: str, value: Mapping[str, Any]) -> PolicyRow:
    """A row of a book as a member keeps it: whole, or what is left of it.

    Errors   Refused policies.bad_row.
    """
    if set(value) == {"erased", "policy"}:
        return erased_row(book, value["policy"], value["erased"])
    return row_from_json(value)


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
    if not (HEX_64.fullmatch(row.salt) and HEX_32.fullmatch(row.policy)):
        refusals.append(Refusal("policies.bad_row", {"why": "salt of 64, policy of 32 hex digits"}))
    return refusals
