"""`convene`: the members of a consortium take their seats, and a record that one member ordered is
ordered by all of them from the next height on. The tree goes on; nothing of it changes.

Body: {seats: [{member, power, engine, node, peer, log, box}, ..]}. The sender has a seat of its
own, and goes on to sign checkpoints with the log key of the genesis. The engine's first block is
the next one: its name of the record follows from the file that pins this block
(docs/specs/consortium.md, section 2).
"""

from __future__ import annotations

from typing import Any

from .base import Moment, Outcome, fields, refuse
from .envelope import Act
from .seats import put_seat, seated
from .state import State

KIND = "convene"
ROLES = frozenset({"operator"})
TABLE = "convened"


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused on a record that has seats, for seats that are none, without a vote among them."""
    (given,) = fields(act.body, seats=list)
    if seated(state):
        raise refuse("act.seated_already")
    for seat in given:
        if not isinstance(seat, dict):
            raise refuse("act.bad_body", field="seats", why="an item is no object")
        put_seat(state, seat, now.rules)
    ours = state.get("seat", act.by)
    if ours is None or ours["log"] != state.need("genesis", "it")["log_key"]:
        why = "the sender needs a seat with the log key of the genesis"
        raise refuse("act.bad_seat", member=act.by, why=why)
    if not any(seat["power"] for seat in given):
        raise refuse("act.bad_seat", member=act.by, why="nobody has a vote")
    state.put(TABLE, "it", {"act": act.id, "height": now.height})
    return Outcome()


def convened(state: State) -> dict[str, Any] | None:
    """By which act and at which height a solo record became that of a consortium, if it did."""
    found: dict[str, Any] | None = state.get(TABLE, "it")
    return found
