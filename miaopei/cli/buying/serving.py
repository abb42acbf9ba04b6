"""`serve` on a live record that sells: applications are taken, duties done meanwhile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

from ...errors import Alarm, OutsideFault
from ...node.selling.shop import Shop
from ...portal.buying.pace import Pace
from ...wiring import Member, system_clock
from .. import speak
from ..place import Place
from . import doing

EVERY = 2.0  # seconds between rounds of duties


def sells(member: Member) -> bool:
    """Whether anything is on offer on a live record."""
    with member.node.reading() as (_, state):
        live = state.need("genesis", "it")["clock"] == "live"
        return live and any(True for _ in state.range("offer", ""))


def selling_of(place: Place, member: Member, shop: Shop) -> Mapping[str, Any]:
    """What the portal's settings need to sell."""
    return {
        "selling": shop,
        "pace": Pace().wait,
        "channels": doing.tokens(place),
        "collecting": doing.collecting(member),
    }


def beside(place: Place, member: Member, turn: Any) -> Mapping[str, Any] | None:
    """The same for a process that does the duties itself, in turns; None where nothing is sold."""
    if not sells(member):
        return None
    return selling_of(place, member, doing.shop_of(place, member, turn))


@contextmanager
def open_shop(place: Place, member: Member) -> Iterator[Mapping[str, Any]]:
    """What the portal's settings need to sell; meanwhile credits are collected, duties done."""
    shop = doing.shop_of(place, member)
    stop = Event()

    def work() -> None:
        while not stop.wait(EVERY):
            try:
                with shop.turn:
                    member.node.pass_time(system_clock())
                    member.work()
            except (OutsideFault, Alarm) as told:  # tried again: nothing of it was confirmed
                speak.note(str(told))

    thread = Thread(target=work, daemon=True)
    thread.start()
    try:
        yield selling_of(place, member, shop)
    finally:
        stop.set()
        thread.join()
