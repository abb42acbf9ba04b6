"""`admit_batch`: policy transactions for a book. The rows travel as a sealed blob.

Body: {book, rows: blob reference, commitments: blob reference, totals {premium_fen, carriers}}.
Nothing is in force yet: that takes the deciders' `hold_batch`. Refused while the listing is paused.
"""

from __future__ import annotations

from typing import Any

from .base import Moment, Outcome, check_carriers, fields, known, parts_of, refuse
from .blobs import COMMITMENTS, ROWS, check_reference
from .envelope import Act
from .pauses import check_open
from .state import State

KIND = "admit_batch"
ROLES = frozenset({"operator", "carrier", "channel"})


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused for a book not known, or references and totals that do not fit each other."""
    book, rows, commitments, totals = fields(
        act.body, book=str, rows=dict, commitments=dict, totals=dict
    )
    check_open(state, known(state, "book", book, "act.book_not_known")["listing"])
    bring(state, act, now, book, rows, commitments, totals)
    return Outcome()


def bring(
    state: State,
    act: Act,
    now: Moment,
    book: str,
    rows: dict[str, Any],
    commitments: dict[str, Any],
    totals: dict[str, Any],
    applications: list[str] | None = None,
) -> None:
    """Write a batch that waits for its deciders; `applications` are those that its rows come from.

    Errors   as the act's.
    """
    entry = known(state, "book", book, "act.book_not_known")
    check_reference(rows, ROWS)
    check_reference(commitments, COMMITMENTS)
    if rows["count"] != commitments["count"] or rows["root"] != commitments["root"]:
        raise refuse("act.batch_differs", rows=rows["count"], commitments=commitments["count"])
    if not rows["count"]:
        raise refuse("act.bad_body", field="rows", why="a batch holds at least one row")
    premium, carriers = fields(totals, premium_fen=int, carriers=list)
    parts = parts_of(carriers, "carrier", "premium_fen")
    check_carriers(state.need("listing", entry["listing"])["listing"], parts)
    if sum(fen for (fen,) in parts.values()) != premium:
        raise refuse("act.totals_differ", what="premium_fen", total=premium)
    state.put(
        "batch",
        act.id,
        {
            "book": book,
            "rows": rows,
            "commitments": commitments,
            "totals": totals,
            "statements": {},
            "first": None,
            "recorded_at": None,
            **({} if applications is None else {"applications": applications}),
        },
    )
    state.put("duty", f"hold/{book}/{now.height:012d}/{act.id}", {"batch": act.id, "book": book})
