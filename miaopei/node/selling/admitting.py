"""Rows of applications that are ready, brought to their book: written down first, then sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...acts.admit_transactions import MOST
from ...acts.envelope import Act, from_bytes
from ...acts.file_offer import offer_of
from ...acts.state import State
from ...acts.take_change import price_of
from ...errors import Alarm
from ...policies.row import PolicyRow, Transaction
from ...policies.stack import Change, Segment, in_effect
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
            act = _act(block, node, listing) if kept is None else from_bytes(kept)
            if act is None:
                return done
            block.put_progress(name, act.to_bytes())
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
    """The rows of one application; its premium stands on those whose time earns it."""
    policy = State(block).get("policy", value["policy"])
    parts = _shares(State(block), policy, value)
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
            premium_fen=parts[at],
            salt=node.random(32).hex(),
            subject=None if token is None else token.decode("ascii"),
            declared=row["declared"],
        )
        for at, row in enumerate(value["rows"])
    ]


def _shares(state: State, policy: dict[str, Any] | None, value: dict[str, Any]) -> list[int]:
    """What of a premium each row earns, in fen; together they are the premium.

    By what each row's time costs more than it did, cut to whole fen; the rest, and what does not
    follow from time (a reinstatement), stands on the first.
    """
    rows, fen = value["rows"], value["premium_fen"]
    if policy is None or len(rows) < 2 or not fen:
        return [fen, *[0] * (len(rows) - 1)]
    changes = [Change.from_json(change) for change in policy["changes"]]
    what = Transaction(value["kind"])
    terms = (value["id"], what, value["at"], len(changes), value["until"], value["figures"])
    before, after = in_effect(changes), in_effect([*changes, Change(*terms)])
    offer = offer_of(state, value["listing"], value["offer"])

    def cost(segments: Sequence[Segment], since: int, until: int) -> int:
        total = 0
        for part in segments:
            seconds = min(part.until, until) - max(part.since, since)
            if part.in_force and seconds > 0:
                of = offer if part.term == value["id"] else None
                total += price_of(state, policy, part, of) * seconds
        return total

    spans = [(row["since"], row["until"]) for row in rows]
    weights = [max(0, cost(after, *span) - cost(before, *span)) for span in spans]
    timed, whole = max(0, fen - value["extra_fen"]), sum(weights) or 1
    shares = [timed * weight // whole for weight in weights]
    return [fen - sum(shares[1:]), *shares[1:]]
