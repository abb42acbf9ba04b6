"""The commands of README, as they stand there, over the record that the demonstration left."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(900)  # a demonstration and six commands, on a busy machine
ROOT = Path(__file__).resolve().parents[2]


def commands(name: str) -> list[str]:
    """The indented lines that call our command line, continued lines joined."""
    text = (ROOT / name).read_text("utf-8").replace("\\\n", " ")
    found = re.findall(r"^    (\.venv/bin/miaopei .*)$", text, re.MULTILINE)
    return [line.strip() for line in found]


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_each_command_works_as_printed(demo, name):
    lines = commands(name)
    assert len(lines) >= 4
    program = str(Path(sys.executable).with_name("miaopei"))
    for line in lines:
        here = line.replace(".venv/bin/miaopei", program).replace("var/demo", str(demo.data))
        if not any(word in here for word in ("replay", "verify")):
            here += f" --data {demo.data}"
        done = subprocess.run(
            ["bash", "-c", here], cwd=ROOT, capture_output=True, text=True, timeout=600, check=False
        )
        assert done.returncode == 0, f"{line}\n{done.stdout[-500:]}\n{done.stderr[-500:]}"
