"""A member's columnar reading: compiled for a large book where a kernel lies ready, else NumPy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from miaopei.adapters.kernels import Kernels
from miaopei.products.power_restoration import PRODUCT
from miaopei.terms.columnar import settle_many
from miaopei.terms.fused import Shape
from miaopei.wiring import kernels as wired

TERMS = PRODUCT.versions[0].terms
SEEN = {"planned_restoration": 26_658_000, "actual_restoration": 26_658_685, "outage_cause": 1}
ROWS = wired.LARGE + 3


def book(rows: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    deductible = np.arange(rows, dtype=np.int64) % 2_880
    columns = {"deductible": deductible, "occurrence_limit": np.full(rows, 30_000, np.int64)}
    return columns, np.arange(rows, dtype=np.int64) % 20_000_000


def test_a_large_book_is_read_by_what_lies_ready_and_nothing_is_compiled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIAOPEI_KERNELS", str(tmp_path / "kernels"))
    columns, spent = book(ROWS)
    plain = settle_many(TERMS, "delay", SEEN, columns, spent)
    before = wired.Reading()
    assert np.array_equal(before(TERMS, "delay", SEEN, columns, spent), plain)
    assert not list((tmp_path / "kernels").rglob("*"))
    wired.kernels().prepare(TERMS, (Shape.ROWS, Shape.BOOK))
    ready = wired.Reading()
    assert np.array_equal(ready(TERMS, "delay", SEEN, columns, spent), plain)
    assert ready._kernels is not None
    assert ready._kernels.ready(TERMS, "delay", Shape.BOOK)


def test_a_small_book_does_not_wait_for_machine_code(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> bool:
        raise AssertionError("asked for a kernel")

    monkeypatch.setattr(Kernels, "load", never)
    columns, spent = book(wired.LARGE - 1)
    again = wired.Reading()(TERMS, "delay", SEEN, columns, spent)
    assert np.array_equal(again, settle_many(TERMS, "delay", SEEN, columns, spent))
