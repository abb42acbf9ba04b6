"""Money in fen, rounding by name, division to the last fen. No fractions of a fen anywhere."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum

from ..errors import Refusal, Refused

FEN_A_YUAN = 100
FEN_A_WAN = 1_000_000  # 1 万元 = 10,000 yuan
_YUAN = re.compile(r"([0-9]{1,13})(?:\.([0-9]{1,2})0*)?")
FEN_A_LOSS_UNIT = 100_000  # assessed losses are counted in 0.1 万元


class Rounding(StrEnum):
    """How a quotient becomes an integer. Named wherever it happens."""

    HALF_UP = "half_up"  # ties away from zero
    DOWN = "down"  # towards zero
    EXACT = "exact"  # a remainder is an error


def yuan(amount: int) -> int:
    """Yuan -> fen."""
    return amount * FEN_A_YUAN


def fen_of(text: str) -> int:
    """Yuan as a person writes them -> fen: '1200' or '1200.50', exact, never rounded.

    Errors   Refused money.not_yuan for anything else: a sign, a third decimal, separators.
    """
    match = _YUAN.fullmatch(text.strip())
    if match is None:
        raise Refused(Refusal("money.not_yuan", {"value": text[:40]}))
    return yuan(int(match[1])) + int((match[2] or "").ljust(2, "0"))


def wan(amount: int) -> int:
    """万元 -> fen."""
    return amount * FEN_A_WAN


def divide(numerator: int, denominator: int, rounding: Rounding) -> int:
    """Numerator / denominator, rounded as named.

    Errors   ZeroDivisionError for a denominator of zero, ValueError for EXACT with a remainder.
    """
    quotient, rest = divmod(abs(numerator), abs(denominator))
    if rounding is Rounding.EXACT and rest:
        raise ValueError(f"{numerator} / {denominator} leaves {rest}")
    if rounding is Rounding.HALF_UP and 2 * rest >= abs(denominator):
        quotient += 1
    return quotient if (numerator < 0) == (denominator < 0) else -quotient


def divide_fairly(total: int, weights: Sequence[int]) -> list[int]:
    """Split `total` (>= 0) in proportion to `weights` by largest remainder; the parts sum to it.

    Ties of remainders go to the earlier weight. Weights are integers >= 0, not all zero.
    """
    whole = sum(weights)
    if total < 0 or whole <= 0 or min(weights) < 0:
        raise ValueError("a total below zero, or weights that do not add to more than zero")
    parts = [total * weight // whole for weight in weights]
    order = sorted(range(len(weights)), key=lambda i: (-(total * weights[i] % whole), i))
    for index in order[: total - sum(parts)]:
        parts[index] += 1
    return parts


def as_wan(fen: int) -> str:
    """Fen -> 万元 with three decimals, half up: 753760000 -> '753.760'."""
    thousandths = divide(fen, FEN_A_WAN // 1000, Rounding.HALF_UP)
    sign, size = ("-" if thousandths < 0 else ""), abs(thousandths)
    return f"{sign}{size // 1000:,}.{size % 1000:03d}"


def as_yuan(fen: int) -> str:
    """Fen -> yuan with two decimals: 1234567 -> '12,345.67'."""
    sign, size = ("-" if fen < 0 else ""), abs(fen)
    return f"{sign}{size // 100:,}.{size % 100:02d}"


def percent(part: int, whole: int) -> str:
    """part / whole in per cent with two decimals, half up: (753760, 4480000) -> '16.83'."""
    hundredths = divide(part * 10_000, whole, Rounding.HALF_UP)
    sign, size = ("-" if hundredths < 0 else ""), abs(hundredths)
    return f"{sign}{size // 100}.{size % 100:02d}"
