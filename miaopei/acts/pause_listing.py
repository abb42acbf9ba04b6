"""`pause_listing`: nothing more is sold of a listing, once two members have said so.

Body: {listing, reason, person}. See `pauses` for what a pause stops and what it never stops.
"""

from __future__ import annotations

from . import pauses
from .base import KNOWN_ROLES, Moment, Outcome
from .envelope import Act
from .state import State

KIND = "pause_listing"
ROLES = KNOWN_ROLES  # whoever has a seat; without seats an operator


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused for who has no seat, a listing not known, and where it is so already."""
    return pauses.say(state, act, now, paused=True)
