"""The how-to for a grid, run as printed: files of each kind, a payout, a listener."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = re.compile(r"^    (.*)$", re.MULTILINE)


def test_the_how_to_works_as_printed(tmp_path: Path) -> None:
    text = (ROOT / "docs/how-to/connect-a-grid.md").read_text("utf-8")
    program, python = Path(sys.executable).with_name("miaopei"), sys.executable
    lines = "\n".join(SCRIPT.findall(text))
    assert lines.count(".venv/bin/miaopei") >= 10
    script = lines.replace(".venv/bin/miaopei", f"{program}").replace(".venv/bin/python", python)
    script = script.replace("var/grid", str(tmp_path / "grid"))
    done = subprocess.run(
        ["bash", "-e", "-c", f"export MIAOPEI_LANG=en; {script}"],
        cwd=ROOT, capture_output=True, text=True, timeout=500, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "2 notices to send" in done.stdout
    assert "settled 50.00 yuan" in done.stdout
    assert "paid 0.005 万元, open 0.000 万元" in done.stdout
    assert re.search(r"grid\.command\s+heard", done.stdout), done.stdout
    shown = subprocess.run(
        [str(program), "feed", "sources", "--json", "--data", str(tmp_path / "grid")],
        capture_output=True, text=True, timeout=500, check=True,
    )  # fmt: skip
    command, meter = json.loads(shown.stdout)
    assert (command["state"], command["keys"], command["next"]) == ("heard", 1, 3)
    assert (meter["state"], meter["next"], meter["missing"]) == ("unwatched", 2, 0)
    kept = (tmp_path / "grid").rglob("*.sqlite3")
    assert not any(b"0571001" in path.read_bytes() for path in kept)
