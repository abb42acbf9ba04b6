"""Laws of the accounts: any sequence balances; totals by carrier are sums over policies."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from miaopei.accounts import postings
from miaopei.accounts.balance import trial_balance
from miaopei.accounts.chart import CHART, Account
from miaopei.accounts.entry import Entry
from miaopei.market.placement import Placement, Share

CARRIERS = ("a", "b", "c")
FEN = st.integers(0, 42_000 * 1_000_000)


def parts(name: str, amounts: list[int]) -> list[dict[str, object]]:
    return [{"carrier": c, name: fen} for c, fen in zip(CARRIERS, amounts, strict=True)]


@st.composite
def steps(draw: st.DrawFn) -> Entry:
    amounts = draw(st.lists(FEN, min_size=3, max_size=3).filter(any))
    fen, key = max(amounts), draw(st.uuids()).hex
    kind = draw(st.integers(0, 8))
    match kind:
        case 0:
            return postings.premium_written(key, 1, "x", parts("premium_fen", amounts))
        case 1:
            return postings.premium_received(key, 1, "x", parts("premium_fen", amounts))
        case 2:
            return postings.settlement_made(key, 1, "x", parts("pay_fen", amounts))
        case 3:
            payer = draw(st.sampled_from([None, "a", "bank-pool"]))
            return postings.payouts_executed(key, 1, "x", parts("executed_fen", amounts), payer)
        case 4:
            return postings.payout_received(key, 1, "x", "dali", fen)
        case 5:
            return postings.allotment_fixed(key, 1, "x", "dali", fen)
        case 6:
            return postings.allotment_paid(key, 1, "x", "dali", fen)
        case 7:
            rows = [{"carrier": "a", "before_fen": amounts[0], "after_fen": amounts[0] + fen}]
            return postings.receivable_changed(key, 1, "x", "dali", rows)
        case _:
            return postings.receivable_repaid(key, 1, "x", "dali", parts("repaid_fen", amounts))


@given(st.lists(steps(), max_size=30))
def test_every_sequence_balances_for_every_owner_and_over_all(journal: list[Entry]) -> None:
    balance = trial_balance(journal)
    for owner in {owner for owner, _ in balance.sums}:
        rows = [s for (who, _), s in balance.sums.items() if who == owner]
        assert sum(s.debit_fen for s in rows) == sum(s.credit_fen for s in rows)
    debit_side = sum(balance.total(a) for a in Account if CHART[a].kind.grows_by_debit)
    credit_side = sum(balance.total(a) for a in Account if not CHART[a].kind.grows_by_debit)
    assert debit_side == credit_side
    assert [Entry.from_json(e.as_json()) for e in journal] == journal


@given(
    st.lists(FEN, min_size=1, max_size=40).filter(any),
    st.lists(st.integers(1, 999_998), min_size=2, max_size=2).filter(lambda p: sum(p) < 1_000_000),
)
def test_totals_by_carrier_are_sums_over_policies(policies: list[int], cut: list[int]) -> None:
    ppm = [*cut, 1_000_000 - sum(cut)]
    shares = tuple(Share(c, p) for c, p in zip(CARRIERS, ppm, strict=True))
    placement = Placement(shares, illustrative=True)
    sums: Counter[str] = Counter()
    for fen in policies:
        sums.update(placement.split(fen))
    rows = [{"carrier": c, "pay_fen": sums[c]} for c in CARRIERS]
    balance = trial_balance([postings.settlement_made("k", 1, "s", rows)])
    assert balance.total(Account.CLAIMS_PAYABLE) == sum(policies)
    for carrier in CARRIERS:
        booked = balance.of(carrier, Account.CLAIMS_INCURRED)
        assert booked == sum(placement.split(fen)[carrier] for fen in policies)
