"""A member's store in memory: the same port as PostgreSQL, for simulation, what-if runs and laws.

Nothing survives the process. A transaction works on copies of what it touches and swaps them in at
its end, so a refused block leaves nothing.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ..ledger.merkle import Frontier, leaf_hash
from ..measures.identity import digest
from ..node.ports import Head
from ..policies.book import Recorded


@dataclass
class _Tables:
    """Everything a member holds."""

    state: dict[str, dict[str, bytes]] = field(default_factory=dict)
    leaves: list[bytes] = field(default_factory=list)
    nodes: dict[tuple[int, int], bytes] = field(default_factory=dict)
    frontier: Frontier = field(default_factory=Frontier)
    head: Head = field(default_factory=lambda: Head(0, Frontier().root(), -1, 0))
    blocks: dict[int, tuple[int, int]] = field(default_factory=dict)
    checkpoints: list[tuple[int, str]] = field(default_factory=list)
    blobs: dict[str, bytes] = field(default_factory=dict)
    media: dict[str, str] = field(default_factory=dict)
    wraps: dict[tuple[str, str], bytes] = field(default_factory=dict)
    places: dict[str, int] = field(default_factory=dict)
    rows: dict[tuple[str, int], Recorded] = field(default_factory=dict)
    claims: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    payees: dict[str, dict[str, Any]] = field(default_factory=dict)
    instructions: dict[tuple[str, int], dict[str, Any]] = field(default_factory=dict)
    progress: dict[str, bytes] = field(default_factory=dict)


class MemoryStore:
    """One member's tables; one writer at a time, readers see the last finished transaction."""

    def __init__(self) -> None:
        self._tables = _Tables()
        self._writer = threading.Lock()

    @contextmanager
    def writing(self) -> Iterator[MemoryBlock]:
        """One transaction: all of it or nothing."""
        with self._writer:
            block = MemoryBlock(_branch(self._tables))
            yield block
            self._tables = block.tables

    @contextmanager
    def reading(self) -> Iterator[MemoryBlock]:
        """A snapshot; what is written to it goes nowhere."""
        yield MemoryBlock(_branch(self._tables))


def _branch(tables: _Tables) -> _Tables:
    """A shallow copy of every table: values are never changed in place."""
    made = copy.copy(tables)
    for name in tables.__dataclass_fields__:
        value = getattr(tables, name)
        if isinstance(value, dict | list):
            setattr(made, name, value.copy())
    made.state = {table: rows.copy() for table, rows in tables.state.items()}
    return made


class MemoryBlock:
    """A transaction over branched tables; see `node.ports.Writing`."""

    def __init__(self, tables: _Tables) -> None:
        self.tables = tables

    # shared: state ------------------------------------------------------------------------------
    def get(self, table: str, key: str) -> bytes | None:
        return self.tables.state.get(table, {}).get(key)

    def range(
        self, table: str, first: str, last: str | None = None, limit: int | None = None
    ) -> Iterator[tuple[str, bytes]]:
        rows = self.tables.state.get(table, {})
        keys = sorted(
            (k for k in rows if k >= first and (last is None or k < last)), key=str.encode
        )
        for key in keys[:limit]:
            yield key, rows[key]

    def put(self, table: str, key: str, value: bytes) -> None:
        self.tables.state.setdefault(table, {})[key] = value

    def delete(self, table: str, key: str) -> None:
        self.tables.state.get(table, {}).pop(key, None)

    # shared: the log ----------------------------------------------------------------------------
    def head(self) -> Head:
        return self.tables.head

    def append_leaves(self, leaves: Sequence[bytes]) -> int:
        first = len(self.tables.leaves)
        self.tables.leaves.extend(leaves)
        self.tables.frontier, nodes = self.tables.frontier.grow(leaf_hash(x) for x in leaves)
        for node in nodes:
            self.tables.nodes[node.level, node.place] = node.hash
        return first

    def finish_block(self, height: int, time: int, leaves: int) -> Head:
        frontier = self.tables.frontier
        self.tables.head = Head(frontier.size, frontier.root(), height, time)
        self.tables.blocks[height] = (time, leaves)
        return self.tables.head

    def leaf(self, position: int) -> bytes:
        return self.tables.leaves[position]

    def leaves(self, start: int, end: int) -> Iterator[bytes]:
        return iter(self.tables.leaves[start:end])

    def node(self, level: int, index: int) -> bytes:
        if level == 0:
            return leaf_hash(self.tables.leaves[index])
        return self.tables.nodes[level, index]

    def put_places(self, places: Iterable[tuple[str, int]]) -> None:
        self.tables.places.update(places)

    def place(self, name: str) -> int | None:
        return self.tables.places.get(name)

    def save_checkpoint(self, size: int, text: str) -> None:
        self.tables.checkpoints.append((size, text))

    def checkpoint(self) -> str:
        return self.tables.checkpoints[-1][1]

    # shared: blobs, and the keys beside them ------------------------------------------------------
    def put_blob(self, data: bytes, media: str) -> str:
        name = digest(data)
        self.tables.blobs[name], self.tables.media[name] = data, media
        return name

    def blob(self, name: str) -> bytes | None:
        return self.tables.blobs.get(name)

    def blobs(self) -> Iterator[tuple[str, bytes]]:
        return iter(sorted(self.tables.blobs.items()))

    def put_wrap(self, name: str, reader: str, wrapped: bytes) -> None:
        self.tables.wraps[name, reader] = wrapped

    def wrapped(self, name: str, reader: str) -> bytes | None:
        return self.tables.wraps.get((name, reader))

    # group ----------------------------------------------------------------------------------------
    def put_rows(self, rows: Iterable[Recorded]) -> None:
        for recorded in rows:
            self.tables.rows[recorded.row.book, recorded.position] = recorded

    def rows(self, book: str, size: int) -> Sequence[Recorded]:
        return [self.tables.rows[book, i] for i in range(size) if (book, i) in self.tables.rows]

    def put_claims(self, trigger: str, book: str, benefit: str, claims: Iterable[Any]) -> None:
        self.tables.claims[trigger] = [claim.as_json() for claim in claims]

    def claims(self, trigger: str) -> Sequence[dict[str, Any]]:
        return self.tables.claims.get(trigger, [])

    # own ------------------------------------------------------------------------------------------
    def put_payee(self, subject: str, value: dict[str, Any]) -> None:
        self.tables.payees[subject] = value

    def payee(self, subject: str) -> dict[str, Any] | None:
        return self.tables.payees.get(subject)

    def put_instructions(self, settlement: str, rows: Iterable[dict[str, Any]]) -> None:
        for row in rows:
            key = (row["payout"], row["number"])
            self.tables.instructions[key] = {**row, "settlement": settlement}

    def mark_instructions(self, changes: Iterable[dict[str, Any]]) -> None:
        for row in changes:
            self.tables.instructions[row["payout"], row["number"]] = row

    def instructions(self, settlement: str) -> Sequence[dict[str, Any]]:
        rows = self.tables.instructions
        return [rows[key] for key in sorted(rows) if rows[key]["settlement"] == settlement]

    def put_progress(self, name: str, value: bytes | None) -> None:
        if value is None:
            self.tables.progress.pop(name, None)
        else:
            self.tables.progress[name] = value

    def progress(self, name: str) -> bytes | None:
        return self.tables.progress.get(name)
