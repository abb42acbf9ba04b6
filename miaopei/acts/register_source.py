"""`register_source`: a source of facts with its operator and keys; the same id replaces its entry.

Body: the JSON of an evidence Source. Facts already recorded keep the entry they were checked with.
"""

from __future__ import annotations

from ..evidence.source import Source
from .base import Moment, Outcome, check_points
from .envelope import Act
from .state import State

KIND = "register_source"
ROLES = frozenset({"operator"})


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused where the entry does not read as a source."""
    source = Source.from_json(act.body)
    check_points("keys", act.body["keys"], now.rules)
    state.put("source", source.id, source.as_json())
    return Outcome()
