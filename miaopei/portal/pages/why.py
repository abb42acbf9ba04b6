"""Lineage as a page: why a thing is so, back to the bytes, and what it caused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ...errors import Refused
from ...reports.lineage import Step
from ..views import lineage, products
from .page import Page


@dataclass(frozen=True)
class Line:
    """One step of the tree: how deep it stands, its sentence, plain lines under it."""

    depth: int
    sentence: str
    lines: Sequence[str]
    id: str


def form(page: Page) -> str:
    """A box for an id; where one is in the query, both ways from it.

    Errors   Refused lineage.*, portal.not_told.
    """
    given = page.query.get("id", "").strip()[:80]
    return _told(page, given) if given else _html(page, "", [], [])


def one(page: Page) -> str:
    """Both ways from the id in the address. Errors   as `form`."""
    return _told(page, page.parts["id"][:80])


def _told(page: Page, given: str) -> str:
    ways: list[Sequence[Line]] = []
    refused: list[Refused] = []
    for way in (lineage.why, lambda desk, id: lineage.caused(desk, id).tree):
        try:
            ways.append(list(_lines(page, way(page.desk, given), 0, set())))
        except Refused as error:  # one way may end at a book that is not public, the other not
            if error.refusals[0].code != "portal.not_told":
                raise
            refused.append(error)
            ways.append([])
    if len(refused) == len(ways):
        raise refused[0]
    return _html(page, given, *ways)


def _html(page: Page, given: str, back: Sequence[Line], forward: Sequence[Line]) -> str:
    return page.html(
        "why.html",
        "record",
        given=given,
        told=bool(back or forward),
        back=back,
        forward=forward,
        about=products.about(page.desk),
    )


def _lines(page: Page, step: Step, depth: int, told: set[tuple[str, str]]) -> Iterator[Line]:
    """The tree from above, each step in full where it comes first."""
    again = (step.what, step.id) in told
    told.add((step.what, step.id))
    lines = () if again else step.lines.get(page.language, ())
    yield Line(min(depth, 6), step.sentence(page.language), lines, step.id)
    if not again:
        for parent in step.because:
            yield from _lines(page, parent, depth + 1, told)
