"""Headings and figures in words that several pages use."""

from __future__ import annotations

from ...measures.instant import DAY, HOUR, beijing_day
from ..views.cases import Case
from ..views.events import Event
from .page import Page

PAGE = 50


def event_title(page: Page, event: Event) -> str:
    """An earthquake by magnitude and place, an outage by its number, with the day; else a name."""
    values = event.main.values
    if event.outage:
        day = beijing_day(event.occurrence.origin)
        return page.t("outages.title", number=event.main.body["event_key"], day=day)
    if not event.earthquake:
        return page.t("events.event_reading", name=values["name"])
    tenths = values["magnitude_tenths"]
    size = f"{tenths // 10}.{tenths % 10}"
    day = beijing_day(values["origin"])
    return page.t("events.event_title", day=day, place=values["place"], magnitude=size)


def product_name(page: Page, case: Case) -> str:
    """The product's name in the page's language."""
    name = case.product.name
    return name.zh if page.language == "zh" else name.en


def benefit(page: Page, name: str) -> str:
    """A benefit in words."""
    key = f"common.benefit_{name}"
    return page.t(key) if page.has(key) else name


def case_title(page: Page, case: Case) -> str:
    """Product and benefit."""
    about = benefit(page, case.benefit)
    return page.t("cases.title", product=product_name(page, case), benefit=about)


def percent(ppm: int) -> str:
    """Parts per million as per cent, without trailing zeros: 333337 -> '33.3337%'."""
    whole, rest = divmod(ppm, 10_000)
    digits = f"{rest:04d}".rstrip("0")
    return f"{whole}.{digits}%" if digits else f"{whole}%"


def span(page: Page, seconds: int) -> str:
    """A length of time in days, else hours."""
    if seconds and seconds % DAY == 0:
        return page.t("products.days", count=seconds // DAY)
    return page.t("products.hours", count=seconds // HOUR)


def pages(page: Page, count: int) -> tuple[slice, int | None, int | None]:
    """Which rows this page of a list shows, and the numbers of the later and earlier ones."""
    text = page.query.get("page", "1")
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 1
    number = max(1, min(number, -(-count // PAGE) or 1))
    shown = slice((number - 1) * PAGE, number * PAGE)
    later = number - 1 if number > 1 else None
    return shown, later, number + 1 if shown.stop < count else None
