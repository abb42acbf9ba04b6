"""`miaopei demo outage`: a day in a made-up Yuyao, from a planned outage to money on the way.

A real PostgreSQL; the bank, both grid systems and the SMS gateway as processes of their own; their
messages pushed over HTTP and signed. Only the clock is a replay's, and everything says so.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...accounts.rail import ClosedId, Instruction, Outcome
from ...adapters import tile_files
from ...adapters.grid import connections
from ...adapters.grid.intake import Intake, Taken
from ...adapters.grid.push.again import HttpSource, collect
from ...adapters.grid.push.door import Door
from ...adapters.grid.push.running import opened
from ...adapters.grid.push.trust import Trusted
from ...adapters.grid.sms import SmsOverHttp
from ...adapters.keys import add_subject_key
from ...adapters.sandbox_grid.starter import Running, start
from ...measures.instant import DAY, from_beijing
from ...measures.money import as_yuan, yuan
from ...measures.suites import DEFAULT
from ...node import scheme
from ...node.effects.notices import Notifier, confirm, counts
from ...node.effects.payer import Payer
from ...node.ports import Rail
from ...node.proof.receipts import Collector
from ...products.shelf import shelf
from ...settings import Language
from ...wiring import Member
from .. import speak
from ..place import LogSource, Place, as_lines, log_vkey, write_whole
from . import billing, found, yuyao
from .following import PACE, Rest, pages, resting, until_told

SCHEME, LISTING, GROUP = "yuyao", "planned_outage", "grid/yuyao"
BEGINS = "2026-01-01"
AHEAD = 1500  # seconds by which one meter's clock is wrong at first: beyond the tolerance
COMMAND, METERS = "grid.command", "grid.meter"
DECLARED = {"deductible": 0, "occurrence_limit": yuan(5_000)}


@dataclass
class TimedRail:
    """A rail that remembers when it accepted each instruction."""

    rail: Rail
    accepted: dict[str, float] = field(default_factory=dict)

    def pay(self, instructions: list[Instruction]) -> list[Outcome]:
        """As the rail does, and note the time of what it took."""
        found = self.rail.pay(instructions)
        now = time.monotonic()
        taken = (o.id for o in found if str(o.state) in ("executed", "pending"))
        self.accepted.update(dict.fromkeys(taken, now))
        return found

    def ask(self, ids: list[str]) -> list[Outcome]:
        """As the rail does."""
        return self.rail.ask(ids)

    def close(self, instruction: str) -> ClosedId | Outcome:
        """As the rail does."""
        return self.rail.close(instruction)


@dataclass
class Day:
    """The processes of the day, what takes their messages in, and the moments to measure.

    `again`: where messages of the command system that were lost are asked for again.
    """

    member: Member
    rail: TimedRail
    intake: Intake
    command: Running
    meters: Running
    sms: Running
    again: HttpSource
    door: str = ""
    confirmed_at: float = 0.0

    def after(self, _taken: Taken) -> None:
        """What follows once a message is answered: fetch what is missing, decide, pay."""
        self.confirmed_at = time.monotonic()
        if self.intake.line(COMMAND).missing:
            collect(self.intake, COMMAND, self.again, self.member.node.time)
        self.member.work()

    def push(self, running: Running, at: int, form: str, **said: Any) -> None:
        """Have a system say something at a time of the day."""
        self.member.node.pass_time(at)
        name = COMMAND if running is self.command else METERS
        push = f"{self.door}/grid/{name}/messages"
        running.say(said, sent_at=yuyao.zoned(at), push=push, form=form)


def run(
    place: Place,
    *,
    once: bool,
    json_file: Path | None,
    language: Language,
    port: int,
    suite: str | None = None,
    pace: float = PACE,
) -> int:
    """The demonstration. Everything it starts is stopped at its end, however that comes.

    Unless `once`, its pages are up before the day begins, and the day takes its time: `pace`
    seconds a scene.
    """
    speaker = speak.Speaker(language)
    quiet = json_file == Path("-")
    place.make()
    with place.alone(), ExitStack() as here:
        speak.note(speaker.text("demo_starting", folder=str(place.folder)))
        address = here.enter_context(place.database())
        place.clear(address)
        place.choose(suite or DEFAULT)
        bank = here.enter_context(place.bank())
        member = here.enter_context(place.member(address, bank.address))
        value = scheme.load(SCHEME)
        customers = yuyao.town()
        found(member, place, "miaopei demo outage", BEGINS, value["labels"])
        scheme.apply(member.node, value, shelf(), bank.control)
        keys = add_subject_key(place.folder / "keys.json", GROUP)

        def names(customer: str) -> list[str]:
            return list(keys.tokens(customer).values())

        with member.node.store.writing() as block:
            connections.keep(block, yuyao.connections(customers), names)
        day = _open(here, place, member, Intake(member.node, names))
        day.sms.phones((names(c.number)[-1], f"1390574{i:04d}") for i, c in enumerate(customers))
        _insure(member, bank.control, customers, names)
        if not quiet:
            speak.out(speaker.pick(value["name"]["zh"], value["name"]["en"]))
            for label in value["labels"][language]:
                speak.out(f"  ! {label}")
        billing.agree(member, LISTING, [names(c.number)[-1] for c in customers if c.insured])
        day_file = yuyao.HEADER + "".join(c.line() for c in customers)
        write_whole(place.folder / "day.csv", day_file.encode("utf-8"))
        if not once:
            here.enter_context(pages(member, speaker, value["labels"], port))
        figures = play(day, customers, resting(0 if once else pace))
        write_whole(place.folder / "log.vkey", (log_vkey(member) + "\n").encode("utf-8"))
        if quiet:
            sys.stdout.write(as_lines(figures).decode("utf-8"))
            return 0
        if json_file is not None:
            write_whole(json_file, as_lines(figures))
        _tell(figures, speaker)
        _whereabouts(place, member, speaker)
        if not once:
            until_told(speaker)
        return 0


def play(day: Day, customers: list[yuyao.Customer], rest: Rest) -> dict[str, Any]:
    """The day: a plan, published again unchanged, which is lost and fetched; notices; reports.

    At first the two systems differ by more than the contract allows, until a meter is corrected.
    `rest` is called between two scenes.
    """
    published, off = from_beijing(yuyao.PUBLISHED), from_beijing(yuyao.OFF)
    notifier = Notifier(day.member.node, SmsOverHttp(day.sms.address))
    rest(1)
    day.push(day.command, published + 5, "cim", plans=[yuyao.plan(customers, 0)])
    rest(1)
    day.command.misbehave("lose", uses=1)  # lost, and fetched when a gap is seen
    day.push(day.command, published + 3605, "cim", plans=[yuyao.plan(customers, 1)])
    day.push(day.command, published + DAY, "json")
    while notifier.run():
        rest(0.25)
    confirm(day.member.node)
    rest(1)
    day.push(day.command, off + 90, "json", restorations=[yuyao.cut_off()])
    rest(1)
    day.member.node.pass_time(from_beijing(yuyao.ON))
    rest(1)
    last = max(max(c.back, c.back_by_meter) for c in customers)
    at = last + AHEAD + 120
    back = yuyao.restoration(customers, 0, by_meter=True, ahead=AHEAD)
    day.push(day.command, at, "cim", restorations=[yuyao.restoration(customers, 1, by_meter=False)])
    rest(2)
    day.push(day.meters, at + 60, "json", restorations=[back])
    rest(2)
    pushed_at = time.monotonic()
    again = yuyao.restoration(customers, 1, by_meter=True)
    day.push(day.meters, at + 600, "json", restorations=[again])
    _wait(day)
    rest(1)
    return _figures(day, customers, pushed_at) | billing.bill(day.member, LISTING)


def _figures(day: Day, customers: list[yuyao.Customer], pushed_at: float) -> dict[str, Any]:
    seconds = sorted(at - day.confirmed_at for at in day.rail.accepted.values())
    with day.member.node.reading() as (reading, state):
        settled = [s["settlement"] for _, s in state.range("settlement", "")]
        payments = [p for _, p in state.range("payment", "")]
        notices = counts(reading)
        missing = day.intake.line(COMMAND)
    in_force = [c for c in customers if c.insured and c.in_scope and c.until > yuyao.OFF[:10]]
    due = from_beijing(yuyao.ON) // 60
    return {
        "sandbox": True,
        "outage": yuyao.NUMBER,
        "customers": len(customers),
        "customers_in_scope": sum(c.in_scope for c in customers),
        "plans": 2,
        "notices": sum(notices.values()),
        "notices_by_state": notices,
        "texts_at_the_gateway": day.sms.about()["texts"],
        "missing_messages": len(missing.missing),
        "lost_messages": len(missing.lost),
        "insured_in_scope_in_force": len(in_force),
        "insured_late_in_scope": sum(c.back // 60 > due for c in in_force),
        "payouts": len(day.rail.accepted),
        "payout_fen": sum(s["totals"]["pay_fen"] for s in settled),
        "executed_fen": sum(p["executed_fen"] for p in payments),
        "seconds_trigger_to_accepted": {
            "p50": _at(seconds, 50),
            "p95": _at(seconds, 95),
            "last": _at(seconds, 100),
        },
        "seconds_push_to_last_accepted": f"{max(day.rail.accepted.values()) - pushed_at:.3f}"
        if seconds
        else None,
    }


def _at(ordered: list[float], percent: int) -> str | None:
    """The value that `percent` of the sorted values do not exceed, in seconds."""
    return f"{nearest_rank(ordered, percent):.3f}" if ordered else None


def nearest_rank(ordered: Sequence[float], percent: int) -> float:
    """The least of the sorted values that `percent` of them do not exceed; there is one."""
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def _open(here: ExitStack, place: Place, member: Member, intake: Intake) -> Day:
    """The processes started, and the door open for them."""
    assert member.payer is not None, "the demonstration has a bank"
    rail = TimedRail(member.payer.rail)
    member.payer = Payer(member.node, rail, ahead=True)
    folder = place.folder / "grid"
    command, meters, sms = (
        here.enter_context(start(role, folder)) for role in ("command", "meters", "sms")
    )
    trusted = {
        name: Trusted((running.about()["public_key"],), running.address)
        for name, running in ((COMMAND, command), (METERS, meters))
    }
    again = HttpSource(COMMAND, command.address, trusted[COMMAND].keys)
    day = Day(member, rail, intake, command, meters, sms, again)
    day.door = here.enter_context(opened(Door(intake, trusted, member.node.time, day.after)))
    return day


def _insure(member: Member, bank: scheme.Accounts, customers: Any, names: Any) -> None:
    """A policy for each insured customer, with an account to be paid to."""
    insured = [c for c in customers if c.insured]
    accounts = [f"P-{i:06d}" for i in range(len(insured))]
    bank.open_accounts((number, "示例用户", 0) for number in accounts)
    since = from_beijing(yuyao.POLICY_SINCE)
    wanted = [
        scheme.Wanted(
            since=since,
            until=from_beijing(customer.until),
            year_from=since,
            premium_fen=yuan(120),
            payee={"account": account, "name": "示例用户"},
            declared=DECLARED,
            subject=names(customer.number)[-1],
        )
        for customer, account in zip(insured, accounts, strict=True)
    ]
    scheme.issue(member.node, LISTING, wanted, "demo/outage")
    member.work()


def _wait(day: Day) -> None:
    """Until the record owes nothing more: duties run behind the door's answer."""
    for _ in range(600):
        with day.member.node.reading() as (_, state):
            left = any(True for _ in state.range("duty", ""))
            settled = any(True for _ in state.range("settlement", ""))
        if settled and not left:
            return
        time.sleep(0.1)


def _tell(found: dict[str, Any], speaker: speak.Speaker) -> None:
    """The day in three lines."""
    given = {name: value for name, value in found.items() if type(value) is int}
    speak.out(speaker.text("outage_notices", **given))
    speak.out(speaker.text("outage_payouts", **given, yuan=as_yuan(found["payout_fen"])))
    last = found["seconds_trigger_to_accepted"]["last"]
    speak.out(speaker.text("outage_seconds", seconds=last, payouts=found["payouts"]))
    billed, again = (as_yuan(found[name]) for name in ("invoice_fen", "recount_fen"))
    speak.out(speaker.text("outage_billed", invoice=billed, recount=again))


def _whereabouts(place: Place, member: Member, speaker: speak.Speaker) -> None:
    """One payout's receipt, and what can be looked at next."""
    with member.node.reading() as (reading, state):
        settlement = next(id for id, _ in state.range("settlement", ""))
        first = reading.instructions(settlement)[0]
        collector = Collector(reading, member.node.identity, member.certify)
        data = collector.payout(settlement, first["policy"]).to_bytes()
        tile_files.write(place.log, LogSource(reading))
    path = place.keep_receipt(yuyao.NUMBER, data)
    told = {"program": speak.program(), "folder": str(place.folder), "number": yuyao.NUMBER}
    told |= {"payout": first["payout"][:16], "receipt": str(path)}
    for name in ("whereabouts", "why", "verify", "pages"):
        speak.out(speaker.text(f"outage_{name}", **told))
