"""Distance: the edge is where the rule puts it, in every reading; elsewhere as geodesics say."""

from __future__ import annotations

import random

import numpy as np
import pytest
from pyproj import Geod

from miaopei.measures.place import RADIUS_DECIMETRES, Vector, threshold, unit_vector
from miaopei.terms import build as b
from miaopei.terms import words as w
from miaopei.terms.bounds import bounds, prove
from miaopei.terms.check import check
from miaopei.terms.columnar import settle_many
from miaopei.terms.exact import settle
from miaopei.terms.fused import Shape, loop, reach
from miaopei.terms.wording import as_text, sentences
from miaopei.terms.words import Kind

OURS = b.source("虚构", "made up", dated="2026-01-01")
EDGE = 2**30
SPHERE = Geod(a=RADIUS_DECIMETRES / 10, b=RADIUS_DECIMETRES / 10)
EARTH = Geod(ellps="WGS84")


def circle(metres: int) -> w.Terms:
    place = [b.declared(f"place_{axis}", Kind.PART, low=-EDGE, high=EDGE, zh="保单位置",
                        en="place of the policy") for axis in "xyz"]  # fmt: skip
    centre = [
        b.observed(
            f"centre_{axis}", Kind.PART, low=-EDGE, high=EDGE, zh="震中", en="epicentre",
            measure="value", sources=("s",), definition_zh="虚构", definition_en="made up",
            if_missing=w.IfMissing.HOLD,
        )
        for axis in "xyz"
    ]  # fmt: skip
    radius = b.figure("radius", metres, Kind.METRES, zh="半径", en="the radius", source=OURS)
    hit = b.either(b.near(place, centre, radius), b.whole(Kind.MONEY), b.nothing())
    clause = b.clause("hit", hit, zh="距离不超过{radius}的赔付。", en="Paid within {radius}.")
    return b.terms("circle", 1, clause)


def inside(terms: w.Terms, place: Vector, centre: Vector) -> int:
    """1 or 0 by the exact reading, after the columnar and the fused one have said the same."""
    own = dict(zip(("place_x", "place_y", "place_z"), place, strict=True))
    seen = dict(zip(("centre_x", "centre_y", "centre_z"), centre, strict=True))
    answer = settle(terms, "hit", seen, own, {}).amount_fen
    columns = {name: np.array([value], dtype=np.int64) for name, value in own.items()}
    assert settle_many(terms, "hit", seen, columns, {}).tolist() == [answer]
    read = loop(terms, "hit", Shape.ROWS)
    scope: dict[str, object] = {
        "int64": int,
        "uint64": lambda v: v % 2**64,
        "REFUSED": None,
        "array": list,
    }
    scope |= {"inner": lambda f: f, "outer": lambda f: f}
    exec(read.text, scope)
    amounts = np.zeros(1, dtype=object)  # whole numbers of any size; parts of it are views
    given = [[(own | seen)[a.input.name]] for a in read.arguments]
    assert scope["run"](0, 1, *given, amounts) == 0  # type: ignore[operator]
    assert amounts.tolist() == [answer]
    return answer


def test_the_terms_can_be_filed_and_say_what_they_mean() -> None:
    terms = circle(25_000)
    assert check(terms) == ()
    assert prove(terms, "hit").most == 1
    for language, said in (("zh", "25公里"), ("en", "25 km")):
        assert said in as_text(terms, language)  # type: ignore[arg-type]
    there, here = unit_vector(25_000_000, 100_000_000), unit_vector(25_100_000, 100_000_000)
    own = dict(zip(("place_x", "place_y", "place_z"), there, strict=True))
    seen = dict(zip(("centre_x", "centre_y", "centre_z"), here, strict=True))
    told = sentences(terms, settle(terms, "hit", seen, own, {}), "en")
    assert "is within 25 km of" in told[0]
    away = seen | dict(zip(seen, unit_vector(26_000_000, 100_000_000), strict=True))
    told = sentences(terms, settle(terms, "hit", away, own, {}), "en")
    assert "is farther than 25 km from" in told[0]
    assert bounds(terms, "hit", seen).most == 1


@pytest.mark.parametrize("metres", [1_000, 25_000, 200_000, 5_000_000])
def test_the_edge_is_included_and_the_next_step_is_not(metres: int) -> None:
    """A product of exactly the threshold is within; one less is not. No other rule, no float."""
    terms, edge = circle(metres), threshold(metres)
    whole, rest = divmod(edge, EDGE)
    for product, answer in ((edge, 1), (edge - 1, 0), (edge + 1, 1)):
        a, z = divmod(product, EDGE)
        assert 0 <= a <= EDGE
        place, centre = (a, 1, 0), (EDGE, z, 0)
        assert sum(p * c for p, c in zip(place, centre, strict=True)) == product
        assert inside(terms, place, centre) == answer
    assert whole * EDGE + rest == edge


def test_geodesics_agree_away_from_the_edge() -> None:
    """On the sphere to 75 m; the ellipsoid differs by up to 0.6 %, which is the sphere's affair."""
    chance = random.Random(7)
    for _ in range(300):
        lat, lon = chance.uniform(-85, 85), chance.uniform(-180, 180)
        metres = int(10 ** chance.uniform(3, 6.5))
        terms = circle(metres)
        centre = unit_vector(round(lat * 1e6), round(lon * 1e6))
        for geod, slack in ((SPHERE, 75.0), (EARTH, 75.0 + 0.006 * metres)):
            for distance, answer in ((metres - slack, 1), (metres + slack, 0)):
                if distance <= 0:
                    continue
                to_lon, to_lat, _ = geod.fwd(lon, lat, chance.uniform(0, 360), distance)
                place = unit_vector(round(to_lat * 1e6), round(to_lon * 1e6))
                assert inside(terms, place, centre) == answer, (lat, lon, metres, distance)


def test_the_circle_is_found_from_outside() -> None:
    found = reach(circle(70_000).benefit("hit"))
    assert found is not None
    assert found.radius.value == 70_000


def test_largest_parts_stay_in_64_bits() -> None:
    """Not unit vectors: what could be declared at worst."""
    corner = (EDGE, EDGE, EDGE)
    assert inside(circle(1_000), corner, corner) == 1
    assert inside(circle(20_015_000), corner, (-EDGE, -EDGE, -EDGE)) == 0
