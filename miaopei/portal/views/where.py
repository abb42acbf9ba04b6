"""Where an event lay for each product: its role, how it was decided, and the cells that say so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...evidence.area import AreaSet, holds
from ...evidence.findings.role import OUTSIDE, OWN, SURROUNDING
from ...terms.filing import Product
from .cases import Case
from .desk import Desk
from .events import Event

NAMES: Mapping[int | None, str] = {OWN: "own", SURROUNDING: "surrounding", OUTSIDE: "outside"}
ROLE = "shock.role"  # the measure that asks for it


@dataclass(frozen=True)
class Where:
    """One product's view of one epicentre.

    `role` is own, surrounding, outside, or undecided where a person must say; `by_name` and
    `by_position` are roles too, None where neither could be told. `holder` is the area whose cells
    hold the position.
    """

    product: Product
    role: str
    by_name: str | None
    by_position: str | None
    cell: str
    holder: AreaSet | None
    areas: Sequence[tuple[AreaSet, str]]
    how: str


def wheres(desk: Desk, event: Event) -> Sequence[Where]:
    """Each product that judged the event, once; none whose cells are not filed."""
    return tuple(_wheres(desk, event)) if event.earthquake else ()


def areas(desk: Desk) -> Sequence[AreaSet]:
    """Every set of cells on file."""

    def make() -> list[AreaSet]:
        return [AreaSet.from_json(value) for _, value in desk.state.range("area", "")]

    return desk.once("areas", make)


def _wheres(desk: Desk, event: Event) -> Iterator[Where]:
    seen = set()
    for case in event.cases:
        named = case.product.area
        if case.product.hash in seen or not named.get("own"):
            continue
        seen.add(case.product.hash)
        kinds = dict.fromkeys(named.get("surrounding", ()), "surrounding")
        kinds |= dict.fromkeys(named["own"], "own")
        filed = [area for area in areas(desk) if area.set == named.get("cells")]
        mine = [(area, kinds[area.code]) for area in filed if area.code in kinds]
        if mine:
            yield _where(case, event, mine)


def _where(case: Case, event: Event, mine: Sequence[tuple[AreaSet, str]]) -> Where:
    values: Mapping[str, Any] = event.main.values
    said, role = _said(case)
    if said.get("observation", event.main.id) != event.main.id:
        said, role = {}, None  # said of another shock: here it is the cells of the main one
    cell = str(said.get("cell", values["cell"]))
    resolution = case.product.area["resolution"]
    held = [(a, kind) for a, kind in mine if holds(a.cell_indexes, cell, resolution)]
    holder, position = held[0] if held else (None, "outside")
    decided = said.get("by_position", ...)
    return Where(
        case.product,
        role or position,
        NAMES.get(said.get("by_name")),
        position if decided is ... else NAMES.get(decided),
        cell,
        holder,
        mine,
        "position" if role is None else str(said.get("how", "held")),
    )


def _said(case: Case) -> tuple[Mapping[str, Any], str | None]:
    """What the case found, or could not find, of the role; the role, if any was decided on."""
    name = next((rule.name for rule in case.product.inputs if rule.measure == ROLE), None)
    fact = None if name is None else case.value["facts"].get(name)
    if fact is not None:
        return {**fact["detail"], "how": fact["how"]}, NAMES[fact["value"]]
    held = case.value["facts"].get("held", {})
    if case.value["state"].startswith("held_") and "by_name" in held:
        return held, "undecided"
    return {}, None
