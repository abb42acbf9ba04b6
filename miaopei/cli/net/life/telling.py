"""Telling members of one another: where each listens, and by which keys it is known.

What stands in `node.json` and the engine's settings holds from the next start; a running node is
told at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from ....adapters.engine import home
from ....adapters.peers.certificate import pem_of
from ....errors import OutsideFault
from ....wiring.consortium import TLS_FILE
from ....wiring.machine import Machine
from .. import control
from ..make import Known
from ..own import seat_file
from ..plan import Net
from . import voting

Json = dict[str, Any]


def known(net: Net, seats: Mapping[str, Json], member: str) -> Known:
    """A member as others are told of it; its connection key is that of its seat."""
    place = net.seat(member)
    if member not in net.here:
        return replace(seat_file.read(net.seat_file(member)).known, node=seats[member]["node"])
    shown = pem_of((net.at(member) / TLS_FILE).read_text("ascii"))
    return Known(member, place.engine, place.blobs, seats[member]["node"], shown)


def tell(
    net: Net, member: str, about: Known | None, gone: str = "", *, seated: bool = True
) -> None:
    """Tell a member of one that came or changed its keys, or that one is gone.

    Of one that is not `seated` yet it is not told by which key its engine connects: the record says
    so once it is (see `complete`).
    """
    at = net.at(member)
    told = Machine.of(at)
    peers = {name: peer for name, peer in told.peers.items() if name != gone}
    if about is not None:
        peers[about.member] = {k: v for k, v in about.told.items() if seated or k != "node"}
    replace(told, peers=peers).write(at)
    engine(net, member, peers)
    if about is not None:
        asked: Json = {"member": about.member, "blobs": about.blobs}
        with suppress(OutsideFault):  # one that is down reads it when it starts
            control.call(at, "meet", certificate=about.certificate, **asked)


def tell_others(net: Net, member: str) -> None:
    """Tell all others that run from here of one that was seated or has other keys: also those that
    wait for their seats, for nobody else tells them.
    """
    others = [other for other in net.here if other != member]
    if others:
        about = known(net, voting.seats(net), member)
        for other in others:
            tell(net, other, about)


def complete(at: Path, seats: Sequence[Json]) -> None:
    """Before a member starts: those that it was told of before they had the seat that they have now
    are known to its engine as well.
    """
    told = Machine.of(at)
    nodes = {seat["member"]: seat["node"] for seat in seats}
    lacking = {m for m, peer in told.peers.items() if "node" not in peer and m in nodes}
    if not lacking:
        return
    peers = {m: {**p, "node": nodes[m]} if m in lacking else p for m, p in told.peers.items()}
    # What lacks is told by our own file: it comes last, so that a stop between is made up for.
    home.write_neighbours(at / home.ENGINE, neighbours(peers))
    replace(told, peers=peers).write(at)


def engine(net: Net, member: str, peers: Mapping[str, Mapping[str, str]]) -> None:
    """The engine's settings, for its next start."""
    listens, reached = net.listens(member)[0], net.seat(member).engine
    quick = net.genesis["clock"] == "replay"
    home.write_settings(
        net.at(member) / home.ENGINE,
        member,
        listens,
        neighbours(peers),
        quick=quick,
        reached=reached,
    )


def neighbours(peers: Mapping[str, Mapping[str, str]]) -> list[home.Neighbour]:
    """The engines that a member's engine connects with."""
    return [
        home.Neighbour(home.address(peer["node"]), peer["engine"])
        for peer in peers.values()
        if "node" in peer
    ]
