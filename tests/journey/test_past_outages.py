"""Past outages through planned-outage cover, against a count that knows nothing of our code.

The file of a real utility is read where it lies beside the checkout; it is not ours to hand on.
Where it is absent pytest says that there is no file to run over.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAME = Path("shared") / "data" / "outage" / "bchydro_2024_11_12.csv"
BESIDE = [folder / NAME for folder in ROOT.parents if (folder / NAME).is_file()]
MADE_UP = """off,planned_on,on,cause
2026-01-05T08:00:00+08:00,2026-01-05T18:00:00+08:00,2026-01-05T18:00:59+08:00,planned
2026-01-06T08:00:00+08:00,2026-01-06T18:00:00+08:00,2026-01-06T18:01:00+08:00,planned
2026-02-28T20:00:00+08:00,2026-03-01T02:00:00+08:00,2026-03-01T07:00:00+08:00,planned
2026-01-08T08:00:00+08:00,,2026-01-08T18:01:00+08:00,planned
2026-01-09T08:00:00+08:00,2026-01-09T07:00:00+08:00,2026-01-09T18:01:00+08:00,planned
2026-01-10T08:00:00+08:00,2026-01-10T18:00:00,2026-01-10T18:01:00+08:00,planned
2026-01-11T08:00:00+08:00,2026-01-11T18:00:00+08:00,2026-01-13T18:00:00+08:00,storm
"""


def tariff(minutes: int) -> int:
    """Fen for so many minutes late: started hours at 50, from the 5th at 80, the 13th at 120."""
    hours = range(-(-minutes // 60))
    return sum(5_000 if h < 4 else 8_000 if h < 12 else 12_000 for h in hours)


def counted(rows: Iterable[tuple[str, str]]) -> dict[str, int]:
    """(planned, actual) -> late outages, their minutes, fen, by whole minutes."""
    late = []
    for planned, actual in rows:
        ends = [int(datetime.fromisoformat(t).timestamp()) // 60 for t in (planned, actual)]
        late += [ends[1] - ends[0]] if ends[1] > ends[0] else []
    fen = sum(map(tariff, late))
    return {"late": len(late), "late_minutes": sum(late), "paid": len(late), "payout_fen": fen}


@pytest.mark.parametrize("file", BESIDE[:1], ids=["bchydro"] * len(BESIDE[:1]))
def test_late_outages_and_minutes_of_a_real_utility(shell: Any, file: Path) -> None:
    columns = ["--off", "dateOff", "--planned-on", "estDateOn", "--on", "dateOn"]
    said = shell.run("replay-outages", str(file), *columns, "--only", "Planned work", "--json")
    told = json.loads(said)
    with file.open(encoding="utf-8", newline="") as lines:
        planned = [r for r in csv.DictReader(lines) if "planned work" in r["cause"].lower()]
    assert len(planned) == told["outages"] == 1_465
    by_second = sum(r["dateOn"] > r["estDateOn"] for r in planned)
    assert by_second == 508  # as its description says; five of them by less than a minute's step
    wanted = counted((r["estDateOn"], r["dateOn"]) for r in planned)
    assert {name: told[name] for name in wanted} == wanted
    assert wanted["late"] > 0


def test_a_made_up_file_row_by_row(shell: Any) -> None:
    file = shell.folder / "past.csv"
    file.write_text(MADE_UP, "utf-8")
    told = json.loads(shell.run("replay-outages", str(file), "--only", "planned", "--json"))
    assert told["left_out"] == {
        "other_cause": 1, "no_plan": 1, "before_off": 1, "unreadable": 1,
    }  # fmt: skip
    assert (told["rows"], told["outages"], told["late"]) == (7, 3, 2)
    assert (told["late_minutes"], told["payout_fen"]) == (1 + 300, 5_000 + 4 * 5_000 + 8_000)
    borne = json.loads(
        shell.run("replay-outages", str(file), "--only", "planned", "--deductible", "60", "--json")
    )
    assert (borne["late"], borne["paid"], borne["payout_fen"]) == (2, 1, 4 * 5_000)
    assert "What-if: 3 outages, 2 back later" in shell.run(
        "replay-outages", str(file), "--only", "planned"
    )
