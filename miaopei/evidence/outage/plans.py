"""Which revision of an outage's plan counts, and what ends a plan.

A-04: the plan last published before the outage began. What is published after that is shown and
moves no money. Source: docs/specs/outage.md, section 2.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..kinds import OUTAGE, RESTORATION
from ..shocks import Fact

CANCELLED = "cancelled"


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


def plan_of(facts: Iterable[Fact], number: str, sources: Sequence[str]) -> Plan | NoPlan | None:
    """The plan that counts for an outage number, by `sources`; None where no plan is on file.

    `facts` are all that speak of the number, and plans of other numbers that replace it. The start
    is the earliest that was reported as actual, else the one that each revision itself names.
    """
    every = list(facts)
    plans = _revisions(every, number, sources)
    if not plans:
        return None
    begun = _begun(every, number)
    standing = [plan for plan in plans if _published(plan) < _start(plan, begun)]
    if not standing:
        first = plans[0].observation
        return NoPlan("published_too_late", {"outage": number, "observation": first.id})
    chosen = standing[-1]
    values = chosen.observation.values
    start = _start(chosen, begun)
    if values["state"] == CANCELLED:
        return NoPlan("outage_cancelled", {"outage": number, "observation": chosen.observation.id})
    for other in every:
        said = other.observation
        replaces = said.kind == OUTAGE and number in said.values["replaces"]
        if replaces and said.source in sources and _published(other) < start:
            facts_ = {"outage": number, "by": said.event_key, "observation": said.id}
            return NoPlan("outage_replaced", facts_)
    return Plan(chosen, start, tuple(plans[plans.index(chosen) + 1 :]))


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


def _published(fact: Fact) -> int:
    return int(fact.observation.values["published_at"])
