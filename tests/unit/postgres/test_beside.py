"""A process beside the writer of a database: turns, and nothing of the record."""

from __future__ import annotations

import threading

import pytest

from miaopei.adapters.postgres.own.beside import BesideStore
from miaopei.adapters.postgres.store import PostgresStore

ROUNDS = 40


def counted(store: PostgresStore, name: str) -> None:
    """Read a number, and write the next, in one transaction each time."""
    for _ in range(ROUNDS):
        with store.writing() as block:
            before = int(block.progress(name) or b"0")
            block.put_progress(name, str(before + 1).encode())


def test_what_two_processes_read_and_write_in_turns_is_lost_by_neither(database: str) -> None:
    writer, beside = PostgresStore(database, shared=True), BesideStore(database)
    try:
        other = threading.Thread(target=counted, args=(beside, "both"))
        other.start()
        counted(writer, "both")
        other.join()
        with writer.reading() as reading:
            assert reading.progress("both") == str(2 * ROUNDS).encode()
    finally:
        writer.close()
        beside.close()


def test_nothing_of_the_record_is_written_beside_the_writer(database: str) -> None:
    writer, beside = PostgresStore(database, shared=True), BesideStore(database)
    try:
        with writer.writing() as block:
            block.put("book", "one", b"1")
        mark = block.mark
        with pytest.raises(RuntimeError), beside.writing() as other:
            other.put_progress("with-it", b"1")
            other.put("book", "one", b"2")
        with beside.writing() as other:
            assert other.get("book", "one") == b"1"
            other.put_progress("alone", b"1")
        with writer.writing() as block:
            assert block.get("book", "one") == b"1"
            assert block.progress("with-it") is None
            assert block.progress("alone") == b"1"
            assert block.execute("select mark from own.committed") == [(mark,)]
    finally:
        writer.close()
        beside.close()


def test_the_writer_goes_on_while_one_beside_it_reads_and_after_it_went_away(database: str) -> None:
    writer, beside = PostgresStore(database, shared=True), BesideStore(database)
    try:
        with pytest.raises(ZeroDivisionError), beside.writing() as other:
            other.put_progress("half", b"1")
            raise ZeroDivisionError
        with beside.reading(), writer.writing() as block:
            assert block.progress("half") is None
            block.put_progress("whole", b"1")
        with beside.reading() as reading:
            assert reading.progress("whole") == b"1"
    finally:
        writer.close()
        beside.close()
