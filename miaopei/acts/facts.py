"""Facts as the record holds them, in the form that `evidence` reads: the port between the two."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

from ..evidence.area import AreaSet
from ..evidence.findings import Found
from ..evidence.grouping import Fact, Occurrence
from ..evidence.kinds import GROUPED
from ..evidence.names import Names
from ..evidence.observation import Observation
from ..evidence.outage.plans import LAST_PUBLISHED, LAST_RECORDED, counts_by
from ..measures.identity import content_id
from ..terms.filing import Product
from .base import clock_key
from .state import State

__all__ = ["GROUPED", "RecordContext", "facts_between", "product_of"]


def facts_between(state: State, low: int, high: int) -> list[Fact]:
    """Facts that open or join occurrences, with an instant in [low, high)."""
    return [fact for kind in GROUPED for fact in facts_of(state, kind, low, high)]


def facts_of(state: State, kind: str, low: int, high: int) -> list[Fact]:
    """Facts of one kind that speak of a time in [low, high), earliest first."""
    found = seen_between(state, seen_key(kind, low), seen_key(kind, high))
    return [fact for _, fact in found]


def seen_key(kind: str, moment: int) -> str:
    """Where in the table `seen` the facts of a kind begin that speak of a moment or later."""
    return f"{kind}/{clock_key(max(moment, 0), '')}"


def seen_between(state: State, first: str, last: str) -> list[tuple[str, Fact]]:
    """Facts by their keys in the table `seen`, from `first` (inclusive) to `last` (exclusive)."""
    keys = [key for key, _ in state.raw_between("seen", first, last)]
    ids = [key.rpartition("/")[2] for key in keys]
    state.prefetch(("observation", name) for name in ids)
    return [(key, fact(state, name)) for key, name in zip(keys, ids, strict=True)]


def fact(state: State, observation: str) -> Fact:
    """A fact on file; the same bytes are read once."""
    filed = state.raw_value("observation", observation)
    if filed is None:
        raise KeyError(f"observation/{observation}")
    return _fact(filed)


@lru_cache(maxsize=16_384)
def _fact(filed: bytes) -> Fact:
    return Fact.on_file(json.loads(filed))


def event_key(number: str) -> str:
    """What stands for an event key in keys of the state: of fixed length and plain letters."""
    return content_id("event", number)[:32]


def facts_of_event(state: State, number: str) -> list[Fact]:
    """All facts of one event key, and those that name it as replaced, in the order recorded."""
    found = {}
    for table in ("event", "replaces"):
        for key, _ in state.range(table, f"{event_key(number)}/"):
            observation = key.rpartition("/")[2]
            found[observation] = fact(state, observation)
    return sorted(found.values(), key=lambda f: (f.recorded_order, f.observation.id))


def index_event(state: State, observation: Observation) -> None:
    """Make an observation findable by its event key, and by the keys that it replaces."""
    mark = {"source": observation.source}
    state.put("event", f"{event_key(observation.event_key)}/{observation.id}", mark)
    for number in observation.values.get("replaces", ()):
        state.put("replaces", f"{event_key(number)}/{observation.id}", mark)


def plans_count_by(state: State) -> str:
    """By what the plan of an outage counts for the contracts on this record (`plan_of`)."""
    rules = (counts_by(rule) for _, rule in state.range("rule", ""))
    return LAST_RECORDED if LAST_RECORDED in rules else LAST_PUBLISHED


@lru_cache(maxsize=64)
def _product(filed: bytes) -> Product:
    return Product.from_json(json.loads(filed)["product"])


def product_of(state: State, product_hash: str) -> Product:
    """A filed product; reading its terms is costly, so the same bytes are read once."""
    return _product(next(value for _, value in state.raw("product", product_hash)))


def areas_of(state: State) -> tuple[tuple[AreaSet, ...], Names]:
    """The filed areas, and their names; the same bytes are read once."""
    filed = tuple(value for _, value in state.raw("area"))
    return tuple(map(_area, filed)), _names(filed)


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
    from_first: bool = True  # before assessing.CORRECTED_SINCE: from the current revisions

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
