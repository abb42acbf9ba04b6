"""The tables of a member's database, brought up to date under a lock.

Three schemas: `shared` (the same bytes on every member), `group` (opened rows and claims of the
books we read) and `own` (private to this member). The definitions are in `migrations/versions`.
Whatever is bytes stands in a bytea column exactly as its canonical bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import LiteralString

import psycopg
from psycopg import Connection, sql
from psycopg.conninfo import make_conninfo

from ...errors import Refusal, Refused
from ...node.vault.persons import PersonVault
from .binaries import OLDEST
from .connection import LOCK_SPACE, Row, connect, faults
from .reading import from_environment

LATEST = "0005"  # the last migration; a test holds it equal to the folder's
MIGRATING = 1  # the second half of the advisory lock
FORGET_NOTES: LiteralString = (
    "delete from own.progress using unnest(%b::text[]) as n(told)"
    " where name = told or (told like '%%/' and starts_with(name, told))"
)


@contextmanager
def administering(address: str) -> Iterator[Connection[Row]]:
    """A server's own database, where databases are made and taken away.

    Errors   OutsideFault.
    """
    with connect(make_conninfo(address, dbname="postgres")) as server, faults():
        server.autocommit = True
        yield server


def create_database(
    server: Connection[Row], name: str, *, model: str = "template0", anew: bool = False
) -> None:
    """A database that only its owner may open, empty or a copy of another; `anew`: in place of any
    of that name.
    """
    its, of = sql.Identifier(name), sql.Identifier(model)
    if anew:
        server.execute(sql.SQL("drop database if exists {} with (force)").format(its))
    server.execute(sql.SQL("create database {} template {} encoding 'UTF8'").format(its, of))
    server.execute(sql.SQL("revoke connect on database {} from public").format(its))


def forget_what_follows(dsn: str, notes: Sequence[str]) -> None:
    """Empty what is made again from the record's blocks, with these notes, whole or not at all.

    What does not follow from the log stays: blobs and their keys, accounts, payment instructions.
    Opened rows and claims are written over. Errors   OutsideFault.
    """
    with connect(dsn) as connection, faults():
        connection.execute(
            "truncate shared.leaf, shared.node, shared.state, shared.head, shared.place,"
            " own.block, own.checkpoint"
        )
        connection.execute(FORGET_NOTES, [list(notes)])


def migrate(dsn: str, vault: PersonVault | None = None) -> None:
    """Make or update the tables; runs that come at once take turns.

    `vault` seals accounts of before; without one the environment's master key does.
    Errors   Refused postgres.too_old, postgres.not_utf8, postgres.newer_schema,
             persons.no_master_key; OutsideFault.
    """
    with connect(dsn) as connection, faults():
        connection.autocommit = True
        _check_server(connection)
        if _version(connection) == LATEST:
            return
        connection.execute("select pg_advisory_lock(%s, %s)", (LOCK_SPACE, MIGRATING))
        found = _version(connection)
        if found is not None and found > LATEST:
            raise Refused(Refusal("postgres.newer_schema", {"found": found, "known": LATEST}))
        if found != LATEST:
            connection.execute("create schema if not exists own")
            _upgrade(dsn, vault)


def holds_persons(dsn: str) -> bool:
    """Whether somebody's data are sealed here already, under a master key that was.

    Errors   OutsideFault.
    """
    with connect(dsn) as connection, faults():
        table = connection.execute("select to_regclass('own.person')::text").fetchone()
        if table is None or table[0] is None:
            return False
        query = "select 1 from own.person where body is not null limit 1"
        return connection.execute(query).fetchone() is not None


def _check_server(connection: Connection[Row]) -> None:
    version = connection.info.server_version // 10_000
    if version < OLDEST:
        raise Refused(Refusal("postgres.too_old", {"version": version, "oldest": OLDEST}))
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise Refused(Refusal("postgres.not_utf8", {"encoding": encoding}))


def _version(connection: Connection[Row]) -> str | None:
    table = connection.execute("select to_regclass('own.schema_version')::text").fetchone()
    if table is None or table[0] is None:
        return None
    row = connection.execute("select version_num from own.schema_version").fetchone()
    return None if row is None else str(row[0])


def _upgrade(dsn: str, vault: PersonVault | None) -> None:
    # Imported here: most starts find the tables in place and need neither library.
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import NullPool, create_engine
    from sqlalchemy.exc import DBAPIError

    engine = create_engine(
        "postgresql+psycopg://", creator=lambda: psycopg.connect(dsn), poolclass=NullPool
    )
    config = Config()
    config.set_main_option("script_location", f"{__package__}:migrations")
    try:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            config.attributes["vault"] = lambda: vault or from_environment()
            command.upgrade(config, "head")
    except DBAPIError as error:
        raise error.orig or error from None
