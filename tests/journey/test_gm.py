"""A record of suite `gm` on real PostgreSQL, as its owner works with it: begun, paid, proved."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path

import pytest

from miaopei.adapters.engine import install
from miaopei.adapters.keys import load_or_make
from miaopei.cli.net.plan import Net
from tests.support import commands, nets, servers

from .test_live import HEADER

SETTLED = "settled 40,000,000.00 yuan"


def miaopei(*arguments: str, data: Path, code: int = 0) -> str:
    ran = commands.run([*arguments, "--data", str(data), "--lang", "en"])
    assert ran.returncode == code, (arguments, ran.stdout, ran.stderr)
    return ran.stdout + ran.stderr


@pytest.mark.timeout(1500)  # the first run builds the engine
def test_a_record_of_the_national_suite_from_its_beginning_to_its_backup(tmp_path: Path) -> None:
    scheme = json.loads((files("miaopei") / "data/schemes/yunnan.json").read_bytes())
    for listing in scheme["listings"]:
        for policy in listing["policies"]:
            policy["until"] = "2099-01-01"
    mine, data = tmp_path / "mine.json", tmp_path / "live"
    mine.write_text(json.dumps(scheme, ensure_ascii=False), "utf-8")
    miaopei("begin", str(mine), "--suite", "gm", data=data)
    keys = json.loads((data / "keys.json").read_text())
    assert keys["suite"] == "gm"
    assert len(keys["acts"]) == 2 * 96  # private key and point

    # Asked for again without a suite it goes on; with the other one it is refused by name.
    assert "0 acts, 0 policies" in miaopei("begin", str(mine), data=data)
    said = miaopei("begin", str(mine), "--suite", "intl", data=data, code=1)
    assert "are of suite gm, and this record goes by intl" in said
    said = miaopei("begin", str(mine), "--suite", "sm9", data=tmp_path / "odd", code=1)
    assert "Suite sm9 is not known to this program (it knows intl, gm)" in said

    now = datetime.now(UTC) + timedelta(hours=8)
    shock = f"{now:%Y-%m-%d %H:%M:%S},25.70,99.88,10,Ms,6.4,云南大理州漾濞县,invented,invented"
    file = tmp_path / "rapid.csv"
    file.write_text(f"{HEADER}\n{shock}\n", "utf-8")
    assert SETTLED in miaopei("feed", "take", str(file), data=data)
    assert "paid 4,000.000 万元, open 0.000 万元" in miaopei("status", data=data)
    assert "Sound" in miaopei("audit", data=data)
    assert "The same" in miaopei("rebuild", "--memory", data=data)

    backup, other = tmp_path / "record.backup", tmp_path / "other"
    miaopei("backup", str(backup), data=data)
    load_or_make(other / "keys.json", "miaopei")  # of `intl`
    miaopei("restore", str(backup), data=other, code=1)
    shutil.copy(data / "keys.json", other)
    miaopei("restore", str(backup), data=other)
    assert "Sound" in miaopei("audit", data=other)
    goes_on_with_others(data)


def goes_on_with_others(data: Path) -> None:
    """Four members order it from here on, under keys of the same suite."""
    install.install()
    folder = servers.folder() / "gm"
    asked = ("--from", str(data), "--members", "4")
    try:
        nets.miaopei("net", "import", str(folder), *asked)
        assert json.loads((folder / "genesis.json").read_bytes())["suite"] == "gm"
        nets.miaopei("net", "up", str(folder), "--detach")
        four = nets.Running(Net.of(folder))
        four.name("miaopei", "one-more", seconds=120)
        four.whole()
        for member in ("miaopei", "notary"):
            assert nets.as_json(four.miaopei("audit", member, "--json"))["sound"]
    finally:
        nets.miaopei("net", "down", str(folder), check=False)
        shutil.rmtree(folder, ignore_errors=True)
