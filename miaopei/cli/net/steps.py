"""What a member does in a demonstration, asked for over its control socket.

The replay source moves the time and brings the facts; everybody else does what its duties say.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...adapters.sandbox_bank.control import BankControl
from ...ledger import checkpoint
from ...node import scheme
from ...node.replay import replay
from ...products.shelf import shelf
from ...wiring.consortium import Seated
from .. import demo
from ..demo import history, output
from ..demo.day.seated import days
from ..place import Place
from ..speak import Speaker
from .control import Command, Tell, until
from .plan import DECIDERS, PAYER, K

QUIET_SECONDS, LOOK_SECONDS = 120.0, 0.02


def steps(seated: Seated) -> Mapping[str, Command]:
    """The steps of a demonstration that one member can carry out."""
    node, member = seated.member.node, seated.member
    parties = scheme.Parties(PAYER, DECIDERS, K)

    def set_up(_: Tell, asked: dict[str, Any]) -> int:
        return scheme.set_up(node, scheme.load(asked["scheme"]), shelf(), parties)

    def agree_scheme(_: Tell, asked: dict[str, Any]) -> int:
        return scheme.agree(node, scheme.load(asked["scheme"]), shelf(), parties)

    def issue(_: Tell, asked: dict[str, Any]) -> int:
        """`under` issues the first listing's policies under another that stands on the record."""
        bank = None if seated.told.bank is None else BankControl(seated.told.bank)
        value = scheme.load(asked["scheme"])
        if (under := asked.get("under")) is not None:
            value = {**value, "listings": [{**value["listings"][0], "id": under}]}
        return scheme.issue_all(node, value, bank, asked.get("again", ""))

    def play(tell: Tell, asked: dict[str, Any]) -> int:
        """What arrived before `since`, or before the record's own time, is left out; with `alone`
        nobody's duties are waited for.
        """
        arrivals = history.arrivals(history.shipped_readings())
        with seated.store.reading() as reading:
            since = max(asked.get("since", 0), reading.head().time)
        alone = asked.get("alone", False)
        until = asked["until"] or max(arrival.at for arrival in arrivals) + demo.ENDS_AFTER
        arrivals = [arrival for arrival in arrivals if since <= arrival.at <= until]
        tail, count = demo.Tail(member, Speaker(asked["language"])), 0
        after = (lambda: None) if alone else (lambda: quiet(seated))
        for step in replay(node, arrivals, until, after):
            count += step.rows
            tell({"rows": count, "of": len(arrivals), "lines": list(tail.lines())})
        tell({"rows": count, "of": len(arrivals), "lines": list(tail.lines())})
        return count

    def register(*_: Any) -> list[dict[str, Any]]:
        return [row.as_json() for row in output.register_of(member).rows]

    def write(*_: Any) -> list[dict[str, Any]]:
        shown(seated)
        found = output.write_all(Place(seated.folder.resolve()), member)
        return [row.as_json() for row in found.rows]

    def wait(*_: Any) -> None:
        quiet(seated)

    return {
        "set_up": set_up,
        "agree_scheme": agree_scheme,
        "issue": issue,
        "play": play,
        "register": register,
        "write": write,
        "quiet": wait,
        **days(seated),
    }


def shown(seated: Seated) -> None:
    """Wait until all that stands in the record now is certified, so that receipts can show it.

    Errors   OutsideFault (retry) where the engine makes no further block.
    """
    with seated.store.reading() as reading:
        size = reading.head().size

    def certified() -> bool:
        with seated.store.reading() as reading:
            return checkpoint.parse(reading.checkpoint()).size >= size

    until(certified, QUIET_SECONDS, "the last block is not certified", LOOK_SECONDS)


def quiet(seated: Seated) -> None:
    """Wait until nobody owes the record anything: nothing to hold, to decide or to pay.

    Errors   OutsideFault (retry) naming the duty that stands.
    """

    def stands() -> str | None:
        with seated.member.node.reading() as (_, state):
            return next((key for key, _ in state.range("duty", "")), None)

    def why() -> str:
        return f"a duty stands: {(stands() or 'it has just been done')[:60]}"

    until(lambda: stands() is None, QUIET_SECONDS, why, LOOK_SECONDS)
