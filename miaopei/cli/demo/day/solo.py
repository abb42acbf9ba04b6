"""`miaopei demo outage`: the day on one member, from a planned outage to money on the way.

A real PostgreSQL; the bank, both grid systems and the SMS gateway as processes of their own; their
messages pushed over HTTP and signed. Only the clock is a replay's, and everything says so.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ....adapters import tile_files
from ....adapters.grid import connections
from ....adapters.grid.push.door import Door
from ....adapters.grid.push.running import opened
from ....adapters.grid.sms import SmsOverHttp
from ....adapters.keys import add_subject_key
from ....adapters.sandbox_grid.starter import Running, start
from ....measures.instant import from_beijing
from ....measures.money import as_yuan
from ....node import scheme
from ....node.effects.notices import Notifier, confirm, counts
from ....node.effects.payer import Payer
from ....node.proof.receipts import Collector
from ....products.shelf import shelf
from ....settings import Language
from ....wiring import Member
from ... import speak
from ...place import LogSource, Place, as_lines, log_vkey, write_whole
from .. import begun, found
from ..following import PACE, pages, resting, until_told
from . import billing, yuyao
from .insuring import GROUP, insure, names_by
from .listening import Listener
from .scenes import Systems, Told, paid_of, play, trusted_of
from .timed import TimedRail

SCHEME = "yuyao"
BEGINS = "2026-01-01"


@dataclass
class Solo:
    """One member that takes the messages, sends the notices, decides and pays."""

    member: Member
    rail: TimedRail
    listener: Listener
    notifier: Notifier
    systems: Systems

    def pass_time(self, at: int) -> None:
        """See `Stage`."""
        self.member.node.pass_time(at)

    def notify(self) -> int:
        """See `Stage`."""
        return self.notifier.run()

    def confirm(self) -> None:
        """See `Stage`."""
        confirm(self.member.node)

    def settle(self) -> None:
        """Until the record owes nothing more: duties run behind the door's answer."""
        for _ in range(600):
            with self.member.node.reading() as (_, state):
                left = any(True for _ in state.range("duty", ""))
                settled = any(True for _ in state.range("settlement", ""))
            if settled and not left:
                return
            time.sleep(0.1)

    def told(self) -> Told:
        """See `Stage`."""
        line = self.listener.line()
        with self.member.node.reading() as (reading, state):
            paid = paid_of(reading, state, billing.LISTING)
            notices = counts(reading)
        return Told(
            notices,
            len(line.missing),
            len(line.lost),
            **paid,
            confirmed=self.listener.confirmed,
            accepted=list(self.rail.accepted.values()),
        )

    def bill(self) -> dict[str, Any]:
        """See `Stage`."""
        node = self.member.node
        read = billing.measure(node)
        node.pass_time(from_beijing(billing.OVER))
        billing.issue(node)
        billing.pay(node)
        self.member.work()
        return read | billing.told(node)


def run(
    place: Place,
    *,
    once: bool,
    json_file: Path | None,
    language: Language,
    port: int,
    suite: str | None = None,
    pace: float = PACE,
    customers: int = yuyao.IN_SCOPE,
) -> int:
    """The demonstration. Everything it starts is stopped at its end, however that comes.

    Unless `once`, its pages are up before the day begins, and the day takes its time: `pace`
    seconds a scene. `customers`: how many of the town are in scope.
    """
    speaker = speak.Speaker(language)
    quiet = json_file == Path("-")
    town = yuyao.town(customers)
    place.make()
    with place.alone(), ExitStack() as here:
        member, bank = begun(here, place, speaker, suite)
        value = scheme.load(SCHEME)
        found(member, place, "miaopei demo outage", BEGINS, value["labels"])
        scheme.apply(member.node, value, shelf(), bank.control)
        names = names_by(add_subject_key(place.folder / "keys.json", GROUP))
        with member.node.store.writing() as block:
            connections.keep(block, yuyao.connections(town), names)
        day = _open(here, place, member, Listener(member.node, names))
        day.systems.sms.phones(yuyao.phones(town, names))
        insure(member.node, bank.control, town, names)
        member.work()
        if not quiet:
            introduce(value, speaker)
        billing.agree(member.node)
        billing.file(member.node, [names(c.number)[-1] for c in town if c.insured])
        write_whole(place.folder / "day.csv", yuyao.day_file(town))
        if not once:
            here.enter_context(pages(member, speaker, value["labels"], port))
        figures = play(day, town, resting(0 if once else pace))
        write_whole(place.folder / "log.vkey", (log_vkey(member) + "\n").encode("utf-8"))
        if quiet:
            sys.stdout.write(as_lines(figures).decode("utf-8"))
            return 0
        if json_file is not None:
            write_whole(json_file, as_lines(figures))
        tell(figures, speaker)
        _whereabouts(place, member, speaker)
        if not once:
            until_told(speaker)
        return 0


def introduce(value: Mapping[str, Any], speaker: speak.Speaker) -> None:
    """What is about to be shown, and what of it is made up."""
    speak.out(speaker.pick(value["name"]["zh"], value["name"]["en"]))
    for label in value["labels"][speaker.language]:
        speak.out(f"  ! {label}")


def tell(found: Mapping[str, Any], speaker: speak.Speaker) -> None:
    """The day in a few lines."""
    given = {name: value for name, value in found.items() if type(value) is int}
    speak.out(speaker.text("outage_notices", **given))
    speak.out(speaker.text("outage_payouts", **given, yuan=as_yuan(found["payout_fen"])))
    last = found["seconds_trigger_to_accepted"]["last"]
    speak.out(speaker.text("outage_seconds", seconds=last, payouts=found["payouts"]))
    billed, again = (as_yuan(found[name]) for name in ("invoice_fen", "recount_fen"))
    speak.out(speaker.text("outage_billed", invoice=billed, recount=again))


def receipt_of(member: Member) -> tuple[str, bytes]:
    """The first payout, and its receipt."""
    with member.node.reading() as (reading, state):
        settlement = next(
            name
            for name, said in state.range("settlement", "")
            if said["settlement"]["listing"] == billing.LISTING
        )
        first = reading.instructions(settlement)[0]
        collector = Collector(reading, member.node.identity, member.certify)
        return first["payout"], collector.payout(settlement, first["policy"]).to_bytes()


def start_systems(here: ExitStack, folder: Path) -> tuple[Running, Running, Running]:
    """Command system, meters, SMS gateway: a process each until the context ends."""
    command, meters, sms = (
        here.enter_context(start(role, folder)) for role in ("command", "meters", "sms")
    )
    return command, meters, sms


def _open(here: ExitStack, place: Place, member: Member, listener: Listener) -> Solo:
    """The processes started, and the door open for them."""
    assert member.payer is not None, "the demonstration has a bank"
    rail = TimedRail(member.payer.rail)
    member.payer = Payer(member.node, rail, ahead=True)
    command, meters, sms = start_systems(here, place.folder / "grid")
    trusted = listener.trust(trusted_of(command, meters))
    listener.then = member.work
    door = Door(listener.intake, trusted, member.node.time, listener.after)
    systems = Systems(command, meters, sms, here.enter_context(opened(door)))
    return Solo(member, rail, listener, Notifier(member.node, SmsOverHttp(sms.address)), systems)


def _whereabouts(place: Place, member: Member, speaker: speak.Speaker) -> None:
    """One payout's receipt, and what can be looked at next."""
    payout, data = receipt_of(member)
    with member.node.store.reading() as reading:
        tile_files.write(place.log, LogSource(reading))
    path = place.keep_receipt(yuyao.NUMBER, data)
    told = {"program": speak.program(), "folder": str(place.folder), "number": yuyao.NUMBER}
    told |= {"payout": payout[:16], "receipt": str(path)}
    for name in ("whereabouts", "why", "verify", "pages"):
        speak.out(speaker.text(f"outage_{name}", **told))
