"""Payout by event beside the assessed loss: two marks on one logarithmic line for each event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from markupsafe import Markup

from . import NARROW, WIDE
from .svg import dot, drawing, line, tag, width_of, words

TOP, ROW, BOTTOM = 30.0, 34.0, 30.0


@dataclass(frozen=True)
class Pair:
    """One event: its name, what was paid, what was lost (fen), and the printed ratio."""

    name: str
    payout_fen: int
    loss_fen: int
    ratio: str


@dataclass(frozen=True)
class Words:
    """What the picture says: its title, the two marks, and a decade's amount in words."""

    title: str
    payout: str
    loss: str
    decades: dict[int, str]


def losses(pairs: Sequence[Pair], said: Words, *, narrow: bool) -> Markup:
    """The picture; events from the earliest down. `decades` names powers of ten of fen."""
    width = NARROW if narrow else WIDE
    amounts = [amount for pair in pairs for amount in (pair.payout_fen, pair.loss_fen)]
    low = floor(log10(min(amounts)))
    high = max(low + 1, ceil(log10(max(amounts))))
    step = 58.0 if narrow else ROW
    left = 14.0 if narrow else 24 + max(width_of(pair.name) for pair in pairs)
    right = width - (14.0 if narrow else 70.0)
    height = TOP + step * len(pairs) + BOTTOM

    def across(fen: int) -> float:
        return left + (right - left) * (log10(fen) - low) / (high - low)

    parts: list[Markup] = []
    for power in range(low, high + 1):
        x = across(10**power)
        parts.append(line(x, TOP - 6, x, height - BOTTOM + 4, "grid"))
        shown = said.decades.get(power)
        if shown and not (narrow and (power - low) % 2):
            anchor = "start" if power == low else "end" if power == high else "middle"
            parts.append(words(x, height - 8, shown, anchor, "axis"))
    for index, pair in enumerate(pairs):
        y = TOP + step * index + (38 if narrow else ROW / 2)
        parts += _pair(pair, across, y, width, narrow=narrow)
    parts += _key(said, left)
    return drawing(width, height, said.title, parts)


def _pair(pair: Pair, across: object, y: float, width: float, *, narrow: bool) -> list[Markup]:
    assert callable(across), "a scale"
    paid, lost = across(pair.payout_fen), across(pair.loss_fen)
    name = (
        words(14, y - 16, pair.name, "start", "strong")
        if narrow
        else words(12, y + 4, pair.name, "start", "strong")
    )
    return [
        name,
        line(min(paid, lost), y, max(paid, lost), y, "link"),
        dot(lost, y, 5, "hollow"),
        dot(paid, y, 6, "solid"),
        words(width - 12, (y - 16) if narrow else (y + 4), pair.ratio, "end", "figure"),
    ]


def _key(said: Words, left: float) -> list[Markup]:
    second = left + 30 + width_of(said.payout)
    return [
        tag(
            "g",
            dot(left + 5, 10, 6, "solid"),
            words(left + 16, 14, said.payout),
            dot(second + 5, 10, 5, "hollow"),
            words(second + 16, 14, said.loss),
        )
    ]
