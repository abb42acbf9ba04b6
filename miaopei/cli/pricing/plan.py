"""A pricing plan as data (JSON): what is priced, where quakes come from, periods and loadings.

The form, with every field, stands in docs/how-to/price-a-cover.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any

from ...adapters.feeds import Reading, shipped
from ...errors import Refusal, Refused
from ...evidence.area import holds
from ...measures.instant import DAY
from ...pricing.curves import PERIODS
from ...pricing.events import Centre, Zone
from ...pricing.premium import Loading, loadings_from, text_of
from ...pricing.recurrence import DAYS_A_YEAR, Quake, Recurrence, fit, main_shocks
from ...pricing.statistics import ratio
from ...terms.filing import Text

FORMAT = "miaopei.pricing/1"
TENTHS = range(1, 101)
MOST = 2**53 - 1


@dataclass(frozen=True)
class Place:
    """One zone as declared: its areas, its magnitudes in tenths, what it gives the terms."""

    id: str
    name: Text
    areas: tuple[str, ...]
    least_tenths: int
    most_tenths: int
    given: Mapping[str, int]


@dataclass(frozen=True)
class Plan:
    """A plan, read and checked."""

    product: str
    version: int
    benefit: str
    magnitude: str
    types: tuple[str, ...]
    completeness_tenths: int
    hours: int
    km: int
    places: tuple[Place, ...]
    years: int
    seed: int
    periods: tuple[int, ...]
    loadings: tuple[Loading, ...]
    remark: Text
    illustrative: bool
    centre: Centre | None = None


def load(given: Path | None, product: str | None) -> Plan:
    """A plan from a file, else the one that comes with the package for a product.

    Errors   Refused pricing.no_plan, pricing.bad_plan.
    """
    path = files("miaopei") / "data" / "pricing" / f"{product}.json" if given is None else given
    if product is not None and not product.replace("_", "").isalnum():
        raise Refused(Refusal("pricing.no_plan", {"product": product[:40]}))
    if not path.is_file():
        raise Refused(Refusal("pricing.no_plan", {"product": product}))
    try:
        value = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        raise bad("$") from None
    return read(value)


def read(value: Any) -> Plan:
    """Errors   Refused pricing.bad_plan naming the place."""
    if not isinstance(value, Mapping) or value.get("format") != FORMAT:
        raise bad("format")
    if unknown := sorted(set(value) - FIELDS - {"centre"}):
        raise bad(str(unknown[0])[:40])
    if missing := sorted(FIELDS - set(value)):
        raise bad(missing[0])
    catalogue = value["catalogue"]
    if not isinstance(catalogue, Mapping):
        raise bad("catalogue")
    periods = value["return_periods"]
    if not isinstance(periods, list) or not periods or any(type(p) is not int for p in periods):
        raise bad("return_periods")
    zones = value["zones"]
    if not isinstance(zones, list) or not zones:
        raise bad("zones")
    places = tuple(_place(zone, f"zones[{at}]") for at, zone in enumerate(zones))
    if len({place.id for place in places}) != len(places):
        raise bad("zones.id")
    return Plan(
        product=_text(value, "product"),
        version=_whole(value, "version", range(1, 10_000)),
        benefit=_text(value, "benefit"),
        magnitude=_text(value, "magnitude_input"),
        types=_texts(catalogue.get("types"), "catalogue.types"),
        completeness_tenths=_whole(catalogue, "completeness_tenths", TENTHS),
        hours=_whole(catalogue, "hours", range(1, 24 * 366)),
        km=_whole(catalogue, "km", range(1, 1001)),
        places=places,
        years=_whole(value, "years", range(2, 10_000_001)),
        seed=_whole(value, "seed", range(2**53)),
        periods=tuple(periods),
        loadings=loadings_from(value["loadings"]),
        remark=text_of(value["remark"], "remark"),
        illustrative=value["illustrative"] is not False,
        centre=_centre(value["centre"]) if "centre" in value else None,
    )


FIELDS = {
    *("format", "illustrative", "remark", "product", "version", "benefit", "magnitude_input"),
    *("catalogue", "zones", "years", "seed", "return_periods", "loadings"),
}


def quakes(reading: Reading, types: Sequence[str]) -> list[Quake]:
    """The natural earthquakes of a catalogue whose magnitude is of a type that counts."""
    return [
        Quake(
            seen.instant,
            seen.values["lat_udeg"],
            seen.values["lon_udeg"],
            seen.values["magnitude_tenths"],
            seen.values["cell"],
        )
        for seen in reading.observations
        if seen.kind == "shock"
        and seen.values["event_type"] == "earthquake"
        and seen.values["magnitude_type"] in types
    ]


def law_and_zones(plan: Plan, reading: Reading) -> tuple[Recurrence, list[Zone], list[Quake]]:
    """The law of the whole catalogue's main shocks, each zone's own rate, and the main shocks that
    lie in no zone: none like them is drawn.

    One b for all: a single zone holds too few. The days are those from the first row of the
    catalogue to its last.
    Errors   Refused pricing.no_shocks, pricing.too_few_quakes, pricing.no_epicentre.
    """
    at = [seen.instant for seen in reading.observations if seen.kind == "shock"]
    if not at:
        raise Refused(Refusal("pricing.no_shocks", {"file": reading.format}))
    main = main_shocks(quakes(reading, plan.types), plan.hours, plan.km)
    days = (max(at) - min(at)) // DAY + 1
    law = fit([quake.tenths for quake in main], plan.completeness_tenths, days)
    years = ratio(days, DAYS_A_YEAR)
    zones = [_zone(place, law, main, years) for place in plan.places]
    inside = {quake for zone in zones for quake in zone.epicentres}
    counted = [quake for quake in main if quake.tenths >= law.completeness_tenths]
    return law, zones, [quake for quake in counted if quake not in inside]


def _zone(place: Place, law: Recurrence, main: Iterable[Quake], years: Decimal) -> Zone:
    areas = {area.code: area for area in shipped.areas()}
    if lacking := [code for code in place.areas if code not in areas]:
        raise Refused(Refusal("pricing.no_area", {"zone": place.id, "area": lacking[0]}))
    inside = [
        quake
        for quake in main
        if quake.tenths >= law.completeness_tenths
        and any(
            holds(areas[code].cell_indexes, quake.cell, areas[code].resolution)
            for code in place.areas
        )
    ]
    if not inside:
        raise Refused(Refusal("pricing.no_epicentre", {"zone": place.id}))
    rate = ratio(len(inside), years)
    return Zone(place.id, rate, law, inside, place.least_tenths, place.most_tenths, place.given)


def _centre(value: Any) -> Centre:
    if not isinstance(value, Mapping) or set(value) != {"inputs", "scatter_km"}:
        raise bad("centre")
    names = _texts(value["inputs"], "centre.inputs")
    if len(names) != 3:
        raise bad("centre.inputs")
    scatter = _whole(value, "scatter_km", range(501), "centre")
    return Centre((names[0], names[1], names[2]), scatter)


def _place(value: Any, at: str) -> Place:
    if not isinstance(value, Mapping):
        raise bad(at)
    given = value.get("given")
    if not isinstance(given, Mapping) or any(not _fits(v) for v in given.values()):
        raise bad(f"{at}.given")
    return Place(
        _text(value, "id", at),
        text_of(value.get("name"), f"{at}.name"),
        _texts(value.get("areas"), f"{at}.areas"),
        _whole(value, "least_tenths", TENTHS, at),
        _whole(value, "most_tenths", TENTHS, at),
        dict(given),
    )


def _fits(value: Any) -> bool:
    """Whether it is a whole number that any input could have."""
    return type(value) is int and abs(value) <= MOST


def _text(value: Mapping[str, Any], name: str, at: str = "") -> str:
    found = value.get(name)
    if not isinstance(found, str) or not found:
        raise bad(f"{at}.{name}".lstrip("."))
    return found


def _texts(found: Any, at: str) -> tuple[str, ...]:
    if not isinstance(found, list) or not found or not all(isinstance(t, str) for t in found):
        raise bad(at)
    return tuple(found)


def _whole(value: Mapping[str, Any], name: str, within: range, at: str = "") -> int:
    found = value.get(name)
    if type(found) is not int or found not in within:
        raise bad(f"{at}.{name}".lstrip("."))
    return found


def bad(at: str) -> Refused:
    """The refusal of a plan, naming the place."""
    return Refused(Refusal("pricing.bad_plan", {"at": at}))


def plain(loadings: tuple[Loading, ...] = ()) -> tuple[tuple[int, ...], tuple[Loading, ...]]:
    """Periods and loadings where there is no plan."""
    return PERIODS, loadings
