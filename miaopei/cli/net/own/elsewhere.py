"""Members on machines of their own, as the one here hears of them over the wire: by their own word.

Nothing of them can be read but what they answer to one that has a seat.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ....errors import OutsideFault
from .. import control
from ..plan import Net, Seat

SECONDS = 15.0
Json = dict[str, Any]


def others(net: Net, height: int | None) -> dict[str, Json | None]:
    """What each member that is not here says of itself, in the shape of a member's status, with its
    root after a block, or after its last; None of one that does not answer.

    `other` says whether its genesis is not ours. Nothing in a net that is all here.
    """
    if net.own is None:
        return {}
    at = net.at(net.own.member)
    silent: dict[str, Json | None] = {m: None for m in net.members if m not in net.here}
    try:
        ours = control.call(at, "status", seconds=SECONDS)["chain"]
        heard = control.call(at, "others", height=height, seconds=SECONDS)
    except OutsideFault:
        return silent
    return silent | {member: said and _status(said, ours) for member, said in heard.items()}


def unmet(net: Net, seats: Mapping[str, Json]) -> Iterator[Seat]:
    """Members that have a seat on the record and whose seat file has not been handed to us."""
    if net.own is not None:
        met = {seat.id for seat in net.seats}
        yield from (Seat(m, m, m, "", "") for m in seats if m not in met)


def _status(said: Json, ours: str) -> Json:
    waits = {"code": "net.waits_there", "facts": {}} if said["waits"] else None
    return {**said, "trouble": None, "waits": waits, "other": said["chain"] != ours}
