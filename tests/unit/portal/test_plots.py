"""Plots are sound SVG with the marks in the right order and every label inside."""

from __future__ import annotations

import math
from collections.abc import Sequence

import h3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from miaopei.adapters.feeds import shipped
from miaopei.evidence.area import holds
from miaopei.portal.plots import NARROW, WIDE, losses, places, sequence, svg

SAID = losses.Words("losses", "paid", "lost", {n: f"10^{n}" for n in range(18)})
AMOUNT = st.integers(1, 10**15)


def read(drawing: str) -> etree._Element:
    """The drawing as XML; each is named for those who do not see it."""
    root = etree.fromstring(drawing)
    assert root.get("role") == "img"
    assert root.get("aria-label")
    assert not root.xpath("//*[@style]")
    return root


def inside(root: etree._Element) -> None:
    """Every mark and the start of every text lies in the picture."""
    width, height = (float(root.get(name)) for name in ("width", "height"))
    for x in (*root.xpath("//@x"), *root.xpath("//@cx"), *root.xpath("//@x1")):
        assert -0.1 <= float(x) <= width + 0.1
    for y in (*root.xpath("//@y"), *root.xpath("//@cy"), *root.xpath("//@y1")):
        assert -0.1 <= float(y) <= height + 0.1


@given(st.lists(st.tuples(AMOUNT, AMOUNT), min_size=1, max_size=8), st.booleans())
def test_larger_amounts_lie_further_right(amounts: Sequence[tuple[int, int]], narrow: bool) -> None:
    pairs = [losses.Pair("2016 云南", paid, lost, "1.00%") for paid, lost in amounts]
    root = read(losses.losses(pairs, SAID, narrow=narrow))
    assert float(root.get("width")) == (NARROW if narrow else WIDE)
    inside(root)
    marks = root.xpath("./*[local-name()='circle']/@cx")
    found = [(float(marks[i + 1]), float(marks[i])) for i in range(0, len(marks), 2)]
    for (paid, lost), (paid_at, lost_at) in zip(amounts, found, strict=True):
        if abs(math.log10(paid) - math.log10(lost)) > 0.2:
            assert (paid < lost) == (paid_at < lost_at)


@given(
    st.lists(st.tuples(st.floats(-90, 200), st.integers(-10, 90), st.booleans()), min_size=1),
    st.one_of(st.none(), st.just(50)),
    st.booleans(),
)
def test_sequences_of_any_shape_stay_inside(
    given_points: Sequence[tuple[float, int, bool]], threshold: int | None, narrow: bool
) -> None:
    points = [sequence.Point(h, m, c, i == 0) for i, (h, m, c) in enumerate(given_points)]
    words = sequence.Words("sequence", "hours", "decides", "threshold", "counted", "shown")
    inside(read(sequence.sequence(points, threshold, words, narrow=narrow)))


DALI_AREAS = ("532900", "530700", "533300", "530500", "530900", "530800", "532300")


@pytest.fixture(scope="module")
def dali() -> list[places.Region]:
    """Dali and the prefectures around it, as they are shipped."""
    areas = {area.code: area for area in shipped.areas()}
    kinds = dict.fromkeys(DALI_AREAS, "surrounding") | {"532900": "own"}
    return [places.Region(areas[c].name["en"], kinds[c], areas[c].cells) for c in DALI_AREAS]


def drawn_at(root: etree._Element, class_: str) -> tuple[float, float]:
    """The middle of a round mark."""
    mark = root.xpath(f"//*[local-name()='circle'][@class='{class_}']")[0]
    return float(mark.get("cx")), float(mark.get("cy"))


def middles(root: etree._Element, kind: str) -> list[tuple[float, float]]:
    """The first corner of each cell of a kind."""
    paths = root.xpath(f"//*[local-name()='path'][contains(@class, 'cells-{kind}')]/@d")
    starts = [part.split("l")[0].split() for d in paths for part in d.split("M") if part]
    return [(float(x), float(y)) for x, y in starts]


def test_one_glance_says_inside(dali: list[places.Region]) -> None:
    """Yangbi, 25.70 N 99.88 E: the ring lies among the cells of Dali, nearest to one of them."""
    at = places.Epicentre("M 6.4", 25.70, 99.88)
    root = read(places.overview(dali, at, "where", "beyond"))
    inside(root)
    x, y = drawn_at(root, "epicentre")

    def nearest(kind: str) -> float:
        return min(math.hypot(x - a, y - b) for a, b in middles(root, kind))

    assert nearest("own") < nearest("surrounding")
    assert places.close_up(dali, at, 7, "near") is None  # all around it is Dali


def test_cells_near_a_border_are_drawn_as_they_decide(dali: list[places.Region]) -> None:
    """Around Weishan's 25.12 N, 99.97 E, both Dali's cells and a neighbour's are shown."""
    at = places.Epicentre("M 5.0", 25.12, 99.97)
    drawn = places.close_up(dali, at, 7, "near")
    assert drawn is not None
    root = read(drawn)
    own = {area.code: area for area in shipped.areas()}["532900"].cell_indexes
    here = h3.latlng_to_cell(at.lat, at.lon, 7)
    disk = h3.grid_disk(here, places.NEAR)
    mine = sum(1 for cell in disk if holds(own, cell, 7))
    assert 0 < mine < len(disk)
    assert len(middles(root, "own")) == mine
    assert len(middles(root, "own")) + len(middles(root, "surrounding")) <= len(disk)


def test_what_lies_too_far_is_an_arrow_that_points_there(dali: list[places.Region]) -> None:
    """Laos lies to the south-east of Dali: an arrow at the edge, no ring at a wrong place."""
    root = read(places.overview(dali, places.Epicentre("M 6.4", 19.0, 102.0), "where", "beyond"))
    inside(root)
    assert not root.xpath("//*[@class='ring']")
    (arrow,) = root.xpath("//*[@class='arrow']")
    assert float(arrow.get("y2")) > float(arrow.get("y1"))
    assert "beyond" in "".join(root.itertext())


def test_a_coarse_cell_is_of_whom_its_middle_is(dali: list[places.Region]) -> None:
    """No coarse cell is of two prefectures, and each holds its middle at the filed resolution."""
    areas = {area.code: area for area in shipped.areas()}
    every = [cell for region in dali for cell in places.coarse(region.cells)]
    assert len(every) == len(set(every))
    for code in DALI_AREAS:
        for cell in places.coarse(areas[code].cells):
            centre = h3.cell_to_center_child(cell, 7)
            assert holds(areas[code].cell_indexes, centre, 7)


def test_the_middle_of_a_prefecture_is_where_it_should_be() -> None:
    """Dali lies about 25.7 N, 100.0 E, Yuxi about 24.2 N, 102.3 E (any atlas)."""
    found = {area.code: places.middle(area.cells) for area in shipped.areas()}
    for code, lat, lon in (("532900", 25.7, 100.0), ("530400", 24.2, 102.2)):
        assert abs(found[code][0] - lat) < 0.25
        assert abs(found[code][1] - lon) < 0.25


@given(st.lists(st.tuples(st.floats(20, 300), st.floats(20, 300), st.text(max_size=8)), max_size=6))
def test_labels_are_escaped_and_kept_apart_where_there_is_room(
    given_labels: Sequence[tuple[float, float, str]],
) -> None:
    labels = svg.Labels(0, 720, 400, [])
    for x, y, said in given_labels:
        text = "".join(letter for letter in said if letter.isprintable())
        drawn = labels.put(x, y, text + "<&")
        assert "&lt;&amp;" in drawn
        etree.fromstring(drawn)
