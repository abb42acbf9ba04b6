"""What assessment reports and death notices say: losses of the own area and of the event, deaths.

The current version of the report that belongs to the occurrence counts. An area that no report
names is missing, not zero: the case waits, then closes, and a later report opens it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..grouping import Occurrence
from ..kinds import DEATHS, LOSS_REPORT, total_refusal
from ..shocks import HELD, LAST_RECORDED, Fact
from .belonging import Belongs, belongs
from .outcome import Closed, Context, Finding, Found, Given, Held, Waiting
from .quorum import (
    ANY_ONE,
    Agreed,
    Lack,
    Missing,
    ValueOf,
    agree,
    current,
    latest,
    rivals,
    settled_before,
    shown,
    stated,
    until,
    without,
)

NO_REPORT = Missing("awaiting_report", "no_report", "no_assessed_loss_reported")
NOT_IN_REPORTS = replace(NO_REPORT, reason="area_not_named")
NO_NOTICE = Missing("awaiting_death_notice", "no_death_notice", "no_deaths_reported")
NOT_IN_NOTICES = replace(NO_NOTICE, reason="area_not_named")


def loss_area(
    rule: Given, occurrence: Occurrence, area: Given, context: Context, now: int, fixed: Given
) -> Finding:
    """The own area's assessed loss of one item, in 0.1 万元."""
    return _loss(rule, occurrence, area, context, now, fixed, total=False)


def loss_total(
    rule: Given, occurrence: Occurrence, area: Given, context: Context, now: int, fixed: Given
) -> Finding:
    """The whole event's loss of the same item, from the report that gives the own area's."""
    return _loss(rule, occurrence, area, context, now, fixed, total=True)


def deaths_area(
    rule: Given, occurrence: Occurrence, area: Given, context: Context, now: int, fixed: Given
) -> Finding:
    """Deaths in the own area that an official notice attributes to the event."""
    if before := settled_before(rule, fixed):
        return before
    facts = _mine(DEATHS, rule, occurrence, context, now)
    if isinstance(facts, Held):
        return facts
    count, because, detail = 0, [], dict[str, Any]()
    for code in area["own"]:
        notices = [f for f in facts if f.observation.values["area"] == code]
        answer = _agreed(notices, rule, occurrence, context, now, _count, _count)
        if isinstance(answer, Held | Waiting | Closed):
            return answer
        if answer is None:
            missing = NOT_IN_NOTICES if facts and not notices else NO_NOTICE
            return _missing(rule, occurrence, now, missing, {"area": code})
        count += answer.value
        because += [f.observation.id for f in answer.with_it]
        detail = _told(answer, facts)
    return _named(rule, Found(count, tuple(because), "notice", detail))


def _loss(
    rule: Given,
    occurrence: Occurrence,
    area: Given,
    context: Context,
    now: int,
    fixed: Given,
    *,
    total: bool,
) -> Finding:
    if before := settled_before(rule, fixed):
        return before
    item = rule.get("params", {}).get("item", "civil_houses")
    facts = _mine(LOSS_REPORT, rule, occurrence, context, now)
    if isinstance(facts, Held):
        return facts

    def part_of(fact: Fact) -> int | None:
        items = fact.observation.values["items"]
        parts = [items.get(code, {}).get(item) for code in area["own"]]
        return None if None in parts else sum(parts)

    def figure(fact: Fact) -> int | None:
        stated: int | None = fact.observation.values["totals"].get(item)
        return stated if total else part_of(fact)

    answer = _agreed(facts, rule, occurrence, context, now, part_of, figure)
    if isinstance(answer, Held | Waiting | Closed):
        return answer
    if answer is None:
        missing = NOT_IN_REPORTS if facts else NO_REPORT
        return _missing(rule, occurrence, now, missing, {"area": area["own"][0], "item": item})
    values = answer.fact.observation.values
    because = tuple(f.observation.id for f in answer.with_it)
    detail = {**_told(answer, facts), "item": item, "part": answer.value}
    if not total:
        return _named(rule, Found(answer.value, because, "report", detail))
    if refusal := total_refusal(values, item, answer.value):
        missing = replace(NO_REPORT, reason=refusal.code.partition(".")[2])
        return _missing(rule, occurrence, now, missing, refusal.facts)
    detail["total_is"] = values["total_is"]
    return _named(rule, Found(values["totals"][item], because, "report", detail))


def _mine(
    kind: str, rule: Given, occurrence: Occurrence, context: Context, now: int
) -> list[Fact] | Held:
    """Current reports on file that belong to the occurrence; held where one may belong to two."""
    named = (*rule["sources"], *rule["fallback"])
    known = [f for f in until(context.facts(kind), now) if f.observation.source in named]
    mine = []
    for fact in current(known) if _held_apart(context) else latest(known):
        match belongs(fact.observation, occurrence, context):
            case Belongs.YES:
                mine.append(fact)
            case Belongs.UNSURE:
                facts = {"observation": fact.observation.id, "occurrence": occurrence.id}
                return Held("held_person", "report_fits_several", facts, "operator")
            case Belongs.NO:
                pass
    return mine


def _agreed(
    facts: Sequence[Fact],
    rule: Given,
    occurrence: Occurrence,
    context: Context,
    now: int,
    value_of: ValueOf,
    figure: ValueOf,
) -> Agreed | Waiting | Held | Closed | None:
    """The report that counts; the fallback's once the freeze deadline has passed without one.

    Held where its agency gives the same version another `figure` as well.
    """
    deadline = occurrence.origin + rule["freeze_seconds"]
    answer = agree(facts, rule["sources"], rule, value_of)
    if answer is Lack.NONE and now >= deadline:
        answer = agree(facts, rule["fallback"], ANY_ONE, value_of)
    if isinstance(answer, Agreed):
        told = [f for f in facts if value_of(f) is not None]
        apart = rivals(answer, told, figure) if _held_apart(context) else []
        return _same_version(apart, figure) if apart else answer
    if answer is Lack.NONE:
        return None
    sides = {"values": stated(facts, value_of)}
    return without(answer, NO_REPORT, rule, deadline, None, now, sides)


def _same_version(apart: Sequence[Fact], figure: ValueOf) -> Held:
    """Two reports of one version that differ: a person decides, both figures before them."""
    values = apart[0].observation.values
    told = {"issuer": values["issuer"], "version": values["version"]}
    facts = {**told, "values": stated(apart, figure)}
    return Held("held_conflict", "version_disagrees", facts, "operator")


def _held_apart(context: Context) -> bool:
    return bool(context.grouping.get("same_version", LAST_RECORDED) == HELD)


def _count(fact: Fact) -> int:
    return int(fact.observation.values["count"])


def _missing(
    rule: Given, occurrence: Occurrence, now: int, missing: Missing, facts: Given
) -> Waiting | Held | Closed:
    deadline, close = occurrence.origin + rule["freeze_seconds"], rule["close_after_seconds"]
    end = None if close is None else occurrence.origin + close
    return without(Lack.NONE, missing, rule, deadline, end, now, facts)


def _told(answer: Agreed, facts: Sequence[Fact]) -> dict[str, Any]:
    values = answer.fact.observation.values
    return {
        "issuer": values["issuer"],
        "version": values["version"],
        "shown": shown(facts, answer.with_it, lambda _: 0),
    }


def _named(rule: Given, found: Found) -> Found:
    """The value under its input's name, so that "first_settles" can keep it later."""
    used = {f"input:{rule['name']}": [found.because[0], found.value]}
    return Found(found.value, found.because, found.how, {**found.detail, "used": used})
