"""Any catalogue through any version: the figures of the paper, whatever order the files come in."""

from __future__ import annotations

import csv
import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import miaopei
from miaopei.cli.demo import history
from miaopei.cli.demo.whatif import what_if
from miaopei.cli.main import main
from miaopei.measures.instant import DAY
from miaopei.node.replay import Arrival
from miaopei.products.shelf import shelf
from miaopei.reports.register import Register

DATA = Path(miaopei.__file__).parent / "data" / "earthquake"
CATALOGUE = str(DATA / "cenc_catalogue_2015_2021.csv")
RAPID, LOSSES = str(DATA / "cenc_rapid_reports.csv"), str(DATA / "loss_reports.csv")
WAN = 1_000_000  # fen
# Tables 2 and 4, in 万元.
DALI = {"2015-10-30": 753.76, "2016-05-18": 2800, "2017-03-27": 2800, "2021-05-21": 4000}
YUXI = {"2018-08-13": 1600, "2018-09-08": 16.129}


def asked(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    assert main(["replay", *arguments, "--what-if", "--json"]) == 0
    rows: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return rows


def paid(rows: list[dict[str, Any]]) -> dict[str, float]:
    return {row["date"]: row["payout_fen"] / WAN for row in rows if row["payout_fen"]}


@pytest.mark.parametrize(("product", "expected"), [("yunnan_dali", DALI), ("yunnan_yuxi", YUXI)])
def test_the_printed_payouts(
    product: str, expected: dict[str, float], capsys: pytest.CaptureFixture[str]
) -> None:
    rows = asked(capsys, CATALOGUE, "--rapid", RAPID, "--losses", LOSSES, "--product", product)
    assert paid(rows) == expected
    assert all("what_if" in row["labels"] for row in rows)
    assert all(row["receipt"] is None and row["paid_at"] is None for row in rows)


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        ([LOSSES, "--product", "yunnan_dali"], "--losses"),
        ([CATALOGUE, "--rapid", LOSSES, "--product", "yunnan_dali"], "--losses"),
        ([CATALOGUE, "--losses", RAPID, "--product", "yunnan_dali"], "--rapid"),
    ],
)
def test_a_file_in_the_place_of_another_is_refused(
    arguments: list[str], option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It would give a what-if without facts: nothing paid, and nothing said."""
    assert main(["replay", *arguments, "--what-if", "--lang", "en"]) == 1
    shown = capsys.readouterr()
    assert not shown.out
    assert f"with {option}." in shown.err


def test_the_catalogue_alone_settles_on_its_reviewed_magnitude(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Yangbi 2021 is 6.5 in the catalogue: 40 % of 20,000. Without reports no share is paid."""
    rows = asked(capsys, CATALOGUE, "--product", "yunnan_dali")
    assert paid(rows) == {"2016-05-18": 2800, "2017-03-27": 2800, "2021-05-21": 8000}
    (yangbi,) = [row for row in rows if row["date"] == "2021-05-21"]
    assert (yangbi["magnitude"], yangbi["terms_version"]) == (6.5, 2)


def test_version_1_forced_on_2021(capsys: pytest.CaptureFixture[str]) -> None:
    """Table 1 gives 10,000 for 6.4; the ratio is 5.07 % (mission, 2.1.6)."""
    rows = asked(
        capsys, CATALOGUE, "--rapid", RAPID, "--losses", LOSSES,
        "--product", "yunnan_dali", "--terms", "1",
    )  # fmt: skip
    (yangbi,) = [row for row in rows if row["date"] == "2021-05-21"]
    assert (yangbi["payout_fen"], yangbi["ratio_percent"]) == (10_000 * WAN, "5.07")
    assert "terms_forced" in yangbi["labels"]
    assert all(row["terms_version"] == 1 for row in rows)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("product", "expected"), [("yunnan_dali", DALI), ("yunnan_yuxi", YUXI)])
def test_the_order_of_files_and_rows_never_changes_a_payout(
    product: str, expected: dict[str, float], seed: int
) -> None:
    """Everything is read in within an hour, years later, in any order, a fact at a time."""
    arrivals = [
        arrival
        for arrival in history.arrivals(history.shipped_readings())
        if arrival.row.observation.values.get("magnitude_tenths", 50) >= 45
    ]
    random.Random(seed).shuffle(arrivals)
    start = max(arrival.at for arrival in arrivals) + 400 * DAY
    late = [Arrival(start + second, arrival.row) for second, arrival in enumerate(arrivals)]
    assert len(late) < 3600
    found = what_if(shelf().find(product), late)
    assert payouts(found) == expected


@pytest.mark.parametrize("seed", range(2))
def test_a_product_file_pays_like_the_one_on_the_shelf(
    seed: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A made-up cover: the same terms under another id, from a file in any layout."""
    product = replace(shelf().find("yunnan_yuxi"), id=f"made_up_{seed}")
    value = product.as_json()
    for version in value["versions"]:
        version["terms"]["id"] = product.id
    file = tmp_path / "product.json"
    file.write_text(json.dumps(value, indent=seed or None), "utf-8")
    rows = asked(capsys, CATALOGUE, "--rapid", RAPID, "--losses", LOSSES, "--product", str(file))
    assert paid(rows) == YUXI
    assert {row["product"] for row in rows} == {product.id}


def test_a_file_of_rows_upside_down_and_with_a_torn_line_gives_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = Path(CATALOGUE).read_text("utf-8-sig").splitlines()
    file = tmp_path / "catalogue.txt"
    body = "\n".join([lines[0], *reversed(lines[1:]), "999,2021-0"])
    file.write_text(f"\ufeff{body}", "utf-8")
    arguments = [str(file), "--rapid", RAPID, "--losses", LOSSES, "--product", "yunnan_dali"]
    assert main(["replay", *arguments, "--json", "--lang", "en"]) == 0
    told = capsys.readouterr()
    assert paid(json.loads(told.out)) == DALI
    assert told.err.strip() != ""  # the torn line is refused by name


def test_deaths_are_paid_beside_the_houses(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """E-03: 10 万元 a person; a made-up notice of three deaths for Yangbi 2021."""
    file = tmp_path / "deaths.csv"
    with file.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow(["date", "event", "area", "issuer", "version", "deaths"])
        writer.writerow(["2021-05-21", "Yangbi 大理州漾濞", "大理州", "made up", "1", "3"])
    rows = asked(
        capsys, CATALOGUE, "--rapid", RAPID, "--deaths", str(file), "--product", "yunnan_dali"
    )
    (yangbi,) = [row for row in rows if row["date"] == "2021-05-21"]
    assert yangbi["beside"]["deaths"]["payout_fen"] == 30 * WAN
    assert yangbi["payout_fen"] == 4000 * WAN


def test_a_catalogue_of_another_agency_says_that_it_stands_in(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A made-up ComCat row: its moment magnitude counts only where that is asked for."""
    header = (
        "time,latitude,longitude,depth,mag,magType,nst,gap,dmin,rms,net,id,updated,place,type,"
        "horizontalError,depthError,magError,magNst,status,locationSource,magSource"
    )
    row = (
        "2021-05-21T13:48:35.000Z,25.70,99.88,10,6.1,mww,,,,,us,us7000test,"
        '2021-05-21T14:48:35.000Z,"25 km NW of Dali, China",earthquake,,,,,reviewed,us,us'
    )
    file = tmp_path / "comcat.csv"
    file.write_text(f"{header}\n{row}\n", "utf-8")
    assert asked(capsys, str(file), "--product", "yunnan_dali") == []
    (counted,) = asked(capsys, str(file), "--product", "yunnan_dali", "--type", "mww")
    assert "catalogue_taken" in counted["labels"]
    assert counted["state"] == "held_person"  # its place name is not one we know
    assert counted["payout_fen"] is None


def payouts(found: Register) -> dict[str, float]:
    return {row.date: row.payout_fen / WAN for row in found.rows if row.payout_fen}


HEAD = (
    "date,event,area,civil_house_loss_wan,event_total_civil_house_loss_wan,total_is,issuer,version,"
    "source"
)
TOLD = [
    (((1, "4480", "16641.9"), (1, "6000", "16641.9")), ("held_conflict", None)),
    (((1, "4480", "16641.9"), (1, "4480", "20000")), ("held_conflict", None)),
    (((1, "4480", "16641.9"), (1, "4480", "16641.9")), ("settled", 753.76)),
    (((1, "4480", "16641.9"), (1, "6000", "16641.9"), (2, "3000", "16641.9")), ("settled", 504.75)),
]


@pytest.mark.parametrize(("versions", "expected"), TOLD)
def test_two_figures_of_one_version_wait_for_a_person_whatever_their_order(
    versions: tuple[tuple[int, str, str], ...],
    expected: tuple[str, float | None],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """In a what-if all lines of a file about one event arrive together; none is paid by chance."""
    shocks = tmp_path / "one.csv"
    lines = Path(CATALOGUE).read_text("utf-8").splitlines()
    shocks.write_text("\n".join([lines[0], *(x for x in lines if "2015-10-30" in x)]), "utf-8")
    for order in (versions, versions[::-1]):
        file = tmp_path / "losses.csv"
        said = [
            f"2015-10-30,Changning 保山昌宁,Dali 大理州,{part},{total},printed,them,{version},x"
            for version, part, total in order
        ]
        file.write_text("\n".join([HEAD, *said]), "utf-8")
        asked_for = (str(shocks), "--losses", str(file), "--product", "yunnan_dali")
        (row,) = asked(capsys, *asked_for)
        payout = row["payout_fen"]
        assert (row["state"], payout if payout is None else payout / WAN) == expected
