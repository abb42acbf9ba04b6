"""A sequence decided shock by shock: which shock is decided next, and what is still open.

Each shock stands for itself, under the terms and the policies in force at its own time; a policy is
owed the greatest of what they give. So whatever the order in which shocks become known, the sum is
the same, and nothing that was paid is ever too much. Source: docs/specs/evidence.md, section 8.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import Refused
from ..terms import exact
from ..terms.filing import Version
from ..terms.words import Declared, walk
from .case import Ready, Standing

WHOLE = ""  # the sequence as a whole, where none of its shocks reaches so far as to decide
# What is told of a sequence of which nothing is ready: what may yet pay before what will not.
TOLD_FIRST = ("awaiting_", "held_", "refused", "closed", "nothing_due", "not_covered")


@dataclass(frozen=True)
class Look:
    """One shock, by its id, and how it stands."""

    shock: str
    standing: Ready | Standing


@dataclass(frozen=True)
class Decided:
    """What has been decided for one shock: its trigger, and the [first, end) of its `steady`.

    At every instant of that time the same policies are in force, in the same versions and years.
    """

    trigger: Mapping[str, Any]
    first: int
    end: int

    def covers(self, ready: Ready, benefit: str) -> bool:
        """Whether no policy can be owed more for another shock than it was for this one."""
        trigger, terms = self.trigger, ready.version.terms
        same = self.first <= ready.instant < self.end and trigger["version"] == terms.version
        if not same or any(isinstance(word, Declared) for word in walk(terms.benefit(benefit))):
            return False
        observed = {name: fact["value"] for name, fact in trigger["facts"].items()}
        return _worth(ready.version, benefit, observed) >= _worth_of(ready, benefit)


def next_ready(
    looks: Sequence[Look], decided: Mapping[str, Decided], benefit: str
) -> tuple[Look, Ready] | None:
    """The shock to decide next: the one that gives most, of those that may add something.

    `decided`: the shocks decided before. The same values add nothing, nor does a shock that another
    one covers.
    """
    ready = []
    for look in looks:
        standing, before = look.standing, decided.get(look.shock)
        if not isinstance(standing, Ready):
            continue
        if before is not None and same_values(before.trigger, standing):
            continue
        others = (each for shock, each in decided.items() if shock != look.shock)
        if not any(other.covers(standing, benefit) for other in others):
            ready.append((look, standing))
    return min(ready, key=lambda pair: _rank(pair[0], pair[1], benefit), default=None)


def told(looks: Sequence[Look]) -> Standing:
    """The standing that speaks for a sequence of which no shock is ready."""
    standings = [look.standing for look in looks if isinstance(look.standing, Standing)]
    return min(standings, key=_first)


def still_open(looks: Sequence[Look]) -> list[dict[str, Any]]:
    """Shocks that wait, are held or refused, for a case that speaks of another one."""
    return [
        {
            "shock": look.shock,
            "state": standing.state,
            "reason": standing.reason,
            "facts": standing.facts,
            "until": standing.until,
            "owner": standing.owner,
        }
        for look in looks
        if isinstance(standing := look.standing, Standing)
        and standing.state.startswith(("awaiting_", "held_", "refused"))
    ]


def same_values(trigger: Mapping[str, Any], ready: Ready) -> bool:
    """Whether a trigger was made for just these values at this instant."""
    same = _values(trigger["facts"]) == _values(ready.facts)
    return same and bool(trigger["instant"] == ready.instant)


def _values(facts: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """What a decision can depend on: each value, and the lists where it differs by policy."""
    return {
        name: (
            fact["value"],
            [each["list"] and each["list"]["root"] for each in fact["detail"].get("lists", ())],
        )
        for name, fact in facts.items()
    }


def _rank(look: Look, ready: Ready, benefit: str) -> tuple[int, int, int, str]:
    """Most first by the terms alone, then the highest magnitude, the earliest, the id."""
    used = (fact["detail"].get("used", {}).get(look.shock) for fact in ready.facts.values())
    tenths = max((pair[1] for pair in used if pair is not None), default=0)
    return -_worth_of(ready, benefit), -tenths, ready.instant, look.shock


def _worth_of(ready: Ready, benefit: str) -> int:
    return _worth(ready.version, benefit, ready.observed())


def _worth(version: Version, benefit: str, observed: Mapping[str, int]) -> int:
    """What the terms give with nothing spent; 0 where that depends on what a policy declares."""
    terms = version.terms
    if any(isinstance(word, Declared) for word in walk(terms.benefit(benefit))):
        return 0
    try:
        return exact.settle(terms, benefit, observed, {}, {benefit: 0}).amount_fen
    except Refused:
        return 0


def _first(standing: Standing) -> tuple[int, int, int]:
    rank = next(n for n, state in enumerate(TOLD_FIRST) if standing.state.startswith(state))
    return rank, standing.until or 0, standing.instant or 0
