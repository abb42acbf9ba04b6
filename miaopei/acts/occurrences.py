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
from .facts import event_key, facts_between, facts_of_event
from .state import State

TABLE = "occurrence"
READINGS = (24, 2, 0)  # hours, km, seconds: of a rule that groups by event key


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
    """How far one sequence can matter to another.

    A shock lies within `seconds` and `near` of the centre of its sequence, so two sequences that
    could dispute a shock lie within twice that of one another. `near` and `link` are for `within`.
    """

    seconds: int
    near: int
    link: int

    @classmethod
    def of(cls, rule: Mapping[str, Any]) -> _Reach:
        hours, radius, apart = READINGS
        if rule["kind"] == SHOCKS:
            read = Rule.read(rule)
            hours, radius = read.hours, read.km + read.same_shock_km
            apart = read.apart  # of two sources' times of one shock
        metres = radius * 1000
        return cls(hours * HOUR + apart, threshold(metres), threshold(2 * metres))

    def holds(self, spot: _Spot, centres: Iterable[_Spot]) -> bool:
        """Whether a shock here could belong to a sequence there."""
        return _within(spot, centres, self.seconds, self.near)

    def links(self, spot: _Spot, others: Iterable[_Spot]) -> bool:
        """Whether a sequence here and one there could dispute a shock."""
        return _within(spot, others, 2 * self.seconds, self.link)


def pin(state: State, at: str, trigger: str) -> None:
    """An occurrence with a trigger keeps its founder and window, and never merges or splits."""
    if not state.has("pinned", at):
        state.put("pinned", at, trigger)


def around(state: State, rule_id: str, rule: Mapping[str, Any], first: int, last: int) -> list[str]:
    """Keys of the occurrences that a report about the time [first, last] may speak of."""
    window = _Reach.of(rule).seconds
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
        if occurrence.id in known or reach.holds(_centre(occurrence), spots)
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


def regroup_event(
    state: State, rule_id: str, rule: Mapping[str, Any], observation: Observation
) -> Regrouped:
    """As `regroup` for what is grouped by event key; replaced events are looked at again too."""
    touched = {}
    for number in (observation.event_key, *observation.values.get("replaces", ())):
        every = facts_of_event(state, number)
        own = [f for f in every if f.observation.event_key == number]
        at = state.get("of_event", f"{rule_id}/{event_key(number)}")
        pinned = (
            [Occurrence.from_json(state.need(TABLE, at))] if at and state.has("pinned", at) else []
        )
        for occurrence in group(own, rule, pinned):
            key = f"{rule_id}/{clock_key(occurrence.origin, occurrence.id)}"
            if at is not None and at != key:
                state.delete(TABLE, at)  # the plan has moved
            state.put(TABLE, key, occurrence.as_json())
            state.put("of_event", f"{rule_id}/{event_key(number)}", key)
            touched[key] = occurrence
    return Regrouped(touched, ())


def _chain(
    state: State, rule_id: str, reach: _Reach, new: Observation
) -> tuple[list[Fact], list[_Spot], dict[str, tuple[str, Any]]]:
    """All recorded sequences that hang together with a new fact, and the facts of their time."""
    double = 2 * reach.seconds
    low, high = new.instant - double, new.instant + double
    facts = facts_between(state, low, high)
    same = (f.observation for f in facts if _key(f.observation) == _key(new))
    spots = [_spot(new), *(_spot(o) for o in same)]  # also where it was said to be before
    known: dict[str, tuple[str, Any]] = {}
    while True:
        reached = [
            (key, value)
            for key, value in _between(state, rule_id, low, high)
            if value["id"] not in known and reach.links(_centre_of(value), spots)
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
    keys = {_key(fact.observation) for fact in every if reach.links(_spot(fact.observation), spots)}
    return [fact for fact in every if _key(fact.observation) in keys]


def _within(spot: _Spot, others: Iterable[_Spot], seconds: int, least: int) -> bool:
    return any(
        abs(spot.instant - other.instant) <= seconds and within(spot.vector, other.vector, least)
        for other in others
    )


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
