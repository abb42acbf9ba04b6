"""Seats: the members that hold the record together, each with the keys of its machines.

A seat is {member, engine, power, node, peer, log, box}: the engine's validator key and its weight
(0: reads along and does not vote), the engine's connection key, the key of the connections between
members, the key that signs this member's checkpoints, the key that opens its blobs. All are raw
public keys in lower-case hex. A solo record has none. Source: docs/specs/consortium.md, section 2.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .base import check_id, fields, refuse
from .blobs import is_digest
from .state import State

TABLE = "seat"
KEYS = ("engine", "node", "peer", "log", "box")
POWER_MAX = 1_000_000


def put_seat(state: State, value: dict[str, Any]) -> None:
    """Check and write one seat.

    Errors   Refused act.bad_seat for a member not known, a key that is none or that another seat
             has, a power out of range.
    """
    member, power, *keys = fields(value, member=str, power=int, **dict.fromkeys(KEYS, str))
    check_id("member", member)
    if not state.has("member", member) or state.has(TABLE, member):
        raise refuse("act.bad_seat", member=member, why="no member, or it has a seat")
    if not 0 <= power <= POWER_MAX:
        raise refuse("act.bad_seat", member=member, why=f"power {power}")
    if not all(map(is_digest, keys)) or len(set(keys)) < len(keys):
        raise refuse(
            "act.bad_seat", member=member, why="needs five different keys of 64 hex digits"
        )
    for _, other in seats(state):
        if taken := [name for name in KEYS if other[name] in keys]:
            raise refuse("act.bad_seat", member=member, why=f"{taken[0]} key of {other['member']}")
    state.put(TABLE, member, value)


def seats(state: State) -> Iterator[tuple[str, dict[str, Any]]]:
    """Members that have a seat, in byte order of their ids."""
    return state.range(TABLE, "")
