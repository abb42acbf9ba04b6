"""The payer dies, the standby pays, the payer comes back: nothing is lost, nothing paid twice.

Two members, each with its own orders and progress; a real bank process and its own statements.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any
from unittest.mock import patch

import pytest

from miaopei.acts.apply import ActResult
from miaopei.acts.envelope import Act
from miaopei.adapters.memory_store import MemoryStore
from miaopei.adapters.sandbox_bank.starter import RunningBank
from miaopei.errors import OutsideFault
from miaopei.measures.instant import HOUR, from_beijing
from miaopei.measures.money import wan
from miaopei.node.effects.payer import Payer
from miaopei.node.effects.standby import take_over_due
from miaopei.node.node import Node
from miaopei.node.ports import Identity
from tests.faults.banked import NIGHT, READ
from tests.support import servers
from tests.support.facts import quake
from tests.support.products import hills
from tests.support.rails import Hearing
from tests.support.town import CARRIERS, ONE_CARRIER, Dice, Town, codes, identity

FULL = wan(300)
OWN = ("instruction", "of debt", "progress", "payee")
BLOBS = ("blob", "media", "wrap")
_tags = (f"S{number}" for number in itertools.count(1))


class Pair:
    """A payer and its standby: one record and group, and each its own private tables."""

    def __init__(self, bank: RunningBank, policies: int = 2, after: int | None = HOUR) -> None:
        self.bank, self.tag = bank, next(_tags)
        self.town = Town(rail=Hearing(bank.address), name=self.tag).set_up()
        mine = identity("standby")
        self.town.admit("standby", "payer")
        self.listing = self.town.list_product(
            hills(), placement=ONE_CARRIER, standby="standby", takeover_seconds=after
        )
        self.rows = self.town.issue([self.town.policy(self.listing) for _ in range(policies)])
        self.holders = [f"{self.tag}-P{number}" for number in range(policies)]
        self.known = {f"carrier/{c}": f"{self.tag}-C" for c in CARRIERS} | {
            f"policy/{row.policy}": account
            for row, account in zip(self.rows, self.holders, strict=True)
        }
        self.town.accounts(self.known)
        bank.control.open_accounts([(f"{self.tag}-C", "投保人", wan(100_000))])
        bank.control.open_accounts([(account, "投保人", 0) for account in self.holders])
        self.solo = self.town.node.orderer
        self.store = MemoryStore()
        self.store._tables = self.town.store._tables.copy()
        me = Identity("standby", mine.acts, self.town.me.log, self.town.me.box)
        node = Node(self.store, me, lambda: 0, Dice(self.tag + "2"), self)
        self.standby = Payer(node, Hearing(bank.address))

    def end(self) -> int | None:
        """See `node.ports.Orderer`."""
        return self.solo.end()

    def submit(self, acts: Sequence[Act]) -> list[ActResult]:
        """The one order that both members share; blobs travel beside it."""
        with self.town.store.writing() as block:
            for table in BLOBS:
                for name, value in self.store._tables.rows.get(table, {}).items():
                    block._put(table, name, value)
        results = self.solo.submit(acts)
        self.share()
        return results

    def share(self) -> None:
        """The standby's copy of all that is not private to the payer."""
        own = {name: rows for name, rows in self.store._tables.rows.items() if name in OWN}
        tables = self.town.store._tables.copy()
        for name in OWN:
            tables.rows.pop(name, None)
        tables.rows.update(own)
        self.store._tables = tables

    def shake(self) -> str:
        """A shock that owes 300 万元 a policy; the settlement, before anything is paid."""
        self.town.tell(quake(NIGHT, "5.6"), at=READ)
        self.town.decider.run()
        return str(self.town.settlements(self.listing)[0]["id"])

    def late(self, seconds: int = HOUR) -> None:
        """Time passes from the settlement on; the standby sees it."""
        self.town.at(from_beijing(READ) + seconds)
        self.share()

    def all_paid_once(self) -> None:
        """Each holder received its amount once, and bank and record say the same."""
        found = servers.received(self.bank, self.holders)
        assert set(found.values()) == {FULL}
        left = [line.amount_fen for line in servers.movements(self.bank, f"{self.tag}-C")]
        assert left == [-FULL] * len(self.holders)
        assert self.town.executed_fen() == FULL * len(self.holders)
        assert self.town.table("duty", "pay/") == {}
        self.town.balance()


@pytest.fixture
def bank() -> Iterator[RunningBank]:
    """The bank of all tests, behaving."""
    running = servers.bank()
    yield running
    running.control.behave()


def test_before_the_deadline_the_standby_does_nothing(bank: RunningBank) -> None:
    pair = Pair(bank)
    debt = pair.shake()
    pair.late(HOUR - 1)
    assert pair.standby.run() == 0
    body = {"debt": debt, "reason": "early"}
    early = pair.town.send(pair.town.act_of("standby", "take_over", body))
    assert codes(early) == ["act.too_early_to_take_over"]
    assert pair.town.table("payment")[debt]["payer"] == "miaopei"
    pair.town.work()
    pair.all_paid_once()
    pair.late()
    assert pair.standby.run() == 0
    paid = pair.town.send(pair.town.act_of("standby", "take_over", body))
    assert codes(paid) == ["act.nothing_to_take_over"]


def test_the_payer_is_dead_the_standby_pays_and_the_payer_comes_back(bank: RunningBank) -> None:
    """Its orders were written and never sent; they are nobody's duty when it is back."""
    pair = Pair(bank)
    debt = pair.shake()
    assert pair.town.payer is not None
    pair.town.payer.prepare()
    pair.late()
    pair.standby.run()
    pair.standby.run()
    assert pair.town.table("takeover")[debt]["by"] == "standby"
    pair.all_paid_once()
    for _ in range(2):
        pair.town.work()
    assert {row["state"] for row in pair.town.instructions(debt)} == {"new"}
    pair.all_paid_once()


@pytest.mark.parametrize(
    "heard", ["nothing", "paid and untold", "refused, and closed by the standby"]
)
def test_the_standby_takes_over_and_is_gone_and_the_payer_takes_it_back(
    bank: RunningBank, heard: str
) -> None:
    """Whatever either had sent, heard and not told yet: each holder is paid once."""
    pair = Pair(bank)
    debt = pair.shake()
    payer = pair.town.payer
    assert payer is not None
    if heard == "paid and untold":  # the payer's own word of it was written down, and not sent
        with patch.object(Payer, "_resend_confirmation", lambda *_: None):
            pair.town.work()
    elif heard == "refused, and closed by the standby":
        bank.control.set_open(pair.holders[0], is_open=False)
        payer.prepare()
    else:
        payer.prepare()
    pair.late()
    take_over_due(pair.standby.node)
    if heard == "refused, and closed by the standby":
        pair.standby.run()
        bank.control.set_open(pair.holders[0], is_open=True)
        assert pair.standby.retry_refused(debt) == 1
        assert pair.town.executed_fen() == FULL
    assert pair.town.table("payment")[debt]["payer"] == "standby"
    pair.late(2 * HOUR - 1)
    pair.town.work()
    assert pair.town.table("payment")[debt]["payer"] == "standby", "it is not due again yet"
    pair.late(2 * HOUR)
    for _ in range(2):
        pair.town.work()
        pair.share()
    assert pair.town.table("takeover")[debt]["by"] == "miaopei"
    pair.all_paid_once()
    pair.standby.run()
    pair.all_paid_once()


def test_who_pays_is_not_silent(bank: RunningBank) -> None:
    """The wait is counted from the last confirmed payment, not from the take-over before it."""
    pair = Pair(bank)
    debt = pair.shake()
    assert pair.town.payer is not None
    pair.town.payer.prepare()
    pair.late()
    take_over_due(pair.standby.node)
    bank.control.set_open(pair.holders[1], is_open=False)
    pair.late(HOUR + HOUR // 2)
    pair.standby.run()
    assert pair.town.executed_fen() == FULL, "the other's account is closed"

    def take_back(after: int) -> list[str]:
        pair.late(after)
        body = {"debt": debt, "reason": f"silent, {after} s on"}
        return codes(pair.town.send(pair.town.act("take_over", body, str(after))))

    assert take_back(2 * HOUR) == ["act.too_early_to_take_over"]
    assert take_back(2 * HOUR + HOUR // 2 - 1) == ["act.too_early_to_take_over"]
    assert take_back(2 * HOUR + HOUR // 2) == []
    pair.town.work()
    bank.control.set_open(pair.holders[1], is_open=True)
    assert pair.town.payer.retry_refused(debt) == 1
    pair.town.work()
    pair.all_paid_once()


@pytest.mark.parametrize("when", ["before", "after"])
def test_what_the_payer_sent_and_never_heard_of_is_asked_for_first(
    bank: RunningBank, when: str
) -> None:
    pair = Pair(bank)
    pair.shake()
    bank.control.misbehave("time_out", when=when, calls=1)
    pair.town.work()
    assert pair.town.executed_fen() == 0
    pair.late()
    for _ in range(2):
        pair.standby.run()
    pair.all_paid_once()
    pair.town.work()
    pair.all_paid_once()


def test_a_payer_that_does_not_know_it_was_replaced_sends_at_the_same_time(
    bank: RunningBank,
) -> None:
    """Both send the same ids with the same content: the bank pays each once."""
    pair = Pair(bank)
    debt = pair.shake()
    payer = pair.town.payer
    assert payer is not None
    payer.prepare()
    pair.late()
    pair.standby.run()
    payer._send(debt, [])
    pair.standby.run()
    pair.all_paid_once()
    payer._confirm(debt)  # refused, since another has the debt now: nothing to alarm a person with
    with payer.node.store.reading() as reading:
        assert reading.progress(f"confirm/{debt}") is None, "nor is it said again"
    pair.all_paid_once()


def test_a_refused_and_closed_number_is_followed_by_the_next_one_that_the_payer_made(
    bank: RunningBank,
) -> None:
    """Number 1 closed on the record, number 2 sent by the payer before it died."""
    pair = Pair(bank)
    debt = pair.shake()
    payer, policy = pair.town.payer, f"policy/{pair.rows[0].policy}"
    assert payer is not None
    bank.control.set_open(pair.holders[0], is_open=False)
    pair.town.work()
    bank.control.open_accounts([(f"{pair.tag}-new", "投保人", 0)])
    pair.town.accounts({policy: f"{pair.tag}-new"})
    assert payer.retry_refused(debt) == 1
    bank.control.misbehave("time_out", when="after", operation="pay", calls=1)
    with pytest.raises(OutsideFault):
        payer._send(debt, [])
    with pair.store.writing() as block:
        block.put_payee(policy, {"account": f"{pair.tag}-new", "name": "投保人"})
    pair.holders[0] = f"{pair.tag}-new"
    pair.late()
    for _ in range(2):
        pair.standby.run()
    pair.all_paid_once()
    with pair.store.reading() as reading:
        states = sorted((r["number"], r["state"]) for r in reading.instructions(debt))
    assert states == [(1, "paid"), (1, "replaced"), (2, "paid")]


@pytest.mark.parametrize(
    ("by", "change", "code"),
    [
        ("miaopei", {}, "act.not_the_standby"),
        ("standby", {"debt": "00" * 32}, "act.nothing_to_pay"),
        ("standby", {"reason": " "}, "act.bad_body"),
        ("standby", {"more": 1}, "act.bad_body"),
    ],
)
def test_what_is_refused(bank: RunningBank, by: str, change: dict[str, Any], code: str) -> None:
    pair = Pair(bank)
    debt = pair.shake()
    pair.late()
    body = {"debt": debt, "reason": "late", **change}
    assert codes(pair.town.send(pair.town.act_of(by, "take_over", body))) == [code]
    assert pair.town.table("takeover") == {}


def test_a_listing_without_a_deadline_is_never_taken_over(bank: RunningBank) -> None:
    pair = Pair(bank, after=None)
    debt = pair.shake()
    pair.late(1_000 * HOUR)
    assert pair.standby.run() == 0
    act = pair.town.act_of("standby", "take_over", {"debt": debt, "reason": "late"})
    assert codes(pair.town.send(act)) == ["act.too_early_to_take_over"]
