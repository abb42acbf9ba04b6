"""One transaction over a member's database: what a block writes, gathered and sent at once.

State and leaves are kept here until the end of the block and go to the server in one statement;
reads see them meanwhile. Blobs, rows and payments go straight into the transaction.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import LiteralString

from psycopg import Connection

from ...ledger.merkle import Frontier, leaf_hash
from ...node.ports import Head
from ...node.vault.persons import PersonVault
from ..ordered import check_key, overlaid
from .connection import LOCK_SPACE, Row, faults
from .private import PrivateWriting, columns
from .reading import AHEAD, from_environment

Key = tuple[str, str]
KNOWN_BYTES_MAX = 64 << 20
TURN = 3  # the second half of the advisory lock that a transaction holds where several write

# One statement for all that a block gathers, so that it costs one answer of the server. Parts whose
# values are null or empty write nothing.
FLUSH = """
with
put as (
  insert into shared.state (tab, key, value)
  select * from unnest(%b::text[], %b::text[], %b::bytea[])
  on conflict (tab, key) do update set value = excluded.value),
gone as (
  delete from shared.state s using unnest(%b::text[], %b::text[]) as d(tab, key)
  where s.tab = d.tab and s.key = d.key),
leaf as (
  insert into shared.leaf (position, bytes, hash)
  select %b::bigint + n - 1, bytes, hash
  from unnest(%b::bytea[], %b::bytea[]) with ordinality as l(bytes, hash, n)),
node as (
  insert into shared.node (level, index, hash)
  select * from unnest(%b::int[], %b::bigint[], %b::bytea[])),
head as (
  insert into shared.head (size, root, height, time, frontier)
  select h.* from (select %b::bigint as size, %b::bytea, %b::bigint, %b::bigint, %b::bytea) h
  where h.size is not null
  on conflict ("only") do update set size = excluded.size, root = excluded.root,
    height = excluded.height, time = excluded.time, frontier = excluded.frontier),
block as (
  insert into own.block (height, time, leaves)
  select b.* from (select %b::bigint as height, %b::bigint, %b::bigint) b
  where b.height is not null),
place as (
  insert into shared.place (name, position) select * from unnest(%b::text[], %b::bigint[])
  on conflict (name) do update set position = excluded.position),
checkpoint as (
  insert into own.checkpoint (size, text)
  select c.* from (select %b::bigint as size, %b::text) c where c.size is not null
  on conflict (size) do update set text = excluded.text)
insert into own.committed (mark) values (%b)
on conflict ("only") do update set mark = excluded.mark
"""


class Known:
    """Committed values of `shared.state` that were read or written before.

    Only the one writer changes that table, and it tells; so what stands here is what stands there.
    """

    def __init__(self) -> None:
        self._values: dict[Key, bytes | None] = {}
        self._size = 0

    def __contains__(self, key: Key) -> bool:
        return key in self._values

    def __getitem__(self, key: Key) -> bytes | None:
        return self._values[key]

    def learn(self, key: Key, value: bytes | None) -> None:
        """Keep a value; when too much has come together, all is forgotten and read again."""
        self._size += len(key[0]) + len(key[1]) + len(value or b"") + 200
        if self._size > KNOWN_BYTES_MAX:
            self._values.clear()
            self._size = 0
        self._values[key] = value


class PostgresWriting(PrivateWriting):
    """See `node.ports.Writing`. Nothing stays unless the store commits."""

    def __init__(
        self,
        connection: Connection[Row],
        known: Known,
        edge: tuple[Head, Frontier] | None,
        vault: PersonVault | Callable[[], PersonVault] = from_environment,
    ) -> None:
        super().__init__(connection, vault)
        self._known = known
        self._now = edge
        self._new: dict[Key, bytes | None] = {}  # not yet sent
        self._sent: dict[Key, bytes | None] = {}  # sent, not committed
        self._leaves: list[bytes] = []
        self._hashes: list[bytes] = []
        self._nodes: list[tuple[int, int, bytes]] = []
        self._places: dict[str, int] = {}
        self._block: tuple[int, int, int] | None = None
        self._checkpoint: tuple[int, str] | None = None
        self.mark = os.urandom(16)  # tells afterwards whether this transaction was committed

    def take_turn(self) -> None:
        """Begin, once no transaction of another process is open; the end of ours frees the turn.

        Errors   OutsideFault (retry) where the connection waits only so long, and it did not come.
        """
        self._turn = True
        with faults():
            self._connection.execute(
                f"begin; select pg_advisory_xact_lock({LOCK_SPACE}, {TURN})".encode(), prepare=False
            )

    # shared: state -------------------------------------------------------------------------------
    def get(self, table: str, key: str) -> bytes | None:
        """The value at a key, with this block's writes."""
        at = (table, key)
        for values in (self._new, self._sent, self._known):
            if at in values:
                return values[at]
        value = super().get(table, key)
        self._known.learn(at, value)
        return value

    def prefetch(self, keys: Iterable[Key]) -> None:
        """Ask for many values at once, so that `get` has them at hand."""
        places = (self._new, self._sent, self._known)
        wanted = [key for key in keys if not any(key in values for values in places)]
        if wanted:
            rows = self._all(AHEAD, *columns(wanted, 2))
            found = {(table, key): value for table, key, value in rows}
            for key in wanted:
                self._known.learn(key, found.get(key))

    def range(
        self, table: str, first: str, last: str | None = None, limit: int | None = None
    ) -> Iterator[tuple[str, bytes]]:
        """Keys from `first` (inclusive) to `last` (exclusive), with this block's writes."""
        changes = {
            key: value
            for (tab, key), value in self._new.items()
            if tab == table and first <= key and (last is None or key < last)
        }
        enough = None if limit is None else limit + len(changes)
        return overlaid(super().range(table, first, last, enough), changes, limit)

    def tables(self) -> Sequence[str]:
        """The names of the tables that hold something, with this block's writes."""
        self._settle()
        return super().tables()

    def put(self, table: str, key: str, value: bytes) -> None:
        """Write a value."""
        check_key(table, key)
        self._new[table, key] = value

    def delete(self, table: str, key: str) -> None:
        """Take a key away; no harm where there is none."""
        check_key(table, key)
        self._new[table, key] = None

    # shared: the log -----------------------------------------------------------------------------
    def append_leaves(self, leaves: Sequence[bytes]) -> int:
        """Add entries to the log; the position of the first."""
        head, frontier = self._edge()
        hashes = [leaf_hash(leaf) for leaf in leaves]
        grown, nodes = frontier.grow(hashes)
        self._leaves += leaves
        self._hashes += hashes
        self._nodes += [(n.level, n.place, n.hash) for n in nodes if n.level]
        self._now = (Head(grown.size, grown.root(), head.height, head.time), grown)
        return frontier.size

    def finish_block(self, height: int, time: int, leaves: int) -> Head:
        """End the block: its height and time, and how many leaves it added."""
        head, frontier = self._edge()
        self._now = (Head(head.size, head.root, height, time), frontier)
        self._block = (height, time, leaves)
        return self._now[0]

    def save_checkpoint(self, size: int, text: str) -> None:
        """Keep the signed checkpoint of a size."""
        if self._checkpoint is not None:  # what is gathered holds one
            self._settle()
        self._checkpoint = (size, text)

    def put_places(self, places: Iterable[tuple[str, int]]) -> None:
        """Write down where the leaves of named things stand."""
        self._places.update(places)

    def place(self, name: str) -> int | None:
        """The position of the leaf of a named thing, with this block's."""
        found = self._places.get(name)
        return super().place(name) if found is None else found

    def places(self, names: Sequence[str]) -> dict[str, int]:
        """The same for many, with this block's."""
        ours = {name: self._places[name] for name in names if name in self._places}
        return super().places(names) | ours

    def leaf(self, position: int) -> bytes:
        """The bytes of one entry, with this block's."""
        self._settle()
        return super().leaf(position)

    def leaves(self, start: int, end: int) -> Iterator[bytes]:
        """The bytes of the entries [start, end), with this block's."""
        self._settle()
        return super().leaves(start, end)

    def nodes(self, level: int, start: int, end: int) -> Sequence[bytes]:
        """The hashes of the sub-trees [start, end) of one level, with this block's."""
        self._settle()
        return super().nodes(level, start, end)

    def node(self, level: int, index: int) -> bytes:
        """The hash of a complete sub-tree, with this block's."""
        self._settle()
        return super().node(level, index)

    def checkpoint(self) -> str:
        """The signed checkpoint of the largest size, with this block's."""
        self._settle()
        return super().checkpoint()

    def execute(self, query: LiteralString, *values: object) -> list[Row]:
        """A question or a change in SQL, inside the transaction."""
        self._settle()
        self._begin()
        return super().execute(query, *values)

    # the end of the block ------------------------------------------------------------------------
    def flush(self) -> None:
        """Send what was gathered, and this transaction's mark.

        Where the transaction was not begun before, this one statement is all of it, and commits it.
        """
        head, frontier = self._edge()
        first = frontier.size - len(self._leaves)
        puts = [(*key, value) for key, value in self._new.items() if value is not None]
        gone = [key for key, value in self._new.items() if value is None]
        edge: tuple[object, ...] = (None,) * 5
        if self._leaves or (self._block is not None and self._block[2]):
            edge = (head.size, head.root, head.height, head.time, b"".join(frontier.hashes))
        self._cursor.execute(
            FLUSH,
            (
                *columns(puts, 3),
                *columns(gone, 2),
                first,
                self._leaves,
                self._hashes,
                *columns(self._nodes, 3),
                *edge,
                *(self._block or (None,) * 3),
                *columns(self._places.items(), 2),
                *(self._checkpoint or (None,) * 2),
                self.mark,
            ),
        )
        self._sent.update(self._new)
        self._new = {}
        self._leaves, self._hashes, self._nodes = [], [], []
        self._places = {}
        self._block = self._checkpoint = None

    @property
    def _gathered(self) -> bool:
        parts = (self._new, self._leaves, self._places, self._block, self._checkpoint)
        return any(parts)

    @property
    def changed(self) -> bool:
        """Whether there is anything to commit."""
        return self.began or self._gathered

    def commit(self) -> None:
        """Make all of it stay. Raises what psycopg raises: the store knows what that means here."""
        if self.changed:
            self.flush()
        if self.began or self._turn:
            self._connection.commit()

    def committed(self) -> tuple[Head, Frontier] | None:
        """Told by the store that all of it stayed: what is known from now on."""
        for key, value in self._sent.items():
            self._known.learn(key, value)
        return self._now

    def _settle(self) -> None:
        """Send what was gathered, so that a question to the server sees it."""
        if self._gathered:
            self._begin()
            with faults():
                self.flush()

    def _edge(self) -> tuple[Head, Frontier]:
        if self._now is None:
            self._now = super()._edge()
        return self._now
