"""The newest outages as the first page lists them: one line a cover, paid or not, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...measures.instant import beijing_day
from ..pages.page import Page
from ..pages.words import product_name
from ..views.money import Paid
from . import story
from .story import Cover, Outage

MOST = 10
MINUTE = 60


@dataclass(frozen=True)
class Line:
    """One cover of one outage. `state` names a text of states.

    Units   UTC seconds; `late` minutes, None before all are back; fen, None while it may yet pay.
    """

    outage: Outage
    cover: Cover
    product: str
    day: str
    scope: int | None
    due_at: int | None
    back_at: int | None
    late: int | None
    claims: int | None
    in_force: int | None
    paid_fen: int
    due_fen: int | None
    state: str

    @property
    def over(self) -> bool:
        """Whether it ended without money, which needs its reason; what waits has one elsewhere."""
        return self.due_fen == 0


def rows(page: Page) -> Sequence[Line]:
    """The latest first."""
    return [
        _line(outage, cover, product_name(page, cover.case))
        for outage in story.latest(page.desk, MOST)
        for cover in outage.covers
    ]


def _line(outage: Outage, cover: Cover, product: str) -> Line:
    plan, decided, pay = outage.plan, cover.steps[-2], cover.steps[-1]
    back = _back(outage)
    due_at = None if plan is None else int(plan.values["on_planned"])
    late = None if back is None or due_at is None else back // MINUTE - due_at // MINUTE
    return Line(
        outage=outage,
        cover=cover,
        product=product,
        day=beijing_day(outage.event.occurrence.origin),
        scope=None if plan is None else plan.values["list"]["count"],
        due_at=due_at,
        back_at=back,
        late=late,
        claims=decided.done,
        in_force=decided.of,
        paid_fen=pay.done or 0,
        due_fen=pay.of or (None if cover.case.waits else 0),
        state=_state(cover, pay.done, pay.of),
    )


def _back(outage: Outage) -> int | None:
    """When all were back by what decided, else by the latest report; None before all are."""
    whole = [seen for seen in outage.reports.values() if seen.values["complete"]]
    decided = [seen for seen in whole if seen.why == "decided"]
    return max((seen.values["last_on"] for seen in decided or whole), default=None)


def _state(cover: Cover, done: int | None, due: int | None) -> str:
    """How far the money has come, else how the case stands."""
    if not due:
        return str(cover.case.value["state"])
    if done == due:
        return f"paid_{Paid.WHOLE}"
    return f"paid_{Paid.PART if done else Paid.UNPAID}"
