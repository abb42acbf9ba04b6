"""An exceedance curve held against CLIMADA and OasisLMF on the same 10 million pairs.

Their figures were taken with CLIMADA 6.1.0 and OasisLMF 2.5.8 from the same numbers, made by
another program; `script/bench portfolio` runs both again.
"""

from __future__ import annotations

import numpy as np
import pytest

from bench import workload_b
from miaopei.pricing import curves
from miaopei.pricing.years import blocks, part_of, put_together, settle_years

CLIMADA_OEP250, OASIS_OEP250 = 192_838_530.30, 192_838_768.0  # float64; float32
HAND_WRITTEN_TOTAL = 8_515_106_287_552  # cents, by NumPy and numba kernels written by hand
CLIMADA_UNLIMITED = 86_603_582_142


@pytest.fixture
def numbers() -> dict[str, np.ndarray]:
    return workload_b.arrays()


def test_curves_by_year_and_by_occurrence(numbers: dict[str, np.ndarray]) -> None:
    """The sum of a year with yearly limits; the largest occurrence before them, as theirs."""
    assert len(numbers["policy"]) == 9_995_007
    terms = workload_b.terms(numbers["step"])
    events, book = workload_b.world(numbers)
    found = put_together(
        settle_years(terms, "wind_cover", part_of(events, cut), book, cut)
        for cut in blocks(events, book)
    )
    assert int(found.total.sum()) == HAND_WRITTEN_TOTAL == workload_b.TOTAL
    assert int(found.before.sum()) == workload_b.UNLIMITED
    assert found.before.sum() / 100 == pytest.approx(CLIMADA_UNLIMITED, rel=1e-10)
    (aep,) = curves.points(found.total.tolist(), (250,))
    (oep,) = curves.points(found.largest.tolist(), (250,))
    assert (aep.loss_fen, oep.loss_fen) == (workload_b.AEP250, workload_b.OEP250)
    assert workload_b.OEP250 == 19_283_853_069
    assert oep.loss_fen / 100 == pytest.approx(CLIMADA_OEP250, rel=3e-9)  # it rounds no payout
    assert oep.loss_fen / 100 == pytest.approx(OASIS_OEP250, rel=2e-6)
