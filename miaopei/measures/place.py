"""Positions in whole micro-degrees, and the one rule for "within r". No floats, no map projection.

A position becomes an integer unit vector (three int32, scale 2**30), each part the nearest integer
to the true value, so every machine has the same three numbers. "Within r" is an integer dot product
against an integer threshold. Cells of a grid (H3) are computed outside, by the adapters.
"""

from __future__ import annotations

import re
from functools import lru_cache
from math import isqrt

from ..errors import Refusal, Refused
from .money import Rounding, divide

Vector = tuple[int, int, int]

MICRO = 1_000_000
LARGEST_LATITUDE = 90 * MICRO
LARGEST_LONGITUDE = 180 * MICRO
SCALE_BITS = 30
ROUNDED = 1_859_775_394  # 2**30 times the root of 3, and 1: half a unit in each of three parts
RADIUS_DECIMETRES = 63_710_088  # mean radius of the Earth (IUGG), 6,371,008.8 m
SMALLEST_RADIUS = 1_000  # metres: below, the rounding of the vectors would show
LARGEST_RADIUS = 20_015_000

_NUMBER = re.compile(r"([+-]?)([0-9]{1,12})(?:\.([0-9]{0,24}))?", re.ASCII)


def scaled(text: str, places: int) -> int:
    """Decimal text -> the integer of that many decimal places, half up (ties away from zero).

    '4.95' with 1 place -> 50; '25.7614' with 6 places -> 25761400.
    Errors   Refused place.not_a_number for anything but plain decimal digits.
    """
    match = _NUMBER.fullmatch(text.strip())
    if match is None:
        raise Refused(Refusal("place.not_a_number", {"value": text[:40]}))
    sign, whole, part = match[1], match[2], match[3] or ""
    size = divide(int(whole + part) * 10**places, 10 ** len(part), Rounding.HALF_UP)
    return -size if sign == "-" else size


def latitude(text: str) -> int:
    """'25.7614' -> 25761400 micro-degrees, north positive; outside +-90 degrees is refused."""
    return _degrees("latitude", text, LARGEST_LATITUDE)


def longitude(text: str) -> int:
    """'100.0076' -> 100007600 micro-degrees, east positive; outside +-180 degrees is refused."""
    return _degrees("longitude", text, LARGEST_LONGITUDE)


def degrees_text(udeg: int) -> str:
    """Micro-degrees -> '25.7614': at least two decimals, no more than are needed."""
    sign, size = ("-" if udeg < 0 else ""), abs(udeg)
    return f"{sign}{size // MICRO}.{size % MICRO:06d}".rstrip("0").ljust(
        len(f"{sign}{size // MICRO}") + 3, "0"
    )


@lru_cache(maxsize=65_536)
def unit_vector(lat_udeg: int, lon_udeg: int) -> Vector:
    """The position on the unit sphere at scale 2**30: towards (0, 0), towards (0, 90 E), north.

    Shapes   three integers within +-2**30, each the nearest to the true value.
    Errors   Refused place.out_of_range.
    """
    _in_range("latitude", lat_udeg, LARGEST_LATITUDE)
    _in_range("longitude", lon_udeg, LARGEST_LONGITUDE)
    bits = 96
    while True:
        sin_lat, cos_lat = _sin_cos(lat_udeg, bits)
        sin_lon, cos_lon = _sin_cos(lon_udeg, bits)
        wanted = (cos_lat * cos_lon >> bits, cos_lat * sin_lon >> bits, sin_lat)
        parts = [_nearest(value, bits) for value in wanted]
        if None not in parts:
            x, y, z = (part for part in parts if part is not None)
            return x, y, z
        bits *= 2


def position(vector: Vector) -> tuple[int, int]:
    """The micro-degrees, north and east, that lie nearest to a unit vector.

    The one position that gave the vector up to 80 degrees north and south; nearer to a pole several
    longitudes give the same three parts.
    """
    x, y, z = vector
    lat = _angle(isqrt(x * x + y * y), z)
    return lat, _angle(x, y)


@lru_cache(maxsize=256)
def threshold(metres: int) -> int:
    """The least dot product of two unit vectors that are within so many metres of each other.

    Units    metres along a sphere of radius 6,371,008.8 m; the product is at scale 2**60.
    Errors   Refused place.bad_radius outside 1,000 m to 20,015 km. Each vector is rounded to 6 mm;
             read through a dot product that moves the edge by what `edge_decimetres` says.
    """
    if not SMALLEST_RADIUS <= metres <= LARGEST_RADIUS:
        raise Refused(Refusal("place.bad_radius", {"value": metres}))
    bits, scale = 160, 2 * SCALE_BITS
    while True:
        _, cosine = _series((metres * 10 << bits) // RADIUS_DECIMETRES, bits)
        low, high = cosine - (1 << 12), cosine + (1 << 12)
        if -(-low >> (bits - scale)) == -(-high >> (bits - scale)):
            return -(-low >> (bits - scale))
        bits *= 2


@lru_cache(maxsize=256)
def edge_decimetres(metres: int) -> int:
    """The most by which rounding two vectors to integers moves the edge of a radius, rounded up.

    Units    metres of a radius up to a quarter of the way round, where a circle is widest.
    Source   each part is off by at most 1/2, so the product by ROUNDED * 2**30; where it falls by
             the sine, on the nearer side of the edge.
    """
    bits, moved = 96, 0
    for _ in range(3):
        sine, _ = _series((metres * 10 - moved << bits) // RADIUS_DECIMETRES, bits)
        moved = -(-(ROUNDED * RADIUS_DECIMETRES << bits) // (sine << SCALE_BITS * 2))
    return moved


def within(a: Vector, b: Vector, least: int) -> bool:
    """Whether two unit vectors are within the radius that `least` (a `threshold`) stands for."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2] >= least


def is_position(vector: Vector) -> bool:
    """Whether three integers can be the unit vector of a position: its length is one, but for what
    rounding each part to the nearest integer can change. Needed where a policy states them."""
    length = sum(part * part for part in vector)
    return abs(length - (1 << 2 * SCALE_BITS)) <= ROUNDED


def _degrees(what: str, text: str, limit: int) -> int:
    value = scaled(text, 6)
    _in_range(what, value, limit)
    return value


def _in_range(what: str, udeg: int, limit: int) -> None:
    if not -limit <= udeg <= limit:
        raise Refused(Refusal("place.out_of_range", {"what": what, "value": udeg, "limit": limit}))


def _nearest(value: int, bits: int) -> int | None:
    """Round to scale 2**30; None where the error of the series could change the answer."""
    shift = bits - SCALE_BITS
    half = 1 << (shift - 1)
    low, high = (value - (1 << 12) + half) >> shift, (value + (1 << 12) + half) >> shift
    return low if low == high else None


def _sin_cos(udeg: int, bits: int) -> tuple[int, int]:
    """Sine and cosine of whole micro-degrees at scale 2**bits, by reduction to [0, 45] degrees."""
    quarter, rest = divmod(udeg, 90 * MICRO)
    mirrored = rest > 45 * MICRO
    angle = 90 * MICRO - rest if mirrored else rest
    sine, cosine = _series(angle * _pi(bits) // (180 * MICRO), bits)
    if mirrored:
        sine, cosine = cosine, sine
    for _ in range(quarter % 4):
        sine, cosine = cosine, -sine
    return sine, cosine


def _angle(x: int, y: int) -> int:
    """The whole micro-degrees, from -180 to 180 degrees, whose direction is nearest to (x, y)."""
    if y < 0:
        return -_angle(x, -y)

    def beyond(udeg: int) -> int:
        sine, cosine = _sin_cos(udeg, 96)
        return y * cosine - x * sine

    low, high = 0, LARGEST_LONGITUDE
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if beyond(middle) >= 0 else (low, middle)
    return min(low, high, key=lambda udeg: abs(beyond(udeg)))


def _series(angle: int, bits: int) -> tuple[int, int]:
    """Taylor series of sine and cosine for an angle in radians, all at scale 2**bits."""
    square = angle * angle >> bits
    sine = term = angle
    n = 1
    while term:
        term = (term * square >> bits) // ((n + 1) * (n + 2))
        n += 2
        sine += term if n % 4 == 1 else -term
    cosine = term = 1 << bits
    n = 0
    while term:
        term = (term * square >> bits) // ((n + 1) * (n + 2))
        n += 2
        cosine += term if n % 4 == 0 else -term
    return sine, cosine


@lru_cache(maxsize=8)
def _pi(bits: int) -> int:
    """Pi at scale 2**bits by Machin's formula: 16 arctan(1/5) - 4 arctan(1/239)."""
    guard = bits + 32
    return (16 * _arctan_inverse(5, guard) - 4 * _arctan_inverse(239, guard)) >> 32


def _arctan_inverse(x: int, bits: int) -> int:
    power = (1 << bits) // x
    total, n, sign = power, 1, 1
    while power:
        power //= x * x
        n, sign = n + 2, -sign
        total += sign * (power // n)
    return total
