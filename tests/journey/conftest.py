"""The whole demonstration, run once as a process of its own; many tests look at what it left."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support import commands

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Shell:
    """Runs `miaopei` from a folder that has nothing to do with the checkout."""

    folder: Path

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """A command that goes on running."""
        return subprocess.Popen(
            [sys.executable, "-m", "miaopei.cli", *arguments],
            cwd=self.folder,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, code: int = 0) -> str:
        """Standard output of a command that ends as expected."""
        done = commands.run(arguments, cwd=self.folder, env=self.environment(), timeout=500)
        assert done.returncode == code, f"{arguments}: {done}"
        assert "Traceback" not in done.stderr
        return done.stdout

    def environment(self) -> dict[str, str]:
        """Ours, with the checkout importable and English asked for."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("MIAOPEI_DATA", "LC_"))}
        return {**kept, "PYTHONPATH": str(ROOT), "MIAOPEI_LANG": "en", "LANG": "C.UTF-8"}

    def processes(self, data: Path) -> list[str]:
        """Command lines of processes that work in a data folder: servers, banks, ourselves."""
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            try:
                line = os.fsdecode((entry / "cmdline").read_bytes()).replace("\0", " ")
                where = str((entry / "cwd").readlink())
            except OSError:
                continue
            if str(data) in line or where.startswith(str(data)):
                found.append(line.strip())
        return found


@dataclass(frozen=True)
class Demo:
    """What a run of the demonstration printed, wrote and left."""

    shell: Shell
    data: Path
    rows: list[dict[str, Any]]
    printed: str

    def run(self, *arguments: str, code: int = 0) -> str:
        """A command on the demonstration's record."""
        return self.shell.run(*arguments, "--data", str(self.data), code=code)


@pytest.fixture(scope="session")
def shell(open_folder: Path) -> Shell:
    folder = open_folder / "elsewhere"
    folder.mkdir()
    return Shell(folder)


@pytest.fixture(scope="session")
def demo(shell: Shell, open_folder: Path) -> Iterator[Demo]:
    data, file = open_folder / "demo", shell.folder / "register.json"
    printed = shell.run("demo", "--once", "--json", str(file), "--data", str(data))
    yield Demo(shell, data, json.loads(file.read_text("utf-8")), printed)
    assert shell.processes(data) == []
