"""`admit_transactions`: the rows of applications that are ready enter their book, as a batch.

Body: as `admit_batch`, and applications: [ids in the order of their rows]. What each row must say
stands with its application; the deciders compare when they hold the batch.
"""

from __future__ import annotations

from . import sold
from .admit_batch import bring
from .base import Moment, Outcome, fields, known, refuse
from .envelope import Act
from .state import State

KIND = "admit_transactions"
ROLES = frozenset({"operator", "carrier"})
MOST = 1_000


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused for an application that is not ready, and totals that are not theirs."""
    book, rows, commitments, totals, names = fields(
        act.body, book=str, rows=dict, commitments=dict, totals=dict, applications=list
    )
    if not 0 < len(names) <= MOST or len(set(map(str, names))) != len(names):
        raise refuse("act.bad_body", field="applications", why=f"1 to {MOST}, each once")
    listing = known(state, "book", book, "act.book_not_known")["listing"]
    count = premium = 0
    outcome = Outcome()
    for name in names:
        value = dict(known(state, "application", str(name), "act.application_not_known"))
        if value["state"] != "ready" or value["listing"] != listing:
            raise refuse("act.not_ready", id=value["id"], state=value["state"])
        count, premium = count + len(value["rows"]), premium + value["premium_fen"]
        state.delete("duty", value["duty"])
        value |= {"state": "admitted", "batch": act.id, "duty": None}
        sold.put(state, outcome, value)
    if rows.get("count") != count:
        raise refuse("act.batch_differs", rows=rows.get("count"), commitments=count)
    if totals.get("premium_fen") != premium:
        raise refuse("act.totals_differ", what="premium_fen", total=totals.get("premium_fen"))
    bring(state, act, now, book, rows, commitments, totals, names)
    return outcome
