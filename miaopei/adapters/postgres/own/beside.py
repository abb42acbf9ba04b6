"""A second process beside the one that writes a member's record: it writes what is private alone.

Each transaction waits for its turn, as those of the writer do (`PostgresStore(shared=True)`), so
that what is read in one stands until its end. Nothing of the record is written here: acts go to the
running member. Who stops in the middle of a transaction is cut off by the server.
"""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
from psycopg import Connection

from ....errors import OutsideFault
from ..connection import Row, connect, faults
from ..store import PostgresStore
from ..writing import Known, PostgresWriting

TURN_SECONDS = 60  # that a transaction waits for its turn
SILENT_SECONDS = 10  # after which the server ends a transaction that says nothing


class BesideWriting(PostgresWriting):
    """One transaction over what is private to the member. Errors   RuntimeError for the rest."""

    def flush(self) -> None:
        """Nothing of the record is sent from here."""
        raise RuntimeError("who writes beside a member writes nothing of the record")

    def commit(self) -> None:
        """Make all of it stay. The mark of the last commit is the writer's, and stays as it is."""
        if self._gathered:
            self.flush()
        self._connection.commit()


class BesideStore(PostgresStore):
    """See `node.ports.Store`. The tables are those that the running member has made.

    Errors   OutsideFault: with retry true nothing of the transaction has stayed; with retry false
             the server died while it committed.
    """

    def _transaction(self) -> Iterator[PostgresWriting]:
        connection = self._writer
        if connection is None or connection.closed:
            connection = self._connect()
        block = BesideWriting(connection, Known(), None, self._vault)
        try:
            block.take_turn()
            yield block
            _commit(block)
        except BaseException:
            self._forget()
            raise

    def _connect(self) -> Connection[Row]:
        connection = connect(self._dsn)
        with faults():
            connection.autocommit = True
            connection.execute(f"set lock_timeout = '{TURN_SECONDS}s'".encode())
            silent = f"set idle_in_transaction_session_timeout = '{SILENT_SECONDS}s'"
            connection.execute(silent.encode())
        self._writer = connection
        return connection


def _commit(block: BesideWriting) -> None:
    try:
        block.commit()
    except (psycopg.OperationalError, psycopg.InterfaceError) as lost:
        raise OutsideFault(f"the database died while it committed: {lost}", retry=False) from lost
