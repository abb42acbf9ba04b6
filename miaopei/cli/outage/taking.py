"""Files of the grid into a live record: who hangs where, and messages of the two systems."""

from __future__ import annotations

from typing import Any

from ...adapters.grid import connections
from ...adapters.grid.connections import Names
from ...adapters.grid.intake import Intake, is_message
from ...adapters.keys import grid_keys
from ...settings import Language
from ...wiring import system_clock
from .. import speak
from ..demo import Tail
from ..live import working
from ..place import Place


def is_ours(data: bytes) -> bool:
    """Whether a file is one of the grid's, by its content."""
    return connections.is_connections(data) or is_message(data)


def names_of(place: Place) -> Names:
    """What makes subject tokens here: the keys that this member's books and sources share."""
    keys = grid_keys(place.folder / "keys.json")
    return lambda customer: list(keys.tokens(customer).values())


def take(place: Place, data: bytes, *, as_json: bool, language: Language) -> int:
    """Take a file of the grid in; 1 where nothing of it was taken."""
    if connections.is_connections(data):
        return _connections(place, data, as_json=as_json, language=language)
    speaker = speak.Speaker(language)
    with working(place) as member:
        tail = Tail(member, speaker)
        now = system_clock()
        member.node.pass_time(now)
        taken = Intake(member.node, names_of(place)).take(data, now)
        done = member.work()
        lines = list(tail.lines())
    if as_json:
        speak.show_json({**taken.as_json(), "duties": done, "decided": lines})
    else:
        for line in lines:
            speak.out(line)
        speak.refuse(taken.refusals, language)
        facts: dict[str, Any] = {n: vars(taken)[n] for n in ("recorded", "unchanged", "notices")}
        facts |= {"refused": len(taken.refusals), "done": done}
        speak.out(speaker.text("grid_taken", **facts))
        if taken.missing:
            shown = ", ".join(map(str, taken.missing[:10]))
            facts = {"source": taken.source, "count": len(taken.missing), "numbers": shown}
            speak.out(speaker.text("grid_missing", **facts))
    return 0 if taken.recorded or taken.unchanged or not taken.refusals else 1


def _connections(place: Place, data: bytes, *, as_json: bool, language: Language) -> int:
    with working(place) as member, member.node.store.writing() as block:
        kept = connections.keep(block, data, names_of(place))
    if as_json:
        speak.show_json(vars(kept))
    else:
        speak.out(speak.Speaker(language).text("connections_kept", **vars(kept)))
    return 0
