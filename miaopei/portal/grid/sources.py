"""How each source stands by the record, and this member's own view of concentrators; their page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ...acts.source_state import hearing
from ..pages.page import Page
from ..views.desk import Desk


@dataclass(frozen=True)
class Standing:
    """One source. `hearing`: heard, silent (since), or unwatched: nobody listens to it."""

    id: str
    entry: dict[str, Any]
    hearing: str
    since: int | None
    why: str


def sources(desk: Desk) -> Iterator[Standing]:
    """Every source of the record, in order of id, at this moment."""
    now = desk.settings.clock(desk.head.time)
    for name, entry in desk.state.range("source", ""):
        how, silence = hearing(desk.state, name, now)
        since, why = (silence.since, silence.why) if silence else (None, "")
        yield Standing(name, entry, how, since, why)


def devices(desk: Desk) -> list[dict[str, Any]]:
    """Concentrators as this member hears them; none where it listens to no meters."""
    return desk.settings.devices(desk.reading)


def page(page: Page) -> str:
    """The page of sources and devices."""
    return page.html(
        "sources.html", "record", found=list(sources(page.desk)), devices=devices(page.desk)
    )
