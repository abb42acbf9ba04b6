"""The day's scenes, in order, and what is counted at its end: the same wherever it is played.

A stage is what it is played on: one member that does everything, or several of which each does its
own part. The systems that speak (both of the grid, the gateway of notices) are the stage's too.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ....acts.state import State
from ....adapters.grid.push.trust import Trusted
from ....adapters.sandbox_grid.starter import Running
from ....measures.instant import DAY, from_beijing
from ....node.ports import Reading
from ..following import Rest
from . import yuyao
from .timed import at_percent

AHEAD = 1500  # seconds by which one meter's clock is wrong at first: beyond the tolerance
COMMAND, METERS = "grid.command", "grid.meter"
PAID = ("executed", "paid")  # the bank's word; the same on the record


@dataclass(frozen=True)
class Systems:
    """The processes that speak on this day, and where they push to."""

    command: Running
    meters: Running
    sms: Running
    door: str

    def push(self, source: str, at: int, form: str, **said: Any) -> None:
        """Have a system say something, as at a time of the day."""
        running = self.command if source == COMMAND else self.meters
        push = f"{self.door}/grid/{source}/messages"
        running.say(said, sent_at=yuyao.zoned(at), push=push, form=form)


@dataclass(frozen=True)
class Told:
    """What the record, and who took the messages in, say of the day once it is over.

    Units   fen; `accepted`, `confirmed`: seconds of this machine's clock.
    """

    notices: dict[str, int]
    missing: int
    lost: int
    payouts: int
    payout_fen: int
    executed_fen: int
    confirmed: float
    accepted: Sequence[float]


class Stage(Protocol):
    """What the day is played on."""

    @property
    def systems(self) -> Systems:
        """Those that speak."""
        ...

    def pass_time(self, at: int) -> None:
        """Let the record's time go on, for everybody."""

    def notify(self) -> int:
        """Send the notices that can be sent now, and ask for others; how many have changed."""
        ...

    def confirm(self) -> None:
        """Put on the record what became of the notices."""

    def settle(self) -> None:
        """Wait until the record owes nobody anything."""

    def told(self) -> Told:
        """What is to be counted."""
        ...

    def bill(self) -> dict[str, Any]:
        """Bill the month's data calls, pay the invoice, count it again."""
        ...


def play(stage: Stage, customers: Sequence[yuyao.Customer], rest: Rest) -> dict[str, Any]:
    """The day: a plan, published again unchanged, which is lost and fetched; notices; reports.

    At first the two systems differ by more than the contract allows, until a meter is corrected.
    `rest` is called between two scenes.
    """
    published, off = from_beijing(yuyao.PUBLISHED), from_beijing(yuyao.OFF)
    systems = stage.systems

    def push(source: str, at: int, form: str, **said: Any) -> None:
        stage.pass_time(at)
        systems.push(source, at, form, **said)

    rest(1)
    push(COMMAND, published + 5, "cim", plans=[yuyao.plan(customers, 0)])
    rest(1)
    systems.command.misbehave("lose", uses=1)  # lost, and fetched when a gap is seen
    push(COMMAND, published + 3605, "cim", plans=[yuyao.plan(customers, 1)])
    push(COMMAND, published + DAY, "json")
    while stage.notify():
        rest(0.25)
    stage.confirm()
    rest(1)
    push(COMMAND, off + 90, "json", restorations=[yuyao.cut_off()])
    rest(1)
    stage.pass_time(from_beijing(yuyao.ON))
    rest(1)
    last = max(max(c.back, c.back_by_meter) for c in customers)
    at = last + AHEAD + 120
    back = yuyao.restoration(customers, 0, by_meter=True, ahead=AHEAD)
    push(COMMAND, at, "cim", restorations=[yuyao.restoration(customers, 1, by_meter=False)])
    rest(2)
    push(METERS, at + 60, "json", restorations=[back])
    rest(2)
    pushed_at = time.monotonic()
    again = yuyao.restoration(customers, 1, by_meter=True)
    push(METERS, at + 600, "json", restorations=[again])
    stage.settle()
    rest(1)
    return figures(stage, customers, pushed_at) | stage.bill()


def trusted_of(command: Running, meters: Running) -> dict[str, Trusted]:
    """Whose word is taken: the keys of both systems, and where each is asked again."""
    return {
        name: Trusted((running.about()["public_key"],), running.address)
        for name, running in ((COMMAND, command), (METERS, meters))
    }


def paid_of(reading: Reading, state: State, listing: str) -> dict[str, int]:
    """What was settled and executed of a listing, and how many payouts that are."""
    settled = {
        name: said["settlement"]
        for name, said in state.range("settlement", "")
        if said["settlement"]["listing"] == listing
    }
    payments = (state.get("payment", name) for name in settled)
    return {
        "payouts": sum(len(reading.instructions(name, PAID)) for name in settled),
        "payout_fen": sum(said["totals"]["pay_fen"] for said in settled.values()),
        "executed_fen": sum(said["executed_fen"] for said in payments if said is not None),
    }


def figures(stage: Stage, customers: Sequence[yuyao.Customer], pushed_at: float) -> dict[str, Any]:
    """The day in figures, of which some are counted from the town, some from the record."""
    told = stage.told()
    seconds = sorted(at - told.confirmed for at in told.accepted)
    in_force = [c for c in customers if c.insured and c.in_scope and c.until > yuyao.OFF[:10]]
    due = from_beijing(yuyao.ON) // 60
    return {
        "sandbox": True,
        "outage": yuyao.NUMBER,
        "customers": len(customers),
        "customers_in_scope": sum(c.in_scope for c in customers),
        "plans": 2,
        "notices": sum(told.notices.values()),
        "notices_by_state": told.notices,
        "texts_at_the_gateway": stage.systems.sms.about()["texts"],
        "missing_messages": told.missing,
        "lost_messages": told.lost,
        "insured_in_scope_in_force": len(in_force),
        "insured_late_in_scope": sum(c.back // 60 > due for c in in_force),
        "payouts": told.payouts,
        "payout_fen": told.payout_fen,
        "executed_fen": told.executed_fen,
        "seconds_trigger_to_accepted": {
            "p50": at_percent(seconds, 50),
            "p95": at_percent(seconds, 95),
            "last": at_percent(seconds, 100),
        },
        "seconds_push_to_last_accepted": f"{max(told.accepted) - pushed_at:.3f}"
        if told.accepted
        else None,
    }
