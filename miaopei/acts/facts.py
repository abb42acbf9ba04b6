"""Facts as the record holds them, in the form that `evidence` reads: the port between the two."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

from ..evidence.area import AreaSet
from ..evidence.findings import Found
from ..evidence.grouping import Fact, Occurrence, nearby
from ..evidence.kinds import ATTACHED, GROUPED, KEYED, OUTAGE
from ..evidence.names import Names
from ..evidence.observation import Observation
from ..measures.identity import content_id
from ..terms.filing import Product
from .base import clock_key
from .state import State

__all__ = ["GROUPED", "RecordContext", "context", "facts_between", "product_of"]


def facts_between(state: State, low: int, high: int) -> list[Fact]:
    """Facts that open or join occurrences, with an instant in [low, high)."""
    return [fact for kind in GROUPED for fact in facts_of(state, kind, low, high)]


def facts_of(state: State, kind: str, low: int, high: int) -> list[Fact]:
    """Facts of one kind that speak of a time in [low, high), earliest first."""
    return [
        Fact.on_file(state.need("observation", key.rpartition("/")[2]))
        for key, _ in state.between("seen", _seen(kind, low), _seen(kind, high))
    ]


def event_key(number: str) -> str:
    """What stands for an event key in keys of the state: of fixed length and plain letters."""
    return content_id("event", number)[:32]


def facts_of_event(state: State, number: str) -> list[Fact]:
    """All facts of one event key, and those that name it as replaced, in the order recorded."""
    found = {}
    for table in ("event", "replaces"):
        for key, _ in state.range(table, f"{event_key(number)}/"):
            observation = key.rpartition("/")[2]
            found[observation] = Fact.on_file(state.need("observation", observation))
    return sorted(found.values(), key=lambda f: (f.recorded_order, f.observation.id))


def index_event(state: State, observation: Observation) -> None:
    """Make an observation findable by its event key, and by the keys that it replaces."""
    mark = {"source": observation.source}
    state.put("event", f"{event_key(observation.event_key)}/{observation.id}", mark)
    for number in observation.values.get("replaces", ()):
        state.put("replaces", f"{event_key(number)}/{observation.id}", mark)


@lru_cache(maxsize=64)
def _product(filed: bytes) -> Product:
    return Product.from_json(json.loads(filed)["product"])


def product_of(state: State, product_hash: str) -> Product:
    """A filed product; reading its terms is costly, so the same bytes are read once."""
    return _product(next(value for _, value in state.raw("product", product_hash)))


@lru_cache(maxsize=256)
def _area(filed: bytes) -> AreaSet:
    return AreaSet.from_json(json.loads(filed))


@lru_cache(maxsize=64)
def _names(areas: tuple[bytes, ...]) -> Names:
    return Names.of(_area(filed) for filed in areas)


@dataclass
class RecordContext:
    """What evidence may look at for one occurrence of one listing (its port `Context`).

    `known` is what has been found already for the case at hand; the rest is read once.
    """

    on_file: Mapping[str, Sequence[Fact]]
    areas: Mapping[tuple[str, str], AreaSet]
    names: Names
    grouping: Mapping[str, Any]
    occurrences: Sequence[Occurrence]
    resolutions: Mapping[str, Mapping[str, Any]]
    known: Mapping[str, Found] = field(default_factory=dict)

    @cached_property
    def _by_id(self) -> dict[str, Fact]:
        return {f.observation.id: f for facts in self.on_file.values() for f in facts}

    def fact(self, observation: str) -> Fact | None:
        """A fact on file by its observation's id."""
        return self._by_id.get(observation)

    def facts(self, kind: str) -> Sequence[Fact]:
        """Facts of a kind near the occurrence."""
        return self.on_file.get(kind, ())

    def cells(self, name: str, code: str) -> frozenset[int]:
        """The compact cells of one division; empty where none are filed."""
        area = self.areas.get((name, code))
        return frozenset() if area is None else area.cell_indexes

    def resolution(self, name: str) -> Mapping[str, Any] | None:
        """What a person has decided for this input."""
        return self.resolutions.get(name)


def context(
    state: State, rule_id: str, grouping: Mapping[str, Any], listing: str, occurrence: Occurrence
) -> RecordContext:
    """Gather what evidence may look at for one occurrence of one listing."""
    low, high = nearby(grouping, occurrence)
    if grouping["kind"] == OUTAGE:
        founder = state.need("observation", occurrence.founding)["observation"]
        every = facts_of_event(state, founder["event_key"])
        on_file = {k: [f for f in every if f.observation.kind == k] for k in KEYED}
    else:
        on_file = {kind: facts_of(state, kind, low, high) for kind in (*GROUPED, *ATTACHED)}
    areas = tuple(value for _, value in state.raw("area"))
    near = state.between("occurrence", f"{rule_id}/{low:012d}", f"{rule_id}/{high:012d}")
    prefix = f"{listing}/{occurrence.id}/"
    return RecordContext(
        on_file=on_file,
        areas={(area.set, area.code): area for area in map(_area, areas)},
        names=_names(areas),
        grouping=grouping,
        occurrences=tuple(Occurrence.from_json(v) for _, v in near),
        resolutions={k.removeprefix(prefix): v for k, v in state.range("resolution", prefix)},
    )


def _seen(kind: str, instant: int) -> str:
    return f"{kind}/{clock_key(max(instant, 0), '')}"
