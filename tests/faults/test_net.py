"""Six real members hurt on purpose: what was acknowledged is final once, and all come to agree.

Sized for every run. MIAOPEI_KILLS=100 kills a hundred times in place of three; MIAOPEI_ABSENT says
for how many acts a member is absent.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections import Counter
from collections.abc import Iterator

import pytest
from psycopg.conninfo import make_conninfo

from miaopei.adapters.engine import wires
from miaopei.adapters.postgres.store import PostgresStore
from miaopei.cli.net import control
from miaopei.cli.net.plan import database
from miaopei.errors import OutsideFault, Refused
from tests.support import nets
from tests.support.nets import Running

pytestmark = pytest.mark.timeout(1500)  # the first run builds the engine


ABSENT = int(os.environ.get("MIAOPEI_ABSENT", "300"))
ASKED = os.environ.get("MIAOPEI_KILLS", "3")
KILLS = int(ASKED) if ASKED.isdigit() else 100  # `all`, as the other tests of kills know it
LONG = 60 * KILLS


def wired() -> list[str]:
    """The option that gives each member wires of its own; none where the machine does not let us.

    Tests that cut wires run over it: without one pytest reports that they had nothing to run over.
    """
    try:
        wires.need()
    except Refused:
        return []
    return ["--apart"]


WIRED = wired()
by_wires = pytest.mark.parametrize("apart", WIRED)


@pytest.fixture(scope="module")
def six() -> Iterator[Running]:
    """Six members under a live clock, each in a network of its own where the machine lets us."""
    with nets.running("six", 6, *WIRED) as made:
        yield made


class Load:
    """Acts sent one after another through some members while others are hurt."""

    def __init__(self, six: Running, tag: str, senders: list[str]) -> None:
        self.acknowledged: list[str] = []
        self._six, self._tag, self._going = six, tag, True
        self._threads = [threading.Thread(target=self._send, args=(m,)) for m in senders]
        for thread in self._threads:
            thread.start()

    def _send(self, member: str) -> None:
        number = 0
        while self._going:
            who = f"{self._tag}-{member}-{number}"
            try:
                self._six.name(member, who, seconds=150)
            except OutsideFault:
                time.sleep(0.1)  # the same again: it is applied once
                continue
            self.acknowledged.append(who)
            number += 1

    def goes_on(self, acts: int = 1, seconds: float = nets.SECONDS) -> None:
        """Wait until so many more are acknowledged."""
        wanted, end = len(self.acknowledged) + acts, time.monotonic() + seconds
        while len(self.acknowledged) < wanted:
            assert time.monotonic() < end, "nothing is acknowledged any more"
            time.sleep(0.05)

    def end(self) -> list[str]:
        """Stop sending; what was acknowledged."""
        self._going = False
        for thread in self._threads:
            thread.join()
        return self.acknowledged


def finals(six: Running, member: str) -> list[str]:
    """Who a member's own log says was admitted by an act, in order."""
    address = make_conninfo(six.net.postgres.start(), dbname=database(member))
    store = PostgresStore(address, patience=60.0)
    try:
        with store.reading() as reading:
            leaves = [json.loads(leaf) for leaf in reading.leaves(0, reading.head().size)]
    finally:
        store.close()
    return [
        leaf["act"]["body"]["id"]
        for leaf in leaves
        if leaf["leaf"] == "act" and leaf["result"]["ok"]
    ]


def check_history(six: Running, acknowledged: list[str]) -> None:
    """No loss, no double, no change: all six logs hold each acknowledged act once, in one order."""
    six.whole()
    logs = {member: finals(six, member) for member in six.net.members}
    first = logs[six.net.members[0]]
    assert all(log == first for log in logs.values())
    assert max(Counter(first).values()) == 1
    assert set(acknowledged) <= set(first)
    assert acknowledged


@pytest.mark.timeout(1500 + LONG)
def test_killed_members_lose_nothing_and_the_others_go_on(six: Running) -> None:
    load = Load(six, "kill", ["cloud", "utility"])
    for number in range(KILLS):
        load.goes_on(2)
        six.miaopei("kill", six.net.members[(5 * number + 1) % 6])
        six.until(lambda s: all(row.up for row in s.rows))
    check_history(six, load.end())


def test_two_of_six_away_and_the_record_stands_until_one_is_back(six: Running) -> None:
    six.whole()
    six.miaopei("kill", "notary", "agent", "--stay")
    before = six.until(lambda s: not s.goes_on)
    assert six.miaopei("status", check=False).returncode == 1
    load = Load(six, "two", ["cloud"])
    time.sleep(4)
    assert max(row.height or 0 for row in six.standing().rows) <= 1 + max(
        row.height or 0 for row in before.rows
    )
    assert load.acknowledged == []
    six.miaopei("heal", "notary")
    six.until(lambda s: s.goes_on)
    load.goes_on()
    six.miaopei("heal", "agent")
    check_history(six, load.end())


def test_all_six_killed_at_once_come_back_with_what_was_final(six: Running) -> None:
    load = Load(six, "all", ["cloud", "utility"])
    load.goes_on(2)
    six.miaopei("kill", "all")
    six.until(lambda s: all(row.up for row in s.rows))
    load.goes_on()
    check_history(six, load.end())


def test_a_liar_is_seen_left_behind_and_mended(six: Running) -> None:
    six.whole()
    six.miaopei("lie", "regulator")
    six.name("cloud", "liar-1")
    six.name("cloud", "liar-2")
    named = {"regulator": "differs"}
    seen = six.until(
        lambda s: named == {r.member: r.verdict for r in s.rows if r.verdict != "agrees"}
    )
    assert seen.goes_on
    told = nets.as_json(six.miaopei("status", "--json"))
    assert [m["verdict"] for m in told["members"] if m["member"] == "regulator"] == ["differs"]
    at = six.net.at("regulator") / "engine" / "data" / "priv_validator_state.json"
    signed = json.loads(at.read_text())
    alone = six.miaopei("heal", "regulator", "--lang", "en", check=False)
    assert (alone.returncode, "--rebuild" in alone.stderr) == (1, True)
    six.miaopei("heal", "regulator", "--rebuild")
    six.whole()
    assert int(json.loads(at.read_text())["height"]) >= int(signed["height"])
    check_history(six, ["liar-1", "liar-2"])


def test_a_frozen_member_is_gone_for_the_others_and_catches_up(six: Running) -> None:
    six.whole()
    six.miaopei("cut", "agent")
    for number in range(3):
        six.name("cloud", f"cut-{number}")
    assert six.verdicts()["agent"] == "cut"
    six.miaopei("heal", "agent")
    check_history(six, [f"cut-{number}" for number in range(3)])


@pytest.mark.timeout(1500 + ABSENT)
def test_a_member_that_was_absent_for_many_acts_catches_up_with_all_of_them(six: Running) -> None:
    """MIAOPEI_ABSENT=100000 for the long form."""
    six.whole()
    six.miaopei("kill", "agent", "--stay")
    asked = {"tag": "absent", "count": ABSENT, "parcel": 100}
    control.call(six.net.at("cloud"), "load", seconds=600 + ABSENT, **asked)
    assert six.verdicts()["agent"] == "down"
    six.miaopei("heal", "agent")
    six.whole(300 + ABSENT)
    check_history(six, [f"absent-{number}" for number in range(ABSENT)])


def test_who_has_no_role_for_an_act_changes_nothing(six: Running) -> None:
    with pytest.raises(Exception, match=r"act\.role_missing"):
        six.name("notary", "by-notary")
    assert "by-notary" not in finals(six, "cloud")


def heights(six: Running) -> dict[str, int]:
    return {row.member: row.height or 0 for row in six.standing().rows}


@by_wires
def test_three_against_three_stands_and_goes_on_when_joined(six: Running, apart: str) -> None:
    six.whole()
    one, other = six.net.members[:3], six.net.members[3:]
    for member in one:
        six.miaopei("cut", member, *(part for o in other for part in ("--from", o)))
    load = Load(six, "half", ["cloud", "utility"])  # one in each half
    time.sleep(2)
    before = heights(six)
    time.sleep(5)
    assert heights(six) == before  # neither half makes a block, and nothing is acknowledged
    assert load.acknowledged == []
    for member in one:
        six.miaopei("heal", member)
    six.until(lambda s: s.goes_on and max(r.height or 0 for r in s.rows) > max(before.values()))
    load.goes_on()
    check_history(six, load.end())


@by_wires
def test_one_against_five_is_left_behind_and_catches_up(six: Running, apart: str) -> None:
    six.whole()
    six.miaopei("cut", "agent")
    at = heights(six)["agent"]
    for number in range(8):
        six.name("cloud", f"five-{number}")
    seen = {row.member: row for row in six.standing().rows}
    assert seen["agent"].verdict == "cut"
    assert seen["agent"].height is not None  # it runs, and hears nothing
    assert seen["agent"].height <= at + 1
    six.miaopei("heal", "agent")
    six.whole()
    check_history(six, [f"five-{number}" for number in range(8)])


@by_wires
def test_one_that_is_heard_and_hears_nothing_holds_up_nobody(six: Running, apart: str) -> None:
    six.whole()
    others = [member for member in six.net.members if member != "utility"]
    for other in others:
        six.miaopei("cut", other, "--from", "utility", "--one-way")
    for number in range(4):
        six.name("cloud", f"deaf-{number}")
    for other in others:
        six.miaopei("heal", other)
    six.whole()
    check_history(six, [f"deaf-{number}" for number in range(4)])


@by_wires
def test_a_slow_member_holds_up_nobody(six: Running, apart: str) -> None:
    six.whole()
    six.miaopei("slow", "notary", "--kbit", "64")
    for number in range(4):
        six.name("cloud", f"slow-{number}")
    six.miaopei("heal", "notary")
    six.whole()
    check_history(six, [f"slow-{number}" for number in range(4)])


def test_a_clock_that_is_an_hour_fast_moves_no_time(six: Running) -> None:
    six.whole()
    six.miaopei("skew", "insurer", "--seconds", "3600")
    for number in range(12):  # its turn comes at least once
        six.name("cloud", f"fast-{number}")
    told = control.call(six.net.at("cloud"), "status")
    assert told["time"] <= time.time() + 10  # what the others' clocks bear
    six.miaopei("skew", "insurer", "--seconds", "0")
    six.whole()
    check_history(six, [f"fast-{number}" for number in range(12)])
