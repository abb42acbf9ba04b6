"""The four answers a finding can be, and what a finding may look at.

States are those of docs/specs/record.md, section 6; `reason` is a bare code whose sentence stands
in `errors/texts/evidence.toml`, its facts beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ...errors import Refusal
from ..grouping import Fact, Occurrence
from ..names import Names

Cells = Callable[[str, str], frozenset[int]]


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


@dataclass(frozen=True)
class Context:
    """What may be looked at: facts on file by kind, areas, rules, other occurrences, resolutions.

    `resolutions`: input name -> {value, person, reason, act}, those of this occurrence only.
    """

    facts: Mapping[str, Sequence[Fact]]
    cells: Cells
    names: Names
    grouping: Mapping[str, Any]
    occurrences: Sequence[Occurrence] = ()
    resolutions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @cached_property
    def by_id(self) -> Mapping[str, Fact]:
        """Facts by observation id."""
        return {f.observation.id: f for facts in self.facts.values() for f in facts}

    @property
    def counted_types(self) -> frozenset[str]:
        """Magnitude types that may be compared with the trigger: never ML against Ms."""
        return frozenset(self.grouping["counted_types"])


def sentence(finding: Waiting | Held | Closed) -> Refusal:
    """The reason as a coded sentence, for `errors.texts.say`."""
    plain = {k: v for k, v in finding.facts.items() if v is None or isinstance(v, str | int)}
    return Refusal(f"evidence.{finding.reason}", plain)
