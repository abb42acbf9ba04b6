"""Events: the list of occurrences, and one of them with everything that was said of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from ...evidence.area import AreaSet
from ...measures.instant import HOUR
from ...measures.money import FEN_A_LOSS_UNIT
from ..plots import places, sequence
from ..views import events
from ..views.events import Event, Seen
from ..views.money import settlements_of
from .page import Page, amount
from .words import event_title, pages

SHOWN = 12  # rows of observations that stand open; the rest is folded


@dataclass(frozen=True)
class Report:
    """A loss report or death notice as a table: lines of area, item, figure."""

    seen: Seen
    unit: str
    lines: Sequence[tuple[str, str, str]]
    total_is: str | None


def listing(page: Page) -> str:
    """All occurrences, the latest first."""
    keys = sorted(events.keys(page.desk).values(), key=lambda k: k.partition("/")[2], reverse=True)
    shown, later, earlier = pages(page, len(keys))
    found = (events.event(page.desk, key.rpartition("/")[2]) for key in keys[shown])
    rows = [each for each in found if each is not None]
    return page.html("events.html", "events", events=rows, later=later, earlier=earlier)


def one(page: Page) -> str | None:
    """One occurrence."""
    event = events.event(page.desk, page.parts["id"])
    if event is None:
        return None
    weighty = [s for s in event.shocks if s.counted or s is event.main or not event.earthquake]
    first = weighty if len(event.shocks) > SHOWN else list(event.shocks)
    rest = [seen for seen in event.shocks if all(seen is not each for each in first)]
    of_note = [*first[:SHOWN], *event.reports]
    return page.html(
        "event.html",
        "events",
        event=event,
        heading=event_title(page, event),
        rule=_rule(page, event),
        payments={case.key: _payments(page, event, case.key) for case in event.cases},
        where=_where(page, event) if event.earthquake else None,
        sequence=_sequence(page, event) if event.earthquake else None,
        first=first,
        rest=rest,
        reports=[_report(page, seen) for seen in event.reports],
        attested=[(seen, events.attested(page.desk, seen)) for seen in of_note],
    )


def _rule(page: Page, event: Event) -> str:
    rule = event.rule
    if "threshold_tenths" not in rule:
        return page.t("events.rule_other")
    tenths = rule["threshold_tenths"]
    threshold = f"{tenths // 10}.{tenths % 10}"
    return page.t(
        "events.rule_shocks", threshold=threshold, hours=rule.get("hours"), km=rule.get("km")
    )


def _payments(page: Page, event: Event, key: str) -> str:
    """How far the money has come, for a settled case."""
    listing, _, benefit = key.split("/")
    found = settlements_of(page.desk, listing, event.id, benefit)
    due = [one for one in found if one.due_fen]
    return page.t(f"states.paid_{due[-1].paid}") if due else ""


def _where(page: Page, event: Event) -> tuple[Markup, Markup] | None:
    """The epicentre among the prefectures that the products name; None where none are filed."""
    roles: dict[str, str] = {}
    sets = set()
    for case in event.cases:
        named = case.product.area
        sets.add(named.get("cells"))
        roles |= {code: roles.get(code, "surrounding") for code in named.get("surrounding", ())}
        roles |= dict.fromkeys(named.get("own", ()), "own")
    spots = []
    for area in _areas(page):
        if area.code in roles and area.set in sets:
            lat, lon = places.middle(area.cells)
            spots.append(places.Spot(_called(page, area), lat, lon, roles[area.code]))
    if not spots:
        return None
    values = event.main.values
    size = f"{values['magnitude_tenths'] // 10}.{values['magnitude_tenths'] % 10}"
    lat, lon = values["lat_udeg"] / places.MICRO, values["lon_udeg"] / places.MICRO
    said = page.t("common.magnitude", value=size)
    spots.append(places.Spot(said, lat, lon, "epicentre"))
    title = page.t("events.where_plot")
    return places.places(spots, title, narrow=False), places.places(spots, title, narrow=True)


def _called(page: Page, area: AreaSet) -> str:
    """A prefecture's name where there is little room: in Chinese the shortest that it goes by."""
    return min(area.names, key=len) if page.language == "zh" else area.name["en"]


def _areas(page: Page) -> Sequence[AreaSet]:
    def make() -> list[AreaSet]:
        return [AreaSet.from_json(value) for _, value in page.desk.state.range("area", "")]

    return page.desk.once("areas", make)


def _sequence(page: Page, event: Event) -> tuple[Markup, Markup] | None:
    """The magnitudes over time; None where one moment is all there is."""
    origins = [seen.values["origin"] for seen in event.shocks]
    if max(origins) - min(origins) < HOUR // 12:
        return None
    points = [
        sequence.Point(
            (seen.values["origin"] - min(origins)) / HOUR,
            seen.values["magnitude_tenths"],
            seen.counted,
            seen is event.main,
        )
        for seen in event.shocks
    ]
    words = sequence.Words(
        page.t("events.sequence_plot"),
        page.t("events.sequence_hours"),
        page.t("events.sequence_decided"),
        page.t("events.sequence_threshold"),
        page.t("events.sequence_counted"),
        page.t("events.sequence_shown"),
    )
    least = event.rule.get("threshold_tenths")
    wide = sequence.sequence(points, least, words, narrow=False)
    return wide, sequence.sequence(points, least, words, narrow=True)


def _report(page: Page, seen: Seen) -> Report:
    if seen.body["kind"] == "deaths":
        values = seen.values
        line = (_area(page, values["area"]), page.t("events.deaths"), f"{values['count']:,}")
        return Report(seen, page.t("events.deaths"), (line,), None)
    lines = list(_losses(page, seen.values))
    total = any(units is not None for units in seen.values["totals"].values())
    return Report(seen, page.t("events.loss"), lines, seen.values["total_is"] if total else None)


def _losses(page: Page, values: Any) -> Iterator[tuple[str, str, str]]:
    for code, items in sorted(values["items"].items()):
        for item, units in sorted(items.items()):
            figure = amount(units * FEN_A_LOSS_UNIT, page.language)
            yield _area(page, code), _item(page, item), figure
    for item, units in sorted(values["totals"].items()):
        if units is not None:
            figure = amount(units * FEN_A_LOSS_UNIT, page.language)
            yield page.t("events.event_total"), _item(page, item), figure


def _item(page: Page, name: str) -> str:
    key = f"events.item_{name}"
    return page.t(key) if page.has(key) else page.t("events.item_other", name=name)


def _area(page: Page, code: str) -> str:
    """A division's name where it is filed, else its code."""
    return next((a.name[page.language] for a in _areas(page) if a.code == code), code)
