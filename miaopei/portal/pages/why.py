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
    """A box for an id; with `id` in the query, its page."""
    given = page.query.get("id", "").strip()
    return page.html("why.html", "record", given=given, back=[], forward=[], title="")


def one(page: Page) -> str:
    """Both ways from one id."""
    id = page.parts["id"]
    tree = lineage.why(page.desk, id)
    onward = lineage.caused(page.desk, id).tree
    return page.html(
        "why.html",
        "record",
        given=id,
        title=tree.id,
        back=list(_lines(page, tree, 0, set())),
        forward=list(_lines(page, onward, 0, set())),
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
