"""A member's database as the node sees it: one writer, readers beside it, clear faults.

Two processes never write to one database: the writer holds an advisory lock for as long as its
connection lives, and the server frees it however the process ends. Where a writer is `shared`,
processes of the same machine write beside it what is private (`own.beside`), in turns.
"""

from __future__ import annotations

import select
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg
from psycopg import Connection, errors
from psycopg.pq import TransactionStatus

from ...errors import OutsideFault, Refusal, Refused
from ...ledger.merkle import Frontier
from ...node.ports import Head
from ...node.vault.persons import PersonVault
from .connection import LOCK_SPACE, Row, connect, faults
from .reading import PostgresReading, from_environment
from .writing import Known, PostgresWriting

WRITING = 2  # the second half of the advisory lock; 1 is that of migrations
READERS_MAX = 16
PATIENCE_SECONDS = 3.0  # for another writer to go, and for a server to come back and be asked


class PostgresStore:
    """See `node.ports.Store`. The tables must be there: `schema.migrate` makes them.

    `vault` opens what is known of persons; without one the environment's master key does. `shared`:
    each transaction waits for its turn, because others write beside this one.

    Errors   Refused postgres.in_use when another process writes; OutsideFault when the server
             fails: with retry true nothing of the transaction has stayed, with retry false (the
             server died while it committed and cannot be asked) read `head` before going on.
             The next transaction connects again by itself.
    """

    def __init__(
        self,
        dsn: str,
        vault: PersonVault | None = None,
        *,
        patience: float = PATIENCE_SECONDS,
        shared: bool = False,
    ) -> None:
        self._dsn, self._patience, self._shared = dsn, patience, shared
        self._vault = vault or from_environment
        self._one_writer = threading.RLock()
        self._busy = False
        self._writer: Connection[Row] | None = None
        self._known = Known()
        self._edge: tuple[Head, Frontier] | None = None
        self._readers = threading.BoundedSemaphore(READERS_MAX)
        self._idle: list[Connection[Row]] = []

    @contextmanager
    def writing(self) -> Iterator[PostgresWriting]:
        """One transaction: all of it or nothing."""
        with self._one_writer:
            if self._busy:
                raise RuntimeError("a transaction is open in this thread already")
            self._busy = True
            try:
                yield from self._transaction()
            finally:
                self._busy = False

    @contextmanager
    def reading(self) -> Iterator[PostgresReading]:
        """A snapshot of this moment; transactions that end later do not change it."""
        with self._readers:
            connection, reading = self._begin_reading()
            try:
                yield reading
                with faults():
                    connection.rollback()
                self._idle.append(connection)
            except BaseException:
                connection.close()
                raise

    def close(self) -> None:
        """Close every connection and free the writer's lock; the store can be used again."""
        with self._one_writer:
            self._forget()
            while self._idle:
                self._idle.pop().close()

    def _transaction(self) -> Iterator[PostgresWriting]:
        connection = self._writer
        if connection is None or not _alive(connection):
            self._forget()
            connection = self._connect()
        block = PostgresWriting(connection, self._known, self._edge, self._vault)
        try:
            if self._shared:
                block.take_turn()
            yield block
            self._commit(connection, block)
        except BaseException:
            self._edge = None
            with suppress(psycopg.Error):
                connection.rollback()
            raise
        self._edge = block.committed()

    def _commit(self, connection: Connection[Row], block: PostgresWriting) -> None:
        """Commit; when the answer is lost, find out what became of it."""
        try:
            block.commit()
        except (psycopg.OperationalError, psycopg.InterfaceError) as fault:
            if not connection.closed:  # the server said no, and lives
                with faults():
                    raise
            if not self._was_committed(block.mark, fault):
                raise OutsideFault(f"the database failed: {fault}", retry=True) from fault
        except BaseException:
            self._forget()
            raise

    def _was_committed(self, mark: bytes, lost: Exception) -> bool:
        """Ask the server, when it is back. The lock is ours only once the old session has ended."""
        end = time.monotonic() + self._patience
        while time.monotonic() < end:
            self._forget()
            with suppress(OutsideFault, Refused), faults():
                connection = self._connect()
                row = connection.execute("select mark from own.committed").fetchone()
                return row is not None and row[0] == mark
            time.sleep(0.05)
        raise OutsideFault(
            "the database died while it committed; the head of the record will show whether the"
            f" transaction stayed: {lost}",
            retry=False,
        ) from lost

    def _connect(self) -> Connection[Row]:
        """The writer's connection, with the lock that keeps a second writer out."""
        connection = connect(self._dsn)
        database = connection.info.dbname
        try:
            with faults():
                connection.autocommit = True
                connection.execute(f"set lock_timeout = {int(self._patience * 1000)}".encode())
                connection.execute("select pg_advisory_lock(%s, %s)", (LOCK_SPACE, WRITING))
                connection.execute("set lock_timeout = 0")
        except OutsideFault as fault:
            connection.close()
            if isinstance(fault.__cause__, errors.LockNotAvailable):
                raise Refused(
                    Refusal(
                        "postgres.in_use",
                        {"database": database, "seconds": round(self._patience)},
                    )
                ) from None
            raise
        self._known, self._edge = Known(), None  # another process may have written meanwhile
        self._writer = connection
        return connection

    def _forget(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._writer, self._edge = None, None

    def _begin_reading(self) -> tuple[Connection[Row], PostgresReading]:
        """A connection whose snapshot is taken; one that died while idle is replaced."""
        connection = None
        with suppress(IndexError):
            while connection is None or not _alive(connection):
                connection = self._idle.pop()
        if connection is None or connection.closed:
            connection = connect(self._dsn, read_only=True)
        try:
            reading = PostgresReading(connection, self._vault)
            reading.begin()
        except BaseException:
            connection.close()
            raise
        return connection, reading


def _alive(connection: Connection[Row]) -> bool:
    """Whether an idle connection can be used; one that cannot is closed."""
    if connection.closed:
        return False
    heard = select.poll()
    heard.register(connection.fileno(), select.POLLIN)
    # An idle server says nothing, unless it goes away.
    if connection.info.transaction_status != TransactionStatus.IDLE or heard.poll(0):
        connection.close()
    return not connection.closed
