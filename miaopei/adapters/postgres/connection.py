"""Connections, and what goes wrong with them in the words of the house."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import Connection, IsolationLevel, errors

from ...errors import OutsideFault, RecordDamaged

Row = tuple[Any, ...]
LOCK_SPACE = 0x6D69616F  # "miao": our advisory locks are pairs (LOCK_SPACE, which)
CONNECT_SECONDS = 10


def connect(dsn: str, *, read_only: bool = False) -> Connection[Row]:
    """A connection whose transactions begin by themselves; statements are prepared at first use.

    A read-only one sees one moment for the length of each transaction.
    """
    with faults():
        connection = psycopg.connect(
            dsn,
            prepare_threshold=0,
            connect_timeout=CONNECT_SECONDS,
            application_name="miaopei",
        )
    if read_only:
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        connection.read_only = True
    return connection


@contextmanager
def faults() -> Iterator[None]:
    """Inside, a server that fails is an OutsideFault, and damaged pages are an alarm.

    `retry` is true: whatever was under way has left nothing behind. Only the store, which knows
    when a commit was under way, says otherwise.
    """
    try:
        yield
    except (errors.DataCorrupted, errors.IndexCorrupted) as fault:
        raise RecordDamaged("the database reports damaged pages", said=str(fault)[:300]) from fault
    except errors.DiskFull as fault:
        raise OutsideFault(f"the disk of the database is full: {fault}", retry=True) from fault
    except (psycopg.OperationalError, psycopg.InterfaceError) as fault:
        raise OutsideFault(f"the database does not answer: {fault}", retry=True) from fault
