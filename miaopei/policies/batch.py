"""What a decider checks of a batch's opened rows before it says that it holds them.

One row alone is checked in `row`; here it is held against its book, the terms and the totals.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..errors import Fact, Refusal
from ..terms.words import Declared
from .row import PolicyRow, Transaction


def check_batch(
    rows: Sequence[PolicyRow],
    book: str,
    declared: Iterable[Declared],
    before: Iterable[PolicyRow],
    premium_fen: int,
) -> list[Refusal]:
    """Every reason why the rows may not come in force, at once.

    `declared` are the inputs that the book's terms read from a policy, `before` the book's rows.
    """
    asked = {of.name: of for of in declared}
    issued: dict[str, set[int]] = {}
    for row in before:
        issued.setdefault(row.policy, set()).add(row.number)
    found = []
    for row in rows:
        found += _misfits(row, book, asked) + _out_of_turn(row, issued)
        issued.setdefault(row.policy, set()).add(row.number)
    total = sum(row.premium_fen for row in rows)
    if total != premium_fen:
        found.append(Refusal("policies.premium_differs", {"rows": total, "stated": premium_fen}))
    return found


def _misfits(row: PolicyRow, book: str, asked: dict[str, Declared]) -> list[Refusal]:
    """Against its book, and the figures that the terms read."""
    found = [
        Refusal("policies.declared_differs", {"policy": row.policy, "name": name})
        for name in sorted(set(asked) ^ set(row.declared))
    ]
    if row.book != book:
        found.append(Refusal("policies.other_book", {"policy": row.policy, "book": row.book[:60]}))
    for name, of in asked.items():
        value = row.declared.get(name)
        if value is not None and not of.low <= value <= of.high:
            facts: dict[str, Fact] = {"policy": row.policy, "name": name, "value": value}
            limits = {"low": of.low, "high": of.high}
            found.append(Refusal("policies.declared_out_of_range", {**facts, **limits}))
    return found


def _out_of_turn(row: PolicyRow, issued: dict[str, set[int]]) -> list[Refusal]:
    """A policy is issued once; everything else speaks of one that was, each under its number."""
    known = row.policy in issued
    if row.transaction is Transaction.ISSUE and known:
        return [Refusal("policies.issued_before", {"policy": row.policy})]
    if row.transaction is not Transaction.ISSUE and not known:
        facts = {"policy": row.policy, "transaction": str(row.transaction)}
        return [Refusal("policies.not_issued", facts)]
    if row.number in issued.get(row.policy, ()):
        return [Refusal("policies.number_twice", {"policy": row.policy, "number": row.number})]
    return []
