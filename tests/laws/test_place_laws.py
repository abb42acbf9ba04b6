"""Laws of positions: exact reading, symmetry, monotony, agreement with floats."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Decimal

from hypothesis import given
from hypothesis import strategies as st

from miaopei.measures.place import degrees_text, latitude, scaled, threshold, unit_vector, within

LATITUDES = st.integers(-90_000_000, 90_000_000)
LONGITUDES = st.integers(-180_000_000, 180_000_000)
RADII = st.integers(1_000, 20_015_000)


@given(st.decimals("-99999", "99999", allow_nan=False, places=5), st.integers(0, 8))
def test_scaled_is_decimals_half_up(number: Decimal, places: int) -> None:
    text = format(number, "f")
    exact = (number * 10**places).quantize(Decimal(1), rounding=ROUND_HALF_UP)
    assert scaled(text, places) == int(exact)


@given(LATITUDES)
def test_printed_degrees_read_back(udeg: int) -> None:
    assert latitude(degrees_text(udeg)) == udeg


@given(LATITUDES, LONGITUDES)
def test_a_vector_is_as_near_to_the_unit_sphere_as_rounding_allows(lat: int, lon: int) -> None:
    vector = unit_vector(lat, lon)
    assert all(abs(part) <= 2**30 for part in vector)
    assert abs(math.isqrt(sum(part * part for part in vector)) - 2**30) <= 2
    phi, lam = math.radians(lat / 1e6), math.radians(lon / 1e6)
    wanted = (math.cos(phi) * math.cos(lam), math.cos(phi) * math.sin(lam), math.sin(phi))
    for part, value in zip(vector, wanted, strict=True):
        assert abs(part - value * 2**30) < 0.501


@given(LATITUDES, LONGITUDES)
def test_vectors_mirror_with_their_positions(lat: int, lon: int) -> None:
    x, y, z = unit_vector(lat, lon)
    assert unit_vector(-lat, lon) == (x, y, -z)
    assert unit_vector(lat, -lon) == (x, -y, z)


@given(LATITUDES, LONGITUDES, LATITUDES, LONGITUDES, RADII, RADII)
def test_within_is_symmetric_and_grows_with_the_radius(
    lat1: int, lon1: int, lat2: int, lon2: int, r1: int, r2: int
) -> None:
    a, b = unit_vector(lat1, lon1), unit_vector(lat2, lon2)
    near, far = sorted((r1, r2))
    assert threshold(near) >= threshold(far)
    assert within(a, b, threshold(near)) == within(b, a, threshold(near))
    assert within(a, b, threshold(far)) or not within(a, b, threshold(near))


@given(LATITUDES, LONGITUDES, RADII)
def test_every_place_is_within_any_radius_of_itself(lat: int, lon: int, metres: int) -> None:
    vector = unit_vector(lat, lon)
    assert within(vector, vector, threshold(metres))


@given(RADII)
def test_a_threshold_is_the_cosine_of_the_angle(metres: int) -> None:
    assert abs(threshold(metres) - 2**60 * math.cos(metres / 6_371_008.8)) < 2**60 * 1e-15 + 512
