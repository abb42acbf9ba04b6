"""What a supervisor keeps up, whatever befalls it or went before it."""

from __future__ import annotations

import errno
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from miaopei.adapters.engine import home, process
from miaopei.adapters.postgres.starter import LocalPostgres
from miaopei.cli.net import supervisor
from miaopei.cli.net.control import BOUND
from miaopei.cli.net.plan import Net
from miaopei.cli.net.supervisor import MEMBER, Slot, Supervisor
from miaopei.errors import Refusal, Refused

LIVES = "import time; time.sleep(60)"


class Full(io.StringIO):
    """A log on a full disk."""

    def write(self, _: str) -> int:
        raise OSError(errno.ENOSPC, "no space left on device")


@pytest.fixture
def of_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Supervisor:
    """A supervisor of two members, whose database is up."""
    seats = [{"id": m, "zh": m, "en": m, "engine": "", "blobs": ""} for m in ("one", "two")]
    (tmp_path / "net.json").write_text(json.dumps({"seats": seats}))
    monkeypatch.setattr(LocalPostgres, "running", lambda _: True)
    monkeypatch.setattr(supervisor, "BESIDE_SECONDS", 0.01)
    monkeypatch.setattr(supervisor, "TICK_SECONDS", 0.01)
    return Supervisor(Net.of(tmp_path))


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_log_without_room_and_a_member_that_cannot_be_started_end_no_supervision(
    of_one: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk was full, the database ended, and with the line about it all supervision."""
    ticks, tries = dict.fromkeys(of_one.slots, 0), list[str]()

    def tick(slot: Slot) -> None:
        ticks[slot.member] += 1
        if slot.member == "one":
            raise Refused(Refusal("engine.not_installed", {"version": "1"}))

    def start(_: LocalPostgres) -> str:
        tries.append("start")
        raise OSError("no room")

    monkeypatch.setattr(Slot, "tick", tick)
    monkeypatch.setattr(LocalPostgres, "running", lambda _: False)
    monkeypatch.setattr(LocalPostgres, "start", start)
    monkeypatch.setattr(sys, "stderr", Full())
    both = [threading.Thread(target=of) for of in (of_one._tick, of_one._beside)]
    for each in both:
        each.start()
    until(lambda: len(tries) > 3 and min(ticks.values()) > 3)
    told = {each["member"]: each["trouble"] for each in of_one.status()["members"]}
    of_one._stop.set()
    for each in both:
        each.join()
    assert told == {"one": "Refused: engine.not_installed {'version': '1'}", "two": None}


def test_members_are_looked_after_while_a_database_takes_its_time(
    of_one: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_on, ticks = threading.Event(), list[str]()
    monkeypatch.setattr(LocalPostgres, "running", lambda _: goes_on.wait(30))
    monkeypatch.setattr(Slot, "tick", lambda slot: ticks.append(slot.member))
    both = [threading.Thread(target=of) for of in (of_one._tick, of_one._beside)]
    for each in both:
        each.start()
    until(lambda: len(ticks) > 6)
    assert not goes_on.is_set()
    of_one._stop.set()
    goes_on.set()
    for each in both:
        each.join()


def test_what_a_killed_supervisor_left_frozen_is_ended_and_nothing_else(tmp_path: Path) -> None:
    """It kept its database and its engine's stores to itself, and its member down, for ever."""
    other = tmp_path / "other"
    other.mkdir()
    node = [sys.executable, "-c", LIVES, MEMBER, str(tmp_path), BOUND]
    engine = [sys.executable, "-c", LIVES, "start", "--home", home.ENGINE]
    reads = [sys.executable, "-c", LIVES, "inspect", "--home", home.ENGINE]
    left = [subprocess.Popen(each, cwd=tmp_path) for each in (node, engine)]
    stay = [subprocess.Popen(each, cwd=other) for each in (node, engine)]
    stay.append(subprocess.Popen(reads, cwd=tmp_path))
    try:
        for each in left:
            os.kill(each.pid, signal.SIGSTOP)
        process.end_left(tmp_path, MEMBER, BOUND)
        assert [each.wait(10) for each in left] == [-signal.SIGKILL] * 2
        assert [each.poll() for each in stay] == [None] * 3
    finally:
        for each in (*left, *stay):
            each.kill()
            each.wait()
