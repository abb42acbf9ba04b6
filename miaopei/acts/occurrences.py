"""Occurrences on the record: how the facts on file group under one rule, and what that changes.

One sequence decides where the next begins, so a new fact is looked at with the whole chain of
sequences that are near one another in time and place. What has a trigger is pinned.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..evidence.grouping import SHOCKS, Fact, Occurrence, group
from ..evidence.observation import Observation
from ..evidence.shocks import Rule
from ..measures.instant import HOUR
from ..measures.place import Vector, threshold, unit_vector, within
from .base import clock_key
from .facts import event_key, facts_of_event
from .on_file import TABLE, OnFile
from .state import State

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

    def holds(self, spot: _Spot, centres: _Spots) -> bool:
        """Whether a shock here could belong to a sequence there."""
        return centres.any_within(spot, self.seconds, self.near)

    def links(self, spot: _Spot, others: _Spots) -> bool:
        """Whether a sequence here and one there could dispute a shock."""
        return others.any_within(spot, 2 * self.seconds, self.link)


class _Spots:
    """Spots by their moment, so that only those near in time are measured in place."""

    def __init__(self, spots: Iterable[_Spot]) -> None:
        self._spots = sorted(spots, key=_moment)
        self._moments = [spot.instant for spot in self._spots]

    def any_within(self, spot: _Spot, seconds: int, least: int) -> bool:
        """Whether one lies within so many seconds, and the radius that `least` stands for."""
        start = bisect_left(self._moments, spot.instant - seconds)
        end = bisect_right(self._moments, spot.instant + seconds)
        return any(within(spot.vector, other.vector, least) for other in self._spots[start:end])

    def span(self) -> tuple[int, int]:
        """The first and the last moment."""
        return self._moments[0], self._moments[-1]


class Regrouping:
    """Groups anew, under one rule, what the facts of one act may change.

    Where a fact hangs together with just what an earlier one did, and nothing has been written
    since, the facts group as they did then.
    """

    def __init__(self, on_file: OnFile, rule_id: str, rule: Mapping[str, Any]) -> None:
        self._on_file, self._state = on_file, on_file.state
        self._rule_id, self._rule = rule_id, rule
        self._grouped: tuple[Any, list[Occurrence]] | None = None

    @cached_property
    def _reach(self) -> _Reach:
        return _Reach.of(self._rule)

    def around(self, first: int, last: int) -> list[str]:
        """Keys of the occurrences that a report about the time [first, last] may speak of."""
        window = self._reach.seconds
        return [key for key, _ in self._between(first - window, last + window)]

    def fact(self, observation: Observation) -> Regrouped:
        """Group anew what one new fact may change, and write down what has changed."""
        facts, spots, known = self._chain(observation)
        pinned = [o for key, o in known.values() if self._state.has("pinned", key)]
        found = {
            occurrence.id: occurrence
            for occurrence in self._group(_near(facts, spots, self._reach), pinned)
            if occurrence.id in known or self._reach.holds(_centre(occurrence), spots)
        }
        touched = {}
        for occurrence in found.values():
            key = self._key(occurrence)
            before = known.get(occurrence.id)
            if before is not None and before[0] != key:
                self._keep(before[0], None)  # another source has moved its origin a little
            if before != (key, occurrence):
                self._keep(key, occurrence)
            touched[key] = occurrence
        gone = tuple(sorted(set(known) - set(found)))
        for occurrence_id in gone:
            self._keep(known[occurrence_id][0], None)
        return Regrouped(touched, gone)

    def event(self, observation: Observation) -> Regrouped:
        """As `fact` for what is grouped by event key; replaced events are looked at again too."""
        state, touched = self._state, {}
        for number in (observation.event_key, *observation.values.get("replaces", ())):
            every = facts_of_event(state, number)
            own = [f for f in every if f.observation.event_key == number]
            of = f"{self._rule_id}/{event_key(number)}"
            at = state.get("of_event", of)
            pinned = (
                [Occurrence.from_json(state.need(TABLE, at))]
                if at and state.has("pinned", at)
                else []
            )
            for occurrence in group(own, self._rule, pinned):
                key = self._key(occurrence)
                if at is not None and at != key:
                    self._keep(at, None)  # the plan has moved
                self._keep(key, occurrence)
                state.put("of_event", of, key)
                touched[key] = occurrence
        return Regrouped(touched, ())

    def _chain(
        self, new: Observation
    ) -> tuple[list[Fact], _Spots, dict[str, tuple[str, Occurrence]]]:
        """All recorded sequences that hang together with a new fact, and the facts of their time.

        Shapes   the facts of two windows around the first and the last of these.
        """
        reach, double = self._reach, 2 * self._reach.seconds
        facts = self._on_file.grouped(new.instant - double, new.instant + double)
        same = (f.observation for f in facts if _key(f.observation) == _key(new))
        spots = [_spot(new), *(_spot(o) for o in same)]  # also where it was said to be before
        known: dict[str, tuple[str, Occurrence]] = {}
        for spot in spots:  # which grows by what each of them reaches
            for key, occurrence in self._between(spot.instant - double, spot.instant + double):
                if occurrence.id not in known:
                    centre = _centre(occurrence)
                    if within(spot.vector, centre.vector, reach.link):
                        known[occurrence.id] = (key, occurrence)
                        spots.append(centre)
        every = _Spots(spots)
        if known:
            first, last = every.span()
            facts = self._on_file.grouped(first - double, last + double)
        return facts, every, known

    def _group(self, facts: list[Fact], pinned: list[Occurrence]) -> list[Occurrence]:
        asked = [fact.observation.id for fact in facts], pinned
        if self._grouped is None or self._grouped[0] != asked:
            self._grouped = asked, group(facts, self._rule, pinned)
        return self._grouped[1]

    def _between(self, low: int, high: int) -> list[tuple[str, Occurrence]]:
        return self._on_file.occurrences(self._rule_id, low, max(high, 0) + 1)

    def _key(self, occurrence: Occurrence) -> str:
        return f"{self._rule_id}/{clock_key(occurrence.origin, occurrence.id)}"

    def _keep(self, key: str, occurrence: Occurrence | None) -> None:
        self._on_file.keep(self._rule_id, key, occurrence)


def pin(state: State, at: str, trigger: str) -> None:
    """An occurrence with a trigger keeps its founder and window, and never merges or splits."""
    if not state.has("pinned", at):
        state.put("pinned", at, trigger)


def _near(facts: Iterable[Fact], spots: _Spots, reach: _Reach) -> list[Fact]:
    """Facts within reach of the chain, each with all revisions of its event."""
    every = list(facts)
    keys = {_key(fact.observation) for fact in every if reach.links(_spot(fact.observation), spots)}
    return [fact for fact in every if _key(fact.observation) in keys]


def _key(observation: Observation) -> tuple[str, str]:
    return observation.source, observation.event_key


def _spot(observation: Observation) -> _Spot:
    values = observation.values
    place = unit_vector(values.get("lat_udeg", 0), values.get("lon_udeg", 0))
    return _Spot(observation.instant, place)


def _centre(occurrence: Occurrence) -> _Spot:
    return _Spot(occurrence.origin, unit_vector(occurrence.lat_udeg, occurrence.lon_udeg))


def _moment(spot: _Spot) -> int:
    return spot.instant
