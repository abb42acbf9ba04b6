"""What is known of one outage: its plan, who is in scope, when power was back, and why it was off.

Both source systems must state the restoration within the contract's tolerance; one alone counts
only after the freeze. Where times differ by customer the finding names the sealed lists, and each
decider reads them for itself. Source: docs/specs/outage.md, section 4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..grouping import Occurrence
from ..kinds import OUTAGE, RESTORATION
from ..outage.plans import (
    Late,
    NoPlan,
    Plan,
    counts_by,
    holds_overlaps,
    plan_of,
    span_of,
)
from ..shocks import Fact
from .outcome import Closed, Context, Finding, Found, Held, Waiting
from .quorum import (
    ANY_ONE,
    Agreed,
    Lack,
    Missing,
    agree,
    latest,
    settled_before,
    shown,
    stated,
    until,
    without,
)

NOT_BACK = Missing("awaiting_report", "no_restoration", "no_restoration")
IN_SCOPE = 1
RECORDED_LATE, OVERLAPS = "plan_recorded_late", "outage_overlaps"
Given = Mapping[str, Any]


def planned(rule: Given, occurrence: Occurrence, context: Context, now: int, _: Given) -> Finding:
    """Planned restoration, whole minutes since 1970 UTC, of the plan that counts."""
    plan = _plan(rule["sources"], occurrence, context, now)
    if not isinstance(plan, Plan):
        return plan
    value = int(plan.values["on_planned"]) // 60
    return _from_plan(plan, value, {"shown": _later(plan)})


def scope(rule: Given, occurrence: Occurrence, context: Context, now: int, _: Given) -> Finding:
    """Whether a customer is in scope: 1 for those on the sealed list of the plan that counts.

    Of a plan recorded late, and of an outage in the time of another of the same feeder, a person
    says 1, it counts, with its list, or 0, it does not.
    """
    plan = _read(rule["sources"], occurrence, context, now)
    if isinstance(plan, Late):
        return _by_person(rule, context, plan.plan, _held(plan))
    if not isinstance(plan, Plan):
        return plan
    if (other := _beside(rule["sources"], occurrence, plan, context, now)) is not None:
        about = {"outage": plan.fact.observation.event_key, "other": other}
        return _by_person(rule, context, plan, Held("held_person", OVERLAPS, about, "operator"))
    return _from_plan(plan, IN_SCOPE, {"lists": _scope(plan)})


def _by_person(rule: Given, context: Context, plan: Plan, held: Held) -> Found | Held:
    """A person's word on a plan with its own list; `held` where none has spoken."""
    word = context.resolution(rule["name"])
    if word is None:
        return held
    value, person = int(word["value"]), {n: word.get(n) for n in ("person", "reason", "act")}
    told = {"instant": plan.began_at, "resolved": held.reason, **person}
    detail = {**told, "lists": _scope(plan)} if value == IN_SCOPE else told
    return Found(value, (plan.fact.observation.id,), "person", detail)


def _beside(
    sources: Sequence[str], occurrence: Occurrence, plan: Plan, context: Context, now: int
) -> str | None:
    """The number of an outage of the same feeder in the same time that the record had before."""
    if not holds_overlaps(context.grouping):
        return None
    every = until((*context.facts(OUTAGE), *context.facts(RESTORATION)), now)
    first, (began, back) = context.fact(occurrence.founding), span_of(every, plan)
    for other in sorted(context.occurrences, key=lambda o: o.id):
        founder = context.fact(other.founding)
        if founder is None or first is None or founder.recorded_order >= first.recorded_order:
            continue
        number = founder.observation.event_key
        stands = plan_of(every, number, sources, counts_by(context.grouping))
        if not isinstance(stands, Plan) or stands.values["feeder"] != plan.values["feeder"]:
            continue
        if set(stands.values["replaces"]) & set(plan.values["replaces"]):
            continue  # parts into which one plan was split, by the utility's own word
        since, upto = span_of(every, stands)
        if since < back and began < upto:
            return number
    return None


def restored(
    rule: Given, occurrence: Occurrence, context: Context, now: int, fixed: Given
) -> Finding:
    """When power was back for the last in scope, whole minutes since 1970 UTC.

    Complete reports only. The freeze runs from the first of them, whatever corrects it later; past
    it one source is enough, in the contract's order, then its fallback.
    """
    kept = settled_before(rule, fixed)
    if kept is not None:
        return kept
    plan_source = rule.get("params", {}).get("plan", "grid.command")
    plan = _plan([plan_source], occurrence, context, now)
    if not isinstance(plan, Plan):
        return plan
    number = plan.fact.observation.event_key
    facts = _reports(context, number, now)
    current = latest(facts)
    complete = [f for f in current if _last_on(f) is not None]
    counted = facts if context.from_first else complete
    first = min((f.recorded_at for f in counted if _last_on(f) is not None), default=None)
    deadline = (int(plan.values["on_planned"]) if first is None else first) + rule["freeze_seconds"]
    answer = agree(current, rule["sources"], rule, _last_on)
    asked = {name: rule[name] for name in ("sources", "operators", "tolerance")}
    if answer in (Lack.NONE, Lack.FEW) and now >= deadline:
        alone = [*rule["sources"], *rule["fallback"]]
        later = agree(current, alone, ANY_ONE, _last_on)
        if isinstance(later, Agreed):
            answer, asked = later, {"sources": alone, **ANY_ONE}
    if isinstance(answer, Agreed):
        return _agreed(rule, answer, facts, asked)
    close = rule["close_after_seconds"]
    end = None if close is None else occurrence.origin + close
    sides = {} if answer is Lack.NONE else {"values": stated(complete, _last_on)}
    return without(answer, NOT_BACK, rule, deadline, end, now, sides)


def cause(rule: Given, occurrence: Occurrence, context: Context, now: int, _: Given) -> Finding:
    """The code of the cause: of the newest report that names one, else of the plan that counts."""
    plan = _plan(rule["sources"], occurrence, context, now)
    if not isinstance(plan, Plan):
        return plan
    reports = latest(_reports(context, plan.fact.observation.event_key, now))
    named = [
        f
        for f in reports
        if f.observation.source in rule["sources"] and f.observation.values["cause"] is not None
    ]
    if not named:
        return _from_plan(plan, int(plan.values["cause"]), {})
    chosen = named[-1].observation
    detail = {"instant": plan.began_at}
    return Found(int(chosen.values["cause"]), (chosen.id,), "reading", detail)


def _plan(
    sources: Sequence[str], occurrence: Occurrence, context: Context, now: int
) -> Plan | Waiting | Closed | Held:
    """The plan that counts, or why nothing is covered, or not yet."""
    plan = _read(sources, occurrence, context, now)
    if not isinstance(plan, Late):
        return plan
    said = (found.detail.get("resolved") for found in context.known.values())
    return plan.plan if RECORDED_LATE in said else _held(plan)


def _held(late: Late) -> Held:
    number = late.plan.fact.observation.event_key
    return Held("held_person", RECORDED_LATE, late.as_facts(number), "operator")


def _scope(plan: Plan) -> list[dict[str, Any]]:
    said = plan.fact.observation
    named = {"source": said.source, "observation": said.id, "list": plan.values["list"]}
    return [{**named, "value": IN_SCOPE}]


def _read(
    sources: Sequence[str], occurrence: Occurrence, context: Context, now: int
) -> Plan | Late | Waiting | Closed:
    founder = context.fact(occurrence.founding)
    number = founder.observation.event_key if founder else ""
    every = until((*context.facts(OUTAGE), *context.facts(RESTORATION)), now)
    plan = plan_of(every, number, sources, counts_by(context.grouping))
    if plan is None:
        return Waiting("awaiting_report", "no_plan", None, sources[0], {"outage": number})
    if isinstance(plan, NoPlan):
        return Closed("not_covered", plan.reason, plan.facts)
    return plan


def _from_plan(plan: Plan, value: int, detail: Given) -> Found:
    return Found(value, (plan.fact.observation.id,), "plan", {"instant": plan.began_at, **detail})


def _later(plan: Plan) -> list[dict[str, Any]]:
    """Revisions that came too late to count, for the reader."""
    return [
        {"observation": f.observation.id, "source": f.observation.source, "why": "after_start"}
        for f in plan.later
    ]


def _agreed(rule: Given, answer: Agreed, facts: Sequence[Fact], asked: Given) -> Found:
    because = tuple(f.observation.id for f in answer.with_it)
    lists = [
        {
            "source": f.observation.source,
            "observation": f.observation.id,
            "list": f.observation.values["list"],
            "value": _last_on(f),
        }
        for f in answer.with_it
    ]
    detail = {
        "used": {f"input:{rule['name']}": [because[0], answer.value]},
        "shown": shown(facts, answer.with_it, _last_on),
    }
    if any(each["list"] for each in lists):  # else one time holds for all in scope
        detail |= {"lists": lists, "asked": dict(asked)}
    return Found(answer.value, because, "restoration", detail)


def _reports(context: Context, number: str, now: int) -> list[Fact]:
    facts = until(context.facts(RESTORATION), now)
    return [f for f in facts if f.observation.event_key == number]


def _last_on(fact: Fact) -> int | None:
    values = fact.observation.values
    return int(values["last_on"]) // 60 if values["complete"] else None
