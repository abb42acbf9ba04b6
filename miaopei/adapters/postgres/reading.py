"""What can be read of a member's database: the record, its blobs, opened rows, payments."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, LiteralString

from psycopg import Connection
from psycopg.errors import UndefinedTable

from ...claims.leaves import Claims, leaves_of, unpacked
from ...claims.orders import order_row
from ...ledger.merkle import HASH_BYTES, Frontier, empty_root
from ...node.ports import Head, PageHead
from ...node.vault.persons import PersonVault
from ...policies.book import Recorded
from ...policies.row import stored_row
from ..persons import master_key
from .connection import Row, faults
from .own.guard import unguarded
from .own.persons import Persons

ORDERS = """
select body, payout, policy, share, amount, state from own.instruction where debt = %b
and (cardinality(%b::text[]) = 0 or state = any(%b::text[])) order by payout, number
"""
ONE_STATE = """
select body, payout, policy, share, amount, state from own.instruction where debt = %b
and state = %b and (payout, number) > (%b::text, %b::int) order by payout, number limit %b
"""
BATCH = 2_000  # rows of a long read that are held in memory at once

HEAD = """
select h.size, h.root, h.frontier, coalesce(b.height, h.height, -1), coalesce(b.time, h.time, 0)
from (select) as one
left join shared.head h on true
left join (select height, time from own.block order by height desc limit 1) b on true
"""
RANGE = """
select key, value from shared.state
where tab = %b and key >= %b and (%b::text is null or key < %b) order by key limit %b
"""
AHEAD = """
select tab, key, value from shared.state
join unnest(%b::text[], %b::text[]) as wanted(tab, key) using (tab, key)
"""
RANGE_ON = "select key, value from shared.state where tab = %b and key >= %b order by key limit %b"


def from_environment() -> PersonVault:
    """The vault of a store that was given none.

    Errors   Refused persons.no_master_key.
    """
    return master_key.vault(None)


class PostgresReading(Persons):
    """One moment of the database, for as long as it is held. See `node.ports.Reading`.

    Errors   OutsideFault when the server fails, RecordDamaged when it reports damaged pages,
             LookupError for a leaf, node or checkpoint that is not there.
    """

    def __init__(
        self,
        connection: Connection[Row],
        vault: PersonVault | Callable[[], PersonVault] = from_environment,
    ) -> None:
        self._connection, self._vault = connection, vault
        self._cursor = connection.cursor(binary=True)
        self._head: Head | None = None
        self._ahead: dict[tuple[str, str], bytes | None] = {}

    def begin(self) -> None:
        """Fix the moment by the first question: where the record stands, which most ask next."""
        try:
            self._head = self._edge()[0]
        except UndefinedTable:  # a database without our tables can be looked at as well
            self._connection.rollback()
            self.execute("select")

    # shared: state -------------------------------------------------------------------------------
    def get(self, table: str, key: str) -> bytes | None:
        """The value at a key."""
        if (table, key) in self._ahead:
            return self._ahead[table, key]
        row = self._one("select value from shared.state where tab = %b and key = %b", table, key)
        return None if row is None else row[0]

    def range(
        self, table: str, first: str, last: str | None = None, limit: int | None = None
    ) -> Iterator[tuple[str, bytes]]:
        """Keys from `first` (inclusive) to `last` (exclusive) in byte order, as they are now."""
        if last is None:
            return iter(self._all(RANGE_ON, table, first, limit))
        return iter(self._all(RANGE, table, first, last, last, limit))

    def prefetch(self, keys: Iterable[tuple[str, str]]) -> None:
        """Ask for many values at once; what a snapshot holds does not change, so they are kept."""
        wanted: dict[tuple[str, str], bytes | None] = dict.fromkeys(keys)
        rows = self._all(AHEAD, [table for table, _ in wanted], [key for _, key in wanted])
        self._ahead.update(wanted)
        self._ahead.update({(table, key): value for table, key, value in rows})

    def tables(self) -> Sequence[str]:
        """The names of the tables that hold something, in byte order."""
        return [row[0] for row in self._all("select distinct tab from shared.state order by tab")]

    # shared: the log -----------------------------------------------------------------------------
    def head(self) -> Head:
        """Size and root of the log; height and time of the last block, with leaves or without."""
        return self._head or self._edge()[0]

    def leaf(self, position: int) -> bytes:
        """The bytes of one entry."""
        return bytes(self._must("select bytes from shared.leaf where position = %b", position))

    def leaves(self, start: int, end: int) -> Iterator[bytes]:
        """The bytes of the entries [start, end)."""
        for first in range(start, end, BATCH):
            rows = self._all(
                "select bytes from shared.leaf where position >= %b and position < %b"
                " order by position",
                first,
                min(first + BATCH, end),
            )
            if not rows:  # a damaged size may name leaves beyond all counting
                return
            yield from (row[0] for row in rows)

    def node(self, level: int, index: int) -> bytes:
        """The hash of a complete sub-tree; level 0 is the leaf's own."""
        if level == 0:
            return bytes(self._must("select hash from shared.leaf where position = %b", index))
        query: LiteralString = "select hash from shared.node where level = %b and index = %b"
        return bytes(self._must(query, level, index))

    def nodes(self, level: int, start: int, end: int) -> Sequence[bytes]:
        """The hashes of the sub-trees [start, end) of one level, as far as they are complete."""
        if level == 0:
            rows = self._all(
                "select hash from shared.leaf where position >= %b and position < %b"
                " order by position",
                start,
                end,
            )
        else:
            rows = self._all(
                "select hash from shared.node where level = %b and index >= %b and index < %b"
                " order by index",
                level,
                start,
                end,
            )
        return [row[0] for row in rows]

    def place(self, name: str) -> int | None:
        """The position of the leaf of a named thing."""
        row = self._one("select position from shared.place where name = %b", name)
        return None if row is None else row[0]

    def places(self, names: Sequence[str]) -> dict[str, int]:
        """The same for many; those not known are left out."""
        query = "select name, position from shared.place where name = any(%b::text[])"
        return dict(self._all(query, list(names)))

    def checkpoint(self) -> str:
        """The signed checkpoint of the largest size."""
        return str(self._must("select text from own.checkpoint order by size desc limit 1"))

    # shared: blobs, and the keys beside them -----------------------------------------------------
    def blob(self, name: str) -> bytes | None:
        """The stored bytes of a blob, by the hex of their SHA-256."""
        row = self._one("select bytes from shared.blob where digest = %b", bytes.fromhex(name))
        return None if row is None else row[0]

    def blobs(self) -> Iterator[tuple[str, bytes]]:
        """All blobs in the order of their digests."""
        row = self._one("select digest, bytes from shared.blob order by digest limit 1")
        while row is not None:
            yield row[0].hex(), row[1]
            row = self._one(
                "select digest, bytes from shared.blob where digest > %b order by digest limit 1",
                row[0],
            )

    def wrapped(self, name: str, reader: str) -> bytes | None:
        """The data key of a blob, wrapped for one reader."""
        row = self._one(
            "select wrapped from own.wrap where digest = %b and reader = %b",
            bytes.fromhex(name),
            reader,
        )
        return None if row is None else row[0]

    # group ---------------------------------------------------------------------------------------
    def rows(self, book: str, size: int) -> Sequence[Recorded]:
        """The opened rows of a book up to a size, in record order."""
        found = self._all(
            'select position, recorded_at, body from "group".row'
            " where book = %b and position < %b order by position",
            book,
            size,
        )
        return [
            Recorded(position, recorded_at, stored_row(book, json.loads(body)))
            for position, recorded_at, body in found
        ]

    def subjects(self, book: str, size: int) -> Sequence[str | None]:
        """The subject tokens of the rows of a book up to a size, in record order."""
        query: LiteralString = (
            'select subject from "group".row where book = %b and position < %b order by position'
        )
        return [subject for (subject,) in self._all(query, book, size)]

    def rows_between(self, book: str, start: int, end: int) -> Sequence[Recorded]:
        """The opened rows of a book at the positions [start, end)."""
        found = self._all(
            'select position, recorded_at, body from "group".row'
            " where book = %b and position >= %b and position < %b order by position",
            *(book, start, end),
        )
        return [Recorded(at, time, stored_row(book, json.loads(body))) for at, time, body in found]

    def rows_of(
        self, book: str, size: int, policies: Sequence[str], subjects: Sequence[str] = ()
    ) -> Sequence[Recorded]:
        """The rows below a size that speak of some policies or persons, in record order."""
        found = self._all(
            'select position, recorded_at, body from "group".row where book = %b'
            " and policy = any(%b::text[]) and position < %b"
            ' union select position, recorded_at, body from "group".row where book = %b'
            " and subject = any(%b::text[]) and position < %b order by position",
            *(book, list(policies), size, book, list(subjects), size),
        )
        return [Recorded(at, time, stored_row(book, json.loads(body))) for at, time, body in found]

    def runs(self, book: str) -> Sequence[bytes]:
        """Heads of the sub-trees over complete runs of 1,024 rows of a book, from the first on."""
        query = 'select run, hash from "group".run where book = %b order by run'
        found = self._all(query, book)
        return [hash for at, (run, hash) in enumerate(found) if run == at]

    def claims(self, trigger: str) -> Sequence[dict[str, Any]]:
        """The claims of a trigger, in the order of the decision."""
        return [leaf.as_json() for leaf in leaves_of(self.claim_columns(trigger), trigger)]

    def claim_columns(self, trigger: str) -> Claims:
        """The claims of a trigger as columns, in the order of the decision."""
        query = 'select body from "group".claims where trigger = %b order by page'
        return unpacked(*(row[0] for row in self._all(query, trigger)))

    def claim_heads(self, trigger: str) -> Sequence[PageHead]:
        """What the pages of a trigger's claims hold, without reading the claims."""
        query = 'select page, low, high, hash from "group".claims where trigger = %b order by page'
        return [PageHead(*row) for row in self._all(query, trigger)]

    def claim_page(self, trigger: str, page: int) -> Claims:
        """The claims of one page."""
        query = 'select body from "group".claims where trigger = %b and page = %b'
        return unpacked(*(row[0] for row in self._all(query, trigger, page)))

    # own -----------------------------------------------------------------------------------------
    def instructions(
        self,
        debt: str,
        states: Sequence[str] = (),
        limit: int | None = None,
        after: tuple[str, int] = ("", 0),
    ) -> Sequence[dict[str, Any]]:
        """The payment instructions of a debt, by payout and number; of some states, or all.

        With a limit those of each state in turn, beyond the payout and number `after`, no more
        than that in all.
        """
        if limit is not None:
            found: list[dict[str, Any]] = []
            for state in states:
                found += self._instructions(ONE_STATE, debt, state, *after, limit - len(found))
            return found
        return self._instructions(ORDERS, debt, list(states), list(states))

    def instruction_states(self, payouts: Sequence[str]) -> dict[tuple[str, int], str]:
        """How the instructions of some payouts stand, by payout and number."""
        query = "select payout, number, state from own.instruction where payout = any(%b::text[])"
        rows = self._all(query, list(payouts))
        return {(payout, number): state for payout, number, state in rows}

    def _instructions(self, query: LiteralString, debt: str, *values: object) -> list[Any]:
        rows = self._all(query, debt, *values)
        about = self._one("select about from own.debt where debt = %b", debt)
        shared = {} if about is None else json.loads(unguarded(debt, about[0]))
        return [
            {**order_row(shared, payout, policy, share, amount), "state": state}
            if body is None
            else json.loads(body)
            for body, payout, policy, share, amount, state in rows
        ]

    def progress(self, name: str) -> bytes | None:
        """What was written down under a name, to go on from after a stop."""
        row = self._one("select body from own.progress where name = %b", name)
        return None if row is None else unguarded(name, row[0])

    # everything else -----------------------------------------------------------------------------
    def execute(self, query: LiteralString, *values: object) -> list[Row]:
        """Anything in SQL, for registers and reports; the rows of the answer, if it has any."""
        with faults():
            answer = self._cursor.execute(query, values)
            return answer.fetchall() if answer.description else []

    def _edge(self) -> tuple[Head, Frontier]:
        row = self._one(HEAD)
        assert row is not None, "an outer join of one row gives one row"
        size, root, hashes, height, time = row
        if size is None:
            return Head(0, empty_root(), height, time), Frontier()
        cut = range(0, len(hashes), HASH_BYTES)
        frontier = Frontier(size, tuple(hashes[at : at + HASH_BYTES] for at in cut))
        return Head(size, root, height, time), frontier

    def _one(self, query: LiteralString, *values: object) -> Row | None:
        with faults():
            return self._cursor.execute(query, values).fetchone()

    def _all(self, query: LiteralString, *values: object) -> list[Row]:
        with faults():
            return self._cursor.execute(query, values).fetchall()

    def _must(self, query: LiteralString, *values: object) -> Any:
        row = self._one(query, *values)
        if row is None:
            raise LookupError(f"not in the record: {values}")
        return row[0]
