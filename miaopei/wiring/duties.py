"""The rounds of duties of a running member: the same in `serve`, `feed listen` and a net's member.

What is refused, or fails outside, keeps one duty from being done and no other: it is told when it
begins and when it is over, and the duty is tried again each round, from what it has written down,
as after a start. So is an alarm about one debt. Any other alarm ends all duties until a person has
looked and started anew. Any other error is a fault of ours: it is told, and whoever runs the rounds
ends the process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from threading import Event, Thread
from typing import Any

from ..errors import Alarm, DebtAlarm, OutsideFault, Refusal, Refused
from ..errors.texts import say
from ..settings import Language

Duty = tuple[str, Callable[[], int | None]]
OUTSIDE = "outside"


@dataclass(frozen=True)
class Trouble:
    """What keeps a duty from being done, or has kept it until now: `how` is refused, outside, held
    (one debt), stopped (an alarm), failed or over."""

    how: str
    duty: str
    code: str
    what: str
    refusals: tuple[Refusal, ...] = ()

    def sentence(self, language: Language) -> str:
        """For a log: the duty, the code, why, and what follows."""
        name = say(Refusal(f"duties.name_{self.duty}"), language)
        why = " ".join(say(refusal, language) for refusal in self.refusals) or self.what
        facts = {"duty": name, "code": self.code, "why": why}
        return say(Refusal(f"duties.{self.how}", facts), language)

    def as_json(self) -> dict[str, Any]:
        """For a status: no facts, which may name what is not for everybody."""
        return {"how": self.how, "duty": self.duty, "code": self.code}


class Duties:
    """What keeps a member's duties from being done. `tell` hears each thing once.

    Threads may write it, each its own duties by name (`Seated.rounds`, `fetching`, `watching`);
    whoever reads goes over a copy. An alarm of one ends the duties of all.
    """

    def __init__(self, tell: Callable[[Trouble], None]) -> None:
        self._tell = tell
        self.troubles: dict[str, Trouble] = {}  # by duty
        self.alarm: Alarm | None = None
        self.failed: BaseException | None = None

    @property
    def stopped(self) -> bool:
        """Whether no duty is done any more."""
        return self.alarm is not None or self.failed is not None

    def run(self, round_: Iterable[Duty]) -> int:
        """One round; how much was done. Raises nothing but a fault of ours."""
        done = 0
        for name, duty in round_:
            if self.stopped:
                break
            try:
                done += duty() or 0
            except Refused as refused:
                refusals = refused.refusals
                self._keep(Trouble("refused", name, refusals[0].code, str(refused), refusals))
            except OutsideFault as fault:
                self._keep(Trouble("outside", name, OUTSIDE, str(fault)))
            except DebtAlarm as alarm:
                self._keep(Trouble("held", name, alarm.code, str(alarm)))
            except Alarm as alarm:
                self.alarm = alarm
                self._keep(Trouble("stopped", name, alarm.code, str(alarm)))
            except Exception as error:
                self.fail(error, name)
                raise
            else:
                if (was := self.troubles.pop(name, None)) is not None:
                    self._say(Trouble("over", name, was.code, was.what))
        return done

    def fail(self, error: BaseException, duty: str = "round") -> None:
        """A fault of ours: told once."""
        if self.failed is None:
            self.failed = error
            kind = type(error).__name__
            self._keep(Trouble("failed", duty, kind, f"{kind}: {error}"))

    def standing(self) -> list[dict[str, Any]]:
        """What keeps duties from being done, for a page or a status."""
        return [trouble.as_json() for trouble in list(self.troubles.values())]

    def refusals(self) -> list[dict[str, Any]]:
        """Why duties were refused, for who runs this member: each {code, facts}."""
        kept = list(self.troubles.values())
        return [refusal.as_json() for trouble in kept for refusal in trouble.refusals]

    def raise_what_stopped(self) -> None:
        """At the end of a process: what has stopped its duties is how it ends."""
        stopped = self.failed or self.alarm
        if stopped is not None:
            raise stopped

    def _keep(self, trouble: Trouble) -> None:
        before, how = self.troubles.get(trouble.duty), trouble.how
        self.troubles[trouble.duty] = trouble
        if before != trouble and (before is None or how != "outside" or before.how != how):
            self._say(trouble)  # a fault outside says the same thing in many words

    def _say(self, trouble: Trouble) -> None:
        """Duties go on where a log finds no room: no line of it is worth a payment."""
        with suppress(OSError):
            self._tell(trouble)


class Rounds(Thread):
    """Rounds in a thread of their own: each so many seconds, and sooner where `due` is set.

    `turn` is held through a round; `ready` says whether there may be one; `failed` hears of the
    error with which the thread has ended.
    """

    def __init__(
        self,
        duties: Duties,
        work: Callable[[], Iterable[Duty]],
        every: float,
        *,
        turn: AbstractContextManager[Any] | None = None,
        ready: Callable[[], bool] = lambda: True,
        failed: Callable[[BaseException], None] = lambda _: None,
    ) -> None:
        super().__init__(name="duties", daemon=True)
        self.duties, self._work, self._every = duties, work, every
        self._turn, self._ready, self.failed = turn or nullcontext(), ready, failed
        self.due, self._ended = Event(), Event()
        self.done = 0  # rounds that have come to their end

    def run(self) -> None:
        """Until `end`; ends by itself with a fault of ours alone."""
        try:
            while not self._ended.is_set():
                self.due.wait(self._every)
                self.due.clear()
                if not self._ended.is_set() and self._ready():
                    with self._turn:
                        self.duties.run(self._work())
                    self.done += 1
        except BaseException as error:  # noqa: BLE001 - whatever it is, it must not end in silence
            try:
                self.duties.fail(error)
            finally:
                self.failed(error)

    def end(self, seconds: float | None = None) -> None:
        """Let a round that runs come to its end, and do no other."""
        self._ended.set()
        self.due.set()
        if self.is_alive():
            self.join(seconds)
