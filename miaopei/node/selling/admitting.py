"""Rows of applications that are ready, brought to their book: written down first, then sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...acts.admit_transactions import MOST
from ...acts.envelope import Act, from_json
from ...acts.state import State
from ...errors import Alarm
from ...measures.identity import canonical, read_canonical
from ...policies.row import PolicyRow, Transaction
from ..mass.bringing import body_of
from ..node import Node
from ..ports import Writing


def admit_ready(node: Node) -> int:
    """Bring everything that is ready; how many applications.

    Errors   Alarm where the record refuses what was written down.
    """
    with node.reading() as (_, state):
        duties = state.range("duty", "admit/")
        mine = node.identity.member
        listings = {key.split("/")[1] for key, duty in duties if duty["by"] == mine}
    return sum(_bring(node, listing) for listing in sorted(listings))


def _bring(node: Node, listing: str) -> int:
    done, name = 0, f"selling/admit/{listing}"
    while True:
        with node.store.writing() as block:
            kept = block.progress(name)
            act = _act(block, node, listing) if kept is None else from_json(read_canonical(kept))
            if act is None:
                return done
            block.put_progress(name, canonical(act.as_json()))
        (result,) = node.submit([act])
        if not result.ok:
            raise Alarm("the record refuses rows that are ready", code=result.refusals[0].code)
        with node.store.writing() as block:
            block.put_progress(name, None)
        done += len(act.body["applications"]) if result.new else 0


def _act(block: Writing, node: Node, listing: str) -> Act | None:
    """The next batch of a listing; None where nothing is ready."""
    state = State(block)
    waiting = state.range("duty", f"admit/{listing}/")
    mine = node.identity.member  # who took it knows whom it is about
    names = [d["application"] for _, d in waiting if d["by"] == mine][:MOST]
    if not names:
        return None
    book = state.need("listing", listing)["listing"]["book"]
    values = [state.need("application", name) for name in names]
    rows = [row for value in values for row in rows_of(block, node, book, value)]
    body = {**body_of(block, node, book, rows), "applications": names}
    return node.act("admit_transactions", f"sold-{body['rows']['root'][:24]}", body)


def rows_of(block: Writing, node: Node, book: str, value: dict[str, Any]) -> Sequence[PolicyRow]:
    """The rows of one application; the whole premium stands on the first."""
    policy = State(block).get("policy", value["policy"])
    token = block.progress(f"selling/subject/{value['policy']}")
    return [
        PolicyRow(
            book=book,
            policy=value["policy"],
            transaction=Transaction(row["transaction"]),
            number=row["number"],
            since=row["since"],
            until=row["until"],
            year_from=value["at"] if policy is None else policy["year_from"],
            premium_fen=0 if at else value["premium_fen"],
            salt=node.random(32).hex(),
            subject=None if token is None else token.decode("ascii"),
            declared=row["declared"],
        )
        for at, row in enumerate(value["rows"])
    ]
