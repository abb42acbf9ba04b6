"""China Earthquake Networks Centre: the catalogue (reviewed) and the official rapid reports.

Times are Beijing time. Neither prints a key of its own, so a row's key is its printed time and
place. Magnitudes of the short rapid form ("level") are M, the official one-decimal value.
"""

from __future__ import annotations

from collections.abc import Mapping

from ...evidence.kinds import EARTHQUAKE
from ...evidence.observation import Observation
from ...measures.instant import from_beijing
from ...measures.place import scaled
from .reading import Given, Printed, needed, no, plain, shock

CATALOGUE, RAPID = "cenc.catalogue", "cenc.rapid"
RAPID_LONG = {"time_beijing", "latitude", "longitude", "depth_km", "magnitude", "location"}
RAPID_SHORT = {"level", "time_beijing", "latitude", "longitude", "depth_km", "location"}

_COLUMNS = (
    *(("origin", "发震"), ("longitude", "经度"), ("latitude", "纬度"), ("depth", "深度")),
    *(("type", "震级类型"), ("magnitude", "震级"), ("place", "位置"), ("event", "事件类型")),
)
_EVENTS = {
    "天然地震": EARTHQUAKE,
    "地震": EARTHQUAKE,
    "塌陷": "collapse",
    "矿震": "rockburst",
    "爆破": "explosion",
    "爆炸": "explosion",
    "疑爆": "explosion",
}


def columns(header: tuple[str, ...]) -> Mapping[str, str] | None:
    """Our field -> the catalogue's column; None where this is not its header."""
    found: dict[str, str] = {}
    for field, word in _COLUMNS:
        names = [name for name in header if word in name and name not in found.values()]
        if not names:
            return None
        found[field] = names[0]
    return found


def catalogue(row: Mapping[str, str], given: Given, names: Mapping[str, str]) -> Observation:
    """One line of the catalogue; a collapse or a blast is an observation that never counts."""
    event = needed(row[names["event"]], "事件类型")
    if event not in _EVENTS:
        raise no("unknown_event_type", value=event[:40])
    printed = Printed(
        source=CATALOGUE,
        key=None,
        revision=0,
        status="final",
        origin=from_beijing(needed(row[names["origin"]], "发震日期")),
        latitude=needed(row[names["latitude"]], "纬度"),
        longitude=needed(row[names["longitude"]], "经度"),
        depth_m=depth(row[names["depth"]]),
        magnitude=needed(row[names["magnitude"]], "震级"),
        magnitude_type=needed(row[names["type"]], "震级类型"),
        place=plain(row[names["place"]]),
        event_type=_EVENTS[event],
    )
    return shock(printed, given)


def rapid(row: Mapping[str, str], given: Given) -> Observation:
    """One rapid report, in the long or the short form."""
    printed = Printed(
        source=RAPID,
        key=None,
        revision=0,
        status="reviewed",
        origin=from_beijing(needed(row["time_beijing"], "time_beijing")),
        latitude=needed(row["latitude"], "latitude"),
        longitude=needed(row["longitude"], "longitude"),
        depth_m=depth(row["depth_km"]),
        magnitude=needed(row.get("magnitude") or row.get("level"), "magnitude"),
        magnitude_type=needed(row.get("magnitude_type", "M"), "magnitude_type"),
        place=plain(row["location"]),
        event_type=EARTHQUAKE,
    )
    return shock(printed, given)


def depth(text: str) -> int | None:
    """Kilometres as printed -> metres; empty is not known."""
    return scaled(text, 3) if text.strip() else None
