"""A record of one's own: begun with a scheme, a shock taken from a file, paid, and seen again."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path

from tests.support import commands

COLUMNS = "time_beijing latitude longitude depth_km magnitude_type magnitude location"
HEADER = ",".join([*COLUMNS.split(), "position_from", "source"])


def miaopei(*arguments: str, data: Path) -> subprocess.CompletedProcess[str]:
    return commands.run([*arguments, "--data", str(data), "--lang", "en"])


def test_a_live_record_takes_a_shock_and_pays(tmp_path):
    scheme = json.loads((files("miaopei") / "data/schemes/yunnan.json").read_bytes())
    for listing in scheme["listings"]:
        for policy in listing["policies"]:
            policy["until"] = "2099-01-01"
    mine = tmp_path / "mine.json"
    mine.write_text(json.dumps(scheme, ensure_ascii=False), "utf-8")
    data = tmp_path / "live"
    begun = miaopei("begin", str(mine), data=data)
    assert begun.returncode == 0, begun.stderr
    assert miaopei("begin", str(mine), data=data).stdout.count("0 acts, 0 policies") == 1
    now = datetime.now(UTC) + timedelta(hours=8)  # after the policy came in force
    shock = f"{now:%Y-%m-%d %H:%M:%S},25.70,99.88,10,Ms,6.4,云南大理州漾濞县,invented,invented"
    file = tmp_path / "rapid.csv"
    file.write_text(f"{HEADER}\n{shock}\n", "utf-8")
    taken = miaopei("feed", "take", str(file), data=data)
    assert taken.returncode == 0, taken.stderr
    assert "settled 40,000,000.00 yuan" in taken.stdout
    again = miaopei("feed", "take", str(file), data=data)
    assert "settled" not in again.stdout
    assert "paid 4,000.000 万元, open 0.000 万元" in miaopei("status", data=data).stdout
    rubbish = tmp_path / "rubbish.csv"
    rubbish.write_bytes(b"\x00\xff not a feed")
    assert miaopei("feed", "take", str(rubbish), data=data).returncode == 1
    for name in ("keys.json", "bank/bank.sqlite3"):
        assert (data / name).stat().st_mode & 0o077 == 0, name
    assert (data / "log.vkey").stat().st_mode & 0o004
    assert miaopei("accept-clock", data=data).returncode == 0
    hand_on(data, tmp_path / "households.csv")
    premium_comes_in(data)
    assert miaopei("audit", data=data).returncode == 0


def premium_comes_in(data: Path) -> None:
    """The premium of a batch is seen, received in a part and whole, and no fen more."""
    first, *_ = json.loads(miaopei("money", "open", "--json", data=data).stdout)["premium"]
    who, fen = next(iter(first["due_fen"].items()))
    command = ["money", "receive", first["batch"], "--json", "--reference"]
    some = miaopei(*command, "B-1", "--part", f"{who}={fen // 200}", data=data)
    left = first["total_fen"] - fen // 200 * 100
    assert json.loads(some.stdout)["open_fen"] == left, some.stderr
    assert json.loads(miaopei(*command, "B-2", data=data).stdout)["open_fen"] == 0
    assert miaopei(*command, "B-3", data=data).returncode == 1
    shown = json.loads(miaopei("money", "open", "--json", data=data).stdout)
    assert first["batch"] not in {each["batch"] for each in shown["premium"]}


def hand_on(data: Path, file: Path) -> None:
    """The payout goes on to households: rows refused by number, a preview, then for good."""
    shown = json.loads(miaopei("cases", "--all", "--json", data=data).stdout)
    (settlement,) = {case["settlement"] for case in shown if case["settlement"]}
    head = "token,work,weight,account,name\n"
    file.write_text(head + "h-1,rebuilt,1,6200-H1,one\nh-2,razed,1,6200-H2,two\n", "utf-8")
    command = ["allot", settlement, str(file), "--holder", "dali"]
    refused = miaopei(*command, data=data)
    assert refused.returncode == 1
    assert "Row 3" in refused.stderr
    file.write_text(head + "h-1,rebuilt,1,6200-H1,one\nh-2,repaired,1,6200-H2,two\n", "utf-8")
    told = json.loads(miaopei(*command, "--json", data=data).stdout)
    assert (told["recorded"], told["total_fen"]) == (False, 4_000_000_000)
    assert sum(line["amount_fen"] for line in told["lines"]) == 4_000_000_000
    seen = miaopei(*command, data=data)
    assert "the whole payout of 40,000,000.00 yuan" in seen.stdout, seen.stderr
    assert "Add --yes" in seen.stdout
    done = miaopei(*command, "--yes", data=data)
    assert done.returncode == 0, done.stderr
    assert miaopei(*command, "--yes", data=data).returncode == 1
