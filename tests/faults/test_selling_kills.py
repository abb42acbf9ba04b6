"""Killed at every step between an application and its refund: nothing lost, nothing paid twice.

A life applies, is paid for, comes in force, is cancelled and gets premium back. It is ended before
and after each transaction and each call to the bank, and then lived again from its beginning, as a
process does that is started anew and whose customer sends the same once more.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from miaopei.measures.instant import from_beijing
from miaopei.measures.money import yuan
from miaopei.policies.book import effective
from tests.support.selling import LEAD, Market

CUSTOMER, REFUND = "3302810000001", 12_000 - 2_005 - 1_000  # 61 of 365 days are kept


class Killed(Exception):
    """The process is gone; what it had not written is gone with it."""


class Mortal:
    """Counts the points of a market's life and ends it at one of them."""

    def __init__(self, market: Market, deadly: int | None) -> None:
        self.count, self.deadly = 0, deadly
        store, bank = market.town.store, market.bank
        self._writing, self._pay, self._credits = store.writing, bank.pay, bank.credits
        self._market = market
        store.writing = self.writing  # type: ignore[method-assign]
        bank.pay = self.pay  # type: ignore[method-assign]
        bank.credits = self.credits  # type: ignore[method-assign]

    def point(self) -> None:
        self.count += 1
        if self.count == self.deadly:
            raise Killed

    @contextmanager
    def writing(self) -> Iterator[Any]:
        self.point()
        with self._writing() as block:
            yield block
            self.point()  # before the commit: all of it is gone
        self.point()

    def pay(self, instructions: Any) -> Any:
        self.point()
        found = self._pay(instructions)
        self.point()  # the bank has paid, and nobody heard it
        return found

    def credits(self, account: str, after: int) -> Any:
        self.point()
        return self._credits(account, after)

    def gone(self) -> None:
        store, bank = self._market.town.store, self._market.bank
        store.writing, bank.pay, bank.credits = self._writing, self._pay, self._credits


def live(market: Market) -> None:
    """A whole life; done twice it changes nothing."""
    asked = market.apply(CUSTOMER, key="k")
    if not market.bank.came:  # the customer pays once, whatever becomes of us
        market.pay(asked)
    market.work()
    market.change(asked["policy"], "cancel", "2026-06-01", key="c")
    market.work()


def points() -> int:
    market = Market()
    mortal = Mortal(market, None)
    live(market)
    return mortal.count


ALL = points()


@pytest.mark.parametrize("deadly", range(1, ALL + 1))
def test_a_life_that_is_ended_anywhere_comes_to_the_same_end(deadly: int) -> None:
    market = Market()
    mortal = Mortal(market, deadly)
    with pytest.raises(Killed):
        live(market)
    mortal.gone()
    live(market)
    (policy,) = market.town.table("policy").values()
    assert [c["transaction"] for c in policy["changes"]] == ["issue", "cancel"]
    assert {a["state"] for a in market.town.table("application").values()} == {"in_force"}
    assert market.returned() == {f"H-{CUSTOMER}": REFUND}
    assert market.town.table("duty") == {}
    balance = market.town.balance()
    assert balance.of(LEAD, "cash_at_bank") == yuan(120) - REFUND
    assert balance.of(LEAD, "premium_deposit") == balance.of(LEAD, "premium_refund_payable") == 0
    with market.town.node.reading() as (reading, state):
        size = state.need("book", market.listing)["size"]
        rows = reading.rows(market.listing, size)
    assert size == 2
    for day, count in (("2026-05-31", 1), ("2026-06-01", 0)):
        assert len(effective(rows, from_beijing(day), size)) == count


def test_there_are_as_many_ways_to_die_as_a_life_has_steps() -> None:
    assert ALL >= 25
