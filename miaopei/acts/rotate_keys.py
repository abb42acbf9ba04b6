"""`rotate_keys`: a member puts new keys into its own seat; its weight stays.

Body: {keys: {engine, node, peer, log, box}}, those that change. Its own word is enough, since no
weight moves; a further engine key only a day later, because every change of an engine's key is
carried in each receipt from then on. Sooner, the others may seat it anew by `seat_member`.
Source: docs/specs/consortium.md, section 13.
"""

from __future__ import annotations

from ..measures.instant import DAY
from . import seats
from .base import KNOWN_ROLES, Moment, Outcome, fields, known, refuse
from .envelope import Act
from .state import State

KIND = "rotate_keys"
ROLES = KNOWN_ROLES  # whoever has a seat
TABLE = "rotated"


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused for who has no seat, keys that cannot stand in it, an engine key too soon."""
    (keys,) = fields(act.body, keys=dict)
    seat = known(state, seats.TABLE, act.by, "act.no_seat")
    fresh = {name: key for name, key in keys.items() if seat.get(name) != key}
    if not fresh or len(fresh) < len(keys) or not set(keys) <= set(seats.KEYS):
        raise refuse("act.bad_body", field="keys", why=f"new ones of {', '.join(seats.KEYS)}")
    seats.check(state, {**seat, **keys}, now.rules)
    if "engine" in keys:
        again = int(state.get(TABLE, act.by) or 0)
        if now.time < again:
            raise refuse("act.rotated_lately", by=act.by, next=again, seconds=again - now.time)
        state.put(TABLE, act.by, now.time + DAY)
    return seats.change(state, now, act.by, {**seat, **keys}, (act.id,))
