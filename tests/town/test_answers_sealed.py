"""The payer has confirmed a part and ends before the standby payer has its key to what the bank
said: the standby takes it from whoever keeps it, or waits; nobody is alarmed, all is paid once.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, cast

import pytest

from miaopei.accounts.rail import Instruction, Outcome
from miaopei.acts.state import State
from miaopei.cli import record
from miaopei.cli.place import Place
from miaopei.errors import OutsideFault, Refused
from miaopei.node.effects import payer
from miaopei.node.effects.standby import waiting
from miaopei.node.fetching.handed import Fetched
from miaopei.node.granted.asking import Keys
from miaopei.settings import Language

from .court import Court
from .founding import TAKE_OVER
from .member import Member, Wires

DEAD = 10**9  # milliseconds


class Reach:
    """Who is answered by the payer where the bank's answers are asked for; the rest is."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *near: str) -> None:
        self.near = set(near)
        real = Wires.fetch

        def fetch(wires: Wires, member: str, name: str, most: int | None = None) -> Fetched | None:
            me = wires._me
            with me.disk.reading() as reading:
                said = [note["outcomes"]["blob"] for _, note in State(reading).range("paid", "")]
            if member == "insurer" and name in said and me.id not in self.near:
                raise OutsideFault("the payer has ended", retry=True)
            return real(wires, member, name, most)

        def keys(wires: Wires, member: str, name: str, most: int | None = None) -> Keys | None:
            found = fetch(wires, member, name, most)
            return None if found is None else found.keys()

        monkeypatch.setattr(Wires, "fetch", fetch)
        monkeypatch.setattr(Wires, "keys", keys)


def part_paid(court: Court, monkeypatch: pytest.MonkeyPatch) -> str:
    """The payer has two of three paid, confirms them and ends; the debt."""
    pay = court.bank.pay

    def some(instructions: list[Instruction]) -> list[Outcome]:
        if court.checkers.paid:
            raise OutsideFault("the bank is silent", retry=True)
        return pay(instructions)

    with monkeypatch.context() as patched:
        patched.setattr(payer, "BATCH", 2)
        patched.setattr(court.bank, "pay", some)
        court.shake()
        court.pass_by(1_300)  # who is answered has asked
        court.by["insurer"].crash(DEAD)
    ((debt, payment),) = court.table("payment").items()
    assert len(court.checkers.paid) == 2
    assert payment["executed_fen"] == sum(court.checkers.paid.values()) < payment["due_fen"]
    return str(debt)


def waits_for(court: Court, who: str) -> list[tuple[str, object]]:
    """Why a member does not pay."""
    found = court.by[who].payer
    assert found is not None
    with pytest.raises(Refused) as refused:
        found.run()
    return [(each.code, each.facts["by"]) for each in refused.value.refusals]


class Here:
    """A member's place for the commands that read its record."""

    seated, folder = True, "DIR/agent"

    def __init__(self, member: Member) -> None:
        self._member = member

    @contextmanager
    def record(self) -> Iterator[Any]:
        yield SimpleNamespace(node=self._member.node)


def told(court: Court, who: str, language: Language, capsys: pytest.CaptureFixture[str]) -> str:
    """What `miaopei cases` says at a member, on one line."""
    place = cast(Place, Here(court.by[who]))
    assert record.cases(place, everything=False, as_json=False, language=language) == 0
    return "".join(capsys.readouterr().out.split())


def paid_once(court: Court, by: str) -> None:
    assert court.go().paid == 3
    assert court.one("payment")["payer"] == by


@pytest.mark.parametrize("keeper", ["notary", "regulator"])
def test_the_standby_pays_with_the_key_that_a_decider_has_kept_for_it(
    keeper: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Reach(monkeypatch, keeper)
    court = Court()
    debt = part_paid(court, monkeypatch)
    court.pass_by(TAKE_OVER + 1_300)
    payment = court.one("payment")
    assert payment["payer"] == "agent"
    assert payment["executed_fen"] == payment["due_fen"]
    assert court.table("takeover")[debt]["by"] == "agent"
    paid_once(court, "agent")


def test_where_nobody_has_a_key_the_standby_takes_nothing_over_until_one_comes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """All have the bytes, from one who reads nothing; the payer that is back has the debt still."""
    reach = Reach(monkeypatch, "cloud")
    court = Court()
    debt = part_paid(court, monkeypatch)
    court.pass_by(3 * TAKE_OVER)
    assert debt[:8] in told(court, "agent", "zh", capsys), "what waits is told where it is asked"
    assert "请启动insurer" in told(court, "agent", "zh", capsys)
    assert "Bringinsurerup" in told(court, "agent", "en", capsys)
    assert "insurer" not in told(court, "notary", "en", capsys), "to whom it is nothing to do"
    assert waits_for(court, "agent") == [("net.answers_sealed", "insurer")]
    assert court.table("takeover") == {}
    assert len(court.checkers.paid) == 2
    assert [member.alarms for member in court.by.values() if member.alarms] == []
    court.by["insurer"].idle = True
    court.by["insurer"].boot()  # it hands over blobs, and does no more
    reach.near |= {"notary"}
    court.pass_by(TAKE_OVER)
    assert "insurer" not in told(court, "agent", "en", capsys)
    paid_once(court, "agent")


def test_where_nobody_has_a_key_the_payer_that_is_back_goes_on_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Reach(monkeypatch, "cloud")
    court = Court()
    part_paid(court, monkeypatch)
    court.pass_by(3 * TAKE_OVER)
    court.by["insurer"].boot()
    court.pass_by(1_300)
    paid_once(court, "insurer")


@pytest.mark.parametrize("comes", ["the key", "the payer"])
def test_what_was_taken_over_all_the_same_waits_and_goes_on_by_itself(
    comes: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The payer's last words were put in order between the look and the act that takes it over."""
    reach = Reach(monkeypatch, "cloud")
    court = Court()
    debt = part_paid(court, monkeypatch)
    court.pass_by(TAKE_OVER + 1)
    assert court.say("agent", "take_over", {"debt": debt, "reason": "late"}) == []
    court.pass_by(TAKE_OVER // 2)
    assert waits_for(court, "agent") == [("net.answers_sealed", "insurer")]
    with court.by["agent"].disk.reading() as reading:
        assert list(waiting(reading, State(reading), court.by["agent"].node)) == [debt]
    assert court.one("payment")["payer"] == "agent"
    assert len(court.checkers.paid) == 2, "and nothing is paid meanwhile"
    assert [member.alarms for member in court.by.values() if member.alarms] == []
    court.by["insurer"].boot()
    if comes == "the key":
        reach.near |= {"agent"}
        court.pass_by(1_300)
        paid_once(court, "agent")
    else:
        court.pass_by(4 * TAKE_OVER)
        paid_once(court, "insurer")
