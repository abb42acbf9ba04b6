"""What ends or stands still in a net is started again by whoever supervises it."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from miaopei.adapters.engine.home import SIGNED
from miaopei.adapters.sandbox_bank.control import BankControl
from miaopei.cli.net import control
from miaopei.cli.net.mending import BEGUN
from miaopei.cli.net.watching import Row
from tests.support import nets
from tests.support.nets import Running

pytestmark = pytest.mark.timeout(1500)  # the first run builds the engine
HURT = "notary"


@pytest.fixture(scope="module")
def four() -> Iterator[Running]:
    """Four members under a live clock."""
    with nets.running("supervised", 4) as made:
        for number in range(4):
            made.name("cloud", f"first-{number}")
        yield made


def hurt(four: Running) -> Row:
    """The hurt member's row."""
    return next(row for row in four.standing(named=False).rows if row.member == HURT)


def processes(four: Running) -> dict[str, int]:
    """Process numbers of the hurt member's node and engine."""
    told = control.call(four.net.folder, "status")["members"]
    (of,) = (each for each in told if each["member"] == HURT)
    return {name: of[name] for name in ("node", "engine")}


def test_an_engine_whose_disk_was_full_once_is_named_started_again_and_votes(
    four: Running,
) -> None:
    """It lived on without a vote for good: up, behind, no trouble."""
    four.whole()
    engine, before = processes(four)["engine"], hurt(four).restarts
    guard = four.net.at(HURT) / "engine" / "data" / SIGNED
    _, most = resource.prlimit(engine, resource.RLIMIT_FSIZE)
    resource.prlimit(engine, resource.RLIMIT_FSIZE, (0, most))  # it can write nothing
    for number in range(3):
        four.name("cloud", f"on-a-full-disk-{number}")
    time.sleep(1)
    resource.prlimit(engine, resource.RLIMIT_FSIZE, (most, most))  # there is room again
    kept = guard.read_bytes()
    end = time.monotonic() + nets.SECONDS
    while not any(each["code"] == "engine.stands_still" for each in hurt(four).refusals):
        assert time.monotonic() < end, "nobody names it"
        time.sleep(0.5)
    assert processes(four)["engine"] == engine
    assert guard.read_bytes() == kept
    told = four.miaopei("status", "--lang", "en").stdout
    assert f"{HURT}: The engine stands still at height" in told
    four.whole()
    assert hurt(four).restarts == before + 1
    assert hurt(four).trouble is None
    four.miaopei("kill", "insurer", "--stay")  # three of four are needed: its vote counts again
    four.name("cloud", "with-its-vote")
    four.miaopei("heal", "insurer")
    four.whole()


def test_a_disk_that_was_full_for_all_at_once_halts_the_record_not_for_good(four: Running) -> None:
    """Each looked at the others, nobody was ahead, and `net status` said that it goes on."""
    four.whole()
    told = control.call(four.net.folder, "status")["members"]
    engines = [each["engine"] for each in told]
    _, most = resource.prlimit(engines[0], resource.RLIMIT_FSIZE)
    for engine in engines:
        resource.prlimit(engine, resource.RLIMIT_FSIZE, (0, most))
    top = max(row.height or 0 for row in four.standing(named=False).rows)
    four.until(lambda s: not s.goes_on, 180, named=False)
    for engine in engines:
        resource.prlimit(engine, resource.RLIMIT_FSIZE, (most, most))
    assert "the record stands still" in four.miaopei("status", "--lang", "en", check=False).stdout
    four.until(
        lambda s: s.goes_on and max(r.height or 0 for r in s.rows) > top + 1, 400, named=False
    )
    four.name("cloud", "after-all-of-them")
    four.whole(120)


def test_a_restore_that_was_cut_short_is_named_and_the_next_one_mends_it(
    four: Running, tmp_path: Path
) -> None:
    """It left a member that ended again and again, and `heal` said that it was done."""
    four.whole()
    file, mark = tmp_path / "notary.backup", four.net.at(HURT) / BEGUN
    four.miaopei("backup", HURT, str(file))
    command = ["net", "restore", str(four.net.folder), HURT, str(file)]
    restoring = subprocess.Popen([sys.executable, "-m", "miaopei.cli", *command])
    while not mark.exists():
        assert restoring.poll() is None, "it came to its end before it was cut short"
        time.sleep(0.005)
    restoring.kill()
    restoring.wait()
    for name in ("heal", "audit"):
        told = four.miaopei(name, HURT, "--lang", "en", check=False)
        assert (told.returncode, "did not come to its end" in told.stderr) == (1, True), name
        assert "Done" not in told.stdout + told.stderr
    told = four.miaopei("heal", HURT, "--rebuild", "--lang", "zh", check=False)
    assert (told.returncode, "恢复没有完成" in told.stderr) == (1, True)
    control.call(four.net.folder, "start", member=HURT)  # as `net up` does
    end = time.monotonic() + nets.SECONDS
    while "net.restore_begun" not in (hurt(four).trouble or ""):
        assert time.monotonic() < end, hurt(four)
        time.sleep(0.3)
    assert not hurt(four).up
    four.miaopei("restore", HURT, str(file))
    four.whole()
    assert not mark.exists()
    four.name("cloud", "after-the-second-restore")
    four.whole()


def test_two_that_bring_it_up_at_once_leave_one_net_up(four: Running) -> None:
    """The second died on the bank's lock, and took the first one's database with it."""
    four.miaopei("down")
    command = ["net", "up", str(four.net.folder), "--detach", "--lang", "en"]
    both = [
        subprocess.Popen(
            [sys.executable, "-m", "miaopei.cli", *command], stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    told = {each.communicate()[1]: each.returncode for each in both}
    assert sorted(told.values()) == [0, 1], told
    refused = next(said for said, status in told.items() if status == 1)
    assert "is up already" in refused
    assert "Traceback" not in refused
    four.whole()
    four.name("cloud", "by-the-one-that-is-up")


def test_a_database_and_a_bank_that_were_killed_are_started_again(four: Running) -> None:
    """All members were down for good, and `net up` said only that it is up."""
    four.whole()
    place = four.net.postgres._place()  # type: ignore[union-attr]
    bank = control.call(four.net.folder, "status")["bank"]
    (pid,) = (
        int(each.name)
        for each in Path("/proc").glob("[0-9]*")
        if f"--data\0{four.net.folder / 'bank'}\0".encode() in commandline(each)
    )
    os.kill(int((place / "data" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
    os.kill(pid, signal.SIGKILL)
    four.until(lambda s: not all(row.up for row in s.rows), named=False)
    four.whole()
    four.name("cloud", "after-the-database")
    four.whole()
    end = time.monotonic() + nets.SECONDS
    while True:
        with contextlib.suppress(OSError):
            assert BankControl(bank).about()
            break
        assert time.monotonic() < end, "the bank is gone"
        time.sleep(0.2)
    assert control.call(four.net.folder, "status")["bank"] == bank


def commandline(process: Path) -> bytes:
    """Of a process, empty where it has ended."""
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""
