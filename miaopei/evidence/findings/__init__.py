"""What the facts on file say for one input of a product, at one block time.

`find` asks the measure that the input names. A person's resolution stands in for a held finding and
is named in it. The order in which facts were read never matters where the contract lets it not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...errors import Refusal, Refused
from ..grouping import Occurrence
from . import magnitude, reading, reports, role
from .outcome import Closed, Context, Finding, Found, Gathered, Held, Waiting, sentence

__all__ = [
    "MEASURES",
    "Closed",
    "Context",
    "Finding",
    "Found",
    "Gathered",
    "Held",
    "Waiting",
    "find",
    "sentence",
]

MEASURES = (
    *("shock.magnitude", "shock.role"),
    *("loss.area", "loss.total", "deaths.area", "value"),
)


def find(
    rule: Mapping[str, Any],
    occurrence: Occurrence,
    area: Mapping[str, Any],
    context: Context,
    now: int,
    fixed: Mapping[str, Any],
) -> Finding:
    """One input's value, or why there is none yet.

    `rule` is the input's filed form, `now` the block's time, `fixed` what an earlier trigger of the
    same case used: shock id -> [observation id, tenths] (the `used` of its findings).
    Errors   Refused evidence.unknown_measure.
    """
    answer = _measured(rule, occurrence, area, context, now, fixed)
    resolution = context.resolution(rule["name"])
    if resolution is None or not isinstance(answer, Held):
        return answer
    return _resolved(rule, answer, resolution)


def _measured(
    rule: Mapping[str, Any],
    occurrence: Occurrence,
    area: Mapping[str, Any],
    context: Context,
    now: int,
    fixed: Mapping[str, Any],
) -> Finding:
    match rule["measure"]:
        case "shock.magnitude":
            return magnitude.find(rule, occurrence, context, now, fixed)
        case "shock.role":
            return role.find(rule, occurrence, area, context, now, fixed)
        case "loss.area":
            return reports.loss_area(rule, occurrence, area, context, now, fixed)
        case "loss.total":
            return reports.loss_total(rule, occurrence, area, context, now, fixed)
        case "deaths.area":
            return reports.deaths_area(rule, occurrence, area, context, now, fixed)
        case "value":
            return reading.find(rule, occurrence, context, now, fixed)
        case other:
            raise Refused(Refusal("evidence.unknown_measure", {"measure": str(other)[:60]}))


def _resolved(rule: Mapping[str, Any], held: Held, resolution: Mapping[str, Any]) -> Found:
    """A person's value in place of a held finding, with what it stands in for."""
    detail = {
        **held.facts,
        "resolved": held.reason,
        "person": resolution.get("person"),
        "reason": resolution.get("reason"),
        "act": resolution.get("act"),
    }
    value = int(resolution["value"])
    observation = held.facts.get("observation")
    if rule["measure"] == "shock.magnitude" and "shock" in held.facts:
        # the case goes on from this shock; the code of a role is no magnitude
        detail |= {"main": held.facts["shock"], "used": {held.facts["shock"]: [observation, value]}}
    return Found(value, (observation,) if observation else (), "person", detail)
