"""The hours of an outage as lanes: what was planned, what each system reports, when it was paid."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from ...measures.instant import HOUR, beijing_text
from ..plots import NARROW, WIDE
from ..plots.svg import dot, drawing, line, tag, width_of, words

TOP, LANE, NARROW_LANE, THICK, BOTTOM = 40.0, 44.0, 54.0, 16.0, 30.0
EDGE = 12.0
HIGH, CLEAR = 13.0, 4.0  # of words above their base, and what is left free around them
STEPS = (1, 2, 3, 4, 6, 12, 24)  # hours between two marks of the axis
Across = Callable[[int], float]


@dataclass(frozen=True)
class Lane:
    """One bar. `open`: it is not over, and ends where the record stands. `said` stands beside it.

    Units   since, until: UTC seconds.
    """

    name: str
    since: int
    until: int
    open: bool
    planned: bool
    said: str


@dataclass(frozen=True)
class Words:
    """What the picture says: its title, the planned restoration, and what a mark is."""

    title: str
    due: str
    paid: str


def lanes(rows: Sequence[Lane], due: int, paid: int | None, said: Words, *, narrow: bool) -> Markup:
    """The picture: hours across, a lane each; what lies behind the planned restoration is late."""
    width = float(NARROW if narrow else WIDE)
    beside = max(width_of(row.said) for row in rows)
    left = EDGE if narrow else 2 * EDGE + max(width_of(row.name) for row in rows)
    right = width - EDGE - (0.0 if narrow else beside)
    first = min(row.since for row in rows) - HOUR // 2
    last = max(*(row.until for row in rows), due, paid or 0) + HOUR // 2
    tall = NARROW_LANE if narrow else LANE
    bottom = TOP + tall * len(rows)

    def across(at: int) -> float:
        return left + (right - left) * (at - first) / (last - first)

    parts = list(_hours(first, last, across, bottom, 4 if narrow else 9))
    placed = [(row, _middle(index, narrow=narrow)) for index, row in enumerate(rows)]
    labels = [_label(row, across, y, width, narrow=narrow) for row, y in placed if row.said]
    parts += _upright(across(due), bottom, labels, "threshold")
    parts.append(words(across(due), TOP - 11, said.due, "end", "axis"))
    if paid is not None:
        x = across(paid)
        parts += [*_upright(x, bottom, labels, "paid"), dot(x, TOP - 4, 5, "solid")]
        parts.append(words(x, TOP - 24, said.paid, "end", "strong"))
    for row, y in placed:
        parts += _lane(row, across, due, y, narrow=narrow)
    parts += [words(at.x, at.base, at.said, at.anchor, "figure halo") for at in labels]
    return drawing(width, bottom + BOTTOM, said.title, parts)


def _hours(first: int, last: int, across: Across, bottom: float, most: int) -> Iterator[Markup]:
    """The axis below: full hours of Beijing, as many as have room."""
    step = next((s for s in STEPS if (last - first) / (s * HOUR) <= most), 48) * HOUR
    shift = 8 * HOUR  # marks fall on even hours of the Beijing day
    for at in range(-(-(first + shift) // step) * step - shift, last + 1, step):
        yield line(across(at), TOP, across(at), bottom, "grid")
        yield words(across(at), bottom + 18, beijing_text(at)[11:16], "middle")


def _middle(index: int, *, narrow: bool) -> float:
    """Where a lane's bar lies."""
    tall = NARROW_LANE if narrow else LANE
    return TOP + tall * index + tall / 2 + (8 if narrow else 0)


def _base(y: float, *, narrow: bool) -> float:
    """Where the words of a lane stand: over its bar where it is narrow."""
    return y - THICK + 3 if narrow else y + 4


@dataclass(frozen=True)
class _Label:
    """What is said of a lane, and where."""

    said: str
    x: float
    base: float
    anchor: str

    def over(self, x: float) -> bool:
        """Whether an upright line there would run through the words."""
        left = self.x - (width_of(self.said) if self.anchor == "end" else 0)
        return left - CLEAR <= x <= left + width_of(self.said) + CLEAR


def _label(row: Lane, across: Across, y: float, width: float, *, narrow: bool) -> _Label:
    x, anchor = (width - EDGE, "end") if narrow else (across(row.until) + 8, "start")
    return _Label(row.said, x, _base(y, narrow=narrow), anchor)


def _upright(x: float, bottom: float, labels: Sequence[_Label], class_: str) -> Iterator[Markup]:
    """An upright line from above the lanes to the axis, which leaves out the words on its way."""
    top = TOP - 4
    for label in labels:
        if label.over(x):
            yield line(x, top, x, label.base - HIGH, class_)
            top = label.base + CLEAR
    yield line(x, top, x, bottom, class_)


def _lane(row: Lane, across: Across, due: int, y: float, *, narrow: bool) -> Iterator[Markup]:
    yield words(EDGE, _base(y, narrow=narrow), row.name, "start", "strong")
    turn = min(row.until, max(row.since, due))  # from here on it is late
    start, middle, end = across(row.since), across(turn), across(row.until)
    if row.planned:
        yield _bar(start, end, y, "bar-planned")
    else:
        yield _bar(start, middle, y, "bar")
        if end > middle:
            yield _bar(middle, end, y, "bar-late")
    if row.open:
        yield line(end, y - THICK / 2 - 3, end, y + THICK / 2 + 3, "bar-open")


def _bar(start: float, end: float, y: float, class_: str) -> Markup:
    wide = max(1.0, end - start)
    return tag("rect", x=start, y=y - THICK / 2, width=wide, height=THICK, class_=class_)
