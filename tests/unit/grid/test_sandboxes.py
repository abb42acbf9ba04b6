"""The sandboxes as processes: what they say is what we read, and bad days lose nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from miaopei.adapters.grid.push.again import HttpSource, collect
from miaopei.adapters.grid.push.door import Door
from miaopei.adapters.grid.push.running import opened
from miaopei.adapters.grid.push.trust import Trusted
from miaopei.adapters.grid.sms import SmsOverHttp
from miaopei.adapters.sandbox_grid.starter import Running, start
from miaopei.errors import OutsideFault, Refused
from miaopei.node.effects.notices import Notifier, counts
from tests.support import sayings as s
from tests.unit.grid.conftest import Grid

BACK_SENT = "2021-06-01T19:30:05+08:00"


class Line:
    """Both source systems as processes, and our door before the town."""

    def __init__(self, grid: Grid, opening: ExitStack, folder: Path) -> None:
        self.grid = grid
        self.command = opening.enter_context(start("command", folder))
        self.meters = opening.enter_context(start("meters", folder))
        keys = {s.COMMAND: self.command, s.METERS: self.meters}
        self.trusted = {
            name: Trusted((running.about()["public_key"],), running.address)
            for name, running in keys.items()
        }
        door = Door(grid.intake, self.trusted, lambda: grid.town.now)
        self.address = opening.enter_context(opened(door))
        grid.town.at("2021-05-29 09:00:10")

    def push(
        self, running: Running, form: str = "json", at: str = s.SENT, **said: object
    ) -> list[int]:
        """Have a system say something; the statuses of its pushes."""
        name = running.about()["source"]
        push = f"{self.address}/grid/{name}/messages"
        answers = running.say(dict(said), sent_at=at, push=push, form=form)["answers"]
        return [answer["status"] for answer in answers]

    def again(self, seconds: float = 10.0) -> tuple[int, ...]:
        """Ask the command system for what is missing; what then still is."""
        known = self.trusted[s.COMMAND]
        source = HttpSource(s.COMMAND, str(known.url), known.keys, seconds)
        return collect(self.grid.intake, s.COMMAND, source, lambda: self.grid.town.now).missing


@pytest.fixture
def line(grid: Grid, tmp_path: Path) -> Iterator[Line]:
    with ExitStack() as opening:
        yield Line(grid, opening, tmp_path)


@pytest.mark.parametrize("form", ["json", "cim"])
def test_from_two_processes_to_a_payout(line: Line, form: str) -> None:
    grid = line.grid
    policies = grid.insure("0571001", "0571002")
    assert line.push(line.command, form, plans=[s.plan(["0571001", "0571002"])]) == [202]
    grid.town.at("2021-06-01 19:35:00")
    times: dict[str, str | None] = {"0571001": s.LATE, "0571002": s.ON}
    for running in (line.command, line.meters):
        assert line.push(running, form, BACK_SENT, restorations=[s.back(times)]) == [202]
    grid.town.work()
    assert grid.paid() == {policies["0571001"]: 10_000}


def test_a_lost_push_is_noted_and_fetched_from_the_source(line: Line) -> None:
    line.command.misbehave("lose", uses=1)
    assert line.push(line.command, plans=[s.plan(["0571001"])]) == []
    assert line.push(line.command) == [202]
    assert line.grid.intake.line(s.COMMAND).missing == (1,)
    assert line.again() == ()
    assert len(line.grid.town.table("observation")) == 1


def test_a_source_that_has_forgotten_is_noted_and_holds_nothing_up(line: Line) -> None:
    line.command.misbehave("lose", uses=1)
    line.command.misbehave("forget", uses=1)
    line.push(line.command, plans=[s.plan(["0571001"])])
    line.push(line.command)
    assert line.again() == ()
    assert line.grid.intake.line(s.COMMAND).lost == (1,)


def test_said_twice_is_taken_once(line: Line) -> None:
    line.command.misbehave("twice", uses=1)
    assert line.push(line.command, plans=[s.plan(["0571001"])]) == [202, 202]
    assert len(line.grid.town.table("observation")) == 1


def test_forged_is_refused_and_can_be_fetched_all_the_same(line: Line) -> None:
    line.command.misbehave("forge", uses=1)
    assert line.push(line.command, plans=[s.plan(["0571001"])]) == [401]
    assert line.push(line.command) == [202]
    assert line.again() == ()
    assert len(line.grid.town.table("observation")) == 1


def test_a_dead_source_is_asked_again_when_it_is_back(line: Line) -> None:
    line.command.misbehave("lose", uses=1)
    line.push(line.command, plans=[s.plan(["0571001"])])
    line.push(line.command)
    line.command.stop(kill=True)
    assert line.again() == (1,)
    with line.command.again():
        assert line.again() == ()


def test_a_source_that_dies_while_it_answers_keeps_what_it_said(line: Line) -> None:
    line.command.misbehave("die", uses=1)
    with pytest.raises((OSError, RuntimeError)):
        line.push(line.command, plans=[s.plan(["0571001"])])
    with line.command.again() as running:
        line.command = running
        assert running.about()["messages"] == 1
        line.push(running)
        line.again()
    assert len(line.grid.town.table("observation")) == 1


def test_a_slow_source_is_silence(line: Line) -> None:
    line.command.misbehave("lose", uses=1)
    line.push(line.command)
    line.push(line.command)
    line.command.misbehave("slow", uses=1, seconds=1.5)
    assert line.again(0.5) == (1,)
    assert line.again() == ()


def test_a_lying_meter_is_held_as_a_conflict(line: Line) -> None:
    grid = line.grid
    grid.insure("0571001")
    line.push(line.command, plans=[s.plan(["0571001"])])
    line.meters.misbehave("lie", uses=1, minutes=-45)
    grid.town.at("2021-06-01 19:35:00")
    for running in (line.command, line.meters):
        line.push(running, "json", BACK_SENT, restorations=[s.back({"0571001": s.LATE})])
    grid.town.at("2021-06-02 19:36:00")
    grid.town.work()
    assert grid.town.case(grid.listing, "delay")["state"] == "held_conflict"
    assert grid.paid() == {}


def test_every_answer_of_a_sandbox_says_that_it_is_one(line: Line) -> None:
    for running in (line.command, line.meters):
        said = running.about()
        assert said["sandbox"] is True
        assert "沙箱" in said["name"]["zh"]
        assert "sandbox" in said["name"]["en"].lower()


# the SMS gateway ---------------------------------------------------------------------------------
@pytest.fixture
def sms(tmp_path: Path) -> Iterator[Running]:
    with start("sms", tmp_path) as running:
        running.phones((s.token(f"0571{n:03d}"), f"139{n:08d}") for n in range(1, 601))
        yield running


def told(grid: Grid, customers: int, running: Running, runs: int = 6) -> dict[str, int]:
    """Publish a plan for so many customers, work the outbox off, and how the notices stand."""
    grid.take(s.message(1, plans=[s.plan([f"0571{n:03d}" for n in range(1, customers + 1)])]))
    notifier = Notifier(grid.town.node, SmsOverHttp(running.address, 5.0))
    for _ in range(runs):
        notifier.run()
    with grid.town.store.reading() as reading:
        return counts(reading)


def test_six_hundred_notices_each_once(grid: Grid, sms: Running) -> None:
    assert told(grid, 600, sms) == {"delivered": 600}
    texts = sms.texts()
    assert (len(texts), len({text[0] for text in texts})) == (600, 600)
    assert {text[3] for text in texts} == {1}


def test_a_gateway_that_accepts_and_then_reports_failure(grid: Grid, sms: Running) -> None:
    sms.misbehave("fail", uses=2)
    assert told(grid, 5, sms) == {"delivered": 5}
    assert sorted(text[2] for text in sms.texts()) == ["delivered"] * 5 + ["failed"] * 2


def test_a_gateway_that_is_silent_slow_and_dies_sends_nobody_a_text_twice(
    grid: Grid, sms: Running
) -> None:
    sms.misbehave("silent", uses=1)
    assert told(grid, 5, sms, runs=1) == {"new": 5}
    sms.misbehave("die", uses=1)  # it takes the texts, and ends before it says so
    notifier = Notifier(grid.town.node, SmsOverHttp(sms.address, 5.0))
    notifier.run()
    notifier.run()
    with sms.again() as running:
        for _ in range(3):
            notifier.run()
        texts = running.texts()
    assert (len(texts), {text[2] for text in texts}) == (5, {"delivered"})
    with grid.town.store.reading() as reading:
        assert counts(reading) == {"delivered": 5}


def test_who_is_not_known_to_the_gateway(grid: Grid, sms: Running) -> None:
    assert told(grid, 601, sms) == {"delivered": 600, "undeliverable": 1}


def test_a_source_at_a_wrong_address_is_an_outside_fault() -> None:
    with pytest.raises(OutsideFault):
        HttpSource(s.COMMAND, "http://127.0.0.1:9", ("0" * 64,), 1.0).get(1)


def test_an_answer_signed_by_somebody_else_is_refused(line: Line) -> None:
    line.push(line.command)
    source = HttpSource(s.COMMAND, line.command.address, ("0" * 64,), 5.0)
    with pytest.raises(Refused) as refused:
        source.get(1)
    assert refused.value.refusals[0].code == "grid.forged"
