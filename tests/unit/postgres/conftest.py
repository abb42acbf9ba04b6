"""Clusters for tests that treat a server badly: copied, since making one takes most of a start."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from miaopei.adapters.postgres.schema import migrate
from miaopei.adapters.postgres.starter import LocalPostgres


@pytest.fixture(scope="session")
def cluster(open_folder: Path) -> Path:
    """The folder of a server that was started once, given our tables, and stopped."""
    server = LocalPostgres(open_folder / "cluster")
    migrate(server.start())
    server.stop()
    return server.base


@pytest.fixture
def base(open_folder: Path) -> Iterator[Path]:
    """Where a server may be; nothing is there yet, and nothing afterwards."""
    folder = open_folder / uuid.uuid4().hex[:8]
    yield folder
    LocalPostgres(folder).remove()


@pytest.fixture
def made(base: Path, cluster: Path) -> Path:
    """The same with a cluster in it, stopped."""
    subprocess.run(["cp", "-a", cluster, base], check=True)
    return base
