"""`feed listen`: what one duty of a round meets keeps no other undone; an alarm stops all."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from miaopei.cli.outage import listening
from miaopei.cli.outage.listening import Listener
from miaopei.errors import RecordDamaged, Refusal, Refused
from miaopei.wiring.duties import Duties, Duty


class Played:
    """A member with one duty, which raises what stands in `next`; notices are counted."""

    def __init__(self) -> None:
        self.next: Exception | None = None
        self.said: list[tuple[str, str]] = []
        self.passed = self.noticed = self.done = 0
        node: Any = SimpleNamespace(pass_time=self.passing)
        member: Any = SimpleNamespace(node=node, duties=self.duties)
        notifier: Any = SimpleNamespace(run=self.notify)
        duties = Duties(lambda told: self.said.append((told.how, told.duty)))
        nothing: Any = None
        self.listener = Listener(member, nothing, {}, notifier, 900, print, duties)

    def passing(self, _now: int) -> None:
        self.passed += 1

    def notify(self) -> int:
        self.noticed += 1
        return 1

    def collect(self) -> int:
        if self.next is not None:
            raise self.next
        self.done += 1
        return 1

    def duties(self) -> Iterator[Duty]:
        yield "collect", self.collect


@pytest.fixture(autouse=True)
def nobody_is_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "confirm", lambda _node: 0)
    monkeypatch.setattr(Listener, "say", lambda _self: None)


def test_a_refused_duty_lets_notices_go_out_and_the_process_goes_on() -> None:
    played = Played()
    played.next = Refused(Refusal("act.credit_of_nobody_here", {}))
    played.listener.work()
    played.next = None
    played.listener.work()
    assert (played.passed, played.noticed, played.done) == (2, 2, 1)
    assert ("refused", "collect") in played.said
    assert ("over", "collect") in played.said
    assert played.listener.duties.alarm is None


def test_an_alarm_stops_the_round_and_every_later_one() -> None:
    played = Played()
    played.next = RecordDamaged("bytes are not what their digest says")
    played.listener.work()
    played.next = None
    played.listener.work()
    assert (played.passed, played.noticed, played.done) == (1, 0, 0)
    assert played.said == [("stopped", "collect")]
    assert isinstance(played.listener.duties.alarm, RecordDamaged)
