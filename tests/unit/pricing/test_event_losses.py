"""A user's own event losses: what is read, and what is refused by line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from miaopei.adapters.pricing.event_losses import read_losses
from miaopei.cli.main import main
from miaopei.errors import Refused
from miaopei.pricing.events import own_losses
from miaopei.pricing.years import settle_years

GOOD = "event,year,policy,loss\nA,3,p1,100.50\nA,3,p2,20\nB,1,p1,7\nC,3,p1,60\n"
LIMITS = "policy,occurrence_limit,year_limit\np1,90,120\np2,,\n"


def put(folder: Path, text: str, name: str = "losses.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode())
    return path


def test_limits_count_by_occurrence_and_year(tmp_path: Path) -> None:
    """Year 3: p1 90 of 100.50, then 30 of 60 (120 a year); p2 20. Without the year's: 90+20, 60."""
    events, book = read_losses(put(tmp_path, GOOD), 4, put(tmp_path, LIMITS, "limits.csv"))
    found = settle_years(own_losses(), "cover", events, book, (0, 4))
    assert found.total.tolist() == [700, 0, 14_000, 0]
    assert found.before.tolist() == [700, 0, 17_000, 0]
    assert found.largest.tolist() == [700, 0, 11_000, 0]


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("torn", "event,year,policy,loss\nA,1,p1,100\nB,2,p1,5"),  # no end of line: cut short?
        ("torn", "event,year,policy,loss\nA,1,p1\n"),
        ("year", "event,year,policy,loss\nA,,p1,100\n"),
        ("year", "event,year,policy,loss\nA,5,p1,100\n"),
        ("year", "event,year,policy,loss\nA,0,p1,100\n"),
        ("amount", "event,year,policy,loss\nA,1,p1,-100\n"),
        ("amount", "event,year,policy,loss\nA,1,p1,1.005\n"),
        ("amount", "event,year,policy,loss\nA,1,p1,NaN\n"),
        ("amount", "event,year,policy,loss\nA,1,p1,1e9\n"),
        ("two_years", "event,year,policy,loss\nA,1,p1,1\nA,2,p2,1\n"),
        ("twice", "event,year,policy,loss\nA,1,p1,1\nA,1,p1,1\n"),
        ("unknown", "event,year,policy,loss\nA,1,,1\n"),
        ("unknown", "event,year,policy,loss\n,1,p1,1\n"),
        ("columns", "event,jahr,policy,loss\nA,1,p1,1\n"),
        ("empty", "event,year,policy,loss\n"),
        ("empty", "event,year,policy,loss"),
    ],
)
def test_bad_tables_are_refused_by_line(tmp_path: Path, code: str, text: str) -> None:
    with pytest.raises(Refused) as refused:
        read_losses(put(tmp_path, text), 4, None)
    assert refused.value.refusals[0].code == f"pricing.table_{code}"
    assert type(refused.value.refusals[0].facts["line"]) is int


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    text = "event,year,policy,loss\nA,9,p1,1\nB,1,p1,-1\nC,1,p1\n"
    with pytest.raises(Refused) as refused:
        read_losses(put(tmp_path, text), 4, None)
    assert [r.facts["line"] for r in refused.value.refusals] == [2, 3, 4]


def test_other_encodings_and_unknown_policies_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "gbk.csv"
    path.write_bytes("event,year,policy,loss\n台风,1,p1,1\n".encode("gbk"))
    with pytest.raises(Refused) as refused:
        read_losses(path, 4, None)
    assert refused.value.refusals[0].code == "pricing.table_encoding"
    with pytest.raises(Refused) as refused:
        read_losses(put(tmp_path, GOOD + "D,1,p9,1\n"), 4, put(tmp_path, LIMITS, "limits.csv"))
    assert refused.value.refusals[0].facts["value"] == "p9"


def test_the_command_prices_a_table(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    table = str(put(tmp_path, GOOD))
    assert main(["price", "--event-losses", table, "--lang", "en"]) == 1
    assert "--years" in capfd.readouterr().err
    asked = ["price", "--event-losses", table, "--years", "4", "--layer", "100:50", "--json"]
    assert main(asked) == 0
    found = json.loads(capfd.readouterr().out)
    assert found["mean"]["total_fen"] == 18_750
    assert found["layers"][0]["exhaustion_probability"] == "0.25"
    assert found["premium"]["price_fen"] == found["premium"]["pure_fen"] == 4_688
