"""Physical shocks: which observations of several sources speak of one and the same earthquake.

All revisions under one source's own key are one record. Records of different sources are one shock
when each is near every other in time and place, those of like magnitude first, then the nearest; a
source lists a shock only once, so two records of one source are always two shocks. Sequences are
made in `grouping`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ..errors import Refusal, Refused
from ..measures.instant import HOUR
from ..measures.place import Vector, threshold, unit_vector, within
from .kinds import EARTHQUAKE
from .observation import Observation


@dataclass(frozen=True)
class Fact:
    """An observation on file: when and where in the record, and whose word it is."""

    observation: Observation
    recorded_at: int
    recorded_order: int
    operator: str
    counted: bool

    @classmethod
    def on_file(cls, entry: Mapping[str, Any]) -> Fact:
        """From an entry of the record's table of observations."""
        return cls(
            Observation.from_json(entry["observation"]),
            entry["recorded_at"],
            entry["order"],
            entry["operator"],
            entry["counted"],
        )


# Two choices of a filed rule; the first of each is what a rule means that does not say.
MAIN_SHOCK, EVERY_SHOCK = "main_shock", "every_shock"  # `decides`: which shocks are decided
LAST_RECORDED, HELD = "last_recorded", "held"  # `same_version`: two reports of one that differ


def each_decides(grouping: Mapping[str, Any]) -> bool:
    """Whether every shock of a sequence is decided by itself, and the greatest amount is owed."""
    return bool(grouping.get("decides", MAIN_SHOCK) == EVERY_SHOCK)


@dataclass(frozen=True)
class Rule:
    """How one listing groups shocks: what opens a sequence, how long and how wide it is.

    Units: seconds, hours, kilometres, tenths of magnitude. `sources` (may be empty) says whose time
    and place stands for a shock that several report. `like_shock_seconds` (0: not filed) is how far
    apart times may be where magnitudes differ by no more than `like_shock_tenths`.
    """

    same_shock_seconds: int
    same_shock_km: int
    threshold_tenths: int
    counted_types: frozenset[str]
    hours: int = 72
    km: int = 50
    sources: tuple[str, ...] = ()
    like_shock_seconds: int = 0
    like_shock_tenths: int = 0

    @property
    def apart(self) -> int:
        """The longest time in seconds between two sources' words on one shock."""
        return max(self.same_shock_seconds, self.like_shock_seconds)

    @property
    def window(self) -> int:
        """Length of a sequence in seconds."""
        return self.hours * HOUR

    @classmethod
    def read(cls, value: Mapping[str, Any]) -> Rule:
        """From the JSON form of a product. Errors   Refused evidence.bad_rule naming the field."""
        numbers = ["same_shock_seconds", "same_shock_km", "threshold_tenths"]
        further = ("hours", "km", "like_shock_seconds", "like_shock_tenths")
        numbers += [name for name in further if name in value]
        for name in numbers:
            if type(value.get(name)) is not int or value[name] < 1:
                raise Refused(Refusal("evidence.bad_rule", {"field": name}))
        types, sources = value.get("counted_types"), value.get("sources", [])
        if not types or not isinstance(types, list | tuple):
            raise Refused(Refusal("evidence.bad_rule", {"field": "counted_types"}))
        return cls(
            **{name: value[name] for name in numbers},
            counted_types=frozenset(types),
            sources=tuple(sources),
        )


@dataclass(frozen=True)
class Record:
    """All revisions of one event under one source's own key, oldest first."""

    facts: tuple[Fact, ...]

    @property
    def source(self) -> str:
        """The source, the same in all revisions."""
        return self.facts[0].observation.source

    @property
    def id(self) -> str:
        """The id of the first revision: it stays when others follow."""
        return self.facts[0].observation.id

    @cached_property
    def values(self) -> Mapping[str, Any]:
        """Time and place as last stated."""
        quakes = [f for f in self.facts if f.observation.values["event_type"] == EARTHQUAKE]
        return quakes[-1].observation.values

    @cached_property
    def vector(self) -> Vector:
        """The epicentre as a unit vector."""
        return unit_vector(self.values["lat_udeg"], self.values["lon_udeg"])

    def reaches(self, rule: Rule) -> bool:
        """Whether any revision is a counted value of the rule's threshold or more."""
        return any(
            fact.counted
            and fact.observation.values["event_type"] == EARTHQUAKE
            and fact.observation.values["magnitude_type"] in rule.counted_types
            and fact.observation.values["magnitude_tenths"] >= rule.threshold_tenths
            for fact in self.facts
        )


@dataclass
class Cluster:
    """The records of one shock; `pinned` is the id it had when its sequence was pinned."""

    records: list[Record]
    pinned: str | None = None
    order: tuple[str, ...] = field(default=())

    def chief(self) -> Record:
        """The record whose time and place stand for the shock: counted, then by preference."""
        return min(self.records, key=self._preference)

    def _preference(self, record: Record) -> tuple[bool, int, str, str]:
        known = record.source in self.order
        rank = self.order.index(record.source) if known else len(self.order)
        return (not record.facts[0].counted, rank, record.source, record.id)

    def ids(self) -> tuple[str, ...]:
        """Ids of all its observations: the founding one, then the others as they were recorded.

        The founder is the first recorded, so that a later word on the same shock never renames it.
        """
        facts = [fact for record in self.records for fact in record.facts]
        facts.sort(key=lambda f: (f.recorded_order, f.observation.id))
        first = self.pinned or facts[0].observation.id
        return (first, *(f.observation.id for f in facts if f.observation.id != first))


def records(facts: Iterable[Fact]) -> list[Record]:
    """Facts by source and key; what was never called an earthquake is left out."""
    by_key: dict[tuple[str, str], list[Fact]] = defaultdict(list)
    for fact in facts:
        by_key[fact.observation.source, fact.observation.event_key].append(fact)
    found = []
    for revisions in by_key.values():
        revisions.sort(key=lambda f: (f.observation.revision, f.recorded_order, f.observation.id))
        if any(f.observation.values["event_type"] == EARTHQUAKE for f in revisions):
            found.append(Record(tuple(revisions)))
    return sorted(found, key=lambda r: (r.values["origin"], r.id))


def relevant(
    all_records: Sequence[Record], rule: Rule, moments: Iterable[int], kept: frozenset[str]
) -> list[list[Record]]:
    """Runs of records close in time, of which one is within a window of a moment that matters.

    A run ends where the next record is too late to be the same shock, so leaving out whole runs
    changes no shock. Moments are the origins of pinned sequences and of all that could open one.
    """
    times = sorted({*moments, *(r.values["origin"] for r in all_records if r.reaches(rule))})
    runs: list[list[Record]] = []
    for record in all_records:
        late = not runs or (record.values["origin"] - runs[-1][-1].values["origin"] > rule.apart)
        if late:
            runs.append([])
        runs[-1].append(record)
    return [
        run
        for run in runs
        if any(_near(times, r.values["origin"], rule.window) for r in run)
        or any(f.observation.id in kept for r in run for f in r.facts)
    ]


def joined(run: Sequence[Record], rule: Rule, pinned: Mapping[str, str]) -> list[Cluster]:
    """The shocks of one run. `pinned`: observation id -> id of the pinned shock that holds it."""
    clusters: dict[str, Cluster] = {}
    home: dict[str, Cluster] = {}
    for record in run:
        shock = next((pinned[i] for f in record.facts if (i := f.observation.id) in pinned), None)
        if shock is None or shock not in clusters:
            home[record.id] = Cluster([record], shock, rule.sources)
            if shock is not None:
                clusters[shock] = home[record.id]
        else:
            clusters[shock].records.append(record)
            home[record.id] = clusters[shock]
    for one, other in _pairs(run, rule):
        a, b = home[one.id], home[other.id]
        if a is b or not _may_join(a, b, rule):
            continue
        if b.pinned:
            a, b = b, a
        a.records += b.records
        for record in b.records:
            home[record.id] = a
    return list({id(cluster): cluster for cluster in home.values()}.values())


def _pairs(run: Sequence[Record], rule: Rule) -> list[tuple[Record, Record]]:
    """Pairs of different sources that could be one shock: like ones, the nearest in time, place."""
    found = []
    for index, one in enumerate(run):
        for other in run[index + 1 :]:
            gap = other.values["origin"] - one.values["origin"]
            if gap > rule.apart:
                break
            if _same(one, other, rule):
                unlike = bool(rule.like_shock_seconds) and not _like(one, other, rule)
                dot = sum(p * q for p, q in zip(one.vector, other.vector, strict=True))
                found.append((unlike, gap, -dot, *sorted((one.id, other.id)), one, other))
    found.sort(key=lambda pair: pair[:5])
    return [(pair[5], pair[6]) for pair in found]


def _may_join(a: Cluster, b: Cluster, rule: Rule) -> bool:
    return not (a.pinned and b.pinned) and all(
        _same(one, other, rule) for one in a.records for other in b.records
    )


def _same(one: Record, other: Record, rule: Rule) -> bool:
    gap = abs(one.values["origin"] - other.values["origin"])
    return (
        one.source != other.source
        and (gap <= rule.same_shock_seconds or (gap <= rule.apart and _like(one, other, rule)))
        and within(one.vector, other.vector, threshold(rule.same_shock_km * 1000))
    )


def _like(one: Record, other: Record, rule: Rule) -> bool:
    """Whether the printed magnitudes, of whatever type, are so close that one shock has both."""
    apart = abs(one.values["magnitude_tenths"] - other.values["magnitude_tenths"])
    return bool(apart <= rule.like_shock_tenths)


def _near(times: Sequence[int], moment: int, reach: int) -> bool:
    index = bisect_left(times, moment - reach)
    return index < len(times) and times[index] <= moment + reach
