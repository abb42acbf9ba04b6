"""What evidence asks of a product before it is filed: its grouping, its area, what inputs rest on.

Works on the plain filed form and answers with every fault at once; whatever passes can be read by
`grouping` and `findings`. Not here: the wording and its figures (`terms.check`), any reading.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..errors import Fact, Refusal
from ..measures.instant import DAY, HOUR
from ..measures.place import LARGEST_RADIUS
from .findings import MEASURES
from .findings.position import PARTS
from .grouping import SHOCKS
from .kinds import ITEMS, OUTAGE, READING
from .outage.plans import LAST_PUBLISHED, OVERLAP_COUNTS, OVERLAPS, PLANS
from .shocks import EVERY_SHOCK, HELD, LAST_RECORDED, MAIN_SHOCK

# Largest values. A year is the longest a policy runs; magnitudes are filed up to 10.0. A case looks
# for its neighbours within twice `km` and `same_shock_km` together, which must lie on the globe.
HOURS, SHOCK_SECONDS, THRESHOLD = 366 * 24, DAY, 100
REACH_KM = LARGEST_RADIUS // 2_000
LIMITS: Mapping[str, int] = {
    "threshold_tenths": THRESHOLD,
    "hours": HOURS,
    "km": REACH_KM,
    "same_shock_seconds": SHOCK_SECONDS,
    "same_shock_km": REACH_KM,
}
# Filed both or neither: how far apart in time words of like magnitude on one shock may be.
LIKE: Mapping[str, int] = {"like_shock_seconds": DAY, "like_shock_tenths": THRESHOLD}
FINEST = 8  # the resolution of an observation's cell: a finer area has no ancestor of it
LONGEST_SET = 60  # characters of the name of a set of areas
FREE = "value"  # the one measure that needs no sequence of shocks
NEEDS_SHOCKS = "evidence.measure_needs_shocks"
OUTAGES = tuple(measure for measure in MEASURES if measure.startswith("outage."))
POSITION = "shock.position"
ANYWHERE = frozenset({FREE, POSITION, "shock.magnitude"})  # measures that ask for no area
PARAMS: Mapping[str, frozenset[str]] = {
    "loss.area": frozenset({"item"}),
    "loss.total": frozenset({"item"}),
    POSITION: frozenset({"part"}),
    FREE: frozenset({"reading"}),
    "outage.restored": frozenset({"plan"}),
}


def check(product_json: Any) -> list[Refusal]:
    """Everything in a filed product that evidence could not read, or would read otherwise.

    Errors   none: a value of any form gets its refusals.
    """
    value = product_json if isinstance(product_json, Mapping) else {}
    grouping, inputs = value.get("grouping"), value.get("inputs")
    shocks = isinstance(grouping, Mapping) and grouping.get("kind") == SHOCKS
    found = [
        *check_grouping(grouping),
        *check_inputs(inputs),
        *check_area(value.get("area"), needed=shocks and _needs_area(inputs)),
    ]
    if isinstance(grouping, Mapping):
        found += _unfit(grouping.get("kind"), inputs)
    return found


def _unfit(kind: Any, inputs: Any) -> list[Refusal]:
    """Measures that cannot be read from what this kind of grouping makes of the facts."""
    shocks = [measure for measure in MEASURES if measure != FREE and measure not in OUTAGES]
    never = {READING: [*shocks, *OUTAGES], OUTAGE: [*shocks, FREE], SHOCKS: OUTAGES}
    unfit = never.get(kind, ()) if isinstance(kind, str) else ()
    return [
        Refusal(
            "evidence.measure_needs_outages"
            if measure in OUTAGES
            else ("evidence.measure_not_of_outages" if kind == OUTAGE else NEEDS_SHOCKS),
            {"input": name, "measure": measure},
        )
        for name, measure in _measured(inputs)
        if measure in unfit
    ]


def check_grouping(grouping: Any) -> list[Refusal]:
    """The faults of a grouping rule: kind, missing fields, and each number's least and most."""
    if not isinstance(grouping, Mapping):
        return [_bad_rule("grouping")]
    kind = grouping.get("kind")
    if kind not in (SHOCKS, READING, OUTAGE):
        return [Refusal("evidence.unknown_grouping", {"kind": _shown(kind)})]
    shocks = {"kind", "sources", "counted_types", "decides", "same_version", *LIMITS, *LIKE}
    known = {SHOCKS: shocks, OUTAGE: {"kind", "plan", "overlap"}}.get(kind, {"kind"})
    found = [_bad_rule(_shown(name)) for name in sorted(map(str, set(grouping) - known))]
    if kind == OUTAGE and grouping.get("plan", LAST_PUBLISHED) not in PLANS:
        found.append(_bad_rule("plan"))
    if kind == OUTAGE and grouping.get("overlap", OVERLAP_COUNTS) not in OVERLAPS:
        found.append(_bad_rule("overlap"))
    if kind != SHOCKS:
        return found
    like = [name for name in LIKE if any(each in grouping for each in LIKE)]
    found += [fault for name in (*LIMITS, *like) for fault in _number(grouping, name)]
    if grouping.get("decides", EVERY_SHOCK) not in (MAIN_SHOCK, EVERY_SHOCK):
        found.append(_bad_rule("decides"))
    if grouping.get("same_version", HELD) not in (HELD, LAST_RECORDED):
        found.append(_bad_rule("same_version"))
    if not _texts(grouping.get("counted_types"), longest=12) or not grouping["counted_types"]:
        found.append(_bad_rule("counted_types"))
    if not _texts(grouping.get("sources", []), longest=200):
        found.append(_bad_rule("sources"))
    return found or _together(grouping)


def _together(grouping: Mapping[str, Any]) -> list[Refusal]:
    """Faults of numbers that are good alone: the reach, and one shock longer than its sequence."""
    found = []
    km, same_km = grouping["km"], grouping["same_shock_km"]
    if km + same_km > REACH_KM:
        facts: dict[str, Fact] = {"km": km, "same_shock_km": same_km, "limit": REACH_KM}
        found.append(Refusal("evidence.reach_too_wide", facts))
    window = grouping["hours"] * HOUR
    found += [
        _out_of_range(name, grouping[name], window)
        for name in ("same_shock_seconds", "like_shock_seconds")
        if grouping.get(name, 0) > window
    ]
    return found


def check_inputs(inputs: Any) -> list[Refusal]:
    """The faults of the rules of evidence, each with the name of its input."""
    if not isinstance(inputs, list):
        return [_bad_input("-", "inputs")]
    found: list[Refusal] = []
    for rule in inputs:
        if isinstance(rule, Mapping):
            found += _input(rule, _shown(rule.get("name")))
        else:
            found.append(_bad_input(_shown(rule), "form"))
    return found


def check_area(area: Any, needed: bool) -> list[Refusal]:
    """The faults of the area where a main shock must lie: its codes, its set of cells, how fine.

    `needed`: a measure of the product looks at it, so no field may be left out.
    """
    if not isinstance(area, Mapping):
        return [_bad_area("area", area)]
    good = {
        "own": _codes(area.get("own")) and bool(area["own"] or not needed),
        "surrounding": _codes(area.get("surrounding")),
        "cells": _texts([area.get("cells")], longest=LONGEST_SET),
        "resolution": _whole(area.get("resolution"), 1) and area["resolution"] <= FINEST,
    }
    found = [
        _bad_area(name, area.get(name))
        for name, fits in good.items()
        if not fits and (needed or name in area)
    ]
    if good["own"] and good["surrounding"]:
        codes = [*area["own"], *area["surrounding"]]
        twice = [code for code in dict.fromkeys(codes) if codes.count(code) > 1]
        found += [Refusal("evidence.area_code_twice", {"code": code}) for code in twice]
    return found


def _codes(value: Any) -> bool:
    return _texts(value, longest=6) and all(re.fullmatch(r"[0-9]{6}", code) for code in value)


def _input(rule: Mapping[str, Any], name: str) -> list[Refusal]:
    found = []
    measure = rule.get("measure")
    if not (isinstance(measure, str) and measure in MEASURES):
        facts: dict[str, Fact] = {"input": name, "measure": _shown(measure)}
        found.append(Refusal("evidence.unknown_measure", facts))
    else:
        found += _params(rule.get("params"), name, measure)
    if not isinstance(rule.get("name"), str) or not rule["name"]:
        found.append(_bad_input(name, "name"))
    close = rule.get("close_after_seconds", -1)
    whole = {
        "operators": _whole(rule.get("operators"), 1),
        "tolerance": _whole(rule.get("tolerance"), 0),
        "freeze_seconds": _whole(rule.get("freeze_seconds"), 0),
        "close_after_seconds": close is None or _whole(close, 1),
        "revision": rule.get("revision") in ("first_settles", "revision_counts"),
    }
    found += [_bad_input(name, field) for field, good in whole.items() if not good]
    return found + _sources(rule, name, whole["operators"])


def _sources(rule: Mapping[str, Any], name: str, operators_known: bool) -> list[Refusal]:
    """Who is believed: each source once, and enough of them for the operators asked for."""
    found, listed = [], list[str]()
    for field in ("sources", "fallback"):
        given: Any = rule.get(field)
        plain = isinstance(given, list) and all(isinstance(each, str) and each for each in given)
        if not plain or (field == "sources" and not given):
            found.append(_bad_input(name, field))
        else:
            listed += given
    found += [
        Refusal("evidence.source_twice", {"input": name, "source": _shown(source)})
        for source in dict.fromkeys(listed)
        if listed.count(source) > 1
    ]
    if operators_known and not found and rule["operators"] > len(rule["sources"]):
        facts: dict[str, Fact] = {
            "input": name, "operators": rule["operators"], "sources": len(rule["sources"]),
        }  # fmt: skip
        found.append(Refusal("evidence.more_operators_than_sources", facts))
    return found


def _params(params: Any, name: str, measure: str) -> list[Refusal]:
    if not isinstance(params, Mapping):
        return [_bad_input(name, "params")]
    unknown = sorted(map(str, set(params) - PARAMS.get(measure, frozenset())))
    found = [_bad_input(name, f"params.{_shown(each)}") for each in unknown]
    if "item" in params and not unknown and params["item"] not in tuple(ITEMS):
        facts: dict[str, Fact] = {"input": name, "item": _shown(params["item"])}
        found.append(Refusal("evidence.unknown_item", facts))
    if "plan" in params and not unknown and not _texts([params["plan"]], longest=60):
        found.append(_bad_input(name, "params.plan"))
    if measure == POSITION and params.get("part") not in PARTS:
        found.append(_bad_input(name, "params.part"))
    if "reading" in params and not unknown and not _texts([params["reading"]], longest=60):
        found.append(_bad_input(name, "params.reading"))
    return found


def _needs_area(inputs: Any) -> bool:
    return any(measure not in ANYWHERE for _, measure in _measured(inputs))


def _measured(inputs: Any) -> list[tuple[str, str]]:
    rules = [r for r in inputs if isinstance(r, Mapping)] if isinstance(inputs, list) else []
    found = [(_shown(rule.get("name")), rule.get("measure")) for rule in rules]
    return [(name, measure) for name, measure in found if isinstance(measure, str)]


def _number(grouping: Mapping[str, Any], name: str) -> list[Refusal]:
    value, limit = grouping.get(name), {**LIMITS, **LIKE}[name]
    if type(value) is not int:
        return [_bad_rule(name)]
    if not 1 <= value <= limit:
        return [_out_of_range(name, value, limit)]
    return []


def _texts(value: Any, longest: int) -> bool:
    """Whether it is a list of different words, none empty or longer than that."""
    if not isinstance(value, list):
        return False
    good = all(isinstance(each, str) and 0 < len(each) <= longest for each in value)
    return good and len(set(value)) == len(value)


def _whole(value: Any, least: int) -> bool:
    return type(value) is int and value >= least


def _shown(value: Any) -> str:
    return str(value)[:40]


def _out_of_range(field: str, value: int, limit: int) -> Refusal:
    facts: dict[str, Fact] = {"field": field, "value": _shown(value), "limit": limit}
    return Refusal("evidence.rule_out_of_range", facts)


def _bad_rule(field: str) -> Refusal:
    return Refusal("evidence.bad_rule", {"field": field})


def _bad_area(field: str, value: Any) -> Refusal:
    facts: dict[str, Fact] = {"field": field, "value": _shown(value), "limit": FINEST}
    return Refusal("evidence.bad_product_area", facts)


def _bad_input(name: str, field: str) -> Refusal:
    return Refusal("evidence.bad_input", {"input": name, "field": field})
