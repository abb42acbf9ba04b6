"""Event sets: occurrences by year, from a law of recurrence or from a user's own event losses.

Positions of occurrences that never were are drawn from the epicentres that the law rests on, so a
zone keeps the shape of its own history.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from ..errors import Fact, Refusal, Refused
from ..measures.place import SCALE_BITS, unit_vector
from ..terms import build
from ..terms.words import IfMissing, Kind, Terms
from .chance import Stream, cumulative, poisson
from .recurrence import Quake, Recurrence, magnitudes
from .statistics import PRECISE, shown

Int64Array = NDArray[np.int64]
SECONDS_A_YEAR = 31_556_952  # a mean Gregorian year
MOST_YEARS, MOST_EVENTS = 10_000_000, 50_000_000
UDEG_PER_KM = 8_993  # of a meridian, on the sphere of measures.place
NORTH, EAST = 89_000_000, 180_000_000  # micro-degrees; nothing is scattered onto a pole
MOST_LOSS = 10**13  # fen: the most that one event may cost one policy in a user's own table


@dataclass(frozen=True)
class Touched:
    """Which policies each occurrence reaches, and what is observed of each such pair.

    Shapes   first: (occurrences + 1,), where the pairs of each begin; policy and each column of
             `observed`: (pairs,), in the order of the occurrences.
    """

    first: Int64Array
    policy: Int64Array
    observed: Mapping[str, Int64Array]


@dataclass(frozen=True)
class Occurrences:
    """What happens in so many years. Without `touched`, every occurrence reaches every policy.

    Shapes   year: (n,), from 0, never falling; observed and detail: (n,) each.
    """

    years: int
    year: Int64Array
    observed: Mapping[str, Int64Array] = field(default_factory=dict)
    touched: Touched | None = None
    detail: Mapping[str, Int64Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Errors   Refused pricing.years_out_of_range, pricing.too_many_events."""
        if not 0 < self.years <= MOST_YEARS:
            limit = {"value": self.years, "limit": MOST_YEARS}
            raise Refused(Refusal("pricing.years_out_of_range", limit))
        if len(self.year) > MOST_EVENTS:
            limit = {"value": len(self.year), "limit": MOST_EVENTS}
            raise Refused(Refusal("pricing.too_many_events", limit))

    def first_of(self, year: int) -> int:
        """The first occurrence of a year, or of the years after it."""
        return int(np.searchsorted(self.year, year))


@dataclass(frozen=True)
class Zone:
    """Where earthquakes come from: a law, the epicentres it rests on, and what follows for a cover.

    `given` are the inputs that the terms read, the same for every occurrence of the zone;
    magnitudes from `least_tenths` to `most_tenths` are drawn.
    """

    id: str
    rate: Decimal  # a year, of the law's completeness magnitude and more
    law: Recurrence
    epicentres: Sequence[Quake]
    least_tenths: int
    most_tenths: int
    given: Mapping[str, int]

    @property
    def chances(self) -> list[Decimal]:
        """How likely each magnitude from least to most is, in proportion."""
        return magnitudes(self.law.b, self.least_tenths, self.most_tenths)

    @property
    def yearly(self) -> Decimal:
        """How many of `least_tenths` and more a year brings, the law being cut at `most_tenths`."""
        low = self.law.completeness_tenths
        if not low <= self.least_tenths <= self.most_tenths:
            facts: dict[str, Fact] = {"zone": self.id, "completeness": low}
            facts |= {"least": self.least_tenths, "most": self.most_tenths}
            raise Refused(Refusal("pricing.bad_magnitudes", facts))
        drawn = PRECISE.multiply(
            sum(self.chances, Decimal(0)),
            magnitudes(self.law.b, low, self.least_tenths)[-1],
        )
        whole = sum(magnitudes(self.law.b, low, self.most_tenths), Decimal(0))
        return PRECISE.divide(PRECISE.multiply(self.rate, drawn), whole)

    def as_json(self) -> dict[str, object]:
        """What a report says of a zone."""
        return {
            "zone": self.id,
            "epicentres": len(self.epicentres),
            "yearly_of_completeness": shown(self.rate),
            "yearly_drawn": shown(self.yearly),
            "from_tenths": self.least_tenths,
            "to_tenths": self.most_tenths,
            "given": dict(self.given),
        }


@dataclass(frozen=True)
class Centre:
    """Which inputs the three parts of a drawn epicentre become, for terms that read distances.

    An epicentre is moved by up to `scatter_km` to the north or south and to the east or west, so
    that years that never were do not strike the very points of history.
    """

    inputs: tuple[str, str, str]
    scatter_km: int = 0


def stochastic(
    zones: Sequence[Zone],
    years: int,
    seed: int,
    magnitude: str = "magnitude",
    centre: Centre | None = None,
) -> Occurrences:
    """Years that never were: Poisson counts, magnitudes by the law, moments, epicentres.

    `magnitude` names the input that the drawn magnitude becomes, `centre` those of the position.
    The result depends on zones, years
    and seed only; the first of more years are not those of fewer.
    Errors   Refused pricing.rate_too_high, pricing.bad_magnitudes, pricing.no_epicentre.
    """
    names = sorted({name for zone in zones for name in zone.given})
    columns: dict[str, list[Int64Array]] = {
        name: [] for name in ("year", "moment", "zone", "tenths", "lat_udeg", "lon_udeg", *names)
    }
    for number, zone in enumerate(zones):
        if not zone.epicentres:
            raise Refused(Refusal("pricing.no_epicentre", {"zone": zone.id}))
        counts = Stream(seed, f"{zone.id}/count").pick(poisson(zone.yearly), years)
        total = int(counts.sum())
        drawn = Stream(seed, f"{zone.id}/magnitude").pick(cumulative(zone.chances), total)
        at = Stream(seed, f"{zone.id}/place").below(len(zone.epicentres), total)
        places = np.array([(q.lat_udeg, q.lon_udeg) for q in zone.epicentres], dtype=np.int64)[at]
        if centre is not None and centre.scatter_km:
            places = _scattered(places, centre.scatter_km, Stream(seed, f"{zone.id}/scatter"))
        made = {
            "year": np.repeat(np.arange(years, dtype=np.int64), counts),
            "moment": Stream(seed, f"{zone.id}/moment").below(SECONDS_A_YEAR, total),
            "zone": np.full(total, number, dtype=np.int64),
            "tenths": drawn + zone.least_tenths,
            "lat_udeg": places[:, 0],
            "lon_udeg": places[:, 1],
        }
        for name in names:
            made[name] = np.full(total, zone.given.get(name, 0), dtype=np.int64)
        for name, column in made.items():
            columns[name].append(column)
    whole = {name: np.concatenate(parts) for name, parts in columns.items()}
    order = np.lexsort((whole["tenths"], whole["zone"], whole["moment"], whole["year"]))
    whole = {name: column[order] for name, column in whole.items()}
    observed = {name: whole[name] for name in names} | {magnitude: whole["tenths"]}
    if centre is not None:
        parts = positions(whole["lat_udeg"], whole["lon_udeg"])
        observed |= {name: parts[:, at] for at, name in enumerate(centre.inputs)}
    detail = {name: whole[name] for name in ("moment", "zone", "lat_udeg", "lon_udeg")}
    return Occurrences(years, whole["year"], observed, None, detail)


def positions(lat_udeg: Int64Array, lon_udeg: Int64Array) -> Int64Array:
    """Integer unit vectors of positions, by the one rule for it. Shapes   (n,), (n,) -> (n, 3)."""
    both = np.stack([lat_udeg, lon_udeg], axis=1)
    known, places = np.unique(both, axis=0, return_inverse=True)
    made = [unit_vector(lat, lon) for lat, lon in known.tolist()]
    return np.array(made, dtype=np.int64).reshape(-1, 3)[places.reshape(-1)]


def _scattered(places: Int64Array, km: int, stream: Stream) -> Int64Array:
    """Positions moved evenly within a square; a degree of longitude is shorter to the poles."""
    most = km * UDEG_PER_KM
    moved = stream.below(2 * most + 1, 2 * len(places)).reshape(-1, 2) - most
    known, at = np.unique(places[:, 0], return_inverse=True)
    across = np.array([unit_vector(lat, 0)[0] for lat in known.tolist()], dtype=np.int64)[at]
    lat = np.clip(places[:, 0] + moved[:, 0], -NORTH, NORTH)
    lon = places[:, 1] + moved[:, 1] * (1 << SCALE_BITS) // np.maximum(across, 1 << 20)
    return np.stack([lat, (lon + EAST) % (2 * EAST) - EAST], axis=1)


def own_losses() -> Terms:
    """The terms of a user's own event losses: each as it is, up to a limit an occurrence, up to
    what is left of a limit a year. Both limits are declared by policy; no limit is `MOST_LOSS`.
    """
    source = build.source("用户提供的事件损失", "the user's own event losses", dated="2026-01-01")
    loss = build.observed(
        "loss", Kind.MONEY, low=0, high=MOST_LOSS, zh="事件损失", en="the loss", measure="value",
        sources=("user",), if_missing=IfMissing.HOLD, definition_zh="事件损失表所载金额。",
        definition_en="The amount that the event-loss table gives.",
    )  # fmt: skip
    occurrence, year = (
        build.declared(name, Kind.MONEY, low=0, high=MOST_LOSS, zh=zh, en=en)
        for name, zh, en in (
            ("occurrence_limit", "每次事故限额", "the limit an occurrence"),
            ("year_limit", "年度累计限额", "the limit a year"),
        )
    )
    most = build.figure(
        "most", MOST_LOSS, Kind.MONEY, zh="上限", en="the largest limit", source=source
    )
    left = build.clause(
        "left", build.minus(year, build.spent("cover", most)),
        zh="{year_limit}减本年度已计损失。",
        en="The {year_limit} less what the year has cost so far.",
    )  # fmt: skip
    body = build.clause(
        "cover", build.least(loss, occurrence, left),
        zh="按事件损失计，以{occurrence_limit}和{left}为限。",
        en="The loss of the event, at most {occurrence_limit} and what is left by {left}.",
    )  # fmt: skip
    return build.terms("own_event_losses", 1, body)
