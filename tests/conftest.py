"""What every test may use: settings of Hypothesis, and a clean end when the run is told to stop."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from psycopg.conninfo import make_conninfo

from miaopei.adapters.postgres.schema import migrate
from miaopei.adapters.postgres.starter import LocalPostgres
from tests.support import parts

# The same examples on every run: a failure on one machine is a failure on all, and the time that it
# takes to make them is none anywhere. MIAOPEI_SEARCH=1 looks for new ones instead.
slow: dict[str, Any] = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("ci", derandomize=True, print_blob=True, **slow)
settings.register_profile("search", max_examples=1000, **slow)
settings.load_profile("search" if os.environ.get("MIAOPEI_SEARCH") else "ci")

# Persons are sealed wherever a store is made without a vault of its own, in processes we start too.
os.environ.setdefault("MIAOPEI_MASTER_KEY", "1:" + "5a" * 32)


def _stop(number: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt(f"signal {number}")


# Told to stop from outside, fixtures still put away what they started (servers above all).
signal.signal(signal.SIGTERM, _stop)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--parts", action="store_true", help="say how long each part took")


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if config.getoption("--parts"):
        reports = (one for each in terminalreporter.stats.values() for one in each)
        tests = [one for one in reports if isinstance(one, pytest.TestReport)]
        terminalreporter.section("time by part")
        for line in parts.table((one.nodeid.split("::")[0], one.duration) for one in tests):
            terminalreporter.line(line)


@pytest.fixture(scope="session")
def open_folder() -> Iterator[Path]:
    """A folder of this run that every account can reach, as a server started by root needs it."""
    folder = Path(tempfile.mkdtemp(prefix="miaopei-")).resolve()
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def server(open_folder: Path) -> Iterator[str]:
    """One PostgreSQL for the whole run, as `script/demo` would start it; its DSN."""
    local = LocalPostgres(open_folder / "postgres")
    yield local.start()
    local.remove()


@pytest.fixture(scope="session")
def template(server: str) -> str:
    """The name of a database with our tables and nothing in them, to copy from."""
    name = "miaopei_template"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'create database "{name}"'.encode())
    migrate(make_conninfo(server, dbname=name))
    return name


@pytest.fixture
def database(server: str, template: str) -> Iterator[str]:
    """A database of one test's own, with our tables; its DSN."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'create database "{name}" template "{template}"'.encode())
    yield make_conninfo(server, dbname=name)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'drop database "{name}" with (force)'.encode())
