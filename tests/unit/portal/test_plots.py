"""Plots are sound SVG with the marks in the right order and every label inside."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from miaopei.adapters.feeds import shipped
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
    st.lists(st.tuples(st.floats(0, 200), st.integers(-10, 90), st.booleans()), min_size=1),
    st.one_of(st.none(), st.just(50)),
    st.booleans(),
)
def test_sequences_of_any_shape_stay_inside(
    given_points: Sequence[tuple[float, int, bool]], threshold: int | None, narrow: bool
) -> None:
    points = [sequence.Point(h, m, c, i == 0) for i, (h, m, c) in enumerate(given_points)]
    words = sequence.Words("sequence", "hours", "decides", "threshold", "counted", "shown")
    inside(read(sequence.sequence(points, threshold, words, narrow=narrow)))


@pytest.mark.parametrize("narrow", [False, True])
def test_an_epicentre_north_east_of_a_place_lies_above_and_right_of_it(narrow: bool) -> None:
    spots = [
        places.Spot("Dali", 25.6, 100.2, "own"),
        places.Spot("Lijiang", 26.9, 100.3, "surrounding"),
        places.Spot("M 5.1", 25.9, 100.6, "epicentre"),
    ]
    root = read(places.places(spots, "where", narrow=narrow))
    inside(root)
    dali = root.xpath("//*[@class='box-own']")[0]
    shock = root.xpath("//*[@class='solid']")[0]
    assert float(shock.get("cx")) > float(dali.get("x"))
    assert float(shock.get("cy")) < float(dali.get("y"))


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
