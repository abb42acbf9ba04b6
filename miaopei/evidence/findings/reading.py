"""A plain measured value: the current reading of the occurrence's event key, by quorum.

For perils whose occurrences are not sequences of shocks (an outage, a delay).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..grouping import Occurrence
from ..kinds import READING
from ..shocks import Fact
from .outcome import Closed, Context, Finding, Found, Held, Waiting
from .quorum import FIRST_SETTLES, Agreed, Lack, agree, latest, shown, until


def find(
    rule: Mapping[str, Any],
    occurrence: Occurrence,
    context: Context,
    now: int,
    fixed: Mapping[str, Any],
) -> Finding:
    """The reading named like the input (or `params.reading`), of the same event key."""
    key = f"input:{rule['name']}"
    if rule["revision"] == FIRST_SETTLES and key in fixed:
        observation, value = fixed[key]
        return Found(value, (observation,), "settled_before", {"used": {key: fixed[key]}})
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

    answer = agree(latest(facts), rule["sources"], rule, value_of)
    deadline = occurrence.origin + rule["freeze_seconds"]
    if answer is Lack.NONE and now >= deadline:
        one = {"operators": 1, "tolerance": 0}
        answer = agree(latest(facts), rule["fallback"], one, value_of)
    if isinstance(answer, Agreed):
        because = tuple(f.observation.id for f in answer.with_it)
        detail = {
            "instant": answer.fact.observation.instant,
            "used": {key: [because[0], answer.value]},
            "shown": shown(facts, answer.with_it, value_of),
        }
        return Found(answer.value, because, "reading", detail)
    return _without(rule, occurrence, now, deadline, answer)


def _without(
    rule: Mapping[str, Any], occurrence: Occurrence, now: int, deadline: int, lack: Lack
) -> Waiting | Held | Closed:
    owner = rule["sources"][0] if rule["sources"] else None
    facts = {"wanted": rule["operators"], "until": deadline}
    if lack is Lack.CONFLICT and now >= deadline:
        return Held("held_conflict", "sources_disagree", facts, "operator")
    close = rule["close_after_seconds"]
    end = None if close is None else occurrence.origin + close
    if end is not None and now >= end:
        return Closed("closed", "no_reading", {"until": end})
    if lack is Lack.NONE:
        return Waiting("awaiting_report", "no_reading", deadline if now < deadline else end, owner)
    reason = "too_few_operators" if lack is Lack.FEW else "sources_disagree"
    return Waiting("awaiting_quorum", reason, deadline if now < deadline else end, owner, facts)
