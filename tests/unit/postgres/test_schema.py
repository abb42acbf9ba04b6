"""The tables: made once, under a lock, by whoever comes first; newer ones are left alone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from importlib.resources import files

import psycopg
import pytest
from alembic.script import ScriptDirectory
from psycopg.conninfo import make_conninfo

from miaopei.adapters.postgres import schema
from miaopei.adapters.postgres.schema import (
    LATEST,
    administering,
    create_database,
    forget_what_follows,
    migrate,
)
from miaopei.adapters.postgres.store import PostgresStore
from miaopei.adapters.postgres_columns import _wraps
from miaopei.errors import OutsideFault, Refused


@pytest.fixture
def bare(server: str) -> Iterator[str]:
    """A database with nothing in it."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("create database bare")
    yield make_conninfo(server, dbname="bare")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("drop database bare with (force)")


def tables(dsn: str) -> set[str]:
    with psycopg.connect(dsn) as connection:
        rows = connection.execute(
            "select schemaname || '.' || tablename from pg_tables"
            " where schemaname in ('shared', 'group', 'own')"
        )
        return {row[0] for row in rows}


def test_the_version_named_in_the_code_is_the_last_migration() -> None:
    folder = files("miaopei.adapters.postgres") / "migrations"
    assert ScriptDirectory(str(folder)).get_current_head() == LATEST


def test_many_at_once_make_the_tables_once(bare: str) -> None:
    failures: list[BaseException] = []

    def make() -> None:
        try:
            migrate(bare)
        except BaseException as failure:  # noqa: BLE001 - shown below
            failures.append(failure)

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    made = tables(bare)
    assert {"shared.leaf", "shared.state", "group.row", "own.instruction"} <= made
    migrate(bare)
    assert tables(bare) == made


def test_values_are_bytes_and_order_is_that_of_bytes(bare: str) -> None:
    migrate(bare)
    with psycopg.connect(bare) as connection:
        rows = connection.execute(
            "select table_schema || '.' || table_name || '.' || column_name, data_type,"
            " collation_name from information_schema.columns"
            " where table_schema in ('shared', 'group', 'own')"
        ).fetchall()
    kinds = {name: kind for name, kind, _ in rows}
    bodies = [name for name in kinds if name.rsplit(".")[-1] in ("bytes", "body", "value", "hash")]
    assert len(bodies) >= 8
    assert {kinds[name] for name in bodies} == {"bytea"}
    collations = {name: collation for name, _, collation in rows}
    assert collations["shared.state.tab"] == collations["shared.state.key"] == "C"


def test_long_leaves_are_stored_as_they_are(bare: str) -> None:
    """Acts with originals in base64 do not compress, and the server takes long to find that out."""
    migrate(bare)
    with psycopg.connect(bare) as connection:
        stored = connection.execute(
            "insert into shared.leaf (position, bytes, hash) values (0, %s, '')"
            " returning length(bytes)",
            (b"a" * 44_000,),
        ).fetchone()
        how = connection.execute(
            "select pg_column_compression(bytes), pg_column_size(bytes) from shared.leaf"
        ).fetchone()
    assert stored == (44_000,)
    assert how == (None, 44_000)


def test_wraps_of_before_get_their_digests_and_one_changed_bit_of_anybodys_is_told(
    bare: str,
) -> None:
    migrate(bare)
    name, readers = "ab" * 32, ("cd" * 32, "rows")
    with psycopg.connect(bare) as connection:
        connection.execute("alter table own.wrap drop column guard")
        connection.execute("update own.schema_version set version_num = '0004'")
        for reader in readers:
            row = (bytes.fromhex(name), reader, b"\0wrapped")
            connection.execute("insert into own.wrap values (%s, %s, %s)", row)
    migrate(bare)
    store = PostgresStore(bare)
    with store.writing() as block:
        block.put_wrap(name, "ef" * 32, b"one more")
    with store.reading() as reading:
        assert list(_wraps(reading)) == []
    for reader in (*readers, "ef" * 32):
        with psycopg.connect(bare) as connection:
            change = "update own.wrap set wrapped = set_bit(wrapped, 3, 1 - get_bit(wrapped, 3))"
            connection.execute(f"{change} where reader = %s".encode(), (reader,))
        with store.reading() as reading:
            (found,) = _wraps(reading)
        assert (found.code, found.facts["table"]) == ("inspect.column_altered", "own.wrap")
        assert found.facts["key"] == f"{name}/{reader}"
        with store.writing() as block:
            block.put_wrap(name, reader, b"again")
    store.close()


def test_tables_of_a_newer_program_are_left_alone(bare: str) -> None:
    migrate(bare)
    with psycopg.connect(bare) as connection:
        connection.execute("update own.schema_version set version_num = '9999'")
    with pytest.raises(Refused) as refused:
        migrate(bare)
    assert refused.value.refusals[0].code == "postgres.newer_schema"
    assert refused.value.refusals[0].facts == {"found": "9999", "known": LATEST}


def test_a_database_that_is_not_utf8_is_refused(server: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("create database latin encoding 'LATIN1' locale 'C' template template0")
    with pytest.raises(Refused) as refused:
        migrate(make_conninfo(server, dbname="latin"))
    assert refused.value.refusals[0].code == "postgres.not_utf8"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("drop database latin with (force)")


def test_a_server_that_is_too_old_is_refused(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "OLDEST", 99)
    with pytest.raises(Refused) as refused:
        migrate(server)
    assert refused.value.refusals[0].code == "postgres.too_old"


def test_no_server_is_an_outside_fault() -> None:
    with pytest.raises(OutsideFault) as fault:
        migrate("host=/nowhere user=postgres dbname=postgres")
    assert fault.value.retry


def test_what_follows_from_the_log_is_forgotten_and_all_else_stays(bare: str) -> None:
    migrate(bare)
    store = PostgresStore(bare)
    stays = ["given/1", "given2", "rows", "rows_/a", "row/a", "pay/a"]
    notes = ["given", "rows/a", "rows/b/c", *stays]
    with store.writing() as block:
        blob = block.put_blob(b"sealed", "a/b")
        for note in notes:
            block.put_progress(note, b"1")
    with psycopg.connect(bare) as connection:
        connection.execute("insert into shared.leaf values (0, 'a', 'b')")
        connection.execute("insert into own.checkpoint values (1, 'a')")
    forget_what_follows(bare, ["given", "rows/"])
    with store.reading() as reading:
        assert [note for note in notes if reading.progress(note) is not None] == stays
        assert reading.blob(blob) == b"sealed"
        query = "select size from own.checkpoint union select position from shared.leaf"
        assert reading.execute(query) == []
    with store.writing() as block:
        block.forget_progress(["rows_/", "pay/a"])
    with store.reading() as reading:
        left = [note for note in notes if reading.progress(note) is not None]
        assert left == ["given/1", "given2", "rows", "row/a"]
    store.close()


def test_a_database_is_its_owners_alone_also_where_it_is_made_anew(server: str) -> None:
    with administering(server) as own:
        own.execute("create role stranger")
        for anew in (False, True):
            create_database(own, "alone", anew=anew)
            query = "select has_database_privilege('stranger', 'alone', 'connect')"
            assert own.execute(query).fetchall() == [(False,)]
        own.execute("drop database alone")
        own.execute("drop role stranger")
