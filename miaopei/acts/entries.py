"""Posting balanced entries into the journal of the shared state."""

from __future__ import annotations

from ..accounts.entry import Entry
from ..measures.identity import content_id
from .base import Made, Outcome
from .state import State


def post(state: State, outcome: Outcome, entry: Entry) -> None:
    """Write one balanced entry at the journal's end and make its leaf."""
    number = (state.get("counter", "journal") or 0) + 1
    state.put("counter", "journal", number)
    value = entry.as_json()
    state.put("journal", f"{number:012d}", value)
    outcome.made.append(Made("entry", content_id("entry", value), value, tuple(entry.because)))
