"""P5: one decision with its trace, beside rules engines and a bare function."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from miaopei.measures.place import latitude, longitude, unit_vector
from miaopei.products.quake_circle import PRODUCT
from miaopei.terms import exact

from .. import environments
from .rows import ROUNDS, Row, median, ratio, seconds
from .terms import CELLS, terms_c

SEEN = {"distance": 18, "magnitude": 71}
OWN = {"insured": 123_456_789, "event_limit": 100_000_000, "year_limit": 150_000_000, "plan": 0}
SPENT, TIMES = 20_000_000, 5_000


def run() -> Iterator[Row]:
    """Micro-seconds of processor time a decision; each round asks all of them."""
    terms = terms_c()
    own = {name: OWN[name] for name in ("insured", "event_limit", "year_limit")}

    def traced() -> int:
        return exact.settle(terms, "one", SEEN, own, {"one": SPENT}).amount_fen

    def bare() -> int:
        share = 0
        for km, steps in CELLS:
            if SEEN["distance"] <= km:
                share = next((bp for least, bp in steps if SEEN["magnitude"] >= least), 0)
                break
        pay = (own["insured"] * share + 5_000) // 10_000
        return min(pay, own["event_limit"], own["year_limit"] - SPENT)

    facts = {**SEEN, **own, "spent": SPENT}
    given = json.dumps({"cells": CELLS, "facts": facts})
    script = Path(__file__).with_name("rules.py")
    command = [environments.python_of("rules"), script, given]
    taken: dict[str, list[float]] = {n: [] for n in ("ours", "bare", "cel", "zen", "circle")}
    expected = bare()
    assert traced() == expected, "another amount"
    for _ in range(ROUNDS):
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        for name, (micro, answer) in json.loads(done.stdout).items():
            assert answer == expected, f"{name} gives {answer}, not {expected}"
            taken[name].append(micro)
        for name, decide in (("ours", traced), ("bare", bare), ("circle", _circle())):
            taken[name].append(_micro(decide))
    what = "C, one decision"
    yield Row("P5", f"{what} with trace", median(taken["ours"]), "us", most=20)
    yield Row("P5.circle", "quake_circle, one decision with trace", median(taken["circle"]), "us")
    for name, said in (("bare", "plain Python int"), ("cel", "CEL (Rust)"), ("zen", "zen-engine")):
        yield Row(f"P5.{name}.us", f"{what}, {said}, no trace", median(taken[name]), "us")
        yield Row(f"P5.{name}", f"{what}: ours over {said}", ratio(taken["ours"], taken[name]), "x")


def _circle() -> Callable[[], int]:
    """A policy 33 km from a magnitude 6.4."""
    terms = PRODUCT.versions[0].terms
    place, centre = (unit_vector(latitude(lat), longitude("99.88")) for lat in ("26.00", "25.70"))
    own = dict(zip(("place_x", "place_y", "place_z"), place, strict=True)) | {"sum_insured": 10**8}
    seen = dict(zip(("centre_x", "centre_y", "centre_z"), centre, strict=True)) | {"magnitude": 64}
    return lambda: exact.settle(terms, "circle", seen, own, {"circle": 0}).amount_fen


def _micro(decide: Callable[[], int]) -> float:
    def many() -> None:
        for _ in range(TIMES):
            decide()

    return seconds(many, clock=time.process_time) / TIMES * 1e6
