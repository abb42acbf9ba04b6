"""Curves and premiums by hand."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from miaopei.cli.pricing.plan import read
from miaopei.data import __path__ as data
from miaopei.errors import Refused
from miaopei.pricing.curves import layer, mean, points, thinned
from miaopei.pricing.premium import Loading, Of, premium
from miaopei.terms.filing import Text

YEARS = [0, 0, 0, 0, 0, 0, 10, 20, 30, 40]  # ten years, in fen
SAID = Text("某", "x")
PLAN = json.loads((Path(next(iter(data))) / "pricing" / "yunnan_dali.json").read_text("utf-8"))


def test_mean_and_error_by_hand() -> None:
    """Mean 10; squares 3000, less 10 x 100, by 9: 222.2; root 14.907; by root 10: 4.714."""
    found = mean(YEARS)
    assert (found.mean_fen, found.total_fen, found.deviation_fen, found.error_fen) == (
        10,
        100,
        15,
        5,
    )


def test_curve_by_hand() -> None:
    found = points(YEARS, (1, 2, 3, 5, 10, 11))
    assert [p.loss_fen for p in found] == [0, 0, 20, 30, 40, None]
    assert [p.tail_fen for p in found] == [10, 20, 30, 35, 40, None]  # means of the worst k


def test_a_layer_by_hand() -> None:
    found = layer(YEARS, 15, 20)
    assert (found.attached, found.exhausted, found.mean.total_fen) == (3, 1, 5 + 15 + 20)
    chance, interval = found.attachment
    assert chance == Decimal("0.3")
    assert float(interval.low) == pytest.approx(0.0667, abs=1e-4)  # Clopper and Pearson, 3 of 10
    assert float(interval.high) == pytest.approx(0.6525, abs=1e-4)


def test_bad_periods_layers_and_single_years_are_refused() -> None:
    for code, call in (
        ("bad_period", lambda: points(YEARS, (0,))),
        ("bad_layer", lambda: layer(YEARS, -1, 5)),
        ("bad_layer", lambda: layer(YEARS, 0, 0)),
        ("too_few_values", lambda: mean([5])),
    ):
        with pytest.raises(Refused) as refused:
            call()
        assert refused.value.refusals[0].code == f"pricing.{code}"


def test_a_thinned_curve_keeps_worst_and_ends() -> None:
    losses = [*range(5_000), *[7] * 50]
    kept = thinned(losses, 400)
    assert kept[0] == (1, 4_999)
    assert kept[-1] == (5_050, 0)
    assert len(kept) <= 800
    ranked = sorted(losses, reverse=True)
    assert all(ranked[rank - 1] == loss for rank, loss in kept)


def loading(key: str, of: Of, value: int) -> Loading:
    return Loading(key, SAID, of, value, SAID)


def test_every_step_of_a_premium_by_hand() -> None:
    """1,000.00 pure, 5 % of it, 10 % of a deviation of 500.00, a fee of 10.00: 1,110.00; a quarter
    of the price on top: 1,110 / 0.75 = 1,480.00; 15 and 10 points of it: 222.00 and 148.00.
    """
    found = premium(
        100_000,
        50_000,
        [loading("safety", Of.PURE, 50_000), loading("risk", Of.DEVIATION, 100_000),
         loading("fee", Of.FIXED, 1_000), loading("expense", Of.PRICE, 150_000),
         loading("tax", Of.PRICE, 100_000)],
    )  # fmt: skip
    assert [step.amount_fen for step in found.steps] == [
        100_000,
        5_000,
        5_000,
        1_000,
        22_200,
        14_800,
    ]
    assert found.price_fen == 148_000 == sum(step.amount_fen for step in found.steps)


def test_loadings_that_eat_the_price_are_refused() -> None:
    with pytest.raises(Refused) as refused:
        premium(1, 1, [loading("a", Of.PRICE, 600_000), loading("b", Of.PRICE, 400_000)])
    assert refused.value.refusals[0].code == "pricing.loading_too_high"


@pytest.mark.parametrize(
    ("at", "change"),
    [
        ("format", {"format": "x"}),
        ("speed", {"speed": 1}),
        ("years", {"years": 1}),
        ("zones", {"zones": []}),
        ("zones[0].given", {"zones": [{**PLAN["zones"][0], "given": {"role": 1.0}}]}),
        ("zones[0].given", {"zones": [{**PLAN["zones"][0], "given": {"role": 10**30}}]}),
        ("zones.id", {"zones": [PLAN["zones"][0], PLAN["zones"][0]]}),
        ("catalogue.types", {"catalogue": {**PLAN["catalogue"], "types": "Ms"}}),
        ("return_periods", {"return_periods": [1.5]}),
        ("loadings[0].of", {"loadings": [{"id": "a", "of": "moon"}]}),
        ("loadings[0].ppm", {"loadings": [{**PLAN["loadings"][0], "ppm": -1}]}),
    ],
)
def test_a_bad_plan_is_refused_by_place(at: str, change: dict[str, object]) -> None:
    with pytest.raises(Refused) as refused:
        read({**PLAN, **change})
    assert refused.value.refusals[0].facts["at"] == at
