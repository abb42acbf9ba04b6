"""Which occurrence a report belongs to: the Beijing day of one of its shocks, then the place name.

A report whose place is known to be elsewhere belongs to another event. Where two occurrences fit a
report equally well a person decides.
"""

from __future__ import annotations

from enum import StrEnum

from ...measures.instant import HOUR, beijing_day
from ..grouping import Occurrence
from ..names import Place
from ..observation import Observation
from .outcome import Context

NEAR = HOUR  # a report's own time is this close to the shock it means


class Belongs(StrEnum):
    """Whether a report speaks of an occurrence."""

    YES = "yes"
    NO = "no"
    UNSURE = "unsure"


def belongs(report: Observation, occurrence: Occurrence, context: Context) -> Belongs:
    """Whether the report is about this occurrence rather than another that fits its day."""
    mine = _score(report, occurrence, context)
    if mine is None:
        return Belongs.NO
    others = [
        score
        for other in context.occurrences
        if other.id != occurrence.id and (score := _score(report, other, context)) is not None
    ]
    best = max(others, default=None)
    if best is None or mine > best:
        return Belongs.YES
    return Belongs.UNSURE if mine == best else Belongs.NO


def _score(report: Observation, occurrence: Occurrence, context: Context) -> int | None:
    """How well it fits: None not at all, then by time named, county, prefecture."""
    found = [context.fact(shock.id) for shock in occurrence.shocks]
    shocks = [fact.observation for fact in found if fact is not None]
    if report.values["event_day"] not in {beijing_day(s.instant) for s in shocks}:
        return None
    named = context.names.find(report.values["place"])
    own = {place for s in shocks for place in context.names.find(s.values["place"])}
    place = _place_score(named, own)
    if place is None:
        return None
    moment = report.values.get("event_time")
    timed = moment is not None and any(abs(s.instant - moment) <= NEAR for s in shocks)
    return place + (10 if timed else 0)


def _place_score(named: tuple[Place, ...], own: set[Place]) -> int | None:
    """2 the same county, 1 the same prefecture, 0 not known, None elsewhere."""
    said = {p for p in named if p.prefecture is not None}
    seen = {p for p in own if p.prefecture is not None}
    if not said or not seen:
        return 0
    if any(p.county is not None and p in seen for p in said):
        return 2
    return 1 if {p.prefecture for p in said} & {p.prefecture for p in seen} else None
