"""Events: the list of occurrences, and one of them with everything that was said of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup
from starlette.responses import RedirectResponse, Response

from ...evidence.area import AreaSet, parent
from ...measures.instant import HOUR
from ...measures.money import FEN_A_LOSS_UNIT
from ..plots import places, sequence
from ..views import events, products
from ..views.cases import Case, by_outcome
from ..views.events import Event, Seen
from ..views.money import settlements_of
from ..views.where import Where, areas, wheres
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
    rows = [_row(page, each) for each in found if each is not None]
    about = products.about(page.desk)
    return page.html(
        "events.html", "events", about=about, events=rows, later=later, earlier=earlier
    )


def _row(page: Page, event: Event) -> tuple[Event, Sequence[Case], int | None]:
    """An event, its cases by outcome, and what is due in all; None while nothing is but may be."""
    cases = by_outcome(event.cases)
    dues = [due for _, _, due in (_outcome(page, event, case) for case in cases)]
    known = [due for due in dues if due is not None]
    total = sum(known)
    return event, cases, total if total or len(known) == len(dues) else None


def one(page: Page) -> str | Response | None:
    """One occurrence; an outage has a page of its own."""
    event = events.event(page.desk, page.parts["id"])
    if event is None:
        return None
    if event.outage:
        return RedirectResponse(page.link("outages", event.id), 303)
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
        cases=[_outcome(page, event, case) for case in by_outcome(event.cases)],
        maps=_maps(page, event),
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


def _outcome(page: Page, event: Event, case: Case) -> tuple[Case, str, int | None]:
    """A case, how far its money has come, and how much is due in all; None where none may be."""
    found = settlements_of(page.desk, case.listing, event.id, case.benefit)
    due = [one for one in found if one.due_fen]
    if not due:
        return case, "", None if case.waits else 0
    return case, page.t(f"states.paid_{due[-1].paid}"), sum(one.due_fen for one in due)


@dataclass(frozen=True)
class Map:
    """One product's picture of where the event lay. `near` is drawn where it tells more."""

    where: Where
    name: str
    overview: Markup
    near: Markup | None
    resolution: int
    cell: str


def _maps(page: Page, event: Event) -> Sequence[Map]:
    """The epicentre among the cells that each product names; none where none are filed."""
    return [_map(page, event, where) for where in wheres(page.desk, event)]


def _map(page: Page, event: Event, where: Where) -> Map:
    values, product = event.main.values, where.product
    size = page.t("common.magnitude", value=f"{values['magnitude_tenths'] / 10:.1f}")
    lat, lon = values["lat_udeg"] / places.MICRO, values["lon_udeg"] / places.MICRO
    at = places.Epicentre(size, lat, lon)
    regions = [places.Region(_called(page, a), kind, a.cells) for a, kind in where.areas]
    name = product.name.zh if page.language == "zh" else product.name.en
    said = f"{name}: {page.t('events.where_' + where.role)}"
    resolution = product.area["resolution"]
    near = places.close_up(regions, at, resolution, page.t("events.where_near"))
    overview = places.overview(regions, at, said, page.t("events.where_beyond"))
    cell = f"{parent(int(where.cell, 16), resolution):x}"
    return Map(where, name, overview, near, resolution, cell)


def _called(page: Page, area: AreaSet) -> str:
    """A prefecture's name where there is little room: in Chinese the shortest that it goes by."""
    return min(area.names, key=len) if page.language == "zh" else area.name["en"]


def _sequence(page: Page, event: Event) -> tuple[Markup, Markup] | None:
    """The magnitudes over time; None where one moment is all there is."""
    origins = [seen.values["origin"] for seen in event.shocks]
    if max(origins) - min(origins) < HOUR // 12:
        return None
    points = [
        sequence.Point(
            (seen.values["origin"] - event.main.values["origin"]) / HOUR,
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
    return next((a.name[page.language] for a in areas(page.desk) if a.code == code), code)
