"""Grouping: physical shocks into occurrences (sequences), one listing's rule at a time.

A pure function of the set of facts: neither the order they are given in nor who asks changes the
answer. What has a trigger is pinned: it keeps its founder and window, and never merges or splits.
Which values count, and what they are worth, is in `findings`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..measures.identity import content_id
from ..measures.instant import DAY
from ..measures.place import threshold, unit_vector, within
from .kinds import OUTAGE, READING, SHOCK
from .shocks import Cluster, Fact, Record, Rule, joined, records, relevant

SHOCKS = "shocks"  # the kind of rule that makes sequences; any other groups by event key

__all__ = ["Fact", "Occurrence", "Shock", "group", "nearby", "occurrence_id"]


@dataclass(frozen=True)
class Shock:
    """One physical shock: its founding observation's id, and the ids of all that speak of it."""

    id: str
    observations: tuple[str, ...]


@dataclass(frozen=True)
class Occurrence:
    """A sequence: its founder, where its window starts, and its shocks, earliest first.

    Units: UTC seconds, micro-degrees (0, 0 where the kind of observation has no place).
    """

    id: str
    founding: str
    origin: int
    lat_udeg: int
    lon_udeg: int
    shocks: tuple[Shock, ...]

    def as_json(self) -> dict[str, Any]:
        """Compact: each shock is the list of its observations, its founding one first."""
        return {
            "id": self.id,
            "founding": self.founding,
            "origin": self.origin,
            "lat_udeg": self.lat_udeg,
            "lon_udeg": self.lon_udeg,
            "shocks": [list(shock.observations) for shock in self.shocks],
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Occurrence:
        """Read what `as_json` wrote."""
        return cls(
            value["id"],
            value["founding"],
            value["origin"],
            value["lat_udeg"],
            value["lon_udeg"],
            tuple(Shock(ids[0], tuple(ids)) for ids in value["shocks"]),
        )


def occurrence_id(rule: Mapping[str, Any], founding: str) -> str:
    """Content id of the rule's id and the founding observation. Source: record.md, section 6."""
    body = {"rule": content_id("grouping", rule), "founding": founding}
    return content_id("occurrence", body)


def nearby(rule: Mapping[str, Any], occurrence: Occurrence) -> tuple[int, int]:
    """[first, end) of the moments whose facts and neighbours may speak of an occurrence.

    Two windows and a day each way: a report names a day, and a shock of the last hour may open the
    neighbour that the report fits as well.
    """
    window = Rule.read(rule).window if rule.get("kind", SHOCKS) == SHOCKS else DAY
    reach = 2 * window + DAY
    return max(occurrence.origin - reach, 0), max(occurrence.origin + reach, 0)


def group(
    facts: Iterable[Fact], rule: Mapping[str, Any], pinned: Iterable[Occurrence] = ()
) -> list[Occurrence]:
    """The occurrences of one rule, by origin. `pinned` are those that a trigger was made for."""
    if rule.get("kind", SHOCKS) == OUTAGE:
        return _outages(facts, rule, pinned)
    if rule.get("kind", SHOCKS) != SHOCKS:
        return _readings(facts, rule)
    how = Rule.read(rule)
    standing = sorted(pinned, key=lambda o: (o.origin, o.id))
    held = {i: shock.id for o in standing for shock in o.shocks for i in shock.observations}
    every = records(f for f in facts if f.observation.kind == SHOCK)
    runs = relevant(every, how, (o.origin for o in standing), frozenset(held))
    clusters = [cluster for run in runs for cluster in joined(run, how, held)]
    clusters.sort(key=_when)
    homes = {shock.id: o.id for o in standing for shock in o.shocks}
    members: dict[str, list[Cluster]] = defaultdict(list)
    free: list[Cluster] = []
    for cluster in clusters:
        home = homes.get(cluster.pinned or "") or _joins(cluster, standing, how)
        (members[home] if home else free).append(cluster)
    found = [_grown(occurrence, members[occurrence.id]) for occurrence in standing]
    found += _opened(free, rule, how)
    return sorted(found, key=lambda o: (o.origin, o.id))


def _opened(free: list[Cluster], rule: Mapping[str, Any], how: Rule) -> list[Occurrence]:
    """Sequences that nothing has pinned: each opens with the first shock that reaches."""
    found = []
    while (
        start := next((c for c in free if any(r.reaches(how) for r in c.records)), None)
    ) is not None:
        chief, founding = start.chief(), start.ids()[0]
        inside = [
            c
            for c in free
            if 0 <= c.chief().values["origin"] - chief.values["origin"] <= how.window
            and _close(c.chief(), chief.values, how)
        ]
        free = [c for c in free if all(c is not other for other in inside)]
        values = chief.values
        place = (values["origin"], values["lat_udeg"], values["lon_udeg"])
        shocks = tuple(_shock(c) for c in inside)
        found.append(Occurrence(occurrence_id(rule, founding), founding, *place, shocks))
    return found


def _joins(cluster: Cluster, standing: list[Occurrence], how: Rule) -> str | None:
    """The pinned sequence that a new shock belongs to: a window before or after, within reach."""
    chief = cluster.chief()
    for occurrence in standing:
        centre = {"lat_udeg": occurrence.lat_udeg, "lon_udeg": occurrence.lon_udeg}
        if abs(chief.values["origin"] - occurrence.origin) <= how.window and _close(
            chief, centre, how
        ):
            return occurrence.id
    return None


def _grown(occurrence: Occurrence, members: list[Cluster]) -> Occurrence:
    """A pinned sequence with all it had and what has joined it since."""
    now = {cluster.ids()[0]: cluster for cluster in members}
    kept = [s for s in occurrence.shocks if s.id not in now]
    grown = [_shock(cluster) for cluster in members]
    before = {s.id: s.observations for s in occurrence.shocks}
    grown = [
        Shock(s.id, tuple(dict.fromkeys((*before.get(s.id, ()), *s.observations)))) for s in grown
    ]
    shocks = (*kept, *grown)
    return Occurrence(
        occurrence.id,
        occurrence.founding,
        occurrence.origin,
        occurrence.lat_udeg,
        occurrence.lon_udeg,
        shocks,
    )


def _close(record: Record, centre: Mapping[str, Any], how: Rule) -> bool:
    vector = unit_vector(centre["lat_udeg"], centre["lon_udeg"])
    return within(record.vector, vector, threshold(how.km * 1000))


def _when(cluster: Cluster) -> tuple[int, str]:
    return cluster.chief().values["origin"], cluster.ids()[0]


def _shock(cluster: Cluster) -> Shock:
    ids = cluster.ids()
    return Shock(ids[0], ids)


def _readings(facts: Iterable[Fact], rule: Mapping[str, Any]) -> list[Occurrence]:
    """Readings: whatever speaks of one event key is one occurrence; nothing merges."""
    by_key: dict[str, list[Fact]] = defaultdict(list)
    for fact in facts:
        if fact.observation.kind == READING:
            by_key[fact.observation.event_key].append(fact)
    found = []
    for group_facts in by_key.values():
        group_facts.sort(key=lambda f: (f.recorded_order, f.observation.id))
        ids = tuple(f.observation.id for f in group_facts)
        origin = group_facts[0].observation.instant
        shocks = (Shock(ids[0], ids),)
        found.append(Occurrence(occurrence_id(rule, ids[0]), ids[0], origin, 0, 0, shocks))
    return sorted(found, key=lambda o: (o.origin, o.id))


def _outages(
    facts: Iterable[Fact], rule: Mapping[str, Any], pinned: Iterable[Occurrence]
) -> list[Occurrence]:
    """Outages: one number is one occurrence, founded by the plan that was recorded first.

    Its origin is the start that the newest plan names; what has a trigger keeps its own.
    """
    standing = {o.founding: o for o in pinned}
    by_number: dict[str, list[Fact]] = defaultdict(list)
    for fact in sorted(facts, key=lambda f: (f.recorded_order, f.observation.id)):
        by_number[fact.observation.event_key].append(fact)
    found = []
    for every in by_number.values():
        plans = [f.observation for f in every if f.observation.kind == OUTAGE]
        if not plans:
            continue  # a restoration without a plan waits for one
        founder, newest = plans[0], max(plans, key=lambda o: o.revision)
        kept = standing.get(founder.id)
        origin = newest.values["off_planned"] if kept is None else kept.origin
        ids = (founder.id, *(f.observation.id for f in every if f.observation.id != founder.id))
        shocks = (Shock(founder.id, ids),)
        found.append(Occurrence(occurrence_id(rule, founder.id), founder.id, origin, 0, 0, shocks))
    return sorted(found, key=lambda o: (o.origin, o.id))
