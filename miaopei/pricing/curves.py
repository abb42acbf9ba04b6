"""What years of losses say: mean, exceedance curves, layers, with how sure each figure is.

A return period of T years is read from n years as the loss that the k-th worst of them reaches,
k = n // T: it is reached or passed in k of n years. Nothing is read beyond n years.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from ..errors import Refusal, Refused
from ..measures.money import Rounding, divide
from .statistics import NORMAL, PRECISE, Interval, deviation, of_a_share, ratio, root, rounded
from .statistics import shown as text

PERIODS = (2, 5, 10, 25, 50, 100, 200, 250, 500, 1000)


@dataclass(frozen=True)
class Mean:
    """The mean of a year, in fen, half up; its standard error; the years' standard deviation."""

    years: int
    total_fen: int
    mean_fen: int
    error_fen: int
    deviation_fen: int

    def as_json(self) -> dict[str, int]:
        """Integers of fen."""
        return dict(vars(self))


def mean(yearly: Sequence[int]) -> Mean:
    """The average annual loss.

    Errors   Refused pricing.too_few_values of fewer than two years.
    """
    spread, count, total = deviation(yearly), len(yearly), sum(yearly)
    average = divide(total, count, Rounding.HALF_UP)
    return Mean(count, total, average, rounded(ratio(spread, root(count))), rounded(spread))


@dataclass(frozen=True)
class Point:
    """One return period: the loss reached, an interval of 95 % by rank, the mean of the worst.

    None where the years are too few to say.
    """

    period: int
    loss_fen: int | None
    low_fen: int | None
    high_fen: int | None
    tail_fen: int | None

    def as_json(self) -> dict[str, int | None]:
        """Integers of fen."""
        return dict(vars(self))


def points(losses: Sequence[int], periods: Sequence[int] = PERIODS) -> tuple[Point, ...]:
    """The curve of a year's losses at return periods.

    Errors   Refused pricing.bad_period for a period below one year.
    """
    worst, count = sorted(losses, reverse=True), len(losses)
    found = []
    for period in periods:
        if period < 1:
            raise Refused(Refusal("pricing.bad_period", {"value": period}))
        rank = count // period
        if not rank:
            found.append(Point(period, None, None, None, None))
            continue
        half = rounded(PRECISE.multiply(NORMAL, root(ratio(rank * (count - rank), count))))
        low, high = worst[min(rank + half, count) - 1], rank - half
        tail = divide(sum(worst[:rank]), rank, Rounding.HALF_UP)
        above = worst[high - 1] if high > 0 else None
        found.append(Point(period, worst[rank - 1], low, above, tail))
    return tuple(found)


@dataclass(frozen=True)
class Layer:
    """Who carries the losses above `attachment_fen` up to `limit_fen` of them, a year.

    `attached`, `exhausted`: in how many of the years it pays, and pays in full.
    """

    attachment_fen: int
    limit_fen: int
    years: int
    attached: int
    exhausted: int
    mean: Mean

    @property
    def attachment(self) -> tuple[Decimal, Interval]:
        """The chance that a year reaches it."""
        return ratio(self.attached, self.years), of_a_share(self.attached, self.years)

    @property
    def exhaustion(self) -> tuple[Decimal, Interval]:
        """The chance that a year uses it up."""
        return ratio(self.exhausted, self.years), of_a_share(self.exhausted, self.years)

    def as_json(self) -> dict[str, object]:
        """Integers of fen, decimal text for chances."""
        (attached, of_attached), (used, of_used) = self.attachment, self.exhaustion
        return {
            "attachment_fen": self.attachment_fen,
            "limit_fen": self.limit_fen,
            "attachment_probability": text(attached),
            "attachment_interval": of_attached.as_json(),
            "exhaustion_probability": text(used),
            "exhaustion_interval": of_used.as_json(),
            "mean": self.mean.as_json(),
        }


def layer(yearly: Sequence[int], attachment_fen: int, limit_fen: int) -> Layer:
    """A layer of the yearly loss. Errors   Refused pricing.bad_layer."""
    if attachment_fen < 0 or limit_fen <= 0:
        facts = {"attachment_fen": attachment_fen, "limit_fen": limit_fen}
        raise Refused(Refusal("pricing.bad_layer", facts))
    within = [min(max(loss - attachment_fen, 0), limit_fen) for loss in yearly]
    return Layer(
        attachment_fen,
        limit_fen,
        len(within),
        sum(1 for loss in within if loss),
        sum(1 for loss in within if loss == limit_fen),
        mean(within),
    )


def thinned(losses: Sequence[int], most: int = 400) -> list[tuple[int, int]]:
    """The curve for a picture or a file: (rank, loss) from the worst year, equal losses once (at
    their last rank), at most about `most` of them, the worst all there.
    """
    worst = sorted(losses, reverse=True)
    last = [
        (rank, loss)
        for rank, loss in enumerate(worst, 1)
        if rank == len(worst) or worst[rank] != loss
    ]
    kept, step = last[: most // 4], 1
    for at, point in enumerate(last[most // 4 :], most // 4):
        if at % step == 0 or at + 1 == len(last):
            kept.append(point)
        step = max(1, at // (most // 4))
    return kept
