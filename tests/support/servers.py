"""Real servers for tests: the sandbox bank as a process, and one PostgreSQL with many databases.

Each is started when first asked for and taken away when the run ends, however it ends but by a kill
that leaves no chance; a bank ends by itself when the run does.
"""

from __future__ import annotations

import atexit
import itertools
import shutil
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from miaopei.accounts.rail import StatementLine
from miaopei.adapters.bank_rail import BankRail
from miaopei.adapters.postgres.schema import migrate
from miaopei.adapters.postgres.starter import LocalPostgres
from miaopei.adapters.sandbox_bank.starter import RunningBank, start

_numbers = itertools.count(1)


@cache
def folder() -> Path:
    """A folder of this run that every account can reach, as a server started by root needs it."""
    made = Path(tempfile.mkdtemp(prefix="miaopei-faults-")).resolve()
    made.chmod(0o711)
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


@cache
def postgres() -> str:
    """The address of this run's server."""
    server = LocalPostgres(folder() / "postgres")
    address = server.start()
    atexit.register(server.remove)
    return address


@cache
def empty() -> str:
    """The name of a database with our tables and nothing in them, to be copied."""
    name = "miaopei_empty"
    _run(sql.SQL("create database {}").format(sql.Identifier(name)))
    migrate(at(name))
    return name


def database(template: str | None = None) -> str:
    """The address of a new database, a copy of `template` (of one with our empty tables)."""
    name = f"miaopei_{next(_numbers)}"
    source = sql.Identifier(template or empty())
    _run(sql.SQL("create database {} template {}").format(sql.Identifier(name), source))
    return at(name)


def drop(dsn: str) -> None:
    """Take a database of `database` away."""
    name = psycopg.conninfo.conninfo_to_dict(dsn)["dbname"]
    _run(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(str(name))))


def at(name: str) -> str:
    """The address of a database on this run's server."""
    return make_conninfo(postgres(), dbname=name)


def name_of(dsn: str) -> str:
    """The name in an address."""
    return str(psycopg.conninfo.conninfo_to_dict(dsn)["dbname"])


def _run(query: sql.Composed) -> None:
    with psycopg.connect(postgres(), autocommit=True) as connection:
        connection.execute(query)


@cache
def bank() -> RunningBank:
    """A bank for all tests that do not hurt it; each opens accounts of its own."""
    running = new_bank()
    atexit.register(running.stop)
    return running


def new_bank() -> RunningBank:
    """A bank of its own, with an empty store."""
    return start(folder() / f"bank-{next(_numbers)}")


def movements(running: RunningBank, account: str) -> list[StatementLine]:
    """Everything that moved on an account but its opening balance."""
    rail, lines, after = BankRail(running.address, 60.0), list[StatementLine](), 0
    while True:
        page = rail.statement(account, after)
        lines += page.lines
        if page.next_after is None:
            return [line for line in lines if line.instruction is not None]
        after = page.next_after


def received(running: RunningBank, accounts: Mapping[str, str] | list[str]) -> dict[str, int]:
    """Account -> the sum of what came in, by the bank's own statements."""
    return {
        account: sum(line.amount_fen for line in movements(running, account))
        for account in accounts
    }
