"""`net leave`: a member loses its seat by votes, is ended, and is no longer told of the others.

Its folder stays: what it has read it has. Engines ask who may connect only when one does; those of
the others drop it for good when they start next. It is ended only when the block after is there
too: its vote still counts for that one, and without it there might never be one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from .. import control
from ..make import write_plan
from ..plan import Net, no
from . import telling, voting
from .voting import Voted

NEXT_SECONDS = 90.0  # for the block after
Json = dict[str, Any]


def leave(
    net: Net, member: str, reason: str, by: Sequence[str] = (), *, anyway: bool = False
) -> Voted:
    """Have a member unseated, and end it once it is.

    Errors   Refused net.needed for one that decides or pays for listings (unless `anyway`), and
             what the record says; OutsideFault (retry) where the record does not go on.
    """
    net.seat(member)
    status = voting.ask(net)
    seated = {seat["member"] for seat in status["seats"]}
    if member not in seated:
        end(net, member)
        return Voted((), 0, 0, done=True)
    teller = net.here[0] if net.own else _other(net, member)
    listings = control.call(net.at(teller), "named", member=member)
    if listings and not anyway:
        raise no("needed", member=member, listings=", ".join(listings[:5]))
    body = {"member": member, "reason": reason, "until": voting.until(status["time"])}
    voted = voting.want(net, "unseat_member", body, by)
    if member not in voting.seats(net):
        _last_vote(net, int(voting.ask(net)["height"]))
        end(net, member)
    return voted


def _last_vote(net: Net, seen: int) -> None:
    """Wait for a block after one that is there: the last on which the member's vote counts."""
    why = "the record does not go on; start the members that are down, then leave again"
    control.until(lambda: bool(voting.ask(net)["height"] > seen), NEXT_SECONDS, why)


def _other(net: Net, member: str) -> str:
    """Errors   Refused net.no_member."""
    seated = voting.seats(net)
    for other in net.members:
        if other != member and other in seated:
            return other
    raise no("no_member", member="", members=", ".join(net.members))


def end(net: Net, member: str) -> None:
    """It runs no more, and nobody here is told of it."""
    if net.own is not None and net.own.member == member:
        control.call(net.folder, "stop")
        return
    seats = tuple(replace(seat, left=seat.left or seat.id == member) for seat in net.seats)
    gone = replace(net, seats=seats)
    write_plan(gone)
    if member in net.here:
        control.call(net.folder, "remove", member=member, seconds=voting.ACT_SECONDS)
    for other in gone.here:
        telling.tell(gone, other, None, gone=member)
