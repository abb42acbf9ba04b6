"""The picture of an outage: no upright line runs through what is said of a lane."""

from __future__ import annotations

from itertools import pairwise

import pytest
from lxml import etree

from miaopei.measures.instant import HOUR
from miaopei.portal.outages.plot import Lane, Words, lanes
from miaopei.portal.plots.svg import width_of

DUE = 1_622_541_600
SVG = "{http://www.w3.org/2000/svg}"
Line = tuple[float, float, float]  # x, from, to


def drawn(late: int, paid: int | None, *, narrow: bool) -> etree._Element:
    rows = [
        Lane("Planned", DUE - 10 * HOUR, DUE, False, True, ""),
        Lane("Command system", DUE - 10 * HOUR, DUE + late, False, False, "179 min late"),
        Lane("Meters", DUE - 10 * HOUR, DUE + late, False, False, "179 min late"),
    ]
    made = lanes(rows, DUE, paid, Words("title", "planned", "paid"), narrow=narrow)
    return etree.fromstring(str(made))


def found(picture: etree._Element, name: str) -> list[etree._Element]:
    return [e for e in picture.iter() if isinstance(e.tag, str) and e.tag.removeprefix(SVG) == name]


def uprights(picture: etree._Element, class_: str) -> list[Line]:
    lines = [e for e in found(picture, "line") if e.get("class") == class_]
    return [(float(e.get("x1")), float(e.get("y1")), float(e.get("y2"))) for e in lines]


@pytest.mark.parametrize("narrow", [True, False])
@pytest.mark.parametrize("late", [60, HOUR, 3 * HOUR - 60, 12 * HOUR])
@pytest.mark.parametrize("after", [0, 60, HOUR, 6 * HOUR])
def test_no_upright_line_runs_through_words(narrow: bool, late: int, after: int) -> None:
    picture = drawn(late, DUE + late + after, narrow=narrow)
    labels = [t for t in found(picture, "text") if "halo" in (t.get("class") or "")]
    assert [t.text for t in labels] == ["179 min late"] * 2
    for label in labels:
        x, base, wide = float(label.get("x")), float(label.get("y")), width_of("179 min late")
        left = x - wide if label.get("text-anchor") == "end" else x
        for class_ in ("paid", "threshold"):
            for at, top, bottom in uprights(picture, class_):
                beside = at < left or at > left + wide
                assert beside or bottom < base - 10 or top > base, (class_, at, top, bottom, base)


def test_the_lines_are_whole_but_for_the_words() -> None:
    whole = drawn(60, DUE + 11 * HOUR, narrow=False)
    ((_, top, bottom),) = uprights(whole, "threshold")
    parts = uprights(drawn(3 * HOUR - 60, DUE + 3 * HOUR, narrow=True), "paid")
    assert len(parts) == 3, "two labels lie on its way"
    assert parts[0][1] == top
    assert parts[-1][2] >= bottom
    assert all(0 < b[1] - a[2] < 20 for a, b in pairwise(parts))
    assert uprights(drawn(60, None, narrow=True), "paid") == []
