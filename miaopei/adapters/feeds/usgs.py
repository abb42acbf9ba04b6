"""United States Geological Survey: ComCat as CSV and as GeoJSON. Same event, same observation.

Times are UTC. The key is the event id; the revision is the second of the last update.
Source: earthquake.usgs.gov/earthquakes/feed/v1.0/csv.php and geojson.php.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ...evidence.kinds import EARTHQUAKE
from ...evidence.observation import Observation
from ...measures.instant import from_utc_text
from .cenc import depth
from .reading import MOST_ROWS, TROUBLE, Given, Printed, Row, needed, no, plain, refusals_of, shock

COMCAT = "usgs.comcat"
CSV_COLUMNS = {
    *("time", "latitude", "longitude", "depth", "mag", "magType", "id", "updated", "place"),
    *("type", "status"),
}


class Number(str):
    """A JSON number as its own text, so that no float ever touches a value."""

    __slots__ = ()


_DECODER = json.JSONDecoder(parse_float=Number, parse_int=Number, parse_constant=Number)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys stand once each: of two values, nobody may choose the later."""
    value = dict(pairs)
    if len(value) < len(pairs):
        names = [name for name, _ in pairs]
        raise no("key_twice", key=next(name for name in names if names.count(name) > 1)[:40])
    return value


_STRICT = json.JSONDecoder(
    parse_float=Number, parse_int=Number, parse_constant=Number, object_pairs_hook=_once
)
_SPACE = " \t\r\n"


def csv_row(row: Mapping[str, str], given: Given) -> Observation:
    """One line of a ComCat CSV."""
    updated = from_utc_text(needed(row["updated"], "updated"))
    printed = Printed(
        source=COMCAT,
        key=needed(row["id"], "id"),
        revision=updated,
        status=_status(row["status"]),
        origin=from_utc_text(needed(row["time"], "time")),
        latitude=needed(row["latitude"], "latitude"),
        longitude=needed(row["longitude"], "longitude"),
        depth_m=depth(row["depth"]),
        magnitude=needed(row["mag"], "mag"),
        magnitude_type=needed(row["magType"], "magType"),
        place=plain(row["place"]),
        event_type=event_type(row["type"]),
        published_at=updated,
    )
    return shock(printed, given)


def geojson(text: str, given: Given) -> tuple[Row, ...]:
    """A feature collection or one feature: a row for each, with its own bytes of the file."""
    result: list[Row] = []
    line, counted = 1, 0
    for index, (start, end) in enumerate(_features(text)):
        if index >= MOST_ROWS:
            refusals = no("too_many_rows", limit=MOST_ROWS, line=index).refusals
            return (*result, Row(index + 1, f"features[{index}]", b"", None, refusals))
        line, counted = line + text.count("\n", counted, start), start
        original = text[start:end].encode("utf-8")
        try:
            seen = _feature(_STRICT.raw_decode(text, start)[0], given)
        except TROUBLE as error:
            result.append(Row(line, f"features[{index}]", original, None, refusals_of(error)))
        else:
            result.append(Row(line, f"features[{index}]", original, seen))
    return tuple(result)


def looks_right(text: str) -> bool:
    """Whether JSON text is GeoJSON of events rather than of borders, or something else."""
    head = text[:2000]
    return '"Feature' in head and ('"mag"' in text or '"metadata"' in head)


def _feature(feature: Any, given: Given) -> Observation:
    properties, place_of = feature["properties"], feature["geometry"]["coordinates"]
    status = _status(needed(properties.get("status"), "status"))
    updated = _seconds(properties["updated"])
    printed = Printed(
        source=COMCAT,
        key=needed(feature.get("id"), "id"),
        revision=updated,
        status=status,
        origin=_seconds(properties["time"]),
        latitude=_number(place_of[1], "latitude"),
        longitude=_number(place_of[0], "longitude"),
        depth_m=None if len(place_of) < 3 or place_of[2] is None else depth(str(place_of[2])),
        magnitude=_number(properties["mag"], "mag"),
        magnitude_type=needed(properties.get("magType"), "magType"),
        place=plain(properties.get("place") or ""),
        event_type=event_type(properties.get("type") or ""),
        published_at=updated,
    )
    return shock(printed, given)


def _features(text: str) -> list[tuple[int, int]]:
    """Start and end of each feature; the file's own text is kept, nothing is re-written.

    Errors   Refused feed.missing_field; feed.key_twice for a key of the collection itself.
    """
    start = _skip(text, 0)
    whole, end = _DECODER.raw_decode(text, start)
    if whole.get("type") == "Feature":
        return [(start, end)]
    if not isinstance(whole.get("features"), list):
        raise no("missing_field", field="features")
    found: list[tuple[int, int]] = []
    names = set[str]()
    at = _skip(text, start + 1)
    while text[at] != "}":
        name, at = _DECODER.raw_decode(text, at)
        if name in names:
            raise no("key_twice", key=name[:40])
        names.add(name)
        at = _skip(text, _skip(text, at) + 1)
        if name == "features" and text[at] == "[":
            found, at = _items(text, at)
        else:
            _, at = _DECODER.raw_decode(text, at)
        at = _skip(text, at)
        at = _skip(text, at + 1) if text[at] == "," else at
    return found


def _items(text: str, at: int) -> tuple[list[tuple[int, int]], int]:
    """Where each item of a list stands, as many as are read and one more; and the list's end."""
    found: list[tuple[int, int]] = []
    at = _skip(text, at + 1)
    while text[at] != "]":
        _, end = _DECODER.raw_decode(text, at)
        if len(found) <= MOST_ROWS:
            found.append((at, end))
        at = _skip(text, end)
        at = _skip(text, at + 1) if text[at] == "," else at
    return found, at + 1


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in _SPACE:
        at += 1
    return at


def _number(value: Any, field: str) -> str:
    if not isinstance(value, Number):
        raise no("missing_field", field=field)
    return str(value)


def _seconds(value: Any) -> int:
    """Milliseconds since 1970 -> whole seconds, the fraction cut."""
    return int(_number(value, "time")) // 1000


def _status(text: str) -> str:
    known = {"automatic": "automatic", "manual": "reviewed", "reviewed": "reviewed"}
    status = {**known, "final": "final"}.get(text.strip().lower())
    if status is None:
        raise no("unknown_status", value=text[:40])
    return status


def event_type(text: str) -> str:
    """USGS and QuakeML event types in our few words."""
    kind = text.strip().lower()
    if kind == EARTHQUAKE:
        return EARTHQUAKE
    if "collapse" in kind:
        return "collapse"
    if "burst" in kind:
        return "rockburst"
    return "explosion" if "blast" in kind or "explosion" in kind else "other"
