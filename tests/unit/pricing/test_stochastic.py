"""Years that never were: the same for a seed, as many as the law says, through the terms."""

from __future__ import annotations

import csv
import json
from decimal import Decimal
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from miaopei.adapters.feeds import read
from miaopei.cli.main import main
from miaopei.cli.pricing import plan as plans
from miaopei.cli.pricing.price import settles
from miaopei.data import __path__ as data
from miaopei.errors import Refused
from miaopei.pricing.events import Occurrences, Zone, stochastic
from miaopei.pricing.recurrence import Quake, fit
from miaopei.pricing.years import Book, settle_years
from miaopei.products.yunnan_dali import PRODUCT

CATALOGUE = Path(next(iter(data))) / "earthquake" / "cenc_catalogue_2015_2021.csv"
LAW = fit([42, 43, 44, 45, 50] * 8, 42, 3652)
PLACES = [Quake(0, 25_000_000 + at, 100_000_000, 45, "") for at in range(3)]
TERMS = PRODUCT.version(2).terms
GOLDEN = "e3a4f982cb81f0a81fdc446ca59f30c2f0ac28f7f492701653b6bf85c49715fc"


def zone(**changes: object) -> Zone:
    given = {"id": "z", "rate": Decimal(2), "law": LAW, "epicentres": PLACES, "least_tenths": 45}
    return Zone(**{**given, "most_tenths": 70, "given": {"role": 1}, **changes})  # type: ignore[arg-type]


def digest(events: Occurrences) -> str:
    found = sha256(events.year.astype(">i8").tobytes())
    for name in sorted(events.observed) + sorted(events.detail):
        column = (events.observed | events.detail)[name]
        found.update(name.encode() + column.astype(">i8").tobytes())
    return found.hexdigest()


def test_a_seed_gives_the_same_bytes_everywhere() -> None:
    events = stochastic([zone(), zone(id="y", given={"role": 2})], 500, 20_260_101)
    assert digest(events) == GOLDEN
    assert digest(stochastic([zone(), zone(id="y", given={"role": 2})], 500, 1)) != GOLDEN


def test_as_many_as_the_law_says() -> None:
    """2 a year of 4.2 and more; of 4.5 and more, cut at 7.0: by the closed form of the law."""
    one, years = zone(), 20_000
    ten = 10 ** -float(LAW.b)
    wanted = 2 * (ten**0.3 - ten**2.9) / (1 - ten**2.9)
    assert float(one.yearly) == pytest.approx(wanted, rel=1e-12)
    events = stochastic([one], years, 3)
    assert abs(len(events.year) - wanted * years) < 4 * (wanted * years) ** 0.5
    assert int(events.observed["magnitude"].min()) == 45
    assert int(events.observed["magnitude"].max()) <= 70
    above = int((events.observed["magnitude"] >= 55).sum())
    share = (ten**1.0 - ten**2.6) / (1 - ten**2.6)
    assert abs(above - share * len(events.year)) < 4 * (share * len(events.year)) ** 0.5
    assert set(events.detail["lat_udeg"].tolist()) == {place.lat_udeg for place in PLACES}


def test_years_and_moments_rise() -> None:
    events = stochastic([zone(), zone(id="y")], 300, 9)
    order = np.lexsort((events.detail["moment"], events.year))
    assert order.tolist() == list(range(len(events.year)))


def test_the_simulated_mean_is_the_one_by_hand() -> None:
    """Without yearly limits the mean is the rate times the mean band: known in closed form."""
    one = zone(least_tenths=50, most_tenths=75)
    events = stochastic([one], 50_000, 4)
    found = settle_years(TERMS, "house", events, Book(1, {}), (0, 50_000))
    bands = [(50, 1120), (55, 2000), (60, 4000), (65, 8000), (70, 16800)]
    chances = one.chances
    paid = [max(wan for low, wan in bands if low <= 50 + at) for at in range(len(chances))]
    each = sum(float(c) * wan for c, wan in zip(chances, paid, strict=True)) / float(sum(chances))
    wanted = float(one.yearly) * each
    spread = float(np.std(found.before / 1e6)) / 50_000**0.5
    assert abs(found.before.sum() / 50_000 / 1e6 - wanted) < 4 * spread


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("bad_magnitudes", {"least_tenths": 41}),
        ("bad_magnitudes", {"most_tenths": 44}),
        ("no_epicentre", {"epicentres": []}),
        ("rate_too_high", {"rate": Decimal(5000)}),
    ],
)
def test_zones_that_cannot_be_are_refused(code: str, changes: dict[str, object]) -> None:
    with pytest.raises(Refused) as refused:
        stochastic([zone(**changes)], 10, 1)
    assert refused.value.refusals[0].code == f"pricing.{code}"


def test_years_out_of_range_are_refused() -> None:
    with pytest.raises(Refused) as refused:
        Occurrences(0, np.zeros(0, dtype=np.int64))
    assert refused.value.refusals[0].code == "pricing.years_out_of_range"


def test_what_a_zone_does_not_give_is_missing_and_not_zero() -> None:
    surrounding = zone(given={"role": 2}, least_tenths=50)
    with pytest.raises(Refused) as refused:
        settles(TERMS, plans.load(None, "yunnan_dali"), surrounding, {})
    assert refused.value.refusals[0].code == "terms.missing_input"


def test_the_shipped_plan_rests_on_the_shipped_catalogue() -> None:
    plan = plans.load(None, "yunnan_dali")
    law, zones, _ = plans.law_and_zones(plan, read(CATALOGUE.read_bytes()))
    assert (law.count, [len(each.epicentres) for each in zones]) == (85, [8, 20])
    assert float(law.b) == pytest.approx(0.791, abs=5e-4)


def test_a_price_in_both_languages_with_pictures(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    asked = ["price", str(CATALOGUE), "--product", "yunnan_dali", "--years", "2000"]
    assert main([*asked, "--json", "--out", str(tmp_path)]) == 0
    found = json.loads(capfd.readouterr().out)
    steps = found["premium"]["steps"]
    assert sum(step["amount_fen"] for step in steps) == found["premium"]["price_fen"]
    assert found["mean"]["mean_fen"] == found["premium"]["pure_fen"]
    assert found["illustrative"] is True
    with (tmp_path / "points.csv").open(encoding="utf-8-sig") as file:
        rows = {(r["curve"], r["period"]): r["loss_fen"] for r in csv.DictReader(file)}
    assert rows["aep", "100"] == str(
        next(p for p in found["aep"] if p["period"] == 100)["loss_fen"]
    )
    pictures = [f"curve.{lang}.{kind}" for lang in ("zh", "en") for kind in ("svg", "png")]
    first = {name: (tmp_path / name).read_bytes() for name in pictures}
    assert first["curve.zh.svg"] != first["curve.en.svg"]
    assert main([*asked, "--lang", "zh", "--workers", "2", "--out", str(tmp_path)]) == 0
    assert found["root"] in capfd.readouterr().out  # the same years in threads
    assert first == {name: (tmp_path / name).read_bytes() for name in pictures}


def test_no_plan_and_no_catalogue_are_refused(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["price", str(CATALOGUE), "--product", "power_restoration", "--lang", "en"]) == 1
    assert "no pricing plan" in capfd.readouterr().err
    assert main(["price", "--lang", "en"]) == 1
    assert "--event-losses" in capfd.readouterr().err
