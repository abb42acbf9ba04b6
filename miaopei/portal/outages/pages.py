"""The page of an outage, which follows the day where a script may run and is whole without one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from ...measures.instant import beijing_text
from ...measures.money import as_yuan
from .. import texts
from ..pages.page import Page, in_words, when
from ..pages.words import event_title
from ..views.events import Seen
from . import plot, story
from .story import Cover, Outage, Stand, Step

OTHERS = 20  # outages in the list beside the one that is shown
SECOND = 60


@dataclass(frozen=True)
class Line:
    """A step as the page tells it."""

    step: Step
    title: str
    said: str

    @property
    def share(self) -> int | None:
        """How much of what can be counted is done, in per cent, cut; None where nothing is."""
        step = self.step
        return None if not step.of or step.done is None else step.done * 100 // step.of


def latest(page: Page) -> str:
    """The outage that comes or came last, and the others."""
    found = story.latest(page.desk, OTHERS)
    return _page(page, found[0] if found else None, found[1:])


def one(page: Page) -> str | None:
    """One outage."""
    found = story.outage(page.desk, page.parts["id"])
    return None if found is None else _page(page, found, ())


def _page(page: Page, outage: Outage | None, others: Sequence[Outage]) -> str:
    shown = None if outage is None else _shown(page, outage)
    named = [(each, event_title(page, each.event), _standing(page, each)) for each in others]
    return page.html("outage.html", "events", outage=shown, others=named)


def _shown(page: Page, outage: Outage) -> dict[str, Any]:
    """What the template tells of an outage."""
    plan = outage.plan
    return {
        "of": outage,
        "title": event_title(page, outage.event),
        "feeder": plan.values["feeder"] if plan else "",
        "standing": _standing(page, outage),
        "current": outage.current,
        "steps": [_line(page, outage, step, None) for step in outage.steps],
        "covers": [
            (cover, [_line(page, outage, step, cover) for step in cover.steps], *_money(cover))
            for cover in outage.covers
        ],
        "plot": _plot(page, outage),
        "reports": [
            (source, outage.reports.get(source)) for source in story.sources_of(outage.event)
        ],
        "late": _late_text(page, outage),
    }


def _money(cover: Cover) -> tuple[int, int]:
    """What is due and what the bank has confirmed, in fen."""
    pay = cover.steps[-1]
    return pay.of or 0, pay.done or 0


def _standing(page: Page, outage: Outage) -> str:
    """Where the outage stands, in a sentence: that of its first step that is not done."""
    step = outage.current
    cover = next((c for c in outage.covers if step in c.steps), None)
    return _line(page, outage, step, cover).said


def _line(page: Page, outage: Outage, step: Step, cover: Cover | None) -> Line:
    names: dict[str, Any] = {"at": beijing_text(step.at) if step.at else "—"}
    if step.source:
        names["source"] = page.desk.source_name(step.source, page.language)
    if outage.plan is not None:
        names |= _plan_facts(outage.plan)
    if step.name == "pay":
        names |= {"done": as_yuan(step.done or 0), "of": as_yuan(step.of or 0)}
    else:
        names |= {"done": f"{step.done or 0:,}", "of": f"{step.of or 0:,}"}
    said = _said(page, outage, step, cover, names)
    return Line(step, page.t(f"outages.step_{step.name}", **names), said)


def _plan_facts(plan: Seen) -> dict[str, Any]:
    values = plan.values
    return {
        "revision": plan.body["revision"] + 1,  # as the notices count: the first is version 1
        "off": beijing_text(values["off_planned"])[:16],
        "on": beijing_text(values["on_planned"])[:16],
        "count": f"{values['list']['count']:,}",
    }


def _said(
    page: Page, outage: Outage, step: Step, cover: Cover | None, names: Mapping[str, Any]
) -> str:
    """The sentence of a step; where a case waits, is held or is over, its own reason."""
    told = step.stand in (Stand.WAITING, Stand.HELD, Stand.ENDED)
    if cover is not None and told and step.name in ("agree", "decide"):
        return texts.sentence(in_words(cover.case.reason), page.language)
    if step.name == "back" and step.stand is Stand.DONE:
        late = (step.at or 0) // SECOND - _due(outage) // SECOND
        key = "late" if late > 0 else "in_time"
        return page.t(f"outages.back_{key}", minutes=f"{late:,}", **names)
    return page.t(f"outages.so_{step.name}_{step.stand}", **names)


def _due(outage: Outage) -> int:
    return 0 if outage.plan is None else int(outage.plan.values["on_planned"])


def _late_text(page: Page, outage: Outage) -> Sequence[tuple[str, Markup]]:
    """What each source states, where a case waits because they differ or one is silent."""
    found = []
    for cover in outage.covers:
        facts = cover.case.value["facts"]
        for part in ("waiting", "held"):
            for each in facts.get(part, {}).get("values", ()):
                seen = next(s for s in outage.event.shocks if s.id == each["observation"])
                name = page.desk.source_name(seen.body["source"], page.language)
                value = each["value"]
                found.append((name, when(None if value is None else value * SECOND)))
    return list(dict.fromkeys(found))


def _plot(page: Page, outage: Outage) -> tuple[Markup, Markup] | None:
    """The hours of the outage, wide and narrow; None before there is a plan."""
    plan = outage.plan
    if plan is None:
        return None
    values = plan.values
    since, due = int(values["off_planned"]), int(values["on_planned"])
    planned = plot.Lane(page.t("outages.lane_plan"), since, due, open=False, planned=True, said="")
    rows = [planned]
    rows += [_lane(page, source, seen, due) for source, seen in outage.reports.items()]
    paid = max((c.steps[-1].at or 0 for c in outage.covers), default=0) or None
    said = plot.Words(
        page.t("outages.plot"), page.t("outages.lane_due"), page.t("outages.lane_paid")
    )
    wide = plot.lanes(rows, due, paid, said, narrow=False)
    return wide, plot.lanes(rows, due, paid, said, narrow=True)


def _lane(page: Page, source: str, seen: Seen, due: int) -> plot.Lane:
    values = seen.values
    since = values["first_off"] if values["first_off"] is not None else seen.recorded_at
    name = page.desk.source_name(source, page.language)
    if not values["complete"]:
        until = max(page.desk.head.time, since)
        said = page.t("outages.lane_open")
        return plot.Lane(name, since, until, open=True, planned=False, said=said)
    late = values["last_on"] // SECOND - due // SECOND
    key = "late" if late > 0 else "in_time"
    said = page.t(f"outages.lane_{key}", minutes=f"{late:,}")
    return plot.Lane(name, since, values["last_on"], open=False, planned=False, said=said)
