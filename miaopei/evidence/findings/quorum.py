"""Which of several sources' values may be taken: order of sources, distinct operators, tolerance.

And what becomes of a case where none may be: it waits, is held for a person, or closes. Knows
neither magnitudes nor reports: `value_of` reads the integer that is compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ..shocks import Fact
from .outcome import Closed, Found, Held, Waiting

ValueOf = Callable[[Fact], int | None]
FIRST_SETTLES = "first_settles"
ANY_ONE: Mapping[str, Any] = {"operators": 1, "tolerance": 0}  # what a fallback is asked for


def settled_before(rule: Mapping[str, Any], fixed: Mapping[str, Any]) -> Found | None:
    """What has settled, where the contract lets no later value count."""
    key = f"input:{rule['name']}"
    if rule["revision"] != FIRST_SETTLES or key not in fixed:
        return None
    observation, value = fixed[key]
    return Found(value, (observation,), "settled_before", {"used": {key: fixed[key]}})


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


@dataclass(frozen=True)
class Missing:
    """What is said where nothing is on file: the state, the reason, and the reason it closes."""

    state: str
    reason: str
    closed: str


def latest(facts: Iterable[Fact]) -> list[Fact]:
    """The current revision of each source's own key, in the order recorded."""
    current: dict[tuple[str, str], Fact] = {}
    for fact in sorted(facts, key=_age):
        current[fact.observation.source, fact.observation.event_key] = fact
    return sorted(current.values(), key=lambda f: (f.recorded_order, f.observation.id))


def current(facts: Iterable[Fact]) -> list[Fact]:
    """As `latest`, with every fact of a key that states the same highest revision."""
    every = list(facts)
    highest = {(f.observation.source, f.observation.event_key): f for f in sorted(every, key=_age)}
    kept = [
        f
        for f in every
        if f.observation.revision
        == highest[f.observation.source, f.observation.event_key].observation.revision
    ]
    return sorted(kept, key=lambda f: (f.recorded_order, f.observation.id))


def rivals(answer: Agreed, facts: Iterable[Fact], figures: Callable[[Fact], Any]) -> list[Fact]:
    """Facts of the version that is taken, where one agency gives that version different figures."""
    every = list(facts)
    for taken in answer.with_it:
        same = [
            f
            for f in every
            if f.operator == taken.operator
            and f.observation.source == taken.observation.source
            and f.observation.revision == taken.observation.revision
        ]
        if any(figures(f) != figures(taken) for f in same):
            return same
    return []


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


def without(
    lack: Lack,
    missing: Missing,
    rule: Mapping[str, Any],
    deadline: int,
    close: int | None,
    now: int,
    facts: Mapping[str, Any],
) -> Waiting | Held | Closed:
    """What an input comes to that no value can be taken for. Source: specs/evidence.md, section 6.

    Nothing on file: waited for, then closed at `close`. Too few operators, or too far apart: waited
    for until the freeze deadline, then a person decides, whenever the input would close.
    """
    owner = rule["sources"][0] if rule["sources"] else None
    if lack is Lack.NONE:
        if close is not None and now >= close:
            last = {"until": close, "last": missing.reason}
            return Closed("closed", missing.closed, {**facts, **last})
        coming = [moment for moment in (deadline, close) if moment is not None and moment > now]
        return Waiting(missing.state, missing.reason, min(coming, default=None), owner, facts)
    few = lack is Lack.FEW
    reason = "too_few_operators" if few else "sources_disagree"
    told = {**facts, "wanted": rule["operators"], "until": deadline}
    if now < deadline:
        return Waiting("awaiting_quorum", reason, deadline, owner, told)
    return Held("held_person" if few else "held_conflict", reason, told, "operator")


def stated(facts: Iterable[Fact], value_of: ValueOf) -> list[dict[str, Any]]:
    """What each fact says, for the person who must decide between them."""
    return [{"observation": f.observation.id, "value": value_of(f)} for f in facts]


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
