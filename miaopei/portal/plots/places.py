"""Where an epicentre lay: points with names on a plain frame of degrees. Never a map, no borders.

A prefecture is one point: the middle of its cells as filed, which is no seat and no border.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, cos, floor, radians

import h3  # type: ignore[import-untyped]  # the package ships no types
from markupsafe import Markup

from . import NARROW, WIDE
from .svg import Labels, dot, drawing, line, tag, words

EDGE, TOP, BOTTOM, ROOM = 46.0, 12.0, 30.0, 0.45
MICRO = 1_000_000


@dataclass(frozen=True)
class Spot:
    """A named point. `kind` is own, surrounding, epicentre or other. Degrees."""

    name: str
    lat: float
    lon: float
    kind: str


@lru_cache(maxsize=256)
def middle(cells: tuple[str, ...]) -> tuple[float, float]:
    """The middle of a compact set of cells, each weighted by its size: latitude, longitude."""
    whole = lat = lon = 0.0
    for cell in cells:
        index = cell.ljust(15, "f")
        weight = 7.0 ** -h3.get_resolution(index)
        at = h3.cell_to_latlng(index)
        whole, lat, lon = whole + weight, lat + weight * at[0], lon + weight * at[1]
    return lat / whole, lon / whole


def places(spots: Sequence[Spot], title: str, *, narrow: bool) -> Markup:
    """The picture: degrees of longitude across, of latitude upwards, at their true proportion."""
    width = float(NARROW if narrow else WIDE)
    west, east = _span(spot.lon for spot in spots)
    south, north = _span(spot.lat for spot in spots)
    squeeze = cos(radians((south + north) / 2))
    inner = width - EDGE - 12
    scale = min(inner / ((east - west) * squeeze), (360 if narrow else 400) / (north - south))
    left = EDGE
    tall = (north - south) * scale
    right, bottom, height = left + (east - west) * squeeze * scale, TOP + tall, tall + TOP + BOTTOM

    def at(lat: float, lon: float) -> tuple[float, float]:
        return left + (lon - west) * squeeze * scale, TOP + (north - lat) * scale

    parts = [tag("rect", x=left, y=TOP, width=right - left, height=tall, class_="frame")]
    for degree in range(ceil(west), floor(east) + 1):
        x, _ = at(north, degree)
        parts += [line(x, TOP, x, bottom, "grid"), words(x, height - 10, f"{degree}°E", "middle")]
    for degree in range(ceil(south), floor(north) + 1):
        _, y = at(degree, west)
        parts += [line(left, y, right, y, "grid"), words(left - 6, y + 4, f"{degree}°N", "end")]
    labels = Labels(left + 2, right - 2, bottom - 2, [])
    placed = [(spot, *at(spot.lat, spot.lon)) for spot in spots]
    labels.taken = [(x - 7, y - 7, x + 7, y + 7) for _, x, y in placed]
    placed.sort(key=lambda row: row[0].kind != "epicentre")
    named = [
        labels.put(
            x,
            y,
            spot.name,
            "strong" if spot.kind in ("epicentre", "own") else "",
            15 if spot.kind == "epicentre" else 9,
        )
        for spot, x, y in placed
    ]
    marks = [_mark(spot, x, y) for spot, x, y in reversed(placed)]
    return drawing(width, height, title, [*parts, *marks, *named])


def _mark(spot: Spot, x: float, y: float) -> Markup:
    if spot.kind == "epicentre":
        return tag("g", dot(x, y, 11, "ring"), dot(x, y, 4.5, "solid"))
    if spot.kind == "shock":
        return dot(x, y, 2.5, "faint")
    size = 5.0
    return tag(
        "rect", x=x - size, y=y - size, width=2 * size, height=2 * size,
        class_="box-own" if spot.kind == "own" else "box",
    )  # fmt: skip


def _span(values: Iterable[float]) -> tuple[float, float]:
    found = list(values)
    return min(found) - ROOM, max(found) + ROOM
