"""What a running member does for commands that stand beside it: order, certify, do a round."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ....acts.envelope import from_json
from ....wiring.beside import result_as_json
from ....wiring.consortium import Seated
from ..control import Command, Tell

ROUND_SECONDS, LOOK_SECONDS = 8.0, 0.02


def answers(seated: Seated) -> Mapping[str, Command]:
    """`end` is that of an act which is signed now, `order` puts signed acts into order, `round`
    does the duties once, `pay_again` orders again what the bank has refused, `standing` says what
    has stopped them, `certify` as the node does.
    """
    member = seated.member

    def end(*_: Any) -> int | None:
        return seated.orderer.end()

    def order(_: Tell, asked: dict[str, Any]) -> list[dict[str, Any]]:
        acts = [from_json(act) for act in asked["acts"]]
        return [result_as_json(each) for each in seated.orderer.submit(acts)]

    def round_(*_: Any) -> None:
        """A round that began after it was asked for, one may be under way; first one of those that
        bring what it needs from the others.
        """
        end = time.monotonic() + ROUND_SECONDS
        for rounds in (seated.fetching, seated.rounds):
            last = rounds.done + 2
            while rounds.done < last and time.monotonic() < end:
                rounds.due.set()
                time.sleep(LOOK_SECONDS)

    def pay_again(_: Tell, asked: dict[str, Any]) -> int:
        with seated.turn:
            return member.pay_again(asked["subject"])

    def standing(*_: Any) -> dict[str, Any]:
        alarm = seated.duties.alarm
        return {"alarm": None if alarm is None else f"{alarm.code}: {alarm}"}

    def certify(_: Tell, asked: dict[str, Any]) -> dict[str, Any]:
        return seated.certify(asked["height"])

    return {
        "end": end,
        "order": order,
        "round": round_,
        "pay_again": pay_again,
        "standing": standing,
        "certify": certify,
    }
