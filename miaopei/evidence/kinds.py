"""The kinds of observation and the form of their values: what must stand there, and its range.

Holds the 14 items of a loss report too. Nothing here knows a source, a feed or a product.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from ..errors import Fact, Refusal, Refused
from ..measures import place
from ..measures.instant import from_beijing

SHOCK, LOSS_REPORT, DEATHS, READING = "shock", "loss_report", "deaths", "reading"
OUTAGE, RESTORATION, TICKETS = "outage", "restoration", "tickets"
GROUPED = (SHOCK, READING)  # kinds that open occurrences
ATTACHED = (LOSS_REPORT, DEATHS)  # kinds that attach to them by their day
KEYED = (OUTAGE, RESTORATION, TICKETS)  # kinds that belong to the occurrence of their event key
LIST = "miaopei/list/1"  # media of a sealed list: one row a person, sorted by subject token

# Table 3 of the Yunnan paper (地震经济损失统计): item -> (group, Chinese name). Source: docs/specs/
# evidence.md, section 2. Losses are counted in units of 0.1 万元 (100,000 fen).
ITEMS: Mapping[str, tuple[str, str]] = {
    "civil_houses": ("houses", "民房"),
    "education": ("houses", "教育"),
    "health": ("houses", "卫健"),
    "public_buildings": ("houses", "公房"),
    "civil_affairs": ("houses", "民政"),
    "power": ("lifelines", "电力"),
    "transport": ("lifelines", "交通"),
    "communications": ("lifelines", "通信"),
    "municipal_facilities": ("lifelines", "市政设施"),
    "water": ("other", "水利"),
    "culture_and_tourism": ("other", "文旅"),
    "ethnic_and_religious": ("other", "民宗"),
    "industry_firms": ("other", "工信企业"),
    "geological_hazards": ("other", "地质灾害"),
}
GROUPS = ("houses", "lifelines", "other")
LARGEST_LOSS = 10**10  # 0.1 万元: 10^15 fen, beyond any loss of one earthquake

EARTHQUAKE = "earthquake"
EVENT_TYPES = frozenset({EARTHQUAKE, "collapse", "explosion", "rockburst", "other"})

Rule = Callable[[Any], bool]


def _integer(low: int, high: int) -> Rule:
    return lambda value: type(value) is int and low <= value <= high


def _text(longest: int, shortest: int = 1) -> Rule:
    return lambda value: type(value) is str and shortest <= len(value) <= longest


def _matches(pattern: str) -> Rule:
    form = re.compile(pattern, re.ASCII)
    return lambda value: type(value) is str and form.fullmatch(value) is not None


def _or_null(rule: Rule) -> Rule:
    return lambda value: value is None or rule(value)


def _day(value: Any) -> bool:
    if not (isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII)):
        return False
    try:
        from_beijing(value)
    except Refused:
        return False
    return True


def _losses(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        _CODE(area)
        and isinstance(items, Mapping)
        and all(item in ITEMS and _LOSS(units) for item, units in items.items())
        for area, items in value.items()
    )


def _totals(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        item in ITEMS and (units is None or _LOSS(units)) for item, units in value.items()
    )


def _list(value: Any) -> bool:
    """A reference to a sealed list, as acts refer to blobs."""
    names = {"blob", "length", "count", "root", "media"}
    return (
        isinstance(value, Mapping)
        and set(value) == names
        and value["media"] == LIST
        and all(_DIGEST(value[name]) for name in ("blob", "root"))
        and all(_COUNT(value[name]) for name in ("length", "count"))
    )


def _numbers(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) <= 20
        and all(_KEY(each) for each in value)
        and len(set(value)) == len(value)
    )


_DIGEST = _matches(r"[0-9a-f]{64}")
_KEY = _text(60)
_COUNT = _integer(0, 2**40)
_INSTANT = _integer(-(10**11), 10**11)
_LOSS = _integer(0, LARGEST_LOSS)
_CODE = _matches(r"[0-9]{6}")

FORMS: Mapping[str, Mapping[str, Rule]] = {
    SHOCK: {
        "origin": _INSTANT,
        "lat_udeg": _integer(-(10**9), 10**9),  # the range is refused by name, see `position`
        "lon_udeg": _integer(-(10**9), 10**9),
        "depth_m": _or_null(_integer(-10_000, 800_000)),
        "magnitude_raw": _text(20),
        "magnitude_tenths": _integer(-50, 100),
        "magnitude_type": _text(12),
        "place": _text(200, 0),
        "event_type": lambda value: type(value) is str and value in EVENT_TYPES,
        "cell": _matches(r"88[0-9a-f]{13}"),
        "published_at": _or_null(_INSTANT),
    },
    LOSS_REPORT: {
        "event_day": _day,
        "event_time": _or_null(_INSTANT),
        "place": _text(200, 0),
        "issuer": _text(200),
        "version": _integer(1, 10_000),
        "items": _losses,
        "totals": _totals,
        "total_is": _or_null(_text(400)),
    },
    DEATHS: {
        "event_day": _day,
        "place": _text(200, 0),
        "area": _CODE,
        "count": _integer(0, 10_000_000),
        "issuer": _text(200),
        "version": _integer(1, 10_000),
    },
    READING: {
        "at": _INSTANT,
        "name": _text(60),
        "value": _integer(-(2**53) + 1, 2**53 - 1),
        "unit": _text(40),
        "published_at": _or_null(_INSTANT),
    },
    OUTAGE: {
        "state": lambda value: value in ("planned", "cancelled"),
        "published_at": _INSTANT,
        "off_planned": _INSTANT,
        "on_planned": _INSTANT,
        "cause": _integer(0, 99),
        "feeder": _text(60),
        "replaces": _numbers,
        "list": _list,
    },
    RESTORATION: {
        "published_at": _INSTANT,
        "first_off": _or_null(_INSTANT),
        "last_on": _or_null(_INSTANT),
        "complete": lambda value: type(value) is bool,
        "cause": _or_null(_integer(0, 99)),
        "list": _or_null(_list),
    },
    TICKETS: {"published_at": _INSTANT, "list": _list},
}
# Two moments of one kind that have an order: (earlier, later, refused where the other way round).
ORDERED: Mapping[str, tuple[tuple[str, str], ...]] = {
    OUTAGE: (("off_planned", "on_planned"),),
    RESTORATION: (("first_off", "last_on"), ("last_on", "published_at")),
}


def misfits(kind: str, values: Mapping[str, Any]) -> list[Refusal]:
    """Everything in the values that is not of the kind's form, each field named."""
    form = FORMS.get(kind)
    if form is None:
        return [Refusal("evidence.unknown_kind", {"kind": kind[:40]})]
    found = [_misfit(kind, name) for name in sorted(set(values) ^ set(form))]
    for name, rule in form.items():
        if name in values and not rule(values[name]):
            found.append(_misfit(kind, name, values[name]))
    if kind == SHOCK and not found:
        printed = tenths(values["magnitude_raw"])
        if printed is None:
            found.append(_misfit(kind, "magnitude_raw", values["magnitude_raw"]))
        elif printed != values["magnitude_tenths"]:
            found.append(_misfit(kind, "magnitude_tenths", values["magnitude_tenths"]))
    if not found:
        found += _disordered(kind, values)
    return found


def _disordered(kind: str, values: Mapping[str, Any]) -> list[Refusal]:
    found = []
    for earlier, later in ORDERED.get(kind, ()):
        one, other = values[earlier], values[later]
        if one is not None and other is not None and other < one:
            facts: dict[str, Fact] = {
                "earlier": earlier,
                "later": later,
                "one": one,
                "other": other,
            }
            found.append(Refusal("evidence.wrong_order", {"kind": kind, **facts}))
    if kind == RESTORATION and values["complete"] and values["last_on"] is None:
        found.append(_misfit(kind, "last_on", None))
    return found


def _misfit(kind: str, field: str, value: object = None) -> Refusal:
    facts = {"kind": kind, "field": field[:60], "value": str(value)[:60]}
    return Refusal("evidence.bad_value", facts)


def instant(kind: str, values: Mapping[str, Any]) -> int:
    """The moment that the observation speaks of, in UTC seconds (a day: its Beijing start)."""
    if kind == SHOCK:
        return int(values["origin"])
    if kind == READING:
        return int(values["at"])
    if kind in KEYED:
        return int(values["published_at"])  # a plan speaks of the future, its notice does not
    known = values.get("event_time")
    return from_beijing(values["event_day"]) if known is None else int(known)


def tenths(raw: str) -> int | None:
    """The printed magnitude in tenths, half up from its decimal text ('4.95' -> 50); A-08."""
    try:
        return place.scaled(raw, 1)
    except Refused:
        return None


def subtotals(items: Mapping[str, int]) -> dict[str, int]:
    """Sum of a report's items by group, and the total. Units of 0.1 万元."""
    sums = dict.fromkeys(GROUPS, 0)
    for item, units in items.items():
        sums[ITEMS[item][0]] += units
    return {**sums, "total": sum(items.values())}


def total_refusal(values: Mapping[str, Any], item: str, part: int) -> Refusal | None:
    """Why the report's total of an item cannot be divided by, or None where it can."""
    total = values["totals"].get(item)
    facts = {"item": item, "total": total, "part": part, "version": values["version"]}
    if total is None:
        return Refusal("evidence.total_missing", facts)
    if total == 0:
        return Refusal("evidence.total_zero", facts)
    return Refusal("evidence.total_below_part", facts) if total < part else None
