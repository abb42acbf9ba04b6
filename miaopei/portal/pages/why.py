"""Lineage as a page: why a thing is so, back to the bytes, and what it caused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ...reports.lineage import Step
from ..views import lineage
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
    back = lineage.why(page.desk, given)
    forward = lineage.caused(page.desk, given).tree
    return _html(
        page,
        given,
        list(_lines(page, back, 0, set())),
        list(_lines(page, forward, 0, set())),
    )


def _html(page: Page, given: str, back: Sequence[Line], forward: Sequence[Line]) -> str:
    return page.html("why.html", "record", given=given, back=back, forward=forward)


def _lines(page: Page, step: Step, depth: int, told: set[tuple[str, str]]) -> Iterator[Line]:
    """The tree from above, each step in full where it comes first."""
    again = (step.what, step.id) in told
    told.add((step.what, step.id))
    lines = () if again else step.lines.get(page.language, ())
    yield Line(min(depth, 6), step.sentence(page.language), lines, step.id)
    if not again:
        for parent in step.because:
            yield from _lines(page, parent, depth + 1, told)
