"""What each thing that happens does to the accounts, worked out by hand."""

from __future__ import annotations

import pytest

from miaopei.accounts import postings
from miaopei.accounts.balance import owed_by, trial_balance
from miaopei.accounts.chart import Account
from miaopei.accounts.entry import Entry
from miaopei.errors import Refused

# Yuxi 2018-09-08: 16.129 万元 = 161,290 yuan, carried 60/40 by two carriers.
PAID = [("lead", 9_677_400), ("follower", 6_451_600)]


def parts(name: str, rows: list[tuple[str, int]] = PAID) -> list[dict[str, object]]:
    return [{"carrier": who, name: fen} for who, fen in rows]


def test_premium_is_owed_then_received() -> None:
    journal = [
        postings.premium_written("k1", 1, "batch", parts("premium_fen", [("a", 500), ("b", 0)])),
        postings.premium_received("k2", 2, "credit", parts("premium_fen", [("a", 300)])),
    ]
    balance = trial_balance(journal)
    assert balance.of("a", Account.PREMIUM_WRITTEN) == 500
    assert balance.of("a", Account.PREMIUM_RECEIVABLE) == 200
    assert balance.of("a", Account.CASH_AT_BANK) == 300
    assert {owner for owner, _ in balance.sums} == {"a"}, "a zero share makes no line"


def test_a_settlement_is_a_debt_until_the_bank_has_paid() -> None:
    made = postings.settlement_made("k1", 1, "settlement", parts("pay_fen"))
    assert trial_balance([made]).total(Account.CLAIMS_PAYABLE) == 16_129_000
    paid = postings.payouts_executed("k2", 2, "settlement", parts("executed_fen"))
    balance = trial_balance([made, paid])
    assert balance.total(Account.CLAIMS_PAYABLE) == 0
    assert balance.of("lead", Account.CASH_AT_BANK) == -9_677_400
    assert balance.of("follower", Account.CLAIMS_INCURRED) == 6_451_600


def test_a_payer_that_pays_for_all_is_owed_by_the_others() -> None:
    journal = [
        postings.settlement_made("k1", 1, "s", parts("pay_fen")),
        postings.payouts_executed("k2", 2, "s", parts("executed_fen"), payer="lead"),
    ]
    balance = trial_balance(journal)
    assert balance.of("lead", Account.CASH_AT_BANK) == -16_129_000
    assert owed_by(journal, "lead", Account.DUE_FROM_CO_INSURERS) == {"follower": 6_451_600}
    assert owed_by(journal, "follower", Account.DUE_TO_CO_INSURERS) == {"lead": 6_451_600}


def test_what_a_policyholder_holds_for_households_ends_at_zero() -> None:
    steps = [
        postings.payout_received("k1", 1, "payout", "yuxi", 16_129_000),
        postings.allotment_fixed("k2", 2, "list", "yuxi", 16_129_000),
        postings.allotment_paid("k3", 3, "batch", "yuxi", 16_000_000),
        postings.allotment_paid("k4", 4, "batch", "yuxi", 129_000),
    ]

    def after(count: int, account: Account) -> int:
        return trial_balance(steps[:count]).of("yuxi", account)

    assert after(1, Account.PAYOUT_TO_ALLOT) == 16_129_000
    assert after(2, Account.PAYOUT_TO_ALLOT) == 0
    assert after(3, Account.ALLOTMENT_PAYABLE) == 129_000
    assert after(4, Account.ALLOTMENT_PAYABLE) == after(4, Account.CASH_AT_BANK) == 0


def receivable(before: int, after: int, key: str = "k") -> Entry:
    part = {"carrier": "a", "before_fen": before, "after_fen": after}
    return postings.receivable_changed(key, 1, "revision", "dali", [part])


def test_an_open_receivable_is_replaced_not_added_to() -> None:
    journal = [receivable(0, 300, "k1"), receivable(300, 120, "k2")]
    balance = trial_balance(journal)
    assert owed_by(journal, "a", Account.RECEIVABLE_FROM_OVERPAID) == {"dali": 120}
    assert balance.of("a", Account.CLAIMS_INCURRED) == -120
    journal.append(
        postings.receivable_repaid("k3", 2, "credit", "dali", parts("repaid_fen", [("a", 120)]))
    )
    assert owed_by(journal, "a", Account.RECEIVABLE_FROM_OVERPAID) == {}
    assert trial_balance(journal).of("a", Account.CASH_AT_BANK) == 120


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ([{"carrier": "a", "pay_fen": -1}], "accounts.bad_part"),
        ([{"carrier": "a", "pay_fen": 1.5}], "accounts.bad_part"),
        ([{"carrier": "a"}], "accounts.bad_part"),
        ([{"pay_fen": 1}], "accounts.bad_part"),
        (["a"], "accounts.bad_part"),
        (
            [{"carrier": "a", "pay_fen": 1}, {"carrier": "a", "pay_fen": 2}],
            "accounts.carrier_twice",
        ),
        ([{"carrier": "a", "pay_fen": 0}], "accounts.empty"),
    ],
)
def test_lists_from_acts_are_checked(rows: list[dict[str, object]], code: str) -> None:
    with pytest.raises(Refused) as error:
        postings.settlement_made("k", 1, "s", rows)
    assert error.value.refusals[0].code == code
    assert receivable(5, 6).because == ("revision",)


def test_a_receivable_that_does_not_change_makes_no_entry() -> None:
    with pytest.raises(Refused, match=r"accounts\.empty"):
        receivable(5, 5)
    with pytest.raises(Refused, match=r"accounts\.bad_part"):
        postings.receivable_changed("k", 1, "r", "dali", [{"carrier": "a", "after_fen": 5}])
    assert receivable(0, 1).total_fen == 1
