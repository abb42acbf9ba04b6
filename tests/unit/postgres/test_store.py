"""The store on bad days: a second writer, a dead server, a lost answer, a full disk.

What it answers on good days is held equal to memory in tests/laws/test_store_laws.py.
"""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from miaopei.adapters.postgres import binaries
from miaopei.adapters.postgres.private import IN_A_STATEMENT
from miaopei.adapters.postgres.schema import migrate
from miaopei.adapters.postgres.starter import LocalPostgres
from miaopei.adapters.postgres.store import PostgresStore
from miaopei.errors import OutsideFault, RecordDamaged, Refused
from miaopei.ledger.merkle import leaf_hash, root_of
from tests.support.cut_line import cut_off

PATIENCE = 60.0  # seconds: a session that has ended frees its lock in its own time
WRITER = """
import sys
from miaopei.adapters.postgres.store import PostgresStore
store = PostgresStore(sys.argv[1])
for number in range(1_000_000):
    with store.writing() as block:
        head = block.head()
        block.put("case", f"{number:09d}", b"x" * 50)
        block.append_leaves([f"{number}/{i}".encode() for i in range(3)])
        block.put_progress("last", str(number).encode())
        head = block.finish_block(head.height + 1, number, 3)
    print(head.size, head.root.hex(), flush=True)
"""


def add_block(store: PostgresStore, *leaves: bytes, key: str = "one") -> None:
    with store.writing() as block:
        head = block.head()
        block.put("case", key, b"value")
        block.append_leaves(leaves)
        block.put_blob(b"blob of " + key.encode(), "original")
        block.finish_block(head.height + 1, head.time + 1, len(leaves))


def sizes(store: PostgresStore) -> tuple[int, int, int, int]:
    """Entries by the head, entries by count, blocks, blobs."""
    with store.reading() as reading:
        counted = reading.execute(
            "select (select count(*) from shared.leaf), (select count(*) from own.block),"
            " (select count(*) from shared.blob)"
        )
        return (reading.head().size, *counted[0])


@pytest.fixture
def store(database: str) -> Iterator[PostgresStore]:
    made = PostgresStore(database, patience=PATIENCE)
    yield made
    made.close()


@pytest.fixture
def local(made: Path) -> LocalPostgres:
    """A server of the test's own with our tables, to be treated badly."""
    return LocalPostgres(made)


def kill(local: LocalPostgres) -> None:
    """End every process of a server at once."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (process / "cwd").readlink() == local.base / "data":
                os.kill(int(process.name), signal.SIGKILL)


# one writer --------------------------------------------------------------------------------------
def test_a_second_writer_is_refused_and_may_come_later(database: str, store: PostgresStore) -> None:
    add_block(store, b"a")
    other = PostgresStore(database, patience=0.2)
    with pytest.raises(Refused) as refused:
        add_block(other, b"b")
    assert refused.value.refusals[0].code == "postgres.in_use"
    assert refused.value.refusals[0].facts["database"] == conninfo_to_dict(database)["dbname"]
    with other.reading() as reading:
        assert reading.head().size == 1
    other.close()
    store.close()
    other = PostgresStore(database, patience=PATIENCE)
    add_block(other, b"b")
    other.close()
    add_block(store, b"c")  # and back, knowing what the other did
    assert sizes(store)[0] == 3


def test_a_writer_that_is_killed_loses_nothing_acknowledged_and_frees_the_lock(
    database: str,
) -> None:
    for _ in range(3):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, database], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        lines = [writer.stdout.readline() for _ in range(40)]
        writer.kill()
        lines += writer.stdout.readlines()
        writer.wait()
        writer.stdout.close()
        size, root = next(line for line in reversed(lines) if line.endswith("\n")).split()
        store = PostgresStore(database, patience=PATIENCE)
        with store.writing() as block:
            head = block.head()
            leaves = list(block.leaves(0, head.size))
            hashes = [leaf_hash(leaf) for leaf in leaves]
            assert len(leaves) == head.size >= int(size)
            assert root_of(hashes) == head.root
            assert root_of(hashes[: int(size)]).hex() == root
            block.put("case", "again", b"")
        store.close()


def test_blocks_of_one_process_take_turns(store: PostgresStore) -> None:
    threads = [
        threading.Thread(target=lambda n=n: [add_block(store, b"x", key=str(n)) for _ in range(10)])
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sizes(store) == (40, 40, 40, 4)


def test_a_block_within_a_block_is_a_mistake(store: PostgresStore) -> None:
    with pytest.raises(RuntimeError, match="open in this thread"), store.writing():
        add_block(store, b"a")
    add_block(store, b"a")


def test_a_block_that_writes_nothing_costs_no_commit(store: PostgresStore) -> None:
    add_block(store, b"a")
    with store.reading() as reading:
        (before,) = reading.execute("select mark from own.committed")
    with store.writing() as block:
        block.get("case", "one")
        block.head()
    with store.reading() as reading:
        assert reading.execute("select mark from own.committed") == [before]


def test_a_large_block_is_whole(store: PostgresStore) -> None:
    leaves = [os.urandom(700) for _ in range(1500)]
    with store.writing() as block:
        for number in range(2000):
            block.put("case", f"{number:06d}", b"v" * 300)
        assert block.append_leaves(leaves[:700]) == 0
        assert block.leaf(699) == leaves[699]
        assert block.append_leaves(leaves[700:]) == 700
        assert block.node(10, 0)
        head = block.finish_block(7, 8, 1500)
    assert head.root == root_of([leaf_hash(leaf) for leaf in leaves])
    with store.reading() as reading:
        assert reading.head() == head
        assert list(reading.leaves(0, 1500)) == leaves
        assert reading.node(10, 0) == root_of([leaf_hash(leaf) for leaf in leaves[:1024]])
        assert len(list(reading.range("case", ""))) == 2000
        kept = reading.execute("select size, root, height, time from shared.head")
        assert kept == [(1500, head.root, 7, 8)]
    with store.writing() as block:
        block.finish_block(8, 9, 0)  # only time passes: what is shared stays as it is
    with store.reading() as reading:
        assert (reading.head().height, reading.head().time) == (8, 9)
        assert reading.execute("select size, root, height, time from shared.head") == kept


# large blobs -------------------------------------------------------------------------------------
@pytest.mark.parametrize("length", [IN_A_STATEMENT, IN_A_STATEMENT + 1, 5 * IN_A_STATEMENT + 3])
def test_a_blob_is_kept_whole_however_it_is_sent(store: PostgresStore, length: int) -> None:
    """Also where it is put twice in one transaction, and once more after it."""
    data = os.urandom(length)
    for times in (2, 1):
        with store.writing() as block:
            names = {block.put_blob(data, "媒体") for _ in range(times)}
        assert names == {hashlib.sha256(data).hexdigest()}
    with store.reading() as reading:
        assert reading.blob(*names) == data
        said = reading.execute("select length, media from shared.blob where bytes = %b", data)
    assert said == [(length, "媒体")]


# a server that dies ------------------------------------------------------------------------------
def test_a_server_killed_in_the_middle_of_a_block(local: LocalPostgres) -> None:
    store = PostgresStore(local.start())
    add_block(store, b"a")
    with pytest.raises(OutsideFault) as fault, store.writing() as block:
        block.append_leaves([b"b", b"c"])
        block.put_blob(b"half", "original")
        block.put("case", "two", b"value")
        assert block.leaf(2) == b"c"
        kill(local)
        block.get("case", "three")
    assert fault.value.retry
    with pytest.raises(OutsideFault):
        add_block(store, b"d")
    local.start()
    assert sizes(store) == (1, 1, 1, 1)
    add_block(store, b"b", key="two")
    assert sizes(store) == (2, 2, 2, 2)
    store.close()


def test_a_server_that_was_restarted_between_blocks_is_not_noticed(local: LocalPostgres) -> None:
    store = PostgresStore(local.start())
    add_block(store, b"a")
    assert sizes(store)[0] == 1
    kill(local)
    local.start()
    add_block(store, b"b", key="two")
    assert sizes(store) == (2, 2, 2, 2)
    store.close()


def test_a_server_that_stays_away_while_it_commits_leaves_the_question_open(
    local: LocalPostgres,
) -> None:
    with cut_off(local.start()) as (dsn, cut):
        store = PostgresStore(dsn, patience=0.3)
        add_block(store, b"a")
        cut.on(b"ends the server")
        cut.then = lambda: kill(local)
        with pytest.raises(OutsideFault) as fault:
            add_block(store, b"ends the server")
        assert not fault.value.retry
        local.start()
        cut.off()
        assert sizes(store)[0] in (1, 2)  # whichever it is, head and entries agree
        assert sizes(store)[0] == sizes(store)[1] == sizes(store)[2] == sizes(store)[3]
        store.close()


@pytest.mark.parametrize("began", [False, True])
@pytest.mark.parametrize("after", [False, True])
def test_a_lost_answer_to_the_commit_is_looked_up(database: str, began: bool, after: bool) -> None:
    """`began`: blobs were sent before, so that a COMMIT ends the block, else its one statement."""
    with cut_off(database) as (dsn, cut):
        store = PostgresStore(dsn, patience=PATIENCE)
        add_block(store, b"a")

        def lose() -> None:
            with store.writing() as block:
                head = block.head()
                block.append_leaves([b"the last leaf"])
                block.finish_block(head.height + 1, head.time, 1)
                if began:
                    block.put_blob(b"b", "original")
                    block.leaf(1)
                cut.on(b"COMMIT" if began else b"the last leaf", after=after)

        if after:
            lose()  # it was committed, and found to be
        else:
            with pytest.raises(OutsideFault) as fault:
                lose()
            assert fault.value.retry
        expected = 2 if after else 1
        assert sizes(store)[:3] == (expected, expected, expected)
        add_block(store, b"c", key="three")
        assert sizes(store)[0] == expected + 1
        with store.reading() as reading:
            hashes = [leaf_hash(leaf) for leaf in reading.leaves(0, expected + 1)]
            assert reading.head().root == root_of(hashes)
        store.close()


# a disk that is full, a page that is damaged ------------------------------------------------------
@contextmanager
def full_disk(dsn: str) -> Iterator[None]:
    """What a full disk does to one table, for an account that may not mount a small one."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(
            "create function disk_full() returns trigger language plpgsql as $$ begin"
            " raise exception 'could not extend file: No space left' using errcode = '53100';"
            " end $$"
        )
        connection.execute(
            "create trigger disk_full before insert on shared.leaf execute function disk_full()"
        )
        yield
        connection.execute("drop function disk_full() cascade")


def test_a_full_disk_is_a_clear_stop_and_nothing_stays(database: str, store: PostgresStore) -> None:
    add_block(store, b"a")
    with full_disk(database):
        with pytest.raises(OutsideFault, match="disk of the database is full") as fault:
            add_block(store, b"b", key="two")
        assert fault.value.retry
        assert sizes(store) == (1, 1, 1, 1)
    add_block(store, b"b", key="two")
    assert sizes(store) == (2, 2, 2, 2)


def test_a_disk_that_really_fills_up(open_folder: Path) -> None:
    """On a small disk of its own where this account may mount one; else with little left to do."""
    small = open_folder / "small"
    small.mkdir()
    small.chmod(0o711)
    mounted = (
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=160m,mode=0711", "small", small],
            capture_output=True,
        ).returncode
        == 0
    )
    local = LocalPostgres(small / "postgres")
    ballast = small / "ballast"
    try:
        store = PostgresStore(local.start())
        migrate(local.start())
        add_block(store, b"a")
        if mounted:
            with suppress(OSError), ballast.open("wb") as file:
                while True:
                    file.write(bytes(1 << 16))
                    file.flush()
            with pytest.raises(OutsideFault):
                for number in range(1000):
                    add_block(store, os.urandom(60_000), key=f"{number:060d}")
            ballast.unlink()
        local.start()
        before = sizes(store)
        assert before[0] == before[1] == before[2] == before[3]
        add_block(store, b"b", key="after")
        assert sizes(store) == tuple(count + 1 for count in before)
        store.close()
    finally:
        local.remove()
        if mounted:
            subprocess.run(["umount", small], check=True)


def test_a_damaged_page_is_an_alarm(local: LocalPostgres) -> None:
    store = PostgresStore(local.start())
    add_block(store, b"a leaf to be damaged")
    with store.reading() as reading:
        ((file,),) = reading.execute("select pg_relation_filepath('shared.leaf')")
    store.close()
    local.stop()
    path = local.base / "data" / file
    data = path.read_bytes()
    at = data.index(b"a leaf to be damaged")
    path.write_bytes(data[:at] + b"A" + data[at + 1 :])
    local.start()
    with pytest.raises(RecordDamaged), store.reading() as reading:
        reading.leaf(0)
    store.close()


# other servers -----------------------------------------------------------------------------------
def test_the_tables_and_a_block_on_every_server_that_is_installed_here(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, folder in enumerate(binaries._candidates()):
        monkeypatch.setenv(binaries.CHOICE, str(folder))
        local = LocalPostgres(open_folder / f"installed-{number}")
        try:
            dsn = local.start()
            migrate(dsn)
            store = PostgresStore(dsn)
            add_block(store, b"a", b"b")
            assert sizes(store) == (2, 2, 1, 1)
            with store.reading() as reading:
                ((version,),) = reading.execute("show server_version_num")
            assert int(version) // 10_000 == binaries._major(folder)
            store.close()
        finally:
            local.remove()
