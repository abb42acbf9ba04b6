"""Which revision of an outage's plan counts, and what ends a plan.

A-04: the plan last notified before the outage began. A customer can be told only of what the
record had by then; what reaches it later is shown and moves no money, whatever time its sender
prints. Source: docs/specs/outage.md, section 2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..kinds import OUTAGE, RESTORATION
from ..shocks import Fact

CANCELLED = "cancelled"
# A choice of a filed grouping rule, `plan`; the first is what a rule means that does not say.
LAST_PUBLISHED, LAST_RECORDED = "last_published", "last_recorded"
PLANS = (LAST_PUBLISHED, LAST_RECORDED)


# `overlap`: what becomes of an outage in the time of another of the same feeder.
OVERLAP_COUNTS, OVERLAP_HELD = "counts", "held"
OVERLAPS = (OVERLAP_COUNTS, OVERLAP_HELD)


def holds_overlaps(grouping: Mapping[str, Any]) -> bool:
    """Whether of two outages of a feeder in one time the later recorded is for a person."""
    return bool(grouping.get("overlap", OVERLAP_COUNTS) == OVERLAP_HELD)


def counts_by(grouping: Mapping[str, Any]) -> str:
    """By what the plan that counts is chosen: its own word when it was published, or the record."""
    return str(grouping.get("plan", LAST_PUBLISHED))


@dataclass(frozen=True)
class Plan:
    """The revision that counts, when the outage began (UTC seconds), and the later revisions."""

    fact: Fact
    began_at: int
    later: tuple[Fact, ...]

    @property
    def values(self) -> Mapping[str, Any]:
        """What the plan that counts says."""
        return self.fact.observation.values


@dataclass(frozen=True)
class NoPlan:
    """No plan stands: a bare code (its sentence: errors/texts/evidence.toml) and its facts."""

    reason: str
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class Late:
    """Nothing was on the record when the outage began; a plan that says it was published before
    came afterwards. `plan` is what would count; that it does is for a person to say."""

    plan: Plan

    def as_facts(self, number: str) -> dict[str, Any]:
        """What the person is shown."""
        fact = self.plan.fact
        return {
            "outage": number,
            "published": _published(fact),
            "recorded": fact.recorded_at,
            "began": self.plan.began_at,
        }


def plan_of(
    facts: Iterable[Fact], number: str, sources: Sequence[str], by: str = LAST_PUBLISHED
) -> Plan | NoPlan | Late | None:
    """The plan that counts for an outage number, by `sources`; None where no plan is on file.

    `facts` are all that speak of the number, and plans of other numbers that replace it. The start
    is the earliest that was reported as actual, else the one that the plan itself names. `by` is
    what `counts_by` says of the contract; `Late` is answered for LAST_RECORDED only.
    """
    every = list(facts)
    plans = _revisions(every, number, sources)
    if not plans:
        return None
    begun = _begun(every, number)
    if by == LAST_RECORDED:
        found = _standing(every, plans, number, sources, begun)
        if found is not None:
            return found
    published = _last_published(every, plans, number, sources, begun)
    return Late(published) if by == LAST_RECORDED and isinstance(published, Plan) else published


def _standing(
    every: Sequence[Fact],
    plans: Sequence[Fact],
    number: str,
    sources: Sequence[str],
    begun: int | None,
) -> Plan | NoPlan | None:
    """By what the record had before the start; None where it had nothing.

    Where no start is reported the outage began when the plan that stood had planned it: a revision
    that comes after that does not undo it by naming a later start.
    """
    chosen: Fact | None = None
    for plan in plans:
        start = min(_start(each, begun) for each in (plan, chosen or plan))
        if _heard(plan) < start:
            chosen = plan
    if chosen is None:
        return None
    return _chosen(every, plans, chosen, number, sources, begun, _heard)


def _last_published(
    every: Sequence[Fact],
    plans: Sequence[Fact],
    number: str,
    sources: Sequence[str],
    begun: int | None,
) -> Plan | NoPlan:
    """By the time that each revision itself names as that of its publication."""
    standing = [plan for plan in plans if _published(plan) < _start(plan, begun)]
    if not standing:
        first = plans[0].observation
        return NoPlan("published_too_late", {"outage": number, "observation": first.id})
    return _chosen(every, plans, standing[-1], number, sources, begun, _published)


def _chosen(
    every: Sequence[Fact],
    plans: Sequence[Fact],
    chosen: Fact,
    number: str,
    sources: Sequence[str],
    begun: int | None,
    when: Callable[[Fact], int],
) -> Plan | NoPlan:
    """What a revision that counts comes to: it may cancel, or have been replaced by another."""
    values = chosen.observation.values
    start = _start(chosen, begun)
    if values["state"] == CANCELLED:
        return NoPlan("outage_cancelled", {"outage": number, "observation": chosen.observation.id})
    for other in every:
        said = other.observation
        replaces = said.kind == OUTAGE and number in said.values["replaces"]
        if replaces and said.source in sources and when(other) < start:
            facts_ = {"outage": number, "by": said.event_key, "observation": said.id}
            return NoPlan("outage_replaced", facts_)
    return Plan(chosen, start, tuple(plans[plans.index(chosen) + 1 :]))


def span_of(facts: Iterable[Fact], plan: Plan) -> tuple[int, int]:
    """[began, back] of an outage, UTC seconds: as reported complete, else as planned."""
    number = plan.fact.observation.event_key
    ends = [
        int(f.observation.values["last_on"])
        for f in facts
        if f.counted
        and f.observation.kind == RESTORATION
        and f.observation.event_key == number
        and f.observation.values["complete"]
    ]
    return plan.began_at, max(ends, default=int(plan.values["on_planned"]))


def _revisions(facts: Iterable[Fact], number: str, sources: Sequence[str]) -> list[Fact]:
    """Plans of one number in the order of revision; of one revision the first recorded stands."""
    found: dict[int, Fact] = {}
    for fact in sorted(facts, key=lambda f: (f.recorded_order, f.observation.id)):
        said = fact.observation
        if said.kind == OUTAGE and said.event_key == number and said.source in sources:
            found.setdefault(said.revision, fact)
    return [found[revision] for revision in sorted(found)]


def _begun(facts: Iterable[Fact], number: str) -> int | None:
    """The earliest actual start that a counted source has reported."""
    starts = (
        f.observation.values["first_off"]
        for f in facts
        if f.counted and f.observation.kind == RESTORATION and f.observation.event_key == number
    )
    return min((start for start in starts if start is not None), default=None)


def _start(plan: Fact, begun: int | None) -> int:
    planned = int(plan.observation.values["off_planned"])
    return planned if begun is None else begun


def _heard(fact: Fact) -> int:
    """From when a customer could be told of it: it is published, and the record has it."""
    return max(_published(fact), fact.recorded_at)


def _published(fact: Fact) -> int:
    return int(fact.observation.values["published_at"])
