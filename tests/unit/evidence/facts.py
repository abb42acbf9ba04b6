"""Facts for tests: shocks as a source would print them, on file at a time, and the Yunnan rules."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import h3

from miaopei.adapters.feeds import shipped
from miaopei.evidence.findings import Finding, Gathered, find
from miaopei.evidence.grouping import Fact, Occurrence, group
from miaopei.evidence.observation import Observation
from miaopei.measures import place
from miaopei.measures.instant import DAY, HOUR, from_beijing

RULE: Mapping[str, Any] = {
    "kind": "shocks",
    "threshold_tenths": 50,
    "hours": 72,
    "km": 50,
    "same_shock_seconds": 60,
    "same_shock_km": 100,
    "counted_types": ["Ms", "M"],
}
CELLS = shipped.areas()[0].set
DALI: Mapping[str, Any] = {
    "own": ["532900"],
    "surrounding": ["530700", "533300", "530500", "530900", "530800", "532300"],
    "cells": CELLS,
    "resolution": 7,
}
YUXI: Mapping[str, Any] = {
    "own": ["530400"],
    "surrounding": ["530100", "532300", "530800", "532500"],
    "cells": CELLS,
    "resolution": 7,
}
OPERATORS = {
    "cenc.rapid": "cenc",
    "cenc.catalogue": "cenc",
    "usgs.comcat": "usgs",
    "gfz.geofon": "gfz",
    "loss.national": "assessors",
    "loss.provincial": "province",
    "deaths.official": "prefecture",
}
RAPID_AFTER, CATALOGUE_AFTER, REPORT_AFTER = 600, 6 * HOUR, 8 * DAY
_orders = itertools.count(1)


def rule(measure: str, **changes: Any) -> dict[str, Any]:
    """An input's rule in its filed form, as the Yunnan covers have it."""
    shocks = measure.startswith("shock.")
    sources = {"deaths.area": ["deaths.official"], "value": ["grid.scada"]}
    return {
        "name": measure.replace(".", "_"),
        "measure": measure,
        "params": {"item": "civil_houses"} if measure.startswith("loss.") else {},
        "sources": ["cenc.rapid"] if shocks else sources.get(measure, ["loss.national"]),
        "operators": 1,
        "tolerance": 0,
        "freeze_seconds": 12 * HOUR if shocks else 180 * DAY,
        "fallback": ["cenc.catalogue"] if shocks else [],
        "close_after_seconds": None if shocks else 180 * DAY,
        "revision": "first_settles" if shocks else "revision_counts",
        "definition": {"zh": "定义", "en": "definition"},
        **changes,
    }


def shock(
    time: str,
    magnitude: str,
    lat: str = "25.70",
    lon: str = "99.88",
    *,
    source: str = "cenc.catalogue",
    name: str = "云南漾濞",
    kind: str = "Ms",
    key: str | None = None,
    revision: int = 0,
    event: str = "earthquake",
) -> Observation:
    """One shock, Beijing time and degrees as printed."""
    lat_udeg, lon_udeg = place.latitude(lat), place.longitude(lon)
    values = {
        "origin": from_beijing(time),
        "lat_udeg": lat_udeg,
        "lon_udeg": lon_udeg,
        "depth_m": 10_000,
        "magnitude_raw": magnitude,
        "magnitude_tenths": place.scaled(magnitude, 1),
        "magnitude_type": kind,
        "place": name,
        "event_type": event,
        "cell": h3.latlng_to_cell(lat_udeg / 1e6, lon_udeg / 1e6, 8),
        "published_at": None,
    }
    return Observation("shock", source, key or f"{time} {lat} {lon}", revision, "reviewed", values)


def report(
    day: str,
    losses: Mapping[str, int],
    *,
    total: int | None = None,
    name: str = "大理州漾濞",
    version: int = 1,
    source: str = "loss.national",
) -> Observation:
    """A loss report on civil houses, in 0.1 万元."""
    values = {
        "event_day": day,
        "event_time": None,
        "place": name,
        "issuer": "national loss assessment",
        "version": version,
        "items": {area: {"civil_houses": units} for area, units in losses.items()},
        "totals": {"civil_houses": total},
        "total_is": None,
    }
    return Observation("loss_report", source, f"{day} {name}", version, "reviewed", values)


def deaths(day: str, area: str, count: int, *, version: int = 1, name: str = "") -> Observation:
    """An official notice of deaths in one area."""
    values = {
        "event_day": day,
        "place": name,
        "area": area,
        "count": count,
        "issuer": "prefecture government",
        "version": version,
    }
    return Observation("deaths", "deaths.official", f"{day} {area}", version, "reviewed", values)


def fact(observation: Observation, after: int = 0, *, counted: bool | None = None) -> Fact:
    """The observation on file, so many seconds after what it speaks of."""
    operator = OPERATORS.get(observation.source, observation.source)
    if counted is None:
        counted = observation.source != "usgs.comcat"
    return Fact(observation, observation.instant + after, next(_orders), operator, counted)


def on_file(*observations: Observation) -> list[Fact]:
    """Each as long after its event as its source needs."""
    after = {"cenc.rapid": RAPID_AFTER, "cenc.catalogue": CATALOGUE_AFTER}
    after |= {"usgs.comcat": 1_100, "gfz.geofon": 900}
    return [fact(o, after.get(o.source, REPORT_AFTER)) for o in observations]


def only(facts: Iterable[Fact], grouping: Mapping[str, Any] = RULE) -> Occurrence:
    """The one occurrence that the facts make."""
    found = group(facts, grouping)
    assert len(found) == 1, [o.as_json() for o in found]
    return found[0]


def ask(
    facts: Sequence[Fact],
    measure: str | Mapping[str, Any],
    now: str | int,
    *,
    area: Mapping[str, Any] = DALI,
    fixed: Mapping[str, Any] | None = None,
    occurrence: Occurrence | None = None,
    **given: Any,
) -> Finding:
    """What facts on file at `now` say for one input of their only occurrence."""
    moment = from_beijing(now) if isinstance(now, str) else now
    known = [f for f in facts if f.recorded_at <= moment]
    occurrences = group(known, RULE)
    chosen = occurrence or only(known)
    context = Gathered(known, shipped.areas(), RULE, occurrences, **given)
    how = rule(measure) if isinstance(measure, str) else measure
    return find(how, chosen, area, context, moment, fixed or {})
