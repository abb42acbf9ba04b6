"""A plain measured value: the current reading of the occurrence's event key, by quorum.

For perils whose occurrences are not sequences of shocks (an outage, a delay).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..grouping import Occurrence
from ..kinds import READING
from ..shocks import Fact
from .outcome import Context, Finding, Found
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

NO_READING = Missing("awaiting_report", "no_reading", "no_reading")


def find(
    rule: Mapping[str, Any],
    occurrence: Occurrence,
    context: Context,
    now: int,
    fixed: Mapping[str, Any],
) -> Finding:
    """The reading named like the input (or `params.reading`), of the same event key."""
    before = settled_before(rule, fixed)
    if before is not None:
        return before
    name = rule.get("params", {}).get("reading", rule["name"])
    founder = context.fact(occurrence.founding)
    event = founder.observation.event_key if founder else None
    facts = [
        f
        for f in until(context.facts(READING), now)
        if f.observation.event_key == event and f.observation.values["name"] == name
    ]

    def value_of(fact: Fact) -> int:
        return int(fact.observation.values["value"])

    current = latest(facts)
    answer = agree(current, rule["sources"], rule, value_of)
    deadline = occurrence.origin + rule["freeze_seconds"]
    if answer is Lack.NONE and now >= deadline:
        answer = agree(current, rule["fallback"], ANY_ONE, value_of)
    if isinstance(answer, Agreed):
        because = tuple(f.observation.id for f in answer.with_it)
        detail = {
            "instant": answer.fact.observation.instant,
            "used": {f"input:{rule['name']}": [because[0], answer.value]},
            "shown": shown(facts, answer.with_it, value_of),
        }
        return Found(answer.value, because, "reading", detail)
    close = rule["close_after_seconds"]
    end = None if close is None else occurrence.origin + close
    named = [f for f in current if f.observation.source in rule["sources"]]
    sides = {} if answer is Lack.NONE else {"values": stated(named, value_of)}
    return without(answer, NO_READING, rule, deadline, end, now, sides)
