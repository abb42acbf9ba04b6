"""An exceedance curve held against CLIMADA and OasisLMF on the same 10 million pairs.

Their figures were taken with CLIMADA 6.1.0 and OasisLMF 2.5.8 from the same numbers, made by
another program; `script/bench portfolio` runs both again.
"""

from __future__ import annotations

import numpy as np
import pytest

from bench import workload_b
from miaopei.pricing import curves
from miaopei.pricing.years import YearLosses, blocks, part_of, put_together, settle_years

CLIMADA_OEP250, OASIS_OEP250 = 192_838_530.30, 192_838_768.0  # float64; float32
HAND_WRITTEN_TOTAL = 8_515_106_287_552  # cents, by NumPy and numba kernels written by hand
CLIMADA_UNLIMITED = 86_603_582_142


@pytest.fixture(scope="module")
def numbers() -> dict[str, np.ndarray]:
    return workload_b.arrays()


def years(numbers: dict[str, np.ndarray], *, limited: bool) -> YearLosses:
    events, book = workload_b.world(numbers, limited=limited)
    terms = workload_b.terms(numbers["step"])
    return put_together(
        settle_years(terms, "wind_cover", part_of(events, cut), book, cut)
        for cut in blocks(events, book)
    )


@pytest.mark.timeout(300)
def test_the_yearly_curve_with_limits(numbers: dict[str, np.ndarray]) -> None:
    assert len(numbers["policy"]) == 9_995_007
    found = years(numbers, limited=True)
    assert int(found.total.sum()) == HAND_WRITTEN_TOTAL
    (at_250,) = curves.points(found.total.tolist(), (250,))
    assert at_250.loss_fen == workload_b.AEP250


@pytest.mark.timeout(300)
def test_the_curve_by_occurrence_without_limits(numbers: dict[str, np.ndarray]) -> None:
    found = years(numbers, limited=False)
    assert int(found.total.sum()) == workload_b.UNLIMITED
    assert workload_b.UNLIMITED / 100 == pytest.approx(CLIMADA_UNLIMITED, rel=1e-10)
    (at_250,) = curves.points(found.largest.tolist(), (250,))
    assert at_250.loss_fen == workload_b.OEP250 == 19_283_853_069
    assert at_250.loss_fen / 100 == pytest.approx(CLIMADA_OEP250, rel=3e-9)  # it rounds no payout
    assert at_250.loss_fen / 100 == pytest.approx(OASIS_OEP250, rel=2e-6)
