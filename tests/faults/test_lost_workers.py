"""A worker of Ray that is killed: its block is done again, and the bytes are the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from miaopei.adapters.pricing.spread import Engine, spread
from miaopei.cli.main import main
from miaopei.errors import Refused

ROOT = Path(__file__).parents[2]


def test_a_killed_worker_changes_no_byte(tmp_path: Path) -> None:
    given = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.losing", str(tmp_path)],
        cwd=ROOT, env=given, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["interfaces"] == ["lo"]
    assert found["blocks"] > 5
    assert int(found["killed"]) > 1
    assert found["ray"] == found["threads"] == found["here"]


def test_ray_is_not_started_where_it_could_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("miaopei.adapters.pricing.spread.alone", lambda: False)
    with pytest.raises(Refused) as refused:
        list(spread(max, 1, [int], engine=Engine.RAY, workers=2))
    assert refused.value.refusals[0].code == "pricing.ray_listens"


def test_one_flag_and_the_same_root(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    table = tmp_path / "losses.csv"
    rows = [f"E{n},{n % 50 + 1},p{n % 7},{n * 13 % 1000}" for n in range(400)]
    table.write_text("event,year,policy,loss\n" + "\n".join(rows) + "\n")
    asked = ["price", "--event-losses", str(table), "--years", "50", "--json"]
    assert main(asked) == 0
    here = json.loads(capfd.readouterr().out)
    command = [sys.executable, "-m", "miaopei.cli", *asked, "--engine", "ray", "--workers", "2"]
    given = {**os.environ, "HOME": str(tmp_path)}
    done = subprocess.run(command, env=given, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout) == here


def test_nothing_is_left_in_the_old_network() -> None:
    """A thread begun before would stay there; an ordinary account is refused, and so is root."""
    lines = (
        "import threading",
        "from miaopei.adapters.pricing.confined import enter",
        "threading.Thread(target=threading.Event().wait, daemon=True).start()",
        "try: enter()",
        "except OSError as error: print(error)",
    )
    command = [sys.executable, "-c", "\n".join(lines)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert "this process has threads that would stay in the old network" in done.stdout
