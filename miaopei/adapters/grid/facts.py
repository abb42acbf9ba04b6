"""From what a message says to observations: lists sealed, content marked, named refusals.

Nothing that names a person is in an observation: scope and times stand on sealed lists by token.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...acts.facts import product_of
from ...acts.state import State
from ...errors import Refused
from ...evidence.kinds import LIST, OUTAGE, RESTORATION, TICKETS
from ...evidence.observation import Observation, check
from ...measures.identity import content_id
from ...node.node import Node
from ...node.ports import Reading, Writing
from ...node.vault.blobs import seal_by_token
from .connections import Names, Tokens, resolve
from .message import Back, Plan, Said, Tickets, no

Rows = Mapping[str, Mapping[str, int | None]]  # token -> what stands beside it


def kind_of(said: Said) -> str:
    """The kind of observation that it becomes."""
    match said:
        case Plan():
            return OUTAGE
        case Back():
            return RESTORATION
        case Tickets():
            return TICKETS


def persons_of(reading: Reading, said: Said, names: Names) -> tuple[list[Tokens], Rows | None]:
    """The customers of a plan or report, and the rows of its list; None where it has no list.

    Errors   Refused grid.unknown_transformer and its like, grid.back_before_off,
             grid.not_complete, grid.nobody.
    """
    if isinstance(said, Plan):
        people = resolve(reading, said.scope, names)
        if not people and not said.cancelled:
            raise no("nobody", outage=said.number)
        return people, {token: {} for tokens in people for token in tokens}
    if isinstance(said, Tickets):
        made = {t: {"tickets": c.tickets} for c in said.complaints for t in names(c.customer)}
        return [], made
    _check_times(said)
    if said.times is None:
        return [], None
    listed = {token: {"off": t.off, "on": t.on} for t in said.times for token in names(t.customer)}
    return [], listed


def mark_of(said: Said, rows: Rows | None) -> str:
    """What tells two contents apart, with tokens in place of numbers."""
    listed = None if rows is None else [[token, dict(rows[token])] for token in sorted(rows)]
    return content_id("said", [_values(said), listed])


def observe(
    block: Writing, node: Node, source: Mapping[str, Any], said: Said, rows: Rows | None, now: int
) -> Observation:
    """The observation, its list sealed for every book that reads the source.

    Errors   Refused evidence.*: what the record would say against it; nothing is sealed then.
    """
    readers = _readers(State(block), source["id"], kind_of(said))
    empty = {"blob": "0" * 64, "length": 0, "count": 0, "root": "0" * 64, "media": LIST}
    trial = _observation(source["id"], said, None if rows is None else empty)
    if refusals := check(trial, None, now):
        raise Refused(*refusals)
    if trial.kind not in source["kinds"]:
        raise no("kind_not_allowed", source=source["id"], kind=trial.kind)
    Observation.from_json(trial.as_json())
    if rows is None:
        return trial
    return _observation(source["id"], said, seal_by_token(block, node, rows, readers))


def _observation(source: str, said: Said, listed: Mapping[str, Any] | None) -> Observation:
    values = {**_values(said), "list": listed}
    return Observation(kind_of(said), source, said.number, said.revision, "reviewed", values)


def _values(said: Said) -> dict[str, Any]:
    if isinstance(said, Plan):
        return {
            "state": "cancelled" if said.cancelled else "planned",
            "published_at": said.published_at,
            "off_planned": said.off,
            "on_planned": said.on,
            "cause": said.cause,
            "feeder": said.feeder,
            "replaces": list(said.replaces),
        }
    if isinstance(said, Tickets):
        return {"published_at": said.published_at}
    return {
        "published_at": said.published_at,
        "first_off": said.first_off,
        "last_on": said.last_on,
        "complete": said.complete,
        "cause": said.cause,
    }


def _check_times(said: Back) -> None:
    times = said.times or ()
    wrong = sum(t.off is not None and t.on is not None and t.on < t.off for t in times)
    if wrong:
        raise no("back_before_off", outage=said.number, count=wrong)
    dark = sum(t.on is None for t in times)
    if said.complete and dark:
        raise no("not_complete", outage=said.number, count=dark)
    late = max((t.on for t in times if t.on is not None), default=None)
    if late is not None and said.last_on is not None and late > said.last_on:
        raise no("after_the_last", outage=said.number, last_on=said.last_on, found=late)


def _readers(state: State, source: str, kind: str) -> Sequence[str]:
    """The listings whose deciders must open its lists: those whose product reads the source. No
    product reads tickets; their readers are those of every cover of outages.
    """
    products = {
        listing: product_of(state, entry["product"])
        for listing, entry in state.range("listing", "")
    }
    return [
        listing
        for listing, product in products.items()
        if any(source in rule.sources for rule in product.inputs)
        or (kind == TICKETS and product.grouping["kind"] == OUTAGE)
    ]
