"""Positions: exact reading of degrees, vectors against exact values, distances against geodesy."""

from __future__ import annotations

import math
import random
from decimal import Decimal, getcontext

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from miaopei.errors import Refused
from miaopei.measures import place
from miaopei.measures.place import threshold, unit_vector, within

EARTH = 6_371_008.8


def haversine(a: tuple[int, int], b: tuple[int, int]) -> float:
    """Metres between two positions in micro-degrees, by another formula than the one under test."""
    lat1, lon1, lat2, lon2 = (math.radians(v / 1e6) for v in (*a, *b))
    h = math.sin((lat2 - lat1) / 2) ** 2
    h += math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * EARTH * math.asin(min(1.0, math.sqrt(h)))


def test_the_oracle_itself_knows_a_degree_of_meridian_and_a_quarter_of_the_equator() -> None:
    assert haversine((0, 0), (1_000_000, 0)) == pytest.approx(EARTH * math.pi / 180)
    assert haversine((0, 0), (0, 90_000_000)) == pytest.approx(EARTH * math.pi / 2)


@pytest.mark.parametrize(
    ("text", "udeg"),
    [
        ("25.7614", 25_761_400),
        ("-0.7094", -709_400),
        ("+25", 25_000_000),
        ("90", 90_000_000),
        ("33.48483335", 33_484_833),
        ("33.4848335", 33_484_834),
        ("-33.4848335", -33_484_834),
        ("0.0000005", 1),
        ("25.", 25_000_000),
    ],
)
def test_latitude_is_read_exactly_and_rounded_half_up_beyond_six_places(text, udeg) -> None:
    assert place.latitude(text) == udeg


@pytest.mark.parametrize(
    "text", ["", "25,7", "25.7N", "1e1", "nan", "inf", "--5", "２５", "0x10", ".", "2 5", "1_0"]
)
def test_what_is_not_a_plain_decimal_number_is_refused(text) -> None:
    with pytest.raises(Refused) as refused:
        place.latitude(text)
    assert refused.value.refusals[0].code == "place.not_a_number"


@pytest.mark.parametrize(
    ("read", "text"), [(place.latitude, "90.000001"), (place.longitude, "-181")]
)
def test_degrees_outside_the_globe_are_refused(read, text) -> None:
    with pytest.raises(Refused) as refused:
        read(text)
    assert refused.value.refusals[0].code == "place.out_of_range"


def test_degrees_are_printed_back() -> None:
    assert place.degrees_text(25_761_400) == "25.7614"
    assert place.degrees_text(-100_000_000) == "-100.00"


@pytest.mark.parametrize(
    ("position", "vector"),
    [
        ((0, 0), (2**30, 0, 0)),
        ((0, 90_000_000), (0, 2**30, 0)),
        ((0, -180_000_000), (-(2**30), 0, 0)),
        ((90_000_000, 12_345_678), (0, 0, 2**30)),
        ((0, 60_000_000), (2**29, 929_887_697, 0)),  # sin 60 degrees * 2**30 = 929887696.8
        ((45_000_000, 45_000_000), (2**29, 2**29, 759_250_125)),  # 2**30 / sqrt 2 = 759250124.99
    ],
)
def test_vectors_of_known_angles(position, vector) -> None:
    assert unit_vector(*position) == vector


def test_each_part_is_the_nearest_integer_to_forty_digit_sines() -> None:
    getcontext().prec = 40
    pi = Decimal("3.141592653589793238462643383279502884197")

    def sine(x: Decimal) -> Decimal:
        term = total = x
        for n in range(2, 60, 2):
            term = -term * x * x / (n * (n + 1))
            total += term
        return total

    for lat, lon in [(25_761_400, 100_007_600), (24_190_000, 102_710_000), (-1, 179_999_999)]:
        phi, lam = (Decimal(v) * pi / 180_000_000 for v in (lat, lon))
        cos_phi, cos_lam = sine(pi / 2 - phi), sine(pi / 2 - lam)
        exact = (cos_phi * cos_lam, cos_phi * sine(lam), sine(phi))
        for part, value in zip(unit_vector(lat, lon), exact, strict=True):
            assert abs(Decimal(part) - value * 2**30) <= Decimal("0.5")


@pytest.mark.parametrize("metres", [1_000, 10_000, 50_000, 100_000, 5_000_000])
def test_within_agrees_with_the_haversine_away_from_the_edge(metres) -> None:
    source = random.Random(metres)
    least, edge = threshold(metres), max(2.0, 80_000 / metres)
    inside = 0
    for _ in range(400):
        a = (source.randint(-89_000_000, 89_000_000), source.randint(-(10**6), 179_000_000))
        far = metres / 111_000 * 1.5e6
        b = (a[0] + round(source.uniform(-far, far)), a[1] + round(source.uniform(-far, far)))
        if abs(b[0]) > 90_000_000 or abs(b[1]) > 180_000_000:
            continue
        distance = haversine(a, b)
        if abs(distance - metres) > edge:
            assert within(unit_vector(*a), unit_vector(*b), least) == (distance < metres)
            inside += distance < metres
    assert inside > 10


def test_two_shocks_of_yangbi_lie_thirteen_kilometres_apart_and_tonghai_far_away() -> None:
    main, other, tonghai = (
        (25_700_000, 99_880_000),
        (25_610_000, 99_970_000),
        (24_180_000, 102_720_000),
    )
    assert 13_000 < haversine(main, other) < 14_000
    assert within(unit_vector(*main), unit_vector(*other), threshold(14_000))
    assert not within(unit_vector(*main), unit_vector(*other), threshold(13_000))
    assert not within(unit_vector(*main), unit_vector(*tonghai), threshold(50_000))


@pytest.mark.parametrize("metres", [0, 999, 20_015_001, -5])
def test_a_radius_that_the_vectors_cannot_tell_is_refused(metres) -> None:
    with pytest.raises(Refused):
        threshold(metres)


def test_a_position_outside_the_globe_has_no_vector() -> None:
    with pytest.raises(Refused):
        unit_vector(99_880_000, 25_700_000)


@given(st.integers(-80_000_000, 80_000_000), st.integers(-180_000_000, 180_000_000))
@example(0, 180_000_000)
@example(-80_000_000, -90_000_000)
def test_a_vector_gives_back_the_position_that_it_was_made_of(lat: int, lon: int) -> None:
    found = place.position(unit_vector(lat, lon))
    assert found == (lat, 180_000_000 if lon == -180_000_000 else lon)


@given(st.integers(-90_000_000, 90_000_000), st.integers(-180_000_000, 180_000_000))
@example(90_000_000, 12)
def test_near_a_pole_the_position_that_is_given_back_is_within_a_decimetre(
    lat: int, lon: int
) -> None:
    assert haversine(place.position(unit_vector(lat, lon)), (lat, lon)) < 0.1


@given(
    st.sampled_from([1_000, 25_000, 200_000]),
    st.integers(-60_000_000, 60_000_000),
    st.integers(-170_000_000, 170_000_000),
    st.floats(0, 6.28),
)
def test_rounding_moves_the_edge_by_no_more_than_the_wording_says(
    metres: int, lat: int, lon: int, bearing: float
) -> None:
    """Places along one bearing, every half metre or so across the edge, against the haversine."""
    edge = place.edge_decimetres(metres) / 10
    for step in range(-20, 21):
        far = (metres + edge * step / 10) / EARTH
        up = math.asin(
            math.sin(math.radians(lat / 1e6)) * math.cos(far)
            + math.cos(math.radians(lat / 1e6)) * math.sin(far) * math.cos(bearing)
        )
        across = math.atan2(
            math.sin(bearing) * math.sin(far) * math.cos(math.radians(lat / 1e6)),
            math.cos(far) - math.sin(math.radians(lat / 1e6)) * math.sin(up),
        )
        there = round(math.degrees(up) * 1e6), lon + round(math.degrees(across) * 1e6)
        off = haversine((lat, lon), there) - metres
        near = within(unit_vector(lat, lon), unit_vector(*there), threshold(metres))
        assert near == (off <= 0) or abs(off) <= edge + 1e-6


def test_the_edge_is_the_one_that_the_specification_states() -> None:
    assert [place.edge_decimetres(m) for m in (1_000, 25_000, 50_000, 200_000)] == [705, 27, 14, 4]
