"""`feed listen`: pushes and meters taken as they come; gaps asked for; decided, paid, notified.

One process holds the record while it listens. Each round asks every source for what is missing and
for its next number, lets deadlines ripen, sends notices, and says on the record who is heard.
What keeps one duty undone is told and tried again; an alarm stops them all, and facts are still
taken. With `pages` it serves what `miaopei serve` does as well, selling included.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from ...adapters.grid import hearing
from ...adapters.grid.intake import Intake, Taken
from ...adapters.grid.push.again import HttpSource, collect
from ...adapters.grid.push.door import Door
from ...adapters.grid.push.running import opened, served
from ...adapters.grid.push.trust import Trusted, load
from ...adapters.grid.sms import SmsOverHttp
from ...adapters.meters.admitted import trust as concentrators
from ...adapters.meters.devices import line_of
from ...adapters.meters.listening import Listener as MeterListener
from ...adapters.meters.outages import Outages
from ...adapters.meters.taking import Came, Meters
from ...adapters.meters.taking import Taken as Readings
from ...errors import OutsideFault, Refusal, Refused
from ...node.effects.notices import CHANNELS, Notifier, confirm
from ...settings import Language
from ...wiring import Member, system_clock
from ...wiring.duties import Duties, Duty
from .. import speak
from ..buying import serving
from ..demo import Tail
from ..live import working
from ..place import Place
from ..service import END_SECONDS, devices_of, known_of, labels_of, pages_of
from .taking import names_of

ASK_EVERY, WORK_EVERY = 30.0, 2.0  # seconds between rounds
BEAT = 0.2
BROKER = "broker"  # the folder of the broker's certificates, rules and queues


@dataclass
class Listener:
    """What one process does while it listens; `rounds` is called with the door's turn held."""

    member: Member
    intake: Intake
    trusted: dict[str, Trusted]
    notifier: Notifier | None
    silent_after: int
    tell: Callable[[str], None]
    duties: Duties
    since: int = field(default_factory=system_clock)
    meters: Meters | None = None
    outages: Outages | None = None
    register: concentrators.Following | None = None
    told: dict[str, str] = field(default_factory=dict)  # what was said last of a source

    def after(self, taken: Taken) -> None:
        """What follows a message that was taken: who sent it is heard; what it owes is done."""

        def hear() -> None:
            with self.member.node.store.writing() as block:
                hearing.heard(block, taken.source, system_clock(), "message")

        self.duties.run([("hear", hear)])
        self.work()

    def work(self) -> int:
        """A round: let time pass, decide, pay, send notices, say who is heard."""
        return self.duties.run(self._round())

    def _round(self) -> Iterator[Duty]:
        node = self.member.node
        yield "time", lambda: node.pass_time(system_clock())
        yield "meters", self.report
        yield from self.member.duties()
        if self.notifier is not None:
            yield "notify", self.notifier.run
            yield "confirm", lambda: confirm(node)
        yield "hear", self.say

    def ask(self) -> int:
        """Ask each source for what is missing, and for the number that would come next."""
        return self.duties.run([("ask", self._ask)])

    def _ask(self) -> None:
        for name, known in self.trusted.items():
            if known.url is None:
                continue
            source = HttpSource(name, known.url, known.keys)
            try:
                collect(self.intake, name, source, system_clock)
                while (data := source.get(self.intake.line(name).next)) is not None:
                    self.intake.take(data, system_clock(), sender=name)
                with self.member.node.store.writing() as block:
                    hearing.heard(block, name, system_clock(), "asked")
                self.told.pop(name, None)
            except Refused as refused:
                self._tell_once(name, "; ".join(r.code for r in refused.refusals))
            except OutsideFault as fault:
                self._tell_once(name, str(fault))

    def _tell_once(self, source: str, what: str) -> None:
        """Say what a source cannot be asked for when it begins, not in every round."""
        if self.told.get(source) != what:
            self.told[source] = what
            self.tell(what)

    def report(self) -> None:
        """Report what the readings of meters give for the outages on record."""
        if self.meters is None or self.outages is None or self.register is None:
            return
        known = self.register.now()
        if known is not None and known is not self.meters.known:
            self.meters.known = known
            self.outages.knows(known)
        now = system_clock()
        self.outages.refresh(now)
        with self.member.node.store.reading() as reading:
            gaps = any(line_of(reading, name).missing for name in self.meters.known.keys)
        self.outages.report(self.intake, now, gaps=gaps)

    def say(self) -> None:
        """Say on the record which sources are heard: those that can be asked, and the meters."""
        watched = {name: self.since for name, known in self.trusted.items() if known.url}
        if self.meters is not None:
            watched[self.meters.known.source] = self.since
        hearing.speak(self.member.node, watched, system_clock(), self.silent_after)


def listen(
    place: Place,
    port: int,
    *,
    address: str | None,
    sms: str | None,
    channels: str,
    silent_after: int,
    seconds: float | None,
    pages: int | None,
    language: Language,
) -> int:
    """Listen until Ctrl-C, or for so many seconds."""
    speaker = speak.Speaker(language)
    trusted = load(place.folder)
    register = concentrators.Following(place.folder)
    known = register.known
    if not trusted and known is None:
        raise Refused(Refusal("cli.nobody_trusted", {"folder": str(place.folder)}))
    with ExitStack() as opening:
        member = opening.enter_context(working(place))
        intake = Intake(member.node, names_of(place))
        notifier = Notifier(member.node, SmsOverHttp(sms), _channels(channels)) if sms else None
        duties = serving.told(language)
        listener = Listener(member, intake, trusted, notifier, silent_after, speak.note, duties)
        listener.register = register
        tail = Tail(member, speaker)
        door = Door(intake, trusted, system_clock, listener.after, public=address)
        here = opening.enter_context(opened(door, port))
        speak.out(speaker.text("listening", address=address or here))
        if pages is not None:
            shop = {**serving.beside(place, member, door.turn, duties), **known_of(place)}
            heard, labels = devices_of(place), labels_of(place)
            app = pages_of(member, heard, shop, labels, language=language)
            seen = opening.enter_context(served(app, pages, end_seconds=END_SECONDS))
            speak.note(speaker.text("serving", address=f"{seen}/"))
        field_ = opening.enter_context(_meters(place, known, listener, door)) if known else None
        try:
            end = None if seconds is None else time.monotonic() + seconds
            _rounds(listener, door, tail, end, field_)
        except KeyboardInterrupt:
            speak.note(speaker.text("served"))
    duties.raise_what_stopped()
    return 0


def _channels(named: str) -> tuple[str, ...]:
    """Errors   Refused cli.no_such_channel."""
    found = tuple(dict.fromkeys(each.strip() for each in named.split(",")))
    if unknown := [each for each in found if each not in CHANNELS]:
        facts = {"channel": unknown[0][:40], "known": ", ".join(CHANNELS)}
        raise Refused(Refusal("cli.no_such_channel", facts))
    return found


def _meters(
    place: Place, known: concentrators.Concentrators, listener: Listener, door: Door
) -> MeterListener:
    """What listens to the broker, its takings under the door's turn."""
    node = listener.member.node
    names = names_of(place)
    outages = Outages(node, known, names)
    meters = Meters(node, known, names, outages.told)
    listener.meters, listener.outages = meters, outages

    def take(came: Sequence[Came]) -> Readings:
        with door.turn:
            return meters.take(came)

    return MeterListener(known.host, known.port, place.folder / BROKER, take, system_clock)


def _rounds(
    listener: Listener, door: Door, tail: Tail, end: float | None, meters: MeterListener | None
) -> None:
    ask_at = work_at = time.monotonic()
    while end is None or time.monotonic() < end:
        now = time.monotonic()
        with door.turn:
            if now >= ask_at:
                listener.ask()
                ask_at = now + ASK_EVERY
            if now >= work_at:
                listener.work()
                work_at = now + WORK_EVERY
            for line in tail.lines():
                speak.out(line)
        if meters is not None and meters.failed is not None:
            raise meters.failed
        if listener.duties.failed is not None:  # in a thread of the door
            return
        time.sleep(BEAT)
