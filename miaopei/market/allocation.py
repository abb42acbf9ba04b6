"""A cap on a whole occurrence, divided over many claims by largest remainder, in book order.

Two readings of one rule: plain integers (`allocate`) and columns (`allocate_columns`), held equal
by a law. Both publish the line, from which each share is checked alone (`share_of`).

    payable = min(cap, total);  net[i] = floor(gross[i] * payable / total), and one fen more where
    the remainder is above the threshold, or equal to it and i is at or before `last`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ..accounts.shape import read
from ..errors import Refusal, Refused
from ..measures.identity import LARGEST
from .placement import WHOLE_PPM, Placement

Int64Array = NDArray[np.int64]
BLOCK = 1 << 18  # rows worked on at a time, so that the work stays in the processor's cache


@dataclass(frozen=True)
class CapLine:
    """Where the largest-remainder line fell.

    Units   total_fen and payable_fen in fen. `threshold` is a remainder modulo total_fen: claims
            with a larger one get a fen more, claims with the same one up to index `last`. Where no
            fen was left over, threshold = total_fen, which no remainder reaches, and last = -1.
    """

    total_fen: int
    payable_fen: int
    threshold: int
    last: int

    def as_json(self) -> dict[str, Any]:
        """The form that a capped decision publishes."""
        return {
            "total_fen": self.total_fen,
            "payable_fen": self.payable_fen,
            "threshold": self.threshold,
            "last": self.last,
        }

    @classmethod
    def from_json(cls, value: object) -> Self:
        """Errors   Refused market.bad_field."""
        return cls(
            *read(
                value, "market.bad_field", total_fen=int, payable_fen=int, threshold=int, last=int
            )
        )


def share_of(gross_fen: int, index: int, line: CapLine) -> int:
    """What one claim gets, from its gross amount, its place in book order and the line."""
    if not line.total_fen:
        return 0
    floor, rest = divmod(gross_fen * line.payable_fen, line.total_fen)
    above = rest > line.threshold or (rest == line.threshold and index <= line.last)
    return floor + above


def allocate(gross_fen: Sequence[int], cap_fen: int) -> tuple[list[int], CapLine]:
    """What each claim gets under the cap; the shares sum to min(cap, total).

    Errors   Refused market.cap_negative, market.gross_negative, market.total_too_large.
    Same as  allocate_columns, exactly.
    """
    if cap_fen < 0:
        raise Refused(Refusal("market.cap_negative", {"cap_fen": cap_fen}))
    if gross_fen and (least := min(gross_fen)) < 0:
        raise Refused(Refusal("market.gross_negative", {"gross_fen": least}))
    total = _checked(sum(gross_fen))
    payable = min(cap_fen, total)
    if payable == total:
        return list(gross_fen), CapLine(total, payable, total, -1)
    parts = [divmod(gross * payable, total) for gross in gross_fen]
    left = payable - sum(floor for floor, _ in parts)
    if not left:
        return [floor for floor, _ in parts], CapLine(total, payable, total, -1)
    order = sorted(range(len(parts)), key=lambda i: (-parts[i][1], i))
    last = order[left - 1]
    line = CapLine(total, payable, parts[last][1], last)
    return [share_of(gross, i, line) for i, gross in enumerate(gross_fen)], line


def allocate_columns(gross_fen: Int64Array, cap_fen: int) -> tuple[Int64Array, CapLine]:
    """The same over a column; made for tens of millions of rows.

    Shapes   gross_fen: (n,); result: (n,).
    Errors   as `allocate`.
    Same as  allocate, exactly: integers of 64 bits, no fraction anywhere.
    """
    if cap_fen < 0:
        raise Refused(Refusal("market.cap_negative", {"cap_fen": cap_fen}))
    if gross_fen.size and (least := int(gross_fen.min())) < 0:
        raise Refused(Refusal("market.gross_negative", {"gross_fen": least}))
    total = _checked(total_of(gross_fen))
    payable = min(cap_fen, total)
    if payable == total:
        return gross_fen.copy(), CapLine(total, payable, total, -1)
    net = np.empty(gross_fen.size, dtype=np.int64)
    rests = np.empty(gross_fen.size, dtype=np.int64)
    for start in range(0, gross_fen.size, BLOCK):
        rows = slice(start, start + BLOCK)
        net[rows], rests[rows] = _scale(gross_fen[rows], payable, total)
    left = payable - total_of(net)
    if not left:
        return net, CapLine(total, payable, total, -1)
    threshold = int(np.partition(rests, rests.size - left)[rests.size - left])
    above = rests > threshold
    ties = np.flatnonzero(rests == threshold)[: left - int(np.count_nonzero(above))]
    net += above
    net[ties] += 1
    return net, CapLine(total, payable, threshold, int(ties[-1]))


def split_columns(placement: Placement, amounts_fen: Int64Array) -> Int64Array:
    """The carriers' parts of many amounts at once, none of them below zero.

    Shapes   amounts_fen: (n,); result: (n, carriers), in the order of the shares.
    Same as  Placement.split, exactly: amounts up to 2**53 - 1 stay within 64 bits.
    """
    ppm = np.array([s.ppm for s in placement.shares], np.int64)
    if len(ppm) == 1:
        return amounts_fen.reshape(-1, 1).astype(np.int64)
    whole, rest = np.divmod(amounts_fen.reshape(-1, 1), WHOLE_PPM)
    parts: Int64Array = whole * ppm + rest * ppm // WHOLE_PPM
    left = amounts_fen - parts.sum(axis=1)
    order = np.argsort(-(rest * ppm % WHOLE_PPM), axis=1, kind="stable")
    parts += np.argsort(order, axis=1) < left.reshape(-1, 1)
    return parts


def split_in_all(placement: Placement, amounts_fen: Sequence[int]) -> list[int]:
    """What the carriers' parts of many amounts come to, in the order of the shares."""
    parts = split_columns(placement, np.array(amounts_fen, np.int64))
    return [total_of(column) for column in parts.T]


def _scale(
    gross: Int64Array, payable: int, total: int
) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Quotient and remainder of gross * payable / total, by long division a few bits at a time.

    The product may need 106 bits. A step of b bits holds rest * 2**b + part * payable, which is
    below 2**(b + 1) * total, in 64 bits.
    """
    step = 63 - total.bit_length()
    length = int(gross.max()).bit_length()
    digits = gross.astype(np.uint64)
    mask, whole, factor, bits = (np.uint64(v) for v in ((1 << step) - 1, total, payable, step))
    quotient, rest = np.zeros_like(digits), np.zeros_like(digits)
    for shift in range((max(length, 1) - 1) // step * step, -1, -step):
        value = (rest << bits) + ((digits >> np.uint64(shift)) & mask) * factor
        part = value // whole
        quotient = (quotient << bits) + part
        rest = value - part * whole
    return quotient, rest


def total_of(column: Int64Array) -> int:
    """The exact sum of a column of numbers not below zero, which may be beyond 64 bits."""
    high, low = int((column >> 32).sum()), int((column & 0xFFFF_FFFF).sum())
    return (high << 32) + low


def _checked(total: int) -> int:
    if total > LARGEST:
        raise Refused(
            Refusal("market.total_too_large", {"total_fen": str(total), "limit": LARGEST})
        )
    return total
