"""An outage as it stands: plan, notices, power off and back, and how far each cover has come.

Read from the record alone, but for the notices that wait in this member's own outbox. Nothing here
speaks of a person: lists stay sealed, only their counts are shown.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ...acts.confirm_notices import TABLE as NOTICES
from ...evidence.kinds import OUTAGE, RESTORATION
from ...node.effects.notices import ACCEPTED, DELIVERED, NEW, UNDELIVERABLE, counts
from ..views import events
from ..views.cases import Case
from ..views.desk import Desk
from ..views.events import Event, Seen
from ..views.money import Settlement, settlements_of

RESTORED = "outage.restored"


class Stand(StrEnum):
    """How far a step has come."""

    NEXT = "next"  # not yet its turn
    NOW = "now"  # under way
    WAITING = "waiting"  # for somebody else's word, until a deadline
    HELD = "held"  # for a person
    DONE = "done"
    ENDED = "ended"  # nothing follows: cancelled, or not covered


@dataclass(frozen=True)
class Step:
    """One step of the day. `at` UTC seconds; `done` of `of` where it can be counted.

    Units   notices: texts; paid: fen.
    """

    name: str
    stand: Stand
    at: int | None = None
    done: int | None = None
    of: int | None = None
    source: str | None = None

    def as_json(self) -> dict[str, Any]:
        """For the API."""
        return {**vars(self), "stand": str(self.stand)}


@dataclass(frozen=True)
class Cover:
    """What one cover makes of the outage: its case, its last settlement, three steps."""

    case: Case
    settlement: Settlement | None
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Outage:
    """An outage, the plan that counts or was published last, and the newest report of a source."""

    event: Event
    number: str
    plan: Seen | None
    revisions: int
    reports: Mapping[str, Seen]
    steps: tuple[Step, ...]
    covers: tuple[Cover, ...]

    @property
    def all_steps(self) -> tuple[Step, ...]:
        """Of the day, then of each cover."""
        return (*self.steps, *(step for cover in self.covers for step in cover.steps))

    @property
    def current(self) -> Step:
        """What is under way or waits; else what comes next; the last step where all are done."""
        every = self.all_steps
        for step in every:
            if step.stand not in (Stand.DONE, Stand.NEXT):
                return step
        done = [place for place, step in enumerate(every) if step.stand is Stand.DONE]
        return every[min(len(every) - 1, done[-1] + 1 if done else 0)]

    def as_json(self) -> dict[str, Any]:
        """For the API."""
        return {
            "occurrence": self.event.id,
            "number": self.number,
            "steps": [step.as_json() for step in self.steps],
            "covers": [
                {
                    "listing": cover.case.listing,
                    "benefit": cover.case.benefit,
                    "state": cover.case.value["state"],
                    "reason": cover.case.value["reason"],
                    "steps": [step.as_json() for step in cover.steps],
                }
                for cover in self.covers
            ],
        }


def outage(desk: Desk, id: str) -> Outage | None:
    """One outage by its occurrence; None where there is none."""
    event = events.event(desk, id)
    return None if event is None or not event.outage else story(desk, event)


def latest(desk: Desk, most: int) -> list[Outage]:
    """The outages that began, or will begin, last; the latest first."""
    keys = sorted(events.keys(desk).values(), key=lambda key: key.partition("/")[2], reverse=True)
    found: list[Outage] = []
    for key in keys:
        one = outage(desk, key.rpartition("/")[2])
        found += [] if one is None else [one]
        if len(found) == most:
            break
    return found


def story(desk: Desk, event: Event) -> Outage:
    """An outage from what is on record of it."""
    plans = [seen for seen in event.shocks if seen.body["kind"] == OUTAGE]
    plans.sort(key=lambda seen: (seen.body["revision"], seen.recorded_at))
    plan = next((seen for seen in plans if seen.counted), plans[-1] if plans else None)
    reports: dict[str, Seen] = {}
    for seen in event.shocks:
        if seen.body["kind"] == RESTORATION:
            source = seen.body["source"]
            known = reports.get(source)
            if known is None or known.body["revision"] <= seen.body["revision"]:
                reports[source] = seen
    number = str(event.shocks[0].body["event_key"])
    steps = tuple(_steps(desk, event, plans, plan, reports))
    covers = tuple(_cover(desk, case) for case in event.cases)
    return Outage(event, number, plan, len(plans), reports, steps, covers)


def sources_of(event: Event) -> tuple[str, ...]:
    """Who says when power was back, in the order of the contracts."""
    found = dict[str, None]()
    for case in event.cases:
        for rule in case.product.inputs:
            if rule.measure == RESTORED:
                found |= dict.fromkeys(rule.sources)
    return tuple(found)


def _steps(
    desk: Desk,
    event: Event,
    plans: Sequence[Seen],
    plan: Seen | None,
    reports: Mapping[str, Seen],
) -> Iterator[Step]:
    """Plan, notices, power off, and one step a source for power back."""
    now = desk.head.time
    if plan is None:
        yield Step("plan", Stand.WAITING)
        yield Step("notices", Stand.NEXT)
        off_planned = None
    else:
        cancelled = plan.values["state"] == "cancelled"
        yield Step("plan", Stand.ENDED if cancelled else Stand.DONE, plan.recorded_at)
        yield _notices(desk, plans)
        off_planned = plan.values["off_planned"]
        if cancelled and not reports:
            return
    cuts = [s.values["first_off"] for s in reports.values() if s.values["first_off"] is not None]
    if cuts:
        yield Step("off", Stand.DONE, min(cuts))
    else:
        begun = off_planned is not None and now >= off_planned
        yield Step("off", Stand.WAITING if begun else Stand.NEXT)
    for source in sources_of(event):
        yield _back(source, reports.get(source), off=bool(cuts))


def _notices(desk: Desk, plans: Sequence[Seen]) -> Step:
    """Of the last revision that made notices; one that changed nothing for anybody made none."""
    steps = (_notices_of(desk, plan) for plan in reversed(plans))
    return next((step for step in steps if step is not None), Step("notices", Stand.NEXT))


def _notices_of(desk: Desk, plan: Seen) -> Step | None:
    """By the record where it tells the outcome, else by this member's own outbox."""
    told = [value for _, value in desk.state.range(NOTICES, f"{plan.id}/")]
    if told and not told[-1]["open"]:
        last = told[-1]
        sent = last["delivered"]
        return Step("notices", Stand.DONE, last["at"], sent, sent + last["undeliverable"])
    found = counts(desk.reading, plan.id)
    of = sum(found.get(name, 0) for name in (NEW, ACCEPTED, DELIVERED, UNDELIVERABLE))
    if not of:
        return None
    done = found.get(DELIVERED, 0)
    over = done + found.get(UNDELIVERABLE, 0) == of
    return Step("notices", Stand.DONE if over else Stand.NOW, None, done, of)


def _back(source: str, seen: Seen | None, *, off: bool) -> Step:
    if seen is None:
        return Step("back", Stand.WAITING if off else Stand.NEXT, source=source)
    if seen.values["complete"]:
        return Step("back", Stand.DONE, seen.values["last_on"], source=source)
    return Step("back", Stand.NOW, seen.recorded_at, source=source)


def _cover(desk: Desk, case: Case) -> Cover:
    value = case.value
    settled = settlements_of(desk, case.listing, value["occurrence"], case.benefit)
    last = settled[-1] if settled else None
    return Cover(case, last, (_agreed(desk, case), _decided(case, last), _paid(settled)))


def _agreed(desk: Desk, case: Case) -> Step:
    state, trigger = str(case.value["state"]), case.value["trigger"]
    if trigger is not None:
        return Step("agree", Stand.DONE, _made_at(desk, trigger))
    if state.startswith("held_"):
        return Step("agree", Stand.HELD)
    if state.startswith("awaiting_"):
        waits = "values" in case.value["facts"].get("waiting", {})
        return Step("agree", Stand.WAITING if waits else Stand.NEXT)
    return Step("agree", Stand.ENDED)


def _decided(case: Case, last: Settlement | None) -> Step:
    state = str(case.value["state"])
    if state == "settled" and last is not None:
        totals = last.value["totals"]
        return Step("decide", Stand.DONE, last.at, totals["claims"], totals["in_force"])
    if case.value["trigger"] is None:
        return Step("decide", Stand.NEXT)
    return Step("decide", Stand.HELD if state.startswith(("held_", "refused")) else Stand.NOW)


def _paid(settled: Sequence[Settlement]) -> Step:
    due, done = sum(s.due_fen for s in settled), sum(s.executed_fen for s in settled)
    if not settled:
        return Step("pay", Stand.NEXT)
    if not due:
        return Step("pay", Stand.ENDED)
    at = max((s.paid_at for s in settled if s.paid_at is not None), default=None)
    return Step("pay", Stand.DONE if done == due else Stand.NOW, at, done, due)


def _made_at(desk: Desk, id: str) -> int | None:
    """The time of the block in which something was made."""
    place = desk.reading.place(id)
    if place is None:
        return None
    block = desk.reading.place(f"block/{json.loads(desk.reading.leaf(place))['height']}")
    return None if block is None else int(json.loads(desk.reading.leaf(block))["time"])
