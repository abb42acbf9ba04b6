"""How each source stands by the record, and this member's own view of concentrators; their page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ...acts.source_state import TABLE, silence_of
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
        silence = silence_of(desk.state, name, now)
        said = any(True for _ in desk.state.range(TABLE, f"{name}/"))
        hearing = "silent" if silence else "heard" if said else "unwatched"
        yield Standing(
            name, entry, hearing, silence.since if silence else None, silence.why if silence else ""
        )


def devices(desk: Desk) -> list[dict[str, Any]]:
    """Concentrators as this member hears them; none where it listens to no meters."""
    return desk.settings.devices(desk.reading)


def page(page: Page) -> str:
    """The page of sources and devices."""
    return page.html(
        "sources.html", "record", found=list(sources(page.desk)), devices=devices(page.desk)
    )
