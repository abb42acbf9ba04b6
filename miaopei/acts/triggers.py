"""Triggers: what a case's facts are when they are in, and the line in which a book decides them.

One trigger of a book is open at a time, so that each is decided with what those before it have
used; the others wait in the order in which they were made. Source: docs/specs/record.md, section 6.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..claims.case import Ready, case_key
from ..claims.sequence import WHOLE
from ..measures.identity import content_id
from ..terms.canonical import filing_hash, meaning_hash
from . import rounds
from .base import Made, Moment, Outcome
from .occurrences import pin
from .standing import Case, set_case
from .state import State


def make(
    case: Case, ready: Ready, beside: Mapping[str, Any] | None = None, shock: str = WHOLE
) -> str:
    """Make the trigger of a case and put it in its book's line; its id. `beside` stands in the
    case beside the rest.
    """
    state, name, base = case.state, case.entry["listing"]["book"], case.base
    if base["trigger"] is not None:
        state.delete("ended", base["trigger"])  # no further round: other facts, another trigger
    book = state.need("book", name)
    value = {
        "v": 1,
        "listing": base["listing"],
        "book": name,
        "occurrence": base["occurrence"],
        "benefit": base["benefit"],
        "revision": base["revision"] + 1,
        "product": case.entry["product"],
        "version": ready.version.number,
        "filing": filing_hash(ready.version.terms),
        "meaning": meaning_hash(ready.version.terms),
        "rules": case.now.rules,
        "instant": ready.instant,
        "facts": ready.facts,
        "book_size": book["size"],
        "book_root": book["root"],
    }
    if count := case.on_file.releases(case.key)[shock]:
        value |= {"releases": count, "shock": shock}  # so many of its releases, in order, count
    trigger = content_id("trigger", value)
    because = sorted({i for fact in ready.facts.values() for i in fact["because"]})
    state.put("trigger", trigger, value)
    _fix(state, value)
    case.outcome.made.append(Made("trigger", trigger, value, tuple(because)))
    line_up(state, name, trigger)
    stands = {
        **base,
        "state": "ready",
        "reason": "facts_complete",
        "facts": ready.facts,
        "until": look_again(ready),
        "owner": None,
        "instant": ready.instant,
        "revision": value["revision"],
        "trigger": trigger,
        **(beside or {}),
    }
    set_case(state, case.outcome, case.key, stands)
    pin(state, case.at, trigger)
    open_next(state, case.outcome, name, case.now)
    return trigger


def line_up(state: State, name: str, trigger: str) -> None:
    """Put a trigger at the end of its book's line."""
    book = state.need("book", name)
    state.put("line", f"{name}/{book['next']:012d}", trigger)
    state.put("book", name, {**book, "next": book["next"] + 1})


def open_next(state: State, outcome: Outcome, name: str, now: Moment) -> None:
    """Open the first trigger that waits in a book's line, if none is open."""
    book = state.need("book", name)
    if book["open"] is not None:
        return
    first = next(state.range("line", f"{name}/"), None)
    if first is None:
        return
    key, trigger_id = first
    state.delete("line", key)
    book["open"] = trigger_id
    state.put("book", name, book)
    state.put("duty", f"decide/{trigger_id}", {"trigger": trigger_id, "counter": book["counter"]})
    trigger = state.need("trigger", trigger_id)
    rounds.begin(state, trigger_id, trigger, now)
    key = case_key(trigger)
    case = state.need("case", key)
    set_case(state, outcome, key, {**case, "state": "deciding", "reason": "trigger_open"})


def look_again(ready: Ready) -> int | None:
    """When a shock of the sequence that still waits reaches its own deadline."""
    waits = (fact["detail"].get("until") for fact in ready.facts.values())
    return min((until for until in waits if until is not None), default=None)


def _fix(state: State, trigger: Mapping[str, Any]) -> None:
    """Keep the values of shocks that a trigger uses, for all benefits and every later revision.

    Also where a later trigger has no use for them: else it would be forgotten what has settled.
    """
    key = f"{trigger['listing']}/{trigger['occurrence']}"
    fixed = state.get("fixed", key) or {}
    for fact in trigger["facts"].values():
        fixed.update(fact["detail"].get("used", {}))
    state.put("fixed", key, fixed)
