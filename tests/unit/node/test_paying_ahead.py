"""A bank that decides one part while the next is made ready: each is ordered once, none is lost."""

from __future__ import annotations

import threading

import pytest

from miaopei.accounts.rail import Instruction, Outcome
from miaopei.errors import OutsideFault
from miaopei.node.effects import payer as paying
from miaopei.node.effects.payer import Payer
from tests.support.facts import quake
from tests.support.products import hills
from tests.support.rails import PaperBank
from tests.support.town import CARRIERS, ONE_CARRIER, Town

POLICIES, PART = 10, 3


class SlowBank(PaperBank):
    """Decides nothing until it is `ready`, and says nothing to one of its calls."""

    def __init__(self, silent_at: int = 0) -> None:
        super().__init__()
        self.silent_at, self.ready = silent_at, threading.Event()

    def pay(self, instructions: list[Instruction]) -> list[Outcome]:
        if len(self.calls) + 1 == self.silent_at:
            self.calls.append(("pay", len(instructions)))
            raise OutsideFault("the bank is silent", retry=True)
        self.ready.wait(60)
        return super().pay(instructions)


def struck() -> Town:
    """Ten policies that are owed, nothing ordered yet."""
    town = Town().set_up()
    book = town.list_product(hills(), placement=ONE_CARRIER)
    town.issue([town.policy(book) for _ in range(POLICIES)])
    town.accounts({f"carrier/{CARRIERS[0]}": "C-1"})
    town.tell(quake("2016-05-18 08:48:00", "5.6"), at="2016-05-18 09:00:00")
    town.decider.run()
    return town


def states(town: Town) -> list[str]:
    with town.store.reading() as reading:
        (debt,) = town.table("payment")
        return [row["state"] for row in reading.instructions(debt)]


def test_the_next_part_is_ready_before_the_bank_has_decided(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(paying, "BATCH", PART)
    town = struck()
    bank = SlowBank()
    payer = Payer(town.node, bank, ahead=True)
    mark = payer._mark_sent

    def marked(*given):
        found = mark(*given)
        if states(town).count("sent") > PART:
            bank.ready.set()  # two parts are marked, of which the bank has decided none
        return found

    monkeypatch.setattr(payer, "_mark_sent", marked)
    assert payer.run() == POLICIES
    assert states(town) == ["paid"] * POLICIES
    assert bank.calls == [("pay", PART)] * 3 + [("pay", 1)]


@pytest.mark.parametrize("silent_at", [1, 2, 4])
def test_a_silent_bank_is_asked_before_anything_is_ordered_again(
    monkeypatch: pytest.MonkeyPatch, silent_at: int
) -> None:
    monkeypatch.setattr(paying, "BATCH", PART)
    town = struck()
    bank = SlowBank(silent_at)
    bank.ready.set()
    payer = Payer(town.node, bank, ahead=True)
    payer.run()
    assert "paid" in states(town) or silent_at == 1
    assert set(states(town)) <= {"paid", "sent", "new"}
    assert len(bank.held) == states(town).count("paid")
    payer.run()
    assert states(town) == ["paid"] * POLICIES
    assert len(bank.held) == POLICIES
