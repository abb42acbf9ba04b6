"""Money: the printed rounding of the source's tables, fair division, printing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miaopei.errors import Refused
from miaopei.measures.money import (
    Rounding,
    as_wan,
    as_yuan,
    divide,
    divide_fairly,
    fen_of,
    percent,
    wan,
    yuan,
)


@pytest.mark.parametrize(
    ("payout_wan", "loss_wan", "printed"),
    [
        ("753.760", 4_480, "16.83"),  # an exact tie: half-even would print 16.82
        ("2800", 9_600, "29.17"),
        ("2800", 13_790, "20.30"),
        ("1600", 41_650, "3.84"),
        ("16.129", 510, "3.16"),
        ("4000", 197_250, "2.03"),
    ],
)
def test_ratios_are_rounded_as_tables_2_and_4_print_them(payout_wan, loss_wan, printed) -> None:
    whole, _, part = payout_wan.partition(".")
    fen = int(whole) * 1_000_000 + int((part or "0").ljust(6, "0"))
    assert percent(fen, wan(loss_wan)) == printed


def test_amounts_in_wan_show_three_decimals() -> None:
    assert as_wan(753_760_000) == "753.760"
    assert as_wan(16_129_000) == "16.129"
    assert as_wan(wan(42_000)) == "42,000.000"
    assert as_wan(-500) == "-0.001"
    assert as_yuan(1_234_567) == "12,345.67"


def test_half_up_means_away_from_zero_and_exact_means_exact() -> None:
    assert divide(5, 2, Rounding.HALF_UP) == 3
    assert divide(-5, 2, Rounding.HALF_UP) == -3
    assert divide(-5, 2, Rounding.DOWN) == -2
    assert divide(5, -2, Rounding.DOWN) == -2
    assert divide(6, 3, Rounding.EXACT) == 2
    with pytest.raises(ValueError, match="leaves"):
        divide(5, 2, Rounding.EXACT)
    with pytest.raises(ZeroDivisionError):
        divide(1, 0, Rounding.DOWN)


def test_a_total_is_divided_to_the_last_fen() -> None:
    assert divide_fairly(100, [1, 1, 1]) == [34, 33, 33]
    assert divide_fairly(wan(2_800), [40, 25, 15, 12, 8]) == [
        wan(n) for n in (1120, 700, 420, 336, 224)
    ]
    assert divide_fairly(yuan(1), [0, 1]) == [0, 100]
    with pytest.raises(ValueError, match="weights"):
        divide_fairly(1, [0, 0])


@given(st.integers(0, 10**15 - 1), st.integers(0, 3))
def test_yuan_as_a_person_writes_them_are_read_to_the_fen(fen: int, zeros: int) -> None:
    whole, part = divmod(fen, 100)
    assert fen_of(f" {whole}.{part:02d}{'0' * zeros} ") == fen
    if part % 10 == 0:
        assert fen_of(f"{whole}.{part // 10}") == fen
    if part == 0:
        assert fen_of(f"{whole}") == fen


@pytest.mark.parametrize(
    "text",
    [
        *("", "-1", "+1", "1.005", "1,000", "1e3", "１２", ".5", "5.", "1.2.3", "0x10", "一百"),
        "9" * 14,
    ],
)
def test_what_is_no_amount_in_yuan_is_refused_and_never_rounded(text: str) -> None:
    with pytest.raises(Refused) as refused:
        fen_of(text)
    assert refused.value.refusals[0].code == "money.not_yuan"
