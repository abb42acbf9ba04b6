"""Where the main shock's epicentre lies for a product: 0 outside, 1 own area, 2 surrounding.

Decided twice: by the official place name and by the position's cell. When the two differ, or a name
is unknown and the position is not outside, a person decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..area import holds
from ..grouping import Occurrence
from ..names import Place
from . import magnitude
from .outcome import Context, Finding, Found, Held

OUTSIDE, OWN, SURROUNDING = 0, 1, 2


def find(
    rule: Mapping[str, Any],
    occurrence: Occurrence,
    area: Mapping[str, Any],
    context: Context,
    now: int,
    fixed: Mapping[str, Any],
) -> Finding:
    """The role of the observation that the magnitude rests on."""
    main = main_shock(rule, occurrence, context, now, fixed)
    if not isinstance(main, Found):
        return main
    fact = context.fact(main.detail["observation"])
    assert fact is not None, "a found magnitude rests on a fact on file"
    values, observation = fact.observation.values, fact.observation.id
    by_name = _one(_of_place(place, area) for place in context.names.find(values["place"]))
    by_position = _of_cell(values["cell"], area, context)
    detail: dict[str, Any] = {
        "observation": observation,
        "instant": main.detail["instant"],
        "place": values["place"],
        "cell": values["cell"],
        "by_name": by_name,
        "by_position": by_position,
    }
    if by_position is None:
        return Held("held_person", "area_not_filed", detail, "operator")
    if by_name == by_position:
        return Found(by_position, (observation,), "name_and_position", detail)
    if by_name is None and by_position == OUTSIDE:
        return Found(OUTSIDE, (observation,), "position_name_unknown", detail)
    reason = "place_name_unknown" if by_name is None else "roles_differ"
    return Held("held_person", reason, detail, "operator")


def main_shock(
    rule: Mapping[str, Any],
    occurrence: Occurrence,
    context: Context,
    now: int,
    fixed: Mapping[str, Any],
) -> Finding:
    """The magnitude of the main shock, in whose detail the observation is named.

    Where the magnitude is not among what is known, the asking input's own rule, which names the
    same sources, finds it.
    """
    main = next((f for f in context.known.values() if "main" in f.detail), None)
    return magnitude.find(rule, occurrence, context, now, fixed) if main is None else main


def _of_place(place: Place, area: Mapping[str, Any]) -> int | None:
    """The role of a named place; None where it is coarser than the area's own codes."""
    codes = {place.prefecture, place.county} - {None}
    if codes & set(area["own"]):
        return OWN
    if codes & set(area["surrounding"]):
        return SURROUNDING
    named = place.prefecture
    finer = any(
        named is not None and place.county is None and code[:4] == named[:4] and code != named
        for code in (*area["own"], *area["surrounding"])
    )
    return None if finer else OUTSIDE


def _of_cell(cell: str, area: Mapping[str, Any], context: Context) -> int | None:
    """The role of a cell; None where cells of the area are not on file."""
    for role, codes in ((OWN, area["own"]), (SURROUNDING, area["surrounding"])):
        for code in codes:
            cells = context.cells(area["cells"], code)
            if not cells:
                return None
            if holds(cells, cell, area["resolution"]):
                return role
    return OUTSIDE


def _one(roles: Iterable[int | None]) -> int | None:
    """The role that all places of a name share."""
    found = set(roles)
    return found.pop() if len(found) == 1 else None
