"""Basis risk: what an index paid beside what was lost, event by event. Row E-10.

A ratio needs both figures. An event without an assessed loss is neither a false alarm nor a miss:
missing is not zero. Ratios are computed from the two amounts, never read from print.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ..measures.money import Rounding, divide, percent
from .statistics import correlation, shown


@dataclass(frozen=True)
class Pair:
    """One event of one product: payout and assessed loss in fen; None is not known."""

    date: str
    product: str
    version: int | None
    place: str
    payout_fen: int | None
    loss_fen: int | None

    @property
    def ratio_percent(self) -> str | None:
        """Payout over loss, two decimals, half up."""
        if self.payout_fen is None or not self.loss_fen:
            return None
        return percent(self.payout_fen, self.loss_fen)

    def as_json(self) -> dict[str, Any]:
        """One line of the table."""
        return {**vars(self), "ratio_percent": self.ratio_percent}


@dataclass(frozen=True)
class Basis:
    """What the pairs say together. Ratios as text of two decimals; None where there is none.

    `false_alarms`: paid, though the assessed loss was none (below the least that counts).
    `misses`: a loss that counts, and nothing paid. `unknown`: one of the two figures is missing.
    """

    pairs: tuple[Pair, ...]
    least_loss_fen: int
    least_percent: str | None
    most_percent: str | None
    mean_percent: str | None
    whole_percent: str | None
    pearson: str | None
    spearman: str | None
    false_alarms: tuple[Pair, ...]
    misses: tuple[Pair, ...]
    unknown: tuple[Pair, ...]

    def as_json(self) -> dict[str, Any]:
        """Everything, with each list of events."""
        listed = ("pairs", "false_alarms", "misses", "unknown")
        return {
            **vars(self),
            **{name: [pair.as_json() for pair in getattr(self, name)] for name in listed},
        }


def basis(found: Iterable[Pair], least_loss_fen: int = 1) -> Basis:
    """The basis risk of events; a loss below `least_loss_fen` counts as none."""
    pairs = tuple(sorted(found, key=lambda pair: (pair.date, pair.product)))
    both = [p for p in pairs if p.payout_fen is not None and p.loss_fen is not None]
    ratios = [p for p in both if p.loss_fen]
    exact = sorted(_millionths(p) for p in ratios)
    paid, lost = [p.payout_fen or 0 for p in both], [p.loss_fen or 0 for p in both]
    linear, ranked = correlation(paid, lost), correlation(_ranks(paid), _ranks(lost))
    return Basis(
        pairs=pairs,
        least_loss_fen=least_loss_fen,
        least_percent=_percent(exact[0]) if exact else None,
        most_percent=_percent(exact[-1]) if exact else None,
        mean_percent=_percent(divide(sum(exact), len(exact), Rounding.HALF_UP)) if exact else None,
        whole_percent=percent(sum(paid), sum(lost)) if sum(lost) else None,
        pearson=None if linear is None else shown(linear, 4),
        spearman=None if ranked is None else shown(ranked, 4),
        false_alarms=tuple(p for p in both if p.payout_fen and _none(p, least_loss_fen)),
        misses=tuple(p for p in both if not p.payout_fen and not _none(p, least_loss_fen)),
        unknown=tuple(p for p in pairs if p.payout_fen is None or p.loss_fen is None),
    )


def _none(pair: Pair, least_loss_fen: int) -> bool:
    return pair.loss_fen is not None and pair.loss_fen < least_loss_fen


def _millionths(pair: Pair) -> int:
    """The ratio in millionths of a per cent, so that means of ratios are not means of roundings."""
    return divide((pair.payout_fen or 0) * 10**8, pair.loss_fen or 1, Rounding.HALF_UP)


def _percent(millionths: int) -> str:
    return percent(millionths, 10**8)


def _ranks(values: Sequence[int]) -> list[int]:
    """Ranks, doubled so that those of equal values (their mean) stay whole."""
    ordered = sorted(values)
    return [2 * ordered.index(value) + ordered.count(value) + 1 for value in values]
