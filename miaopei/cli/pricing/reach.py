"""How far a cover reaches: the most that a year can pay, and what no zone of a plan comes near.

Nothing is drawn outside the zones, so a policy that no zone comes near would be priced as if it
were safe, and a main shock that lies in no zone is in no loss.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ...errors import Refusal, Refused
from ...measures.place import LARGEST_RADIUS, threshold, unit_vector
from ...pricing.events import Zone
from ...pricing.recurrence import Quake
from ...pricing.years import Book
from ...terms import words as w
from ...terms.bounds import bounds

Int64Array = NDArray[np.int64]


def beyond(
    terms: w.Terms, benefit: str, zones: Sequence[Zone], loose: Sequence[Quake], book: Book
) -> Mapping[str, int] | None:
    """What the zones leave out of a cover by distance; None where it reads no distance.

    `loose` main shocks lie in no zone, the nearest `nearest_km` from a policy, and `within` of them
    reach one; `policies` lie farther from every epicentre of the zones than the terms reach.
    Errors   Refused pricing.out_of_zones where that is so of every policy.
    """
    rings = [n for n in w.walk(terms.benefit(benefit)) if isinstance(n, w.Near)]
    if not rings:
        return None
    metres = max(ring.radius.value for ring in rings)
    parts = [part.name for part in rings[0].of if isinstance(part, w.Declared)]
    places = np.stack([book.declared[name] for name in parts], axis=1)
    drawn = _nearest(places, [quake for zone in zones for quake in zone.epicentres])
    far = int((drawn < threshold(metres)).sum())
    if far == book.policies:
        km = _km(int(drawn.max()))
        raise Refused(Refusal("pricing.out_of_zones", {"reach_km": metres // 1000, "km": km}))
    facts = {"shocks": len(loose), "policies": far, "of": book.policies, "reach_km": metres // 1000}
    if loose:
        near = [int(_nearest(places, [quake]).max()) for quake in loose]
        within = sum(product >= threshold(metres) for product in near)
        facts |= {"within": within, "nearest_km": _km(max(near))}
    return facts if loose or far else None


def year_most(terms: w.Terms, benefit: str, book: Book) -> int:
    """The most in fen that a year can pay by the limits of the terms and by what policies declare;
    0 where the terms have no limit of the year.
    """
    nodes = [*w.walk(terms.benefit(benefit))]
    limits = [n for n in nodes if isinstance(n, w.Spent) and n.benefit == benefit]
    if not limits:
        return 0
    left = {id(n.right): n.left for n in nodes if isinstance(n, w.Minus)}
    money = [n.name for n in terms.inputs if isinstance(n, w.Declared) and n.kind is w.Kind.MONEY]
    if not money:
        return max(limit.high.value for limit in limits) * book.policies
    columns = np.stack([book.declared[name] for name in money], axis=1)
    total = 0
    rows, counts = np.unique(columns, axis=0, return_counts=True)
    for row, count in zip(rows.tolist(), counts.tolist(), strict=True):
        known = bounds(terms, benefit, declared=dict(zip(money, row, strict=True)))
        each = (
            min(limit.high.value, known.of(left[id(limit)]).most)
            if id(limit) in left
            else limit.high.value
            for limit in limits
        )
        total += max(each) * count
    return total


def _nearest(places: Int64Array, quakes: Sequence[Quake]) -> Int64Array:
    """The largest product of each place with an epicentre. Shapes   (n, 3) -> (n,)."""
    found = np.full(len(places), np.iinfo(np.int64).min)
    for quake in quakes:
        vector = np.array(unit_vector(quake.lat_udeg, quake.lon_udeg), dtype=np.int64)
        np.maximum(found, places @ vector, out=found)
    return found


def _km(product: int) -> int:
    """Whole kilometres that a product of unit vectors lies within, rounded up."""
    low, high = 0, LARGEST_RADIUS // 1000
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if product >= threshold(middle * 1000) else (middle, high)
    return high
