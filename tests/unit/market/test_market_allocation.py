"""A cap over many claims: hand-worked lines, limits of 64 bits, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from miaopei.errors import Refused
from miaopei.market.allocation import CapLine, allocate, allocate_columns, share_of
from miaopei.measures.identity import LARGEST


def both(gross: list[int], cap: int) -> tuple[list[int], CapLine]:
    plain = allocate(gross, cap)
    columns, line = allocate_columns(np.array(gross, dtype=np.int64), cap)
    assert (columns.tolist(), line) == plain
    assert [share_of(fen, i, line) for i, fen in enumerate(gross)] == plain[0]
    return plain


def test_a_cap_of_ten_over_seven_five_and_three() -> None:
    # 7, 5, 3 times 10/15: 4 rest 10, 3 rest 5, 2 rest 0: one fen left, to the first.
    assert both([7, 5, 3], 10) == ([5, 3, 2], CapLine(15, 10, 10, 0))


def test_ties_go_to_the_earlier_in_book_order() -> None:
    # 1 x 2/4 = 0 rest 2, four times: two fen, to the first two.
    assert both([1, 1, 1, 1], 2) == ([1, 1, 0, 0], CapLine(4, 2, 2, 1))
    assert both([0, 1, 0, 1, 1], 1) == ([0, 1, 0, 0, 0], CapLine(3, 1, 1, 1))


@pytest.mark.parametrize("cap", [15, 16, LARGEST, LARGEST * 4])
def test_a_cap_that_is_not_reached_cuts_nobody(cap: int) -> None:
    assert both([7, 5, 3], cap) == ([7, 5, 3], CapLine(15, 15, 15, -1))


def test_nothing_to_divide() -> None:
    assert both([], 5) == ([], CapLine(0, 0, 0, -1))
    assert both([0, 0], 5) == ([0, 0], CapLine(0, 0, 0, -1))
    assert both([7, 5, 3], 0) == ([0, 0, 0], CapLine(15, 0, 15, -1))
    assert both([4, 4], 4) == ([2, 2], CapLine(8, 4, 8, -1))


def test_amounts_at_the_end_of_what_a_record_can_state() -> None:
    gross = [LARGEST - 2, 1, 1]
    assert both(gross, LARGEST - 1)[0] == [LARGEST - 3, 1, 1]
    assert both([LARGEST // 3] * 3, LARGEST // 2)[1].payable_fen == LARGEST // 2


@pytest.mark.parametrize(
    ("gross", "cap", "code"),
    [
        ([1, -1], 5, "market.gross_negative"),
        ([1], -1, "market.cap_negative"),
        ([LARGEST, 1], 5, "market.total_too_large"),
        ([2**62, 2**62, 2**62], 5, "market.total_too_large"),
    ],
)
def test_what_is_refused_is_refused_by_both(gross: list[int], cap: int, code: str) -> None:
    for call in (lambda: allocate(gross, cap), lambda: allocate_columns(np.array(gross), cap)):
        with pytest.raises(Refused) as error:
            call()
        assert error.value.refusals[0].code == code


def test_the_line_is_published_as_json() -> None:
    line = both([7, 5, 3], 10)[1]
    assert CapLine.from_json(line.as_json()) == line
    with pytest.raises(Refused):
        CapLine.from_json({**line.as_json(), "last": 0.0})


def test_a_million_rows_agree_with_the_line_one_by_one() -> None:
    # Amounts by an arithmetic rule, not by chance; every thousandth share is checked alone.
    gross = (np.arange(1_000_000, dtype=np.int64) * 7919) % 3_000_017
    cap = int(gross.sum()) * 3 // 7
    net, line = allocate_columns(gross, cap)
    assert int(net.sum()) == cap
    for index in range(0, 1_000_000, 1000):
        assert share_of(int(gross[index]), index, line) == net[index]
