"""A member's store in memory: the same port as PostgreSQL, for simulation, what-if runs and laws.

Nothing survives the process. A transaction keeps its writes to itself and lays them over the tables
at its end, so that one that fails leaves nothing. Held equal to PostgreSQL by
tests/laws/test_store_laws.py.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict
from typing import Any

from ..claims.leaves import Claims, leaves_of, pages, unpacked
from ..claims.orders import About, Orders, order_row
from ..errors import Alarm, DebtAlarm
from ..ledger.merkle import Frontier, leaf_hash
from ..measures.identity import canonical, digest, read_canonical
from ..node.ports import Head, PageHead
from ..policies.book import Recorded
from .ordered import check_key, overlaid
from .persons.memory import MemoryPersons

Rows = dict[Any, Any]
FIRST_HEAD = (Head(0, Frontier().root(), -1, 0), Frontier())


class _Tables:
    """Finished rows by table, and the keys of each table in order, made when first asked for."""

    def __init__(self) -> None:
        self.rows: dict[str, Rows] = {}
        self._order: dict[str, list[Any]] = {}

    def copy(self) -> _Tables:
        made = _Tables()
        made.rows = {table: rows.copy() for table, rows in self.rows.items()}
        return made

    def keys(self, table: str, first: Any, last: Any) -> list[Any]:
        """Keys from `first` (inclusive) to `last` (exclusive; None is the end), in order."""
        order = self._order.get(table)
        if order is None:
            order = self._order[table] = sorted(self.rows.get(table, ()))
        if not order:
            return order
        end = len(order) if last is None else bisect_left(order, last)
        return order[bisect_left(order, first) : end]

    def apply(self, changes: dict[str, Rows]) -> None:
        for table, changed in changes.items():
            rows = self.rows.setdefault(table, {})
            before = len(rows)
            gone = [key for key, value in changed.items() if value is None]
            rows.update(changed)
            for key in gone:
                del rows[key]
            if gone or len(rows) != before:
                self._order.pop(table, None)


class MemoryStore:
    """One member's tables; one writer at a time, readers see the last finished transaction."""

    def __init__(self) -> None:
        self._tables = _Tables()
        self._writer = threading.Lock()
        self._state = threading.Lock()
        self._readers = 0

    @contextmanager
    def writing(self) -> Iterator[MemoryBlock]:
        """One transaction: all of it or nothing."""
        with self._writer:
            block = MemoryBlock(self._tables)
            yield block
            with self._state:
                if self._readers:  # they keep what they see
                    self._tables, self._readers = self._tables.copy(), 0
                self._tables.apply(block.changes)

    def reading(self) -> AbstractContextManager[MemoryBlock]:
        """A snapshot; what is written to it goes nowhere."""
        return _Snapshot(self)

    def begin(self) -> _Tables:
        """One more who reads the tables as they are."""
        with self._state:
            self._readers += 1
            return self._tables

    def end(self, tables: _Tables) -> None:
        """Who read these tables is done."""
        with self._state:
            if tables is self._tables:
                self._readers -= 1


class _Snapshot:
    """One look at a store. Simulated members look at theirs at each step: hence no generator."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    def __enter__(self) -> MemoryBlock:
        self._tables = self._store.begin()
        return MemoryBlock(self._tables)

    def __exit__(self, *_: object) -> None:
        self._store.end(self._tables)


class MemoryBlock(MemoryPersons):
    """A transaction over finished tables; see `node.ports.Writing`."""

    def __init__(self, tables: _Tables) -> None:
        self._tables = tables
        self.changes: dict[str, Rows] = {}

    def _get(self, table: str, key: Any) -> Any:
        changed = self.changes.get(table)
        if changed is not None and key in changed:
            return changed[key]
        rows = self._tables.rows.get(table)
        return None if rows is None else rows.get(key)

    def _must(self, table: str, key: Any) -> Any:
        value = self._get(table, key)
        if value is None:
            raise LookupError(f"not in the record: {table} {key}")
        return value

    def _put(self, table: str, key: Any, value: Any) -> None:
        self.changes.setdefault(table, {})[key] = value

    def _between(
        self, table: str, first: Any, last: Any = None, limit: int | None = None
    ) -> Iterator[tuple[Any, Any]]:
        rows = self._tables.rows.get(table, {})
        finished = [(key, rows[key]) for key in self._tables.keys(table, first, last)]
        if not (changed := self.changes.get(table)):
            return iter(finished[:limit])
        changes = {
            key: value
            for key, value in changed.items()
            if first <= key and (last is None or key < last)
        }
        return overlaid(finished, changes, limit)

    # shared: state -------------------------------------------------------------------------------
    def get(self, table: str, key: str) -> bytes | None:
        value: bytes | None = self._get(f"state/{table}", key)
        return value

    def prefetch(self, keys: Iterable[tuple[str, str]]) -> None:
        """Everything is at hand already."""

    def range(
        self, table: str, first: str, last: str | None = None, limit: int | None = None
    ) -> Iterator[tuple[str, bytes]]:
        return self._between(f"state/{table}", first, last, limit)

    def tables(self) -> Sequence[str]:
        names = {*self._tables.rows, *self.changes}
        states = (name.removeprefix("state/") for name in names if name.startswith("state/"))
        return sorted(name for name in states if next(self.range(name, "", limit=1), None))

    def put(self, table: str, key: str, value: bytes) -> None:
        check_key(table, key)
        self._put(f"state/{table}", key, value)

    def delete(self, table: str, key: str) -> None:
        check_key(table, key)
        if self.get(table, key) is not None:
            self._put(f"state/{table}", key, None)

    # shared: the log -----------------------------------------------------------------------------
    def head(self) -> Head:
        head: Head = self._edge()[0]
        return head

    def append_leaves(self, leaves: Sequence[bytes]) -> int:
        head, frontier = self._edge()
        grown, nodes = frontier.grow(leaf_hash(leaf) for leaf in leaves)
        for position, leaf in enumerate(leaves, frontier.size):
            self._put("leaf", position, leaf)
        for node in nodes:
            self._put("node", (node.level, node.place), node.hash)
        edge = Head(grown.size, grown.root(), head.height, head.time)
        self._put("head", "", (edge, grown))
        return int(frontier.size)

    def finish_block(self, height: int, time: int, leaves: int) -> Head:
        head, frontier = self._edge()
        head = Head(head.size, head.root, height, time)
        self._put("head", "", (head, frontier))
        self._put("block", height, (time, leaves))
        return head

    def leaf(self, position: int) -> bytes:
        return bytes(self._must("leaf", position))

    def leaves(self, start: int, end: int) -> Iterator[bytes]:
        return iter([leaf for _, leaf in self._between("leaf", start, end)])

    def node(self, level: int, index: int) -> bytes:
        return bytes(self._must("node", (level, index)))

    def nodes(self, level: int, start: int, end: int) -> Sequence[bytes]:
        return [value for _, value in self._between("node", (level, start), (level, end))]

    def put_places(self, places: Iterable[tuple[str, int]]) -> None:
        for name, position in places:
            self._put("place", name, position)

    def place(self, name: str) -> int | None:
        position: int | None = self._get("place", name)
        return position

    def places(self, names: Sequence[str]) -> dict[str, int]:
        found = {name: self.place(name) for name in names}
        return {name: position for name, position in found.items() if position is not None}

    def save_checkpoint(self, size: int, text: str) -> None:
        self._put("checkpoint", size, text)
        self._put("latest", "", max(size, self._get("latest", "") or 0))

    def checkpoint(self) -> str:
        return str(self._must("checkpoint", self._get("latest", "")))

    # shared: blobs, and the keys beside them -----------------------------------------------------
    def put_blob(self, data: bytes, media: str) -> str:
        name = digest(data)
        if self._get("blob", name) is None:
            self._put("blob", name, data)
            self._put("media", name, media)
        return name

    def blob(self, name: str) -> bytes | None:
        data: bytes | None = self._get("blob", name)
        return data

    def blobs(self) -> Iterator[tuple[str, bytes]]:
        return self._between("blob", "")

    def put_wrap(self, name: str, reader: str, wrapped: bytes) -> None:
        self._put("wrap", (name, reader), wrapped)

    def wrapped(self, name: str, reader: str) -> bytes | None:
        key: bytes | None = self._get("wrap", (name, reader))
        return key

    # group ---------------------------------------------------------------------------------------
    def put_rows(self, rows: Iterable[Recorded], _bodies: Sequence[bytes] | None = None) -> None:
        """The rows themselves are kept, so that their bytes are not needed."""
        for recorded in rows:
            self._put("row", (recorded.row.book, recorded.position), recorded)

    def rows(self, book: str, size: int) -> Sequence[Recorded]:
        return [recorded for _, recorded in self._between("row", (book, 0), (book, size))]

    def subjects(self, book: str, size: int) -> Sequence[str | None]:
        return [recorded.row.subject for recorded in self.rows(book, size)]

    def rows_between(self, book: str, start: int, end: int) -> Sequence[Recorded]:
        return [recorded for _, recorded in self._between("row", (book, start), (book, end))]

    def rows_of(
        self, book: str, size: int, policies: Sequence[str], subjects: Sequence[str] = ()
    ) -> Sequence[Recorded]:
        wanted, persons = set(policies), set(subjects)
        found = self.rows(book, size)
        return [r for r in found if r.row.policy in wanted or r.row.subject in persons]

    def put_runs(self, book: str, first: int, hashes: Sequence[bytes]) -> None:
        self._put("runs", book, [*self.runs(book)[:first], *hashes])

    def runs(self, book: str) -> Sequence[bytes]:
        return self._get("runs", book) or []

    def put_claims(
        self,
        trigger: str,
        book: str,
        benefit: str,
        claims: Claims,
        hashes: Sequence[bytes],
        first: int = 0,
    ) -> None:
        before = self._pages(trigger)[:first]
        kept = [*before, *zip(hashes, (part.tobytes() for part in pages(claims)), strict=True)]
        self._put("claims", trigger, (book, benefit, kept))

    def claims(self, trigger: str) -> Sequence[dict[str, Any]]:
        return [leaf.as_json() for leaf in leaves_of(self.claim_columns(trigger), trigger)]

    def claim_columns(self, trigger: str) -> Claims:
        return unpacked(*(body for _, body in self._pages(trigger)))

    def claim_heads(self, trigger: str) -> Sequence[PageHead]:
        found = []
        for page, (hash, body) in enumerate(self._pages(trigger)):
            first = unpacked(body)["first"]
            found.append(PageHead(page, int(first.min()), int(first.max()), hash))
        return found

    def claim_page(self, trigger: str, page: int) -> Claims:
        return unpacked(*(body for _, body in self._pages(trigger)[page : page + 1]))

    def _pages(self, trigger: str) -> Sequence[tuple[bytes, bytes]]:
        found: Sequence[tuple[bytes, bytes]] = (self._get("claims", trigger) or ("", "", []))[2]
        return found

    # own -----------------------------------------------------------------------------------------
    def put_orders(self, debt: str, about: About, orders: Orders) -> None:
        """Each order as the row that PostgreSQL makes of its columns when it is read."""
        shared = asdict(about)
        ids, policies = orders["payout"].tobytes().hex(), orders["policy"].tobytes().hex()
        figures = zip(orders["share"].tolist(), orders["amount_fen"].tolist(), strict=True)
        self.put_instructions(
            debt,
            (
                order_row(
                    shared, ids[64 * i : 64 * i + 64], policies[32 * i : 32 * i + 32], share, fen
                )
                for i, (share, fen) in enumerate(figures)
            ),
        )

    def put_instructions(self, debt: str, rows: Iterable[dict[str, Any]]) -> None:
        for row in rows:
            key = (row["payout"], row["number"])
            if self._get("instruction", key) is not None:
                raise DebtAlarm("an instruction is there already", debt=debt)
            self._put("instruction", key, canonical(row))
            self._put("of debt", (debt, *key), key)

    def mark_sent(self, rows: Sequence[dict[str, Any]]) -> None:
        self.mark_instructions({**row, "state": "sent"} for row in rows)

    def mark_instructions(self, changes: Iterable[dict[str, Any]]) -> None:
        for row in changes:
            key = (row["payout"], row["number"])
            if self._get("instruction", key) is None:
                raise Alarm("an instruction to change is not there", payout=row["payout"])
            self._put("instruction", key, canonical(row))

    def instructions(
        self,
        debt: str,
        states: Sequence[str] = (),
        limit: int | None = None,
        after: tuple[str, int] = ("", 0),
    ) -> Sequence[dict[str, Any]]:
        """Of some states, or all; with a limit those of each state in turn beyond `after`."""
        found = self._between("of debt", (debt,), (debt + "\0",))
        rows = [read_canonical(self._get("instruction", key)) for _, key in found]
        if limit is not None:
            rest = [row for row in rows if (row["payout"], row["number"]) > after]
            return [row for state in states for row in rest if row["state"] == state][:limit]
        return [row for row in rows if not states or row["state"] in states]

    def instruction_states(self, payouts: Sequence[str]) -> dict[tuple[str, int], str]:
        """By payout and number."""
        wanted = set(payouts)
        return {
            key: read_canonical(row)["state"]
            for key, row in self._between("instruction", ("", 0))
            if key[0] in wanted
        }

    def put_progress(self, name: str, value: bytes | None) -> None:
        if value is not None or self._get("progress", name) is not None:
            self._put("progress", name, value)

    def progress(self, name: str) -> bytes | None:
        body: bytes | None = self._get("progress", name)
        return body

    def _edge(self) -> Any:
        return self._get("head", "") or FIRST_HEAD
