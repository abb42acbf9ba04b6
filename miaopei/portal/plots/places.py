"""Where an epicentre lay: a product's own cells on a frame of degrees, insured and surrounding.

Cells are those that are filed, and decide. From afar they are drawn coarser (a coarse cell is of
whom its middle is), near the epicentre as they are. No borders, no ground: only cells.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import ceil, cos, floor, hypot, radians

import h3  # type: ignore[import-untyped]  # the package ships no types
from markupsafe import Markup

from .svg import Labels, dot, drawing, line, tag, words

WIDTH, TALLEST = 440.0, 400.0
EDGE, TOP, BOTTOM, ROOM = 44.0, 10.0, 26.0, 0.25
COARSE, DIGITS = 5, 15
NEAR, NEAR_WIDTH, NEAR_ROOM = 9, 300.0, 6.0  # rings of true cells around the epicentre
MICRO = 1_000_000

Point = tuple[float, float]


@dataclass(frozen=True)
class Region:
    """A prefecture: its name, its role (own or surrounding), and its compact cells as filed."""

    name: str
    kind: str
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Epicentre:
    """What is said beside the ring, and where it is in degrees."""

    name: str
    lat: float
    lon: float


@lru_cache(maxsize=256)
def middle(cells: tuple[str, ...]) -> Point:
    """The middle of a compact set of cells, each weighted by its size: latitude, longitude."""
    whole = lat = lon = 0.0
    for cell in cells:
        index = cell.ljust(DIGITS, "f")
        weight = 7.0 ** -h3.get_resolution(index)
        at = h3.cell_to_latlng(index)
        whole, lat, lon = whole + weight, lat + weight * at[0], lon + weight * at[1]
    return lat / whole, lon / whole


@lru_cache(maxsize=256)
def coarse(cells: tuple[str, ...]) -> tuple[str, ...]:
    """The coarser cells whose middle a compact set holds."""
    found: set[str] = set()
    for cell in cells:
        index = cell.ljust(DIGITS, "f")
        resolution = h3.get_resolution(index)
        if resolution <= COARSE:
            found.update(h3.cell_to_children(index, COARSE))
        else:
            whole = h3.cell_to_parent(index, COARSE)
            if h3.cell_to_center_child(whole, resolution) == index:
                found.add(whole)
    return tuple(sorted(found))


def overview(regions: Sequence[Region], at: Epicentre, title: str, beyond: str) -> Markup:
    """All cells and the epicentre; one that lies too far for the frame is an arrow at its edge."""
    cells = {region: coarse(region.cells) for region in regions}
    corners = [point for each in cells.values() for c in each for point in h3.cell_to_boundary(c)]
    frame = _Frame.around(corners)
    inside = frame.holds(at.lat, at.lon)
    parts = [*frame.grid(), *(_path(cells[r], r.kind, frame) for r in _own_last(regions))]
    labels = Labels(frame.left + 2, frame.right - 2, frame.bottom - 2, [])
    x, y = frame.at(at.lat, at.lon)
    named: list[Markup] = []
    marks: list[Markup]
    if inside:
        labels.taken.append((x - 12, y - 12, x + 12, y + 12))
        named.append(labels.put(x, y, at.name, "strong halo", 15))
        marks = [dot(x, y, 10, "ring"), dot(x, y, 4, "epicentre")]
    else:
        marks, beside = _arrow(frame, x, y, f"{at.name} · {beyond}", labels)
        named.append(beside)
    for region in regions:
        mx, my = frame.at(*middle(region.cells))
        class_ = "strong halo" if region.kind == "own" else "halo"
        if (label := labels.middle(mx, my, region.name, class_)) is not None:
            named.append(label)
    return drawing(frame.right + 10, frame.height, title, [*parts, *named, *marks])


def close_up(
    regions: Sequence[Region], at: Epicentre, resolution: int, title: str
) -> Markup | None:
    """The cells around the epicentre at the resolution that decides, each as the set has it.

    None where all are alike: the overview shows as much.
    """
    here = h3.latlng_to_cell(at.lat, at.lon, resolution)
    disk = sorted(h3.grid_disk(here, NEAR))
    sets = [(region.kind, frozenset(region.cells)) for region in _own_last(regions)][::-1]
    kinds: dict[str, list[str]] = {"outside": [], "surrounding": [], "own": []}
    for cell in disk:
        kinds[next((kind for kind, held in sets if _held(held, cell)), "outside")].append(cell)
    if sum(1 for cells in kinds.values() if cells) == 1:
        return None
    corners = [point for cell in disk for point in h3.cell_to_boundary(cell)]
    frame = _Frame.square(corners)
    drawn = [_path(tuple(cells), kind, frame) for kind, cells in kinds.items() if cells]
    x, y = frame.at(at.lat, at.lon)
    marks = [_path((here,), "here", frame), dot(x, y, 3, "epicentre")]
    return drawing(NEAR_WIDTH, frame.height, title, [*drawn, *marks])


def _held(cells: frozenset[str], cell: str) -> bool:
    """Whether a compact set holds a cell: itself or one of its ancestors."""
    resolution = h3.get_resolution(cell)
    return any(h3.cell_to_parent(cell, r).rstrip("f") in cells for r in range(resolution + 1))


def _own_last(regions: Iterable[Region]) -> list[Region]:
    """The insured lie over the others where coarse cells meet."""
    return sorted(regions, key=lambda region: region.kind == "own")


def _path(cells: Sequence[str], kind: str, frame: _Frame) -> Markup:
    """Many cells as one shape."""
    shapes = []
    for cell in cells:
        corners = [frame.at(lat, lon) for lat, lon in h3.cell_to_boundary(cell)]
        tenths = [(round(x * 10), round(y * 10)) for x, y in corners]
        steps = [f"{(x - a) / 10:g} {(y - b) / 10:g}" for (a, b), (x, y) in pairwise(tenths)]
        x, y = tenths[0]
        shapes.append(f"M{x / 10:g} {y / 10:g}l{' '.join(steps)}z")
    return tag("path", d="".join(shapes), class_=f"cells cells-{kind}")


def _arrow(
    frame: _Frame, x: float, y: float, said: str, labels: Labels
) -> tuple[list[Markup], Markup]:
    """An arrow from inside the frame's edge towards a point beyond it, and its label."""
    cx, cy = (frame.left + frame.right) / 2, (TOP + frame.bottom) / 2
    half_x, half_y = (frame.right - frame.left) / 2 - 10, (frame.bottom - TOP) / 2 - 10
    dx, dy = x - cx, y - cy
    scale = min(half_x / abs(dx) if dx else 1e9, half_y / abs(dy) if dy else 1e9)
    tip_x, tip_y, long = cx + dx * scale, cy + dy * scale, hypot(dx, dy)
    ux, uy = dx / long, dy / long
    tail = (tip_x - 34 * ux, tip_y - 34 * uy)
    head = [(tip_x - 11 * ux + s * 6 * uy, tip_y - 11 * uy - s * 6 * ux) for s in (1, -1)]
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in ((tip_x, tip_y), *head))
    labels.taken.append((min(tip_x, tail[0]) - 8, min(tip_y, tail[1]) - 8,
                         max(tip_x, tail[0]) + 8, max(tip_y, tail[1]) + 8))  # fmt: skip
    marks = [line(*tail, tip_x - 8 * ux, tip_y - 8 * uy, "arrow"),
             tag("polygon", points=points, class_="epicentre")]  # fmt: skip
    return marks, labels.put(tail[0], tail[1], said, "strong halo", 14)


@dataclass(frozen=True)
class _Frame:
    """Degrees as places in the picture: longitude across, latitude upwards, at true proportion."""

    west: float
    north: float
    squeeze: float
    scale: float
    left: float
    right: float
    bottom: float
    height: float
    top: float = TOP

    @classmethod
    def around(cls, points: Sequence[Point]) -> _Frame:
        """A frame with its degrees written beside it."""
        (south, north), (west, east) = (_span((p[i] for p in points), ROOM) for i in (0, 1))
        squeeze = cos(radians((south + north) / 2))
        scale = min((WIDTH - EDGE - 10) / ((east - west) * squeeze), TALLEST / (north - south))
        tall, long = (north - south) * scale, (east - west) * squeeze * scale
        bottom = TOP + tall
        return cls(west, north, squeeze, scale, EDGE, EDGE + long, bottom, bottom + BOTTOM)

    @classmethod
    def square(cls, points: Sequence[Point]) -> _Frame:
        """A small frame without degrees."""
        (south, north), (west, east) = (_span((p[i] for p in points), 0) for i in (0, 1))
        squeeze = cos(radians((south + north) / 2))
        scale = (NEAR_WIDTH - 2 * NEAR_ROOM) / ((east - west) * squeeze)
        tall = (north - south) * scale
        bottom, right = NEAR_ROOM + tall, NEAR_WIDTH - NEAR_ROOM
        return cls(west, north, squeeze, scale, NEAR_ROOM, right, bottom, bottom + NEAR_ROOM,
                   NEAR_ROOM)  # fmt: skip

    def at(self, lat: float, lon: float) -> Point:
        """Where a point of the ground is drawn."""
        x = self.left + (lon - self.west) * self.squeeze * self.scale
        return x, self.top + (self.north - lat) * self.scale

    def holds(self, lat: float, lon: float) -> bool:
        """Whether a point is in the picture, with room for its ring."""
        x, y = self.at(lat, lon)
        in_width = self.left + 10 <= x <= self.right - 10
        return in_width and self.top + 10 <= y <= self.bottom - 10

    def grid(self) -> list[Markup]:
        """The frame and whole degrees."""
        long, tall = self.right - self.left, self.bottom - self.top
        parts = [tag("rect", x=self.left, y=self.top, width=long, height=tall, class_="frame")]
        east = self.west + long / self.squeeze / self.scale
        for degree in range(ceil(self.west), floor(east) + 1):
            x, _ = self.at(self.north, degree)
            parts.append(line(x, self.top, x, self.bottom, "grid"))
            parts.append(words(x, self.bottom + 17, f"{degree}°E", "middle"))
        for degree in range(ceil(self.north - tall / self.scale), floor(self.north) + 1):
            _, y = self.at(degree, self.west)
            parts.append(line(self.left, y, self.right, y, "grid"))
            parts.append(words(self.left - 6, y + 4, f"{degree}°N", "end"))
        return parts


def _span(values: Iterable[float], room: float) -> Point:
    found = list(values)
    return min(found) - room, max(found) + room
