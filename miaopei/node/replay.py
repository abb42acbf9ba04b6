"""Replaying dated facts through the live path: each row arrives at its own time, then time goes on.

The record is one with `clock: replay`; this drives its `time` acts. Between arrivals every deadline
is stopped at, so that what ripens does so at its own hour and not at the next row's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from ..acts.apply import ActResult
from .gateway import Row, facts_of, parts_of
from .node import Node


@dataclass(frozen=True)
class Arrival:
    """A row and the instant at which it arrives."""

    at: int
    row: Row


@dataclass(frozen=True)
class Step:
    """One step of a replay: the time it came to, rows that arrived, what the record answered."""

    at: int
    rows: int
    results: tuple[ActResult, ...]


def replay(
    node: Node, arrivals: Iterable[Arrival], until: int, after_each: Callable[[], object]
) -> Iterator[Step]:
    """Drive the record to `until`; `after_each` runs the node's duties after every step.

    The order of `arrivals` does not matter: they are sorted by time, then earlier revisions
    first, then by observation id.
    """
    ordered = sorted(
        arrivals, key=lambda a: (a.at, a.row.observation.revision, a.row.observation.id)
    )
    for at, same in groupby(ordered, key=lambda a: a.at):
        rows = [arrival.row for arrival in same]
        yield from _deadlines(node, at, after_each)
        yield _arrive(node, at, rows)
        after_each()
    yield from _deadlines(node, until, after_each)
    node.pass_time(until)
    after_each()


def _arrive(node: Node, at: int, rows: list[Row]) -> Step:
    """What arrives together is recorded in one block; what one source says of one version also in
    one act, so that two figures of it are seen beside each other before anything is decided."""
    tick = node.act("time", f"time-{at}", {"time": at})
    said: dict[tuple[str, int], list[tuple[int, Row]]] = {}
    for number, row in enumerate(rows):
        key = (row.observation.source, row.observation.revision)
        said.setdefault(key, []).append((number, row))
    facts = [
        node.act("record_facts", f"{source}-{at}-{group[0][0] + part}", {"facts": together})
        for (source, _), group in said.items()
        for part, together in enumerate(parts_of(facts_of(node, (row for _, row in group), at)))
    ]
    return Step(at, len(rows), tuple(node.submit([tick, *facts])[1:]))


def _deadlines(node: Node, at: int, after_each: Callable[[], object]) -> Iterator[Step]:
    while (due := _next_deadline(node)) is not None and due < at:
        node.pass_time(due)
        after_each()
        yield Step(due, 0, ())


def _next_deadline(node: Node) -> int | None:
    with node.reading() as (_, state):
        first = next(state.range("ripe", ""), None)
    return None if first is None else int(first[0][:12])
