"""Which of several sources' values may be taken: order of sources, distinct operators, tolerance.

Knows neither magnitudes nor reports: `value_of` reads the integer that is compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ..shocks import Fact

ValueOf = Callable[[Fact], int | None]
FIRST_SETTLES = "first_settles"


class Lack(StrEnum):
    """Why no value can be taken."""

    NONE = "none"  # nothing is on file
    FEW = "few"  # fewer operators than the rule asks for
    CONFLICT = "conflict"  # enough operators, but too far apart


@dataclass(frozen=True)
class Agreed:
    """The fact whose value is taken, its value, and the facts that agree with it (itself first)."""

    fact: Fact
    value: int
    with_it: tuple[Fact, ...]


def latest(facts: Iterable[Fact]) -> list[Fact]:
    """The current revision of each source's own key, in the order recorded."""
    current: dict[tuple[str, str], Fact] = {}
    for fact in sorted(facts, key=_age):
        current[fact.observation.source, fact.observation.event_key] = fact
    return sorted(current.values(), key=lambda f: (f.recorded_order, f.observation.id))


def agree(
    facts: Iterable[Fact], sources: Sequence[str], rule: Mapping[str, Any], value_of: ValueOf
) -> Agreed | Lack:
    """The value of the first source, in the rule's order, that enough operators agree with.

    An operator counts once, with its first source in that order and that source's newest word.
    """
    voices: dict[str, tuple[Fact, int]] = {}
    known = [f for f in facts if f.counted and f.observation.source in sources]
    known.sort(key=_age, reverse=True)
    known.sort(key=lambda f: sources.index(f.observation.source))
    for fact in known:
        value = value_of(fact)
        if value is not None and fact.operator not in voices:
            voices[fact.operator] = (fact, value)
    if not voices:
        return Lack.NONE
    for fact, value in voices.values():
        near = [f for f, other in voices.values() if abs(other - value) <= rule["tolerance"]]
        if len(near) >= rule["operators"]:
            with_it = (fact, *(f for f in near if f is not fact))
            return Agreed(fact, value, with_it)
    return Lack.CONFLICT if len(voices) >= rule["operators"] else Lack.FEW


def until(facts: Iterable[Fact], moment: int) -> list[Fact]:
    """Facts on file at a moment."""
    return [fact for fact in facts if fact.recorded_at <= moment]


def shown(facts: Iterable[Fact], taken: Iterable[Fact], value_of: ValueOf) -> list[dict[str, Any]]:
    """The other values, for the reader: each with its source and why it did not count."""
    used = {fact.observation.id for fact in taken}
    current = {fact.observation.id for fact in latest(facts)}
    rows = []
    for fact in sorted(facts, key=lambda f: (f.recorded_order, f.observation.id)):
        if fact.observation.id in used:
            continue
        why = "other_value"
        if not fact.counted:
            why = "source_not_counted"
        elif fact.observation.id not in current:
            why = "superseded"
        elif value_of(fact) is None:
            why = "not_comparable"
        rows.append(
            {
                "observation": fact.observation.id,
                "source": fact.observation.source,
                "why": why,
            }
        )
    return rows


def _age(fact: Fact) -> tuple[int, int, str]:
    return fact.observation.revision, fact.recorded_order, fact.observation.id
