"""What the facts on file say for one input of a product, at one block time.

`find` asks the measure that the input names. A person's resolution stands in for a held finding and
is named in it. The order in which facts were read never matters where the contract lets it not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ...errors import Refusal, Refused
from ..grouping import Occurrence, Shock
from . import magnitude, outages, position, reading, reports, role
from .outcome import (
    Closed,
    Context,
    Finding,
    Found,
    Gathered,
    Given,
    Held,
    Measure,
    Waiting,
    sentence,
)

__all__ = [
    "MEASURES",
    "Closed",
    "Context",
    "Finding",
    "Found",
    "Gathered",
    "Held",
    "Waiting",
    "alone",
    "deciding",
    "find",
    "resolved_as",
    "sentence",
]


def _anywhere(measure: Callable[[Given, Occurrence, Context, int, Given], Finding]) -> Measure:
    """A measure that asks for no area."""
    return lambda rule, occurrence, _, *rest: measure(rule, occurrence, *rest)


# Name of a measure, as a product files it -> what reads it from the facts.
_READ: Mapping[str, Measure] = {
    "shock.magnitude": _anywhere(magnitude.find),
    "shock.role": role.find,
    "shock.position": _anywhere(position.find),
    "loss.area": reports.loss_area,
    "loss.total": reports.loss_total,
    "deaths.area": reports.deaths_area,
    "value": _anywhere(reading.find),
    "outage.scope": _anywhere(outages.scope),
    "outage.planned": _anywhere(outages.planned),
    "outage.restored": _anywhere(outages.restored),
    "outage.cause": _anywhere(outages.cause),
}
MEASURES = tuple(_READ)


def deciding(
    inputs: Sequence[Mapping[str, Any]],
    occurrence: Occurrence,
    context: Context,
    now: int,
    fixed: Mapping[str, Any],
) -> list[Shock]:
    """The shocks that are decided each by itself; none where no input reads a shock.

    `inputs`: the filed forms of a product's rules of evidence.
    """
    rule = next((rule for rule in inputs if rule["measure"].startswith("shock.")), None)
    return [] if rule is None else magnitude.deciding(rule, occurrence, context, now, fixed)


def alone(measure: str, occurrence: Occurrence, shock: Shock | None) -> Occurrence:
    """What an input is asked of where one shock decides: it alone, or all for what reports say."""
    if shock is None or not measure.startswith("shock."):
        return occurrence
    return replace(occurrence, shocks=(shock,))


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
    measure = _READ.get(rule["measure"])
    if measure is None:
        facts = {"input": rule["name"], "measure": str(rule["measure"])[:60]}
        raise Refused(Refusal("evidence.unknown_measure", facts))
    answer = measure(rule, occurrence, area, context, now, fixed)
    if not isinstance(answer, Held):
        return answer
    name = rule["name"]
    resolution = context.resolution(name) or context.resolution(resolved_as(name, answer.facts))
    if resolution is None:
        return answer
    return _resolved(rule, answer, resolution)


def resolved_as(name: str, held: Mapping[str, Any]) -> str:
    """Under what name a person's word on one of several shocks is kept: input and observation."""
    return f"{name}/{held['observation']}" if held.get("observation") else name


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
