"""What a member does in a demonstration, asked for over its control socket.

The replay source moves the time and brings the facts; everybody else does what its duties say.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ...adapters.sandbox_bank.control import BankControl
from ...errors import OutsideFault
from ...node import scheme
from ...node.replay import replay
from ...products.shelf import shelf
from ...wiring.consortium import Seated
from .. import demo
from ..demo import history, output
from ..place import Place
from ..speak import Speaker
from .control import Command, Tell
from .plan import DECIDERS, PAYER, K

NOBODY = {"name": {"zh": "参与者", "en": "participant"}, "roles": [], "keys": []}
QUIET_SECONDS, LOOK_SECONDS = 120.0, 0.02


def steps(seated: Seated) -> Mapping[str, Command]:
    """The steps of a demonstration that one member can carry out."""
    node, member = seated.member.node, seated.member

    def set_up(_: Tell, asked: dict[str, Any]) -> int:
        parties = scheme.Parties(PAYER, DECIDERS, K)
        return scheme.set_up(node, scheme.load(asked["scheme"]), shelf(), parties)

    def issue(_: Tell, asked: dict[str, Any]) -> int:
        bank = None if seated.told.bank is None else BankControl(seated.told.bank)
        return scheme.issue_all(node, scheme.load(asked["scheme"]), bank)

    def play(tell: Tell, asked: dict[str, Any]) -> int:
        arrivals = history.arrivals(history.shipped_readings())
        until = asked["until"] or max(arrival.at for arrival in arrivals) + demo.ENDS_AFTER
        arrivals = [arrival for arrival in arrivals if arrival.at <= until]
        tail, count = demo.Tail(member, Speaker(asked["language"])), 0
        for step in replay(node, arrivals, until, lambda: quiet(seated)):
            count += step.rows
            tell({"rows": count, "of": len(arrivals), "lines": list(tail.lines())})
        tell({"rows": count, "of": len(arrivals), "lines": list(tail.lines())})
        return count

    def register(*_: Any) -> list[dict[str, Any]]:
        return [row.as_json() for row in output.register_of(member).rows]

    def write(*_: Any) -> list[dict[str, Any]]:
        found = output.write_all(Place(seated.folder.resolve()), member)
        return [row.as_json() for row in found.rows]

    def wait(*_: Any) -> None:
        quiet(seated)

    def load(_: Tell, asked: dict[str, Any]) -> int:
        """Put participants on the record, some in each parcel; how many milliseconds it took."""
        acts = [
            node.act("admit_member", name, {**NOBODY, "id": name, "operator": name})
            for name in (f"{asked['tag']}-{number}" for number in range(asked["count"]))
        ]
        began = time.monotonic()
        for start in range(0, len(acts), asked["parcel"]):
            node.submit(acts[start : start + asked["parcel"]])
        return round(1000 * (time.monotonic() - began))

    return {
        "load": load,
        "set_up": set_up,
        "issue": issue,
        "play": play,
        "register": register,
        "write": write,
        "quiet": wait,
    }


def quiet(seated: Seated) -> None:
    """Wait until nobody owes the record anything: nothing to hold, to decide or to pay.

    Errors   OutsideFault (retry) naming the duty that stands.
    """
    end = time.monotonic() + QUIET_SECONDS
    while True:
        with seated.member.node.reading() as (_, state):
            first = next(state.range("duty", ""), None)
        if first is None:
            return
        if time.monotonic() > end:
            raise OutsideFault(f"a duty stands: {first[0][:60]}", retry=True)
        time.sleep(LOOK_SECONDS)
