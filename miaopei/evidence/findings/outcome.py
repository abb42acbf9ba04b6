"""The four answers a finding can be, and what a finding may look at.

States are those of docs/specs/record.md, section 6; `reason` is a bare code whose sentence stands
in `errors/texts/evidence.toml`, its facts beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

from ...errors import Refusal
from ..area import AreaSet
from ..grouping import Fact, Occurrence
from ..names import Names


@dataclass(frozen=True)
class Found:
    """A value, the observations it rests on (the deciding one first), and how it was chosen."""

    value: int
    because: tuple[str, ...]
    how: str
    detail: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The form that a trigger fixes."""
        return {
            "value": self.value,
            "how": self.how,
            "because": list(self.because),
            "detail": dict(self.detail),
        }


@dataclass(frozen=True)
class Waiting:
    """A fact is missing: until when it is waited for, and who is told."""

    state: str
    reason: str
    until: int | None
    owner: str | None
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Held:
    """Facts disagree and a person must decide; `facts` says what each of them says."""

    state: str
    reason: str
    facts: Mapping[str, Any]
    owner: str | None


@dataclass(frozen=True)
class Closed:
    """The deadline passed without the fact; a later fact opens it again."""

    state: str
    reason: str
    facts: Mapping[str, Any] = field(default_factory=dict)


Finding = Found | Waiting | Held | Closed


class Context(Protocol):
    """What a finding may look at. The record answers it from state, a what-if from a list."""

    @property
    def names(self) -> Names:
        """The place names of the areas on file."""

    @property
    def grouping(self) -> Mapping[str, Any]:
        """The listing's grouping rule, in its filed form."""

    @property
    def from_first(self) -> bool:
        """Whether a freeze runs from a source's first word, so that corrections never renew it."""

    @property
    def occurrences(self) -> Sequence[Occurrence]:
        """Occurrences of the same rule near this one in time, this one among them."""

    @property
    def known(self) -> Mapping[str, Found]:
        """Inputs of the same case that have been found already, by name."""

    def fact(self, observation: str) -> Fact | None:
        """A fact on file by its observation's id."""

    def facts(self, kind: str) -> Sequence[Fact]:
        """Facts of a kind that may speak of this occurrence (for reports: by their event day)."""

    def cells(self, name: str, code: str) -> frozenset[int]:
        """The compact cells of one division of a set of areas; empty where none are filed."""

    def resolution(self, name: str) -> Mapping[str, Any] | None:
        """What a person has decided for this input: {value, reason, person, act}."""


@dataclass(frozen=True)
class Gathered:
    """A context over plain collections: for what-if runs and tests."""

    on_file: Sequence[Fact]
    areas: Sequence[AreaSet] = ()
    grouping: Mapping[str, Any] = field(default_factory=dict)
    occurrences: Sequence[Occurrence] = ()
    known: Mapping[str, Found] = field(default_factory=dict)
    resolutions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    from_first: bool = True

    @cached_property
    def names(self) -> Names:
        """The names of all its areas."""
        return Names.of(self.areas)

    @cached_property
    def _by_id(self) -> Mapping[str, Fact]:
        return {fact.observation.id: fact for fact in self.on_file}

    @cached_property
    def _cells(self) -> Mapping[tuple[str, str], frozenset[int]]:
        return {(area.set, area.code): area.cell_indexes for area in self.areas}

    def fact(self, observation: str) -> Fact | None:
        """By observation id."""
        return self._by_id.get(observation)

    def facts(self, kind: str) -> Sequence[Fact]:
        """All of the kind."""
        return [fact for fact in self.on_file if fact.observation.kind == kind]

    def cells(self, name: str, code: str) -> frozenset[int]:
        """Of one of its areas."""
        return self._cells.get((name, code), frozenset())

    def resolution(self, name: str) -> Mapping[str, Any] | None:
        """By input name."""
        return self.resolutions.get(name)


Given = Mapping[str, Any]
Measure = Callable[[Given, Occurrence, Given, Context, int, Given], Finding]
# What reads one input: its rule, the occurrence, the product's area, what may be looked at, the
# block's time, what an earlier trigger of the case has used.


def sentence(finding: Waiting | Held | Closed) -> Refusal:
    """The reason as a coded sentence, for `errors.texts.say`."""
    plain = {k: v for k, v in finding.facts.items() if v is None or isinstance(v, str | int)}
    return Refusal(f"evidence.{finding.reason}", plain)
