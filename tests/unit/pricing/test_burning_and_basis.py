"""Burning cost by hand, and the paper's six ratios from the catalogue."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from miaopei.cli.main import main
from miaopei.data import __path__ as data
from miaopei.errors import Refused
from miaopei.pricing.basis import Pair, basis
from miaopei.pricing.burning import Paid, burning_cost

FILES = Path(next(iter(data))) / "earthquake"
CATALOGUE = str(FILES / "cenc_catalogue_2015_2021.csv")
BESIDE = [
    *("--rapid", str(FILES / "cenc_rapid_reports.csv")),
    *("--losses", str(FILES / "loss_reports.csv")),
]


def test_burning_cost_by_hand() -> None:
    paid = [Paid(2001, 300), Paid(2001, 50), Paid(2003, 100), Paid(2003, None), Paid(1999, 9999)]
    cost = burning_cost(paid, 2000, 2003, seed=1)
    assert cost.yearly_fen == (0, 350, 0, 100)
    assert (cost.payouts, cost.open, cost.mean_fen) == (3, 1, 113)  # 112.5, half up
    assert cost.low_fen == 0
    assert 113 < cost.high_fen <= 350
    rate, interval = cost.frequency
    assert (float(rate), float(interval.low)) == pytest.approx((0.75, 0.6187 / 4), rel=1e-3)


def test_the_same_seed_gives_the_same_interval() -> None:
    paid = [Paid(2000 + at, at * 1000) for at in range(12)]
    one, two = (burning_cost(paid, 2000, 2011, seed=4) for _ in range(2))
    assert one == two
    assert burning_cost(paid, 2000, 2011, seed=5).low_fen != one.low_fen


def test_an_empty_window_is_refused() -> None:
    with pytest.raises(Refused) as refused:
        burning_cost([], 2021, 2020, seed=1)
    assert refused.value.refusals[0].code == "pricing.window_empty"


def pair(payout: int | None, loss: int | None) -> Pair:
    return Pair("2000-01-01", "p", 1, "x", payout, loss)


def test_missing_is_neither_false_alarm_nor_miss() -> None:
    found = basis([pair(5, None), pair(None, 5), pair(5, 0), pair(0, 5), pair(5, 20)])
    assert len(found.unknown) == 2
    assert [p.payout_fen for p in found.false_alarms] == [5]
    assert [p.loss_fen for p in found.misses] == [5]
    assert (found.least_percent, found.most_percent) == ("0.00", "25.00")
    assert (found.mean_percent, found.whole_percent) == ("12.50", "40.00")


def test_correlation_by_hand() -> None:
    """(1,1), (2,3), (3,2): covariance 0.5, both variances 1."""
    found = basis([pair(1, 1), pair(2, 3), pair(3, 2)])
    assert (found.pearson, found.spearman) == ("0.5", "0.5")
    assert basis([pair(1, 1), pair(1, 2)]).pearson is None


def test_the_papers_six_ratios_come_out(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    products = ["--product", "yunnan_dali", "--product", "yunnan_yuxi"]
    asked = ["basis-risk", CATALOGUE, *BESIDE, *products, "--out", str(tmp_path), "--json"]
    assert main(asked) == 0
    found = json.loads(capfd.readouterr().out)
    ratios = [each["ratio_percent"] for each in found["pairs"]]
    assert ratios == ["16.83", "29.17", "20.30", "3.84", "3.16", "2.03"]
    assert (found["least_percent"], found["most_percent"]) == ("2.03", "29.17")
    assert found["false_alarms"] == found["misses"] == found["unknown"] == []
    lines = (tmp_path / "basis.csv").read_text("utf-8-sig").splitlines()
    assert len(lines) == 7
    assert lines[1].endswith(",753760000,4480000000,16.83")


def test_two_versions_side_by_side(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    asked = ["backtest", CATALOGUE, *BESIDE, "--product", "yunnan_dali", "--lang", "zh"]
    given = [*asked, "--terms", "1", "--terms", "2", "--out", str(tmp_path), "--json"]
    assert main(given) == 0
    one, two = json.loads(capfd.readouterr().out)["runs"]
    assert one["burning"]["total_fen"] == 16_353_760_000
    assert two["burning"]["total_fen"] == 6_541_504_000
    assert one["burning"]["burning_cost_fen"] == 2_336_251_429  # 16,353.76 / 7 万元
    assert len(one["burning"]["yearly_fen"]) == 7
    yearly = (tmp_path / "years-v2.csv").read_text("utf-8-sig").splitlines()
    assert yearly[-1] == "2021,4000000000"


def test_a_file_without_shocks_is_refused(capfd: pytest.CaptureFixture[str]) -> None:
    asked = ["backtest", str(FILES / "loss_reports.csv"), "--product", "yunnan_dali"]
    assert main(asked) == 1
    assert "loss_reports.csv" in (said := capfd.readouterr().err)
    assert "--losses" in said
