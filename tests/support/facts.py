"""Facts for the tests of acts and node: shocks, loss reports and notices as rows of a feed.

Times are Beijing time as text, magnitudes the printed text, losses in 0.1 万元.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import h3

from miaopei.evidence.observation import Observation
from miaopei.measures import place
from miaopei.measures.instant import from_beijing
from miaopei.node.gateway import Row

DALI_CITY = ("25.70", "99.90", "云南漾濞")  # inside Dali prefecture, by name and by position
CHANGNING = ("24.90", "99.60", "云南昌宁")  # Baoshan prefecture, which borders on Dali
BEIJING_CITY = ("39.90", "116.40", "北京")
Spot = tuple[str, str, str]


def quake(
    when: str,
    magnitude: str,
    spot: Spot = DALI_CITY,
    *,
    source: str = "cenc.rapid",
    key: str | None = None,
    revision: int = 0,
    kind: str = "M",
    event: str = "earthquake",
    seconds: int = 0,
) -> Row:
    """One shock as one source prints it; `seconds` moves its origin by a little."""
    lat, lon, name = spot
    lat_udeg, lon_udeg = place.latitude(lat), place.longitude(lon)
    values = {
        "origin": from_beijing(when) + seconds,
        "lat_udeg": lat_udeg,
        "lon_udeg": lon_udeg,
        "depth_m": 10_000,
        "magnitude_raw": magnitude,
        "magnitude_tenths": place.scaled(magnitude, 1),
        "magnitude_type": kind,
        "place": name,
        "event_type": event,
        "cell": h3.latlng_to_cell(float(lat), float(lon), 8),
        "published_at": None,
    }
    status = "automatic" if source.endswith("rapid") else "reviewed"
    return row(Observation("shock", source, key or f"{when} {lat} {lon}", revision, status, values))


def catalogue(when: str, magnitude: str, spot: Spot = DALI_CITY, **more: Any) -> Row:
    """The same by the reviewed catalogue."""
    return quake(when, magnitude, spot, source="cenc.catalogue", kind="Ms", **more)


def losses(
    day: str,
    parts: Mapping[str, int | None],
    total: int | None,
    *,
    name: str = "",
    version: int = 1,
) -> Row:
    """A loss report on civil houses by prefecture code; `total` is the whole event's."""
    items = {
        code: {} if units is None else {"civil_houses": units} for code, units in parts.items()
    }
    values = {
        "event_day": day,
        "event_time": None,
        "place": name,
        "issuer": "national loss assessment",
        "version": version,
        "items": items,
        "totals": {} if total is None else {"civil_houses": total},
        "total_is": None,
    }
    return row(
        Observation("loss_report", "loss.national", f"{day} {name}", version, "reviewed", values)
    )


def deaths(day: str, count: int, *, area: str = "532900", version: int = 1) -> Row:
    """An official notice of deaths in one prefecture."""
    values = {
        "event_day": day,
        "place": "",
        "area": area,
        "count": count,
        "issuer": "prefecture government",
        "version": version,
    }
    return row(
        Observation("deaths", "deaths.official", f"{day} {area}", version, "reviewed", values)
    )


def row(observation: Observation) -> Row:
    """The observation as read from a line of a made-up file."""
    line = f"{observation.source},{observation.event_key},{observation.revision}".encode()
    return Row(observation, line, "text/csv", hashlib.sha256(line).hexdigest(), "line 1")


def changed(given: Row, **values: Any) -> Row:
    """The same row with other values; its id changes with them."""
    observation = given.observation
    return row(replace(observation, values={**observation.values, **values}))
