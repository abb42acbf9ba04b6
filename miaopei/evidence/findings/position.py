"""Where the main shock was: one part of the unit vector of its epicentre, as the report gave it.

A position is three numbers and inputs are single ones, so each part is an input of its own
(`params.part`: x, y or z); all three rest on the one observation that the magnitude rests on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...measures.place import unit_vector
from ..grouping import Occurrence
from .outcome import Context, Finding, Found
from .role import main_shock

PARTS = ("x", "y", "z")


def find(
    rule: Mapping[str, Any],
    occurrence: Occurrence,
    context: Context,
    now: int,
    fixed: Mapping[str, Any],
) -> Finding:
    """The part, at scale 2**30, of the observation that the magnitude rests on."""
    main = main_shock(rule, occurrence, context, now, fixed)
    if not isinstance(main, Found):
        return main
    fact = context.fact(main.detail["observation"])
    assert fact is not None, "a found magnitude rests on a fact on file"
    values, observation = fact.observation.values, fact.observation.id
    detail = {
        "observation": observation,
        "instant": main.detail["instant"],
        "lat_udeg": values["lat_udeg"],
        "lon_udeg": values["lon_udeg"],
    }
    return Found(part_of(values, rule["params"]["part"]), (observation,), "position", detail)


def part_of(values: Mapping[str, Any], part: str) -> int:
    """One part of the unit vector of a shock's position."""
    return unit_vector(values["lat_udeg"], values["lon_udeg"])[PARTS.index(part)]
