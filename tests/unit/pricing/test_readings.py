"""Years by compiled kernels: the bytes of the columnar reading, taken from the disk by a worker."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from miaopei.adapters.pricing.readings import Readings
from miaopei.pricing.events import own_losses
from miaopei.pricing.years import blocks, part_of, put_together, root, settle_policies, settle_years
from tests.support.losing import world


def test_kernels_give_the_bytes_of_the_columnar_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIAOPEI_KERNELS", str(tmp_path / "kernels"))
    terms, (events, book) = own_losses(), world()
    whole = (0, events.years)
    wanted = root(settle_years(terms, "cover", events, book, whole))
    assert not Readings.of(terms).fast  # nothing lies ready: no worker ever compiles
    made = Readings.prepared(terms, events)
    assert made.fast
    assert root(settle_years(terms, "cover", events, book, whole, made.years)) == wanted
    taken = Readings.of(terms, events)
    assert taken.fast
    parts = [
        settle_years(terms, "cover", part_of(events, cut), book, cut, taken.years)
        for cut in blocks(events, book, 3_000)
    ]
    assert root(put_together(parts)) == wanted
    seen = {"loss": 400_000}
    plain = settle_policies(terms, "cover", seen, book, 0)
    fast = settle_policies(terms, "cover", seen, book, 0, taken.settle)
    assert np.array_equal(plain.amounts, fast.amounts)
