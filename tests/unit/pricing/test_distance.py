"""Covers by distance: drawn epicentres reach the terms, a book from a file is priced whole."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from pyproj import Geod

from miaopei.adapters.books.pricing import read_book
from miaopei.cli.main import main
from miaopei.data import __path__ as data
from miaopei.errors import Refused
from miaopei.measures.place import unit_vector
from miaopei.pricing.events import Centre, Zone, positions, stochastic
from miaopei.pricing.recurrence import Quake, fit
from miaopei.pricing.years import Book, settle_years
from miaopei.products.quake_circle import PRODUCT
from miaopei.terms.exact import settle

QUAKES = Path(next(iter(data))) / "earthquake"
CATALOGUE = QUAKES / "cenc_catalogue_2015_2021.csv"
LAW = fit([42, 43, 44, 45, 50] * 8, 42, 3652)
INPUTS = ("centre_x", "centre_y", "centre_z")
SPOTS = [(25_700_000, 99_880_000), (26_530_000, 99_900_000), (-60_000_000, 179_990_000)]
ZONE = Zone("z", Decimal(2), LAW, [Quake(0, *spot, 60, "") for spot in SPOTS], 55, 76, {})
TERMS = PRODUCT.version(1).terms


def test_an_epicentre_becomes_the_three_inputs_of_the_terms() -> None:
    plain = stochastic([ZONE], 300, 5, centre=Centre(INPUTS))
    parts = np.stack([plain.observed[name] for name in INPUTS], axis=1).tolist()
    places = zip(plain.detail["lat_udeg"].tolist(), plain.detail["lon_udeg"].tolist(), strict=True)
    assert [tuple(part) for part in parts] == [unit_vector(*place) for place in places]
    assert {tuple(part) for part in parts} == {unit_vector(*spot) for spot in SPOTS}
    without = stochastic([ZONE], 300, 5)
    assert plain.observed["magnitude"].tolist() == without.observed["magnitude"].tolist()


def test_scattered_epicentres_lie_within_their_square_also_over_the_date_line() -> None:
    events = stochastic([ZONE], 2_000, 5, centre=Centre(INPUTS, 20))
    lat, lon = events.detail["lat_udeg"], events.detail["lon_udeg"]
    assert len(set(zip(lat.tolist(), lon.tolist(), strict=True))) > 0.99 * len(lat)
    assert int(np.abs(lon).max()) <= 180_000_000
    assert (lon < 0).any()  # from 179.99 E some have come to the west
    geod, ones = Geod(ellps="sphere"), np.ones(len(lat))
    far = [geod.inv(ones * b / 1e6, ones * a / 1e6, lon / 1e6, lat / 1e6)[2] for a, b in SPOTS]
    nearest = np.min(far, axis=0)
    assert nearest.max() <= 20_000 * 2**0.5 * 1.01
    assert nearest.max() >= 25_000  # the corners are reached
    again = stochastic([ZONE], 2_000, 5, centre=Centre(INPUTS, 20))
    assert again.detail["lon_udeg"].tolist() == lon.tolist()


def test_years_of_a_book_by_distance_are_what_each_policy_is_owed_exactly() -> None:
    often = replace(ZONE, rate=Decimal(60))
    events = stochastic([often], 40, 9, centre=Centre(INPUTS, 30))
    at = np.array([(25_800_000, 99_900_000), (26_000_000, 100_000_000)], dtype=np.int64)
    parts = positions(at[:, 0], at[:, 1])
    insured = np.array([10_000_000, 33_333_333], dtype=np.int64)
    columns = {f"place_{axis}": parts[:, i] for i, axis in enumerate("xyz")}
    book = Book(2, {**columns, "sum_insured": insured})
    total = settle_years(TERMS, "circle", events, book, (0, 40)).total.tolist()
    wanted, spent = [0] * 40, dict[tuple[int, int], int]()
    for event, year in enumerate(events.year.tolist()):
        seen = {name: int(column[event]) for name, column in events.observed.items()}
        for policy in range(2):
            own = {name: int(column[policy]) for name, column in book.declared.items()}
            before = spent.get((year, policy), 0)
            fen = settle(TERMS, "circle", seen, own, {"circle": before}).amount_fen
            spent[year, policy] = before + fen
            wanted[year] += fen
    assert total == wanted
    assert sum(wanted) > 0


BOOK = """policy_number,sum_insured_yuan,Latitude,Longitude
A,500000,25.70,99.88
B,1000000,25.90,99.88
C,200000,26.40,99.88
"""


def test_a_book_is_priced_from_the_file_that_is_imported(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "book.csv"
    path.write_text(BOOK, "utf-8")
    asked = ["price", str(CATALOGUE), "--product", "quake_circle", "--years", "500", "--json"]
    assert main([*asked, "--book", str(path)]) == 0
    found = json.loads(capfd.readouterr().out)
    assert (found["policies"], found["illustrative"]) == (3, True)
    assert found["mean"]["mean_fen"] > 0
    assert {"what": "one_shock", "hours": 72, "km": 50} in found["left_out"]
    for at, insured in (("25.70,99.88", 500_000), ("25.90,99.88", 1_000_000)):
        one = ["--declare", f"place={at}", "--declare", f"sum_insured={insured * 100}"]
        assert main([*asked, *one]) == 0
        alone = json.loads(capfd.readouterr().out)
        assert alone["mean"]["mean_fen"] < found["mean"]["mean_fen"]
    (layer,) = found["layers"]
    assert layer["limit_fen"] == 170_000_000  # what the three policies declare, not the product's
    left = {each["what"]: each for each in found["left_out"]}
    assert (left["zones"]["shocks"], left["zones"]["policies"]) == (38, 0)
    assert "short_terms" not in left
    path.write_text(BOOK + "D,NaN,26.40,299\n", "utf-8")
    with pytest.raises(Refused) as refused:
        read_book(path, TERMS)
    assert [r.code for r in refused.value.refusals] == [
        "import.out_of_range",
        "import.not_a_number",
    ]


def test_what_the_zones_do_not_cover_is_said_or_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Beijing lies in no zone: alone it is refused, in a book it is counted; so is a short term."""
    asked = ["price", str(CATALOGUE), "--product", "quake_circle", "--years", "200", "--json"]
    beijing = ["--declare", "place=39.9,116.4", "--declare", "sum_insured=50000000"]
    assert main([*asked, *beijing]) == 1
    (refusal,) = json.loads(capfd.readouterr().out)["refusals"]
    assert (refusal["code"], refusal["facts"]["reach_km"]) == ("pricing.out_of_zones", 200)
    path = tmp_path / "book.csv"
    rows = ["policy_number,since,until,sum_insured_yuan,Latitude,Longitude"]
    rows += ["A,2026-01-01,2027-01-01,500000,25.70,99.88", "B,2026-01-01,2026-01-02,1,39.9,116.4"]
    path.write_text("\n".join(rows), "utf-8")
    assert main([*asked, "--book", str(path)]) == 0
    left = {each["what"]: each for each in json.loads(capfd.readouterr().out)["left_out"]}
    assert (left["zones"]["policies"], left["zones"]["of"]) == (1, 2)
    assert left["short_terms"] == {"what": "short_terms", "policies": 1, "of": 2}


def test_own_losses_that_nothing_matches_are_misses_and_no_day_is_guessed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    files = [str(CATALOGUE), "--rapid", str(QUAKES / "cenc_rapid_reports.csv")]
    own = ["--product", "quake_circle", "--declare", "sum_insured=10000000000"]
    lost = tmp_path / "lost.csv"
    asked = ["--declare", "place=25.67,99.96", "--own-losses", str(lost), "--json"]
    asked += ["--losses", str(QUAKES / "loss_reports.csv")]
    lost.write_text("date,loss_yuan\n2021-05-21,50000000\n2020-03-03,900\n", "utf-8")
    assert main(["basis-risk", *files, *own, *asked]) == 0
    (miss,) = json.loads(capfd.readouterr().out)["misses"]
    assert (miss["date"], miss["payout_fen"], miss["loss_fen"]) == ("2020-03-03", 0, 90_000)
    lost.write_text("date,loss_yuan\n2021-02-30,1\n", "utf-8")
    assert main(["basis-risk", *files, *own, *asked]) == 1
    assert json.loads(capfd.readouterr().out)["refusals"][0]["code"] == "pricing.own_losses"


def test_back_test_and_basis_risk_of_a_place(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """What a house of 100 million yuan in Yangbi would have got, beside what it lost."""
    files = [str(CATALOGUE), "--rapid", str(QUAKES / "cenc_rapid_reports.csv")]
    own = ["--product", "quake_circle", "--declare", "sum_insured=10000000000"]
    place, lost = ["--declare", "place=25.67,99.96"], tmp_path / "lost.csv"
    rows = ("date,loss_yuan", "2021-05-21,50000000.50", "2018-08-13,7", "2016-05-18,0")
    lost.write_text("\n".join(rows), "utf-8")
    asked = ["--losses", str(QUAKES / "loss_reports.csv"), "--own-losses", str(lost), "--json"]
    assert main(["basis-risk", *files, *own, *place, *asked]) == 0
    found = json.loads(capfd.readouterr().out)
    pairs = {pair["date"]: (pair["payout_fen"], pair["loss_fen"]) for pair in found["pairs"]}
    assert pairs["2021-05-21"] == (40 * 10_000_000_000 // 100, 5_000_000_050)  # 6.4, within 25 km
    assert pairs["2018-08-13"] == (0, 700)  # Tonghai is far away: a miss of this place
    assert [pair["date"] for pair in found["misses"]] == ["2018-08-13"]
    lost.write_text("date,loss_yuan\n2021-05-21,-1\n", "utf-8")
    assert main(["basis-risk", *files, *own, *place, *asked]) == 1
    refused = json.loads(capfd.readouterr().out)["refusals"][0]
    assert (refused["code"], refused["facts"]["line"]) == ("pricing.own_losses", 2)
    for bad, said in (
        ("sum_insured=1", "--declare sum_insured is given twice"),
        ("other=1" + "0" * 30, "at most 15 digits"),
        ("other=\u0661", "at most 15 digits"),
    ):
        assert main(["backtest", *files[:1], *own, *place, "--declare", bad, "--lang", "en"]) == 1
        assert said in capfd.readouterr().err
    assert main(["backtest", *files[:1], *own, "--declare", "place=95,1", "--lang", "en"]) == 1
    assert "latitude" in capfd.readouterr().err
