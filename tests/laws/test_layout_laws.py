"""Laws of a laid-out book: order and boxes leave no policy out that lies within a radius."""

from __future__ import annotations

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from miaopei.measures.place import (
    LARGEST_LATITUDE,
    LARGEST_LONGITUDE,
    LARGEST_RADIUS,
    SMALLEST_RADIUS,
    threshold,
    unit_vector,
    within,
)
from miaopei.policies.layout import lay_out, order, ranges

POSITIONS = st.tuples(
    st.integers(-LARGEST_LATITUDE, LARGEST_LATITUDE),
    st.integers(-LARGEST_LONGITUDE, LARGEST_LONGITUDE),
)
NAMES = ("x", "y", "z")


@given(
    st.lists(POSITIONS, min_size=1, max_size=40),
    POSITIONS,
    st.integers(SMALLEST_RADIUS, LARGEST_RADIUS),
    st.integers(1, 9),
    st.sampled_from([0, 0, 3]),
)
def test_every_row_within_the_radius_is_in_a_range(
    places: list[tuple[int, int]], centre: tuple[int, int], metres: int, block: int, gap: int
) -> None:
    vectors = np.array([unit_vector(*place) for place in places], dtype=np.int32)
    vectors = vectors[order(*vectors.T)]
    never = np.zeros(len(places), dtype=np.int64)
    columns = dict(zip(NAMES, np.ascontiguousarray(vectors.T), strict=True))
    layout = lay_out(columns, never, never, NAMES, block)
    edge, middle = threshold(metres), unit_vector(*centre)
    found = ranges(layout, middle, edge, gap)
    read = {row for first, last in found for row in range(first, last)}
    held = [tuple(vector) for vector in vectors.tolist()]
    assert {i for i, v in enumerate(held) if within(v, middle, edge)} <= read  # type: ignore[arg-type]
    assert all(first < last for first, last in found)
    ends = [end for pair in found for end in pair]
    assert ends == sorted(set(ends))


PART = st.integers(-(2**30), 2**30)
ANY = st.tuples(PART, PART, PART)


@given(st.lists(ANY, min_size=1, max_size=30), ANY, st.integers(-(2**60), 2**60), st.integers(1, 9))
@example([(2**30,) * 3], (2**30,) * 3, -(2**60), 1)
@example([(-(2**30),) * 3], (2**30,) * 3, -(2**60), 1)
@example([(2**30, 0, 0)], (0, 2**30, 0), 0, 1)
def test_no_sum_leaves_its_bits_whatever_the_parts_are(
    places: list[tuple[int, int, int]], centre: tuple[int, int, int], edge: int, block: int
) -> None:
    """Parts in range need not be of a place on the sphere; what passes is read all the same."""
    vectors = np.array(places, dtype=np.int32)
    never = np.zeros(len(places), dtype=np.int64)
    columns = dict(zip(NAMES, np.ascontiguousarray(vectors.T), strict=True))
    found = ranges(lay_out(columns, never, never, NAMES, block), centre, edge, gap=0)
    read = {row for first, last in found for row in range(first, last)}
    assert {i for i, v in enumerate(places) if within(v, centre, edge)} <= read


@given(st.lists(POSITIONS, max_size=60))
def test_order_moves_every_row_once(places: list[tuple[int, int]]) -> None:
    vectors = np.array([unit_vector(*p) for p in places], dtype=np.int32).reshape(-1, 3)
    assert sorted(order(*vectors.T).tolist()) == list(range(len(places)))


def test_neighbours_stand_together() -> None:
    """Twelve towns shuffled: after ordering, a radius of 50 km reads a small part of the rows."""
    rng = np.random.default_rng(4)
    towns = rng.integers(-60_000_000, 60_000_000, (12, 2))
    of = rng.integers(0, 12, 24_000)
    near = towns[of] + rng.integers(-200_000, 200_000, (24_000, 2))
    vectors = np.array([unit_vector(int(a), int(b)) for a, b in near], dtype=np.int32)
    vectors = vectors[order(*vectors.T)]
    columns = dict(zip(NAMES, np.ascontiguousarray(vectors.T), strict=True))
    never = np.zeros(len(vectors), dtype=np.int64)
    layout = lay_out(columns, never, never, NAMES, 256)
    middle = unit_vector(int(towns[3][0]), int(towns[3][1]))
    read = sum(last - first for first, last in ranges(layout, middle, threshold(50_000), gap=0))
    assert (of == 3).sum() <= read <= 3 * (of == 3).sum()
