"""What is on file while one act is applied: each thing read once, however many cases ask for it.

A new fact touches every sequence that hangs together with it, and each of their cases asks for the
facts, neighbours and areas around it. Of the tables read here only `occurrence` changes while cases
are looked at, and only through `keep`; so what has been read stays true.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from typing import Any

from ..evidence.area import AreaSet
from ..evidence.grouping import Fact, Occurrence, nearby
from ..evidence.kinds import ATTACHED, GROUPED, KEYED, OUTAGE
from ..evidence.names import Names
from ..evidence.outage.plans import holds_overlaps
from ..terms.filing import Product
from .facts import (
    RecordContext,
    areas_of,
    fact,
    facts_of_event,
    product_of,
    seen_between,
    seen_key,
)
from .state import State

TABLE = "occurrence"


class _Span:
    """The rows of a table from one moment to another, grown at its ends as more is asked for.

    `key` gives the key at which a moment begins. It grows by its own length at least, so that
    windows that follow each other are read in few questions.
    """

    def __init__(
        self, read: Callable[[str, str], list[tuple[str, Any]]], key: Callable[[int], str]
    ) -> None:
        self._read, self._key = read, key
        self._low = self._high = -1
        self._keys: list[str] = []
        self._rows: dict[str, Any] = {}

    def between(self, low: int, high: int) -> list[Any]:
        """Values of the moments [low, high), in the order of their keys."""
        low, high = max(low, 0), max(high, 0)
        if not self._low <= low <= high <= self._high:
            self._grow(low, high)
        start = bisect_left(self._keys, self._key(low))
        return [
            self._rows[key] for key in self._keys[start : bisect_left(self._keys, self._key(high))]
        ]

    def put(self, key: str, value: Any | None) -> None:
        """What has been written to the table since (None: taken away)."""
        if self._high < 0 or not self._key(self._low) <= key < self._key(self._high):
            return
        place, there = bisect_left(self._keys, key), key in self._rows
        if value is None:
            if there:
                del self._keys[place], self._rows[key]
            return
        if not there:
            self._keys.insert(place, key)
        self._rows[key] = value

    def _grow(self, low: int, high: int) -> None:
        if low > self._high or high < self._low:
            self._low = self._high = low
            self._keys, self._rows = [], {}
        length = self._high - self._low
        if high > self._high:
            self._keys += self._more(self._high, end := max(high, self._high + length))
            self._high = end
        if low < self._low:
            self._keys[:0] = self._more(start := max(min(low, self._low - length), 0), self._low)
            self._low = start

    def _more(self, low: int, high: int) -> list[str]:
        rows = self._read(self._key(low), self._key(high))
        self._rows.update(rows)
        return [key for key, _ in rows]


class OnFile:
    """The record as the cases of one act see it."""

    def __init__(self, state: State) -> None:
        self.state = state
        self._seen: dict[str, _Span] = {}
        self._occurrences: dict[str, _Span] = {}
        self._products: dict[str, Product] = {}
        self._listings: dict[str, list[str]] = {}
        self._said: dict[tuple[str, str], dict[str, list[tuple[str, Any]]]] = {}

    def facts(self, kind: str, low: int, high: int) -> list[Fact]:
        """As `facts_of`."""
        span = self._seen.get(kind)
        if span is None:
            span = self._seen[kind] = _Span(
                partial(seen_between, self.state), partial(seen_key, kind)
            )
        return span.between(low, high)

    def grouped(self, low: int, high: int) -> list[Fact]:
        """As `facts_between`: facts that open or join occurrences."""
        return [fact for kind in GROUPED for fact in self.facts(kind, low, high)]

    def occurrences(self, rule_id: str, low: int, high: int) -> list[tuple[str, Occurrence]]:
        """Key and value of the occurrences of a rule whose origin lies in [low, high)."""
        span = self._occurrences.get(rule_id)
        if span is None:
            span = self._occurrences[rule_id] = _Span(
                self._read_occurrences, lambda moment: f"{rule_id}/{moment:012d}"
            )
        return span.between(low, high)

    def keep(self, rule_id: str, key: str, occurrence: Occurrence | None) -> None:
        """Write an occurrence down, or take one away (None)."""
        if occurrence is None:
            self.state.delete(TABLE, key)
        else:
            self.state.put(TABLE, key, occurrence.as_json())
        if span := self._occurrences.get(rule_id):
            span.put(key, None if occurrence is None else (key, occurrence))

    def product(self, product_hash: str) -> Product:
        """As `product_of`."""
        if product_hash not in self._products:
            self._products[product_hash] = product_of(self.state, product_hash)
        return self._products[product_hash]

    def listings(self, rule_id: str) -> Sequence[str]:
        """The listings that group by a rule."""
        if rule_id not in self._listings:
            found = self.state.raw("rule", f"{rule_id}/")
            self._listings[rule_id] = [key.partition("/")[2] for key, _ in found]
        return self._listings[rule_id]

    def releases(self, case_key: str) -> Counter[str]:
        """How many releases of held claims a case has seen, by shock."""
        told, prefix = self._told("release", case_key.rpartition("/")[0]), f"{case_key}/"
        return Counter(said["shock"] for key, said in told if key.startswith(prefix))

    def context(
        self, rule_id: str, grouping: Mapping[str, Any], listing: str, occurrence: Occurrence
    ) -> RecordContext:
        """What evidence may look at for one occurrence of one listing."""
        low, high = nearby(grouping, occurrence)
        beside = tuple(o for _, o in self.occurrences(rule_id, low, high))
        if grouping["kind"] == OUTAGE:
            numbers = self._beside(grouping, occurrence, beside)
            every = [f for n in sorted(numbers) for f in facts_of_event(self.state, n)]
            on_file = {k: [f for f in every if f.observation.kind == k] for k in KEYED}
        else:
            on_file = {kind: self.facts(kind, low, high) for kind in (*GROUPED, *ATTACHED)}
        areas, names = self._areas
        of = f"{listing}/{occurrence.id}"
        return RecordContext(
            on_file=on_file,
            areas=areas,
            names=names,
            grouping=grouping,
            occurrences=beside,
            resolutions={k[len(of) + 1 :]: v for k, v in self._told("resolution", of)},
        )

    def _beside(
        self, grouping: Mapping[str, Any], occurrence: Occurrence, others: Sequence[Occurrence]
    ) -> set[str]:
        """The number of an outage; where overlaps are held, with those near it of its feeder."""
        founder = fact(self.state, occurrence.founding).observation
        near = [fact(self.state, o.founding).observation for o in others]
        feeder = founder.values["feeder"] if holds_overlaps(grouping) else None
        return {founder.event_key} | {o.event_key for o in near if o.values["feeder"] == feeder}

    @cached_property
    def _areas(self) -> tuple[dict[tuple[str, str], AreaSet], Names]:
        areas, names = areas_of(self.state)
        return {(area.set, area.code): area for area in areas}, names

    def _told(self, table: str, of: str) -> Sequence[tuple[str, Any]]:
        """What persons have decided in the cases of a listing and an occurrence, by key."""
        listing = of.partition("/")[0]
        at = table, listing
        if at not in self._said:
            found = self._said[at] = defaultdict(list)
            for key, value in self.state.range(table, f"{listing}/"):
                found["/".join(key.split("/", 2)[:2])].append((key, value))
        return self._said[at].get(of, ())

    def _read_occurrences(self, first: str, last: str) -> list[tuple[str, Any]]:
        found = self.state.between(TABLE, first, last)
        return [(key, (key, Occurrence.from_json(value))) for key, value in found]
