"""Occurrences on the record: how the facts on file group under one rule, and what that changes.

One sequence decides where the next begins, so a new fact is looked at with the whole chain of
sequences that are near one another in time and place. What has a trigger is pinned.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..evidence.grouping import SHOCKS, Fact, Occurrence, group
from ..evidence.observation import Observation
from ..evidence.shocks import Rule
from ..measures.instant import HOUR
from ..measures.place import Vector, threshold, unit_vector, within
from .base import clock_key
from .facts import facts_between
from .state import State

TABLE = "occurrence"
READINGS = {"hours": 24, "km": 1, "same_shock_km": 1}  # of a rule that groups by event key


@dataclass(frozen=True)
class Regrouped:
    """Occurrences to look at again by their keys, and the ids of those that are no more."""

    touched: Mapping[str, Occurrence]
    gone: tuple[str, ...]


@dataclass(frozen=True)
class _Spot:
    """A moment and a place from which sequences may be reached."""

    instant: int
    vector: Vector


@dataclass(frozen=True)
class _Reach:
    """How far one sequence can matter to another. Units   seconds; thresholds of `within`."""

    window: int
    near: int
    link: int

    @classmethod
    def of(cls, rule: Mapping[str, Any]) -> _Reach:
        plain = READINGS
        if rule["kind"] == SHOCKS:
            read = Rule.read(rule)
            plain = {"hours": read.hours, "km": read.km, "same_shock_km": read.same_shock_km}
        radius = (plain["km"] + plain["same_shock_km"]) * 1000
        return cls(plain["hours"] * HOUR, threshold(radius), threshold(2 * radius))

    def joins(self, spot: _Spot, others: Iterable[_Spot], least: int) -> bool:
        """Whether a spot is within two windows and so far (`least`) of one of the others."""
        return any(
            abs(spot.instant - other.instant) <= 2 * self.window
            and within(spot.vector, other.vector, least)
            for other in others
        )


def pin(state: State, at: str, trigger: str) -> None:
    """An occurrence with a trigger keeps its founder and window, and never merges or splits."""
    if not state.has("pinned", at):
        state.put("pinned", at, trigger)


def around(state: State, rule_id: str, rule: Mapping[str, Any], first: int, last: int) -> list[str]:
    """Keys of the occurrences that a report about the time [first, last] may speak of."""
    window = _Reach.of(rule).window
    return [key for key, _ in _between(state, rule_id, first - window, last + window)]


def regroup(
    state: State, rule_id: str, rule: Mapping[str, Any], observation: Observation
) -> Regrouped:
    """Group anew what one new fact may change, and write down what has changed."""
    reach = _Reach.of(rule)
    facts, spots, known = _chain(state, rule_id, reach, observation)
    pinned = [Occurrence.from_json(v) for k, v in known.values() if state.has("pinned", k)]
    found = {
        occurrence.id: occurrence
        for occurrence in group(_near(facts, spots, reach), rule, pinned)
        if occurrence.id in known or reach.joins(_centre(occurrence), spots, reach.near)
    }
    touched = {}
    for occurrence in found.values():
        key = f"{rule_id}/{clock_key(occurrence.origin, occurrence.id)}"
        before = known.get(occurrence.id)
        if before is not None and before[0] != key:
            state.delete(TABLE, before[0])  # another source has moved its origin a little
        if before != (key, occurrence.as_json()):
            state.put(TABLE, key, occurrence.as_json())
        touched[key] = occurrence
    gone = tuple(sorted(set(known) - set(found)))
    for occurrence_id in gone:
        state.delete(TABLE, known[occurrence_id][0])
    return Regrouped(touched, gone)


def _chain(
    state: State, rule_id: str, reach: _Reach, new: Observation
) -> tuple[list[Fact], list[_Spot], dict[str, tuple[str, Any]]]:
    """All recorded sequences that hang together with a new fact, and the facts of their time."""
    double = 2 * reach.window
    low, high = new.instant - double, new.instant + double
    facts = facts_between(state, low, high)
    same = (f.observation for f in facts if _key(f.observation) == _key(new))
    spots = [_spot(new), *(_spot(o) for o in same)]  # also where it was said to be before
    known: dict[str, tuple[str, Any]] = {}
    while True:
        reached = [
            (key, value)
            for key, value in _between(state, rule_id, low, high)
            if value["id"] not in known and reach.joins(_centre_of(value), spots, reach.link)
        ]
        if not reached:
            return facts, spots, known
        for key, value in reached:
            known[value["id"]] = (key, value)
            spots.append(_centre_of(value))
        wider = [spot.instant for spot in spots]
        if (min(wider) - double, max(wider) + double) != (low, high):
            low, high = min(wider) - double, max(wider) + double
            facts = facts_between(state, low, high)


def _near(facts: Iterable[Fact], spots: list[_Spot], reach: _Reach) -> list[Fact]:
    """Facts within reach of the chain, each with all revisions of its event."""
    every = list(facts)
    keys = {
        _key(fact.observation)
        for fact in every
        if reach.joins(_spot(fact.observation), spots, reach.link)
    }
    return [fact for fact in every if _key(fact.observation) in keys]


def _between(state: State, rule_id: str, low: int, high: int) -> list[tuple[str, Any]]:
    first, last = f"{rule_id}/{max(low, 0):012d}", f"{rule_id}/{max(high, 0) + 1:012d}"
    return list(state.between(TABLE, first, last))


def _key(observation: Observation) -> tuple[str, str]:
    return observation.source, observation.event_key


def _spot(observation: Observation) -> _Spot:
    values = observation.values
    place = unit_vector(values.get("lat_udeg", 0), values.get("lon_udeg", 0))
    return _Spot(observation.instant, place)


def _centre(occurrence: Occurrence) -> _Spot:
    return _Spot(occurrence.origin, unit_vector(occurrence.lat_udeg, occurrence.lon_udeg))


def _centre_of(value: Mapping[str, Any]) -> _Spot:
    return _Spot(value["origin"], unit_vector(value["lat_udeg"], value["lon_udeg"]))
