"""Laws of selling: whatever is paid in, in any order, every fen buys cover, waits or goes back."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from miaopei.adapters.memory_store import MemoryStore
from miaopei.errors import Refused
from miaopei.measures.instant import DAY
from miaopei.node.selling import taking
from tests.support.histories import contents, replay
from tests.support.selling import LEAD, Market

CUSTOMERS = [f"33028100000{n:02d}" for n in range(4)]
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("pay"), st.integers(0, 3), st.integers(1, 20_000)),
        st.tuples(st.just("whole"), st.integers(0, 3), st.just(0)),
        st.tuples(st.just("stray"), st.just(0), st.integers(1, 20_000)),
        st.tuples(st.just("wait"), st.integers(1, 12), st.just(0)),
        st.tuples(st.just("cancel"), st.integers(0, 3), st.integers(1, 300)),
        st.tuples(st.just("work"), st.just(0), st.just(0)),
        st.tuples(st.just("silent"), st.just(0), st.just(0)),
    ),
    max_size=14,
)


def play(steps: list[tuple[str, int, int]]) -> tuple[Market, int]:
    """A market after these steps, and what was paid in."""
    market, came = Market(), 0
    asked: list[Any] = [market.apply(customer) for customer in CUSTOMERS]
    for what, number, more in steps:
        match what:
            case "pay" | "whole":
                fen = more or asked[number]["premium_fen"]
                market.pay(asked[number], fen)
                came += fen
            case "stray":
                market.bank.pay_in("谢谢", more, market.town.now)
                came += more
            case "wait":
                market.town.at(market.town.now + number * DAY)
            case "cancel":
                at = asked[number]["at"] + more * DAY
                named = f"cancel {number} {more}"
                with suppress(Refused):
                    policy = asked[number]["policy"]
                    taking.change(market.desk, policy, "cancel", at, {}, "online", named)
            case "silent":
                market.bank.silent = not market.bank.silent
                continue
        market.work()
    market.bank.silent = False
    for _ in range(3):
        market.work()
    return market, came


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS)
def test_every_fen_that_came_in_is_premium_deposit_or_went_back(
    steps: list[tuple[str, int, int]],
) -> None:
    market, came = play(steps)
    balance = market.town.balance()
    back = sum(market.returned().values())
    assert balance.of(LEAD, "cash_at_bank") == came - back
    assert balance.of(LEAD, "premium_refund_payable") == 0
    for who in market.town.table("member"):
        assert balance.of(who, "premium_receivable") == 0
    written = sum(balance.of(who, "premium_written") for who in market.town.table("member"))
    assert written + balance.of(LEAD, "premium_deposit") == came - back
    waiting = sum(a["paid_fen"] for a in market.town.table("application").values()
                  if a["state"] == "accepted")  # fmt: skip
    stray = sum(c["amount_fen"] for c in market.town.table("credit").values()
                if c["used"] == "unmatched")  # fmt: skip
    assert balance.of(LEAD, "premium_deposit") == waiting + stray
    kept = market.town.table("policy").values()
    assert written == sum(c["fen"] for p in kept for c in p["changes"])


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS)
def test_a_record_of_selling_applies_again_to_the_same_bytes(
    steps: list[tuple[str, int, int]],
) -> None:
    market, _ = play(steps)
    again = MemoryStore()
    replay(again, market.town.leaves())
    mine, other = contents(market.town.store), contents(again)
    assert mine[0] == other[0]
    assert mine[1] == other[1]
