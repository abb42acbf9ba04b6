"""The magnitudes of a sequence over time, with the value that decided marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor

from markupsafe import Markup

from . import NARROW, WIDE
from .svg import Labels, dot, drawing, line, tag, width_of, words

LEFT, RIGHT, TOP, BOTTOM, TALL = 40.0, 16.0, 30.0, 42.0, 250.0
STEPS = (1, 2, 6, 12, 24)


@dataclass(frozen=True)
class Point:
    """One observation: hours after the main shock, tenths of magnitude, whether it may count."""

    hours: float
    tenths: int
    counted: bool
    decided: bool


@dataclass(frozen=True)
class Words:
    """What the picture says."""

    title: str
    hours: str
    decided: str
    threshold: str
    counted: str
    shown: str


def sequence(
    points: Sequence[Point], threshold: int | None, said: Words, *, narrow: bool
) -> Markup:
    """The picture: hours across, magnitude upwards, the threshold as a line."""
    width = float(NARROW if narrow else WIDE)
    first = min(0, floor(min(point.hours for point in points)))
    last = max(first + 1, ceil(max(point.hours for point in points)))
    every = [p.tenths for p in points] + ([threshold] if threshold else [])
    low, high = floor(min(every) / 10) * 10, ceil((max(every) + 3) / 10) * 10
    bottom = TOP + TALL

    def at(hours: float, tenths: float) -> tuple[float, float]:
        x = LEFT + 8 + (width - LEFT - RIGHT - 16) * (hours - first) / (last - first)
        return x, bottom - TALL * (tenths - low) / (high - low)

    step = next((s for s in STEPS if (last - first) / s <= (6 if narrow else 12)), 48)
    parts = [line(LEFT, bottom, width - RIGHT, bottom, "frame")]
    for tenths in range(low, high + 1, 10):
        y = at(0, tenths)[1]
        parts += [
            line(LEFT, y, width - RIGHT, y, "grid"),
            words(LEFT - 8, y + 4, f"{tenths // 10}.0", "end"),
        ]
    parts += [
        words(at(hour, low)[0], bottom + 17, f"{hour:+d}" if hour else "0", "middle")
        for hour in range(-(-first // step) * step, last + 1, step)
    ]
    parts.append(words(width - RIGHT, bottom + 36, said.hours, "end"))
    if threshold:
        y = at(0, threshold)[1]
        parts += [
            line(LEFT, y, width - RIGHT, y, "threshold"),
            words(width - RIGHT, y - 6, said.threshold, "end"),
        ]
    chosen = [p for p in points if p.decided]
    for point in sorted(points, key=lambda p: (p.counted, p.decided)):
        x, y = at(point.hours, point.tenths)
        size = 6.0 if point.decided else 3.2
        parts.append(dot(x, y, size, "solid" if point.counted else "hollow"))
    labels = Labels(LEFT, width, bottom, [])
    for point in chosen[:1]:
        x, y = at(point.hours, point.tenths)
        parts.append(dot(x, y, 11, "ring"))
        value = f"{point.tenths // 10}.{point.tenths % 10}"
        parts.append(labels.put(x, y, f"{value} {said.decided}", "strong", 16))
    return drawing(width, bottom + BOTTOM, said.title, [*parts, _key(said)])


def _key(said: Words) -> Markup:
    second = LEFT + 34 + width_of(said.counted)
    return tag(
        "g",
        dot(LEFT + 5, 10, 4, "solid"),
        words(LEFT + 15, 14, said.counted),
        dot(second + 5, 10, 4, "hollow"),
        words(second + 15, 14, said.shown),
    )
