"""`serve` on a live record that sells: applications are taken, duties done meanwhile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from ...node.selling.shop import Shop, pays
from ...portal.buying.pace import Pace
from ...settings import Language
from ...wiring import Member, system_clock
from ...wiring.duties import Duties, Duty, Rounds
from .. import speak
from ..place import Place
from . import doing

EVERY = 2.0  # seconds between rounds of duties


@dataclass(frozen=True)
class Open:
    """A shop that is open: what the portal's settings need, and who does the duties meanwhile."""

    settings: Mapping[str, Any]
    rounds: Rounds


def sells(member: Member) -> bool:
    """Whether anything is on offer on a live record that this member pays: who does keeps whom."""
    with member.node.reading() as (_, state):
        live = state.need("genesis", "it")["clock"] == "live"
        named = {offer["offer"]["listing"] for _, offer in state.range("offer", "")}
        me = member.node.identity.member
        return live and any(pays(state, name, me) for name in named)


def selling_of(place: Place, member: Member, shop: Shop, duties: Duties) -> Mapping[str, Any]:
    """What the portal's settings need to sell; nothing is sold once the duties have stopped."""
    return {
        "selling": replace(shop, stopped=lambda: duties.stopped),
        "pace": Pace().wait,
        "channels": doing.tokens(place),
        "collecting": doing.collecting(member),
        "duties": duties.standing,
    }


def beside(place: Place, member: Member, turn: Any, duties: Duties) -> Mapping[str, Any]:
    """The same for a process that does the duties itself, in turns; without a shop where nothing
    is sold.
    """
    if not sells(member):
        return {"duties": duties.standing}
    return selling_of(place, member, doing.shop_of(place, member, turn), duties)


def told(language: Language) -> Duties:
    """Duties of which everything is told on standard error."""
    return Duties(lambda told: speak.note(told.sentence(language)))


@contextmanager
def open_shop(place: Place, member: Member, language: Language) -> Iterator[Open]:
    """A shop; meanwhile credits are collected and duties done.

    Errors   what has stopped the duties, at the end.
    """
    shop, duties = doing.shop_of(place, member), told(language)

    def work() -> Iterator[Duty]:
        yield "time", lambda: member.node.pass_time(system_clock())
        yield from member.duties()

    rounds = Rounds(duties, work, EVERY, turn=shop.turn)
    rounds.start()
    try:
        yield Open(selling_of(place, member, shop, duties), rounds)
    finally:
        rounds.end()
    duties.raise_what_stopped()
