"""Entries balance for every owner or are never made; their JSON is read strictly."""

from __future__ import annotations

import json

import pytest

from miaopei.accounts.balance import owed_by, trial_balance
from miaopei.accounts.chart import CHART, Account
from miaopei.accounts.entry import Entry, Line
from miaopei.errors import AccountsUnbalanced, Refused, texts


def balanced() -> Entry:
    return Entry(
        "e1",
        1_440_000_000,
        ("batch",),
        (
            Line(Account.PREMIUM_RECEIVABLE, "chengtai", debit_fen=70_000),
            Line(Account.PREMIUM_WRITTEN, "chengtai", credit_fen=70_000),
        ),
    )


def codes(error: pytest.ExceptionInfo[Refused]) -> list[str]:
    return [refusal.code for refusal in error.value.refusals]


def test_an_entry_that_does_not_balance_is_an_alarm() -> None:
    with pytest.raises(AccountsUnbalanced) as alarm:
        Entry(
            "e",
            0,
            ("x",),
            (
                Line(Account.CLAIMS_INCURRED, "picc", debit_fen=100),
                Line(Account.CLAIMS_PAYABLE, "picc", credit_fen=99),
            ),
        )
    assert alarm.value.facts == {"entry": "e", "owner": "picc", "excess_fen": 1}


def test_one_owner_cannot_balance_another() -> None:
    with pytest.raises(AccountsUnbalanced):
        Entry(
            "e",
            0,
            ("x",),
            (
                Line(Account.CLAIMS_INCURRED, "picc", debit_fen=100),
                Line(Account.CLAIMS_PAYABLE, "pingan", credit_fen=100),
            ),
        )


@pytest.mark.parametrize(
    ("debit", "credit", "owner", "code"),
    [
        (-1, 0, "a", "accounts.bad_amount"),
        (1.0, 0, "a", "accounts.bad_amount"),
        (True, 0, "a", "accounts.bad_amount"),
        (0, 0, "a", "accounts.one_side"),
        (5, 5, "a", "accounts.one_side"),
        (5, 0, "", "accounts.no_owner"),
    ],
)
def test_lines_that_are_refused(debit: int, credit: int, owner: str, code: str) -> None:
    with pytest.raises(Refused) as error:
        Line(Account.CASH_AT_BANK, owner, debit, credit)
    assert codes(error) == [code]


@pytest.mark.parametrize(
    ("key", "because", "lines"),
    [
        ("", ("x",), balanced().lines),
        ("e", (), balanced().lines),
        ("e", ("x",), ()),
    ],
)
def test_an_entry_needs_an_id_a_cause_and_lines(
    key: str, because: tuple[str, ...], lines: tuple[Line, ...]
) -> None:
    with pytest.raises(Refused) as error:
        Entry(key, 0, because, lines)
    assert codes(error) == ["accounts.empty"]


def test_json_goes_there_and_back() -> None:
    entry = balanced()
    assert Entry.from_json(json.loads(json.dumps(entry.as_json()))) == entry
    assert entry.total_fen == 70_000


def test_json_that_was_altered_is_noticed() -> None:
    value = balanced().as_json()
    value["lines"][0]["debit_fen"] += 1
    with pytest.raises(AccountsUnbalanced):
        Entry.from_json(value)
    value = balanced().as_json()
    value["lines"][0]["account"] = "slush_fund"
    with pytest.raises(Refused) as error:
        Entry.from_json(value)
    assert codes(error) == ["accounts.unknown_account"]
    value = balanced().as_json() | {"note": "", "time": "now"}
    with pytest.raises(Refused) as error:
        Entry.from_json(value)
    assert [r.facts["field"] for r in error.value.refusals] == ["note", "time"]


def test_the_chart_describes_every_account_in_both_languages() -> None:
    assert set(CHART) == set(Account)
    assert len({d.zh for d in CHART.values()}) == len({d.en for d in CHART.values()}) == len(CHART)


def test_balances_stand_on_the_side_on_which_the_account_grows() -> None:
    balance = trial_balance([balanced()])
    assert balance.of("chengtai", Account.PREMIUM_RECEIVABLE) == 70_000
    assert balance.of("chengtai", Account.PREMIUM_WRITTEN) == 70_000
    assert balance.of("nobody", Account.CASH_AT_BANK) == 0
    assert balance.as_json()[0] == {
        "owner": "chengtai",
        "account": "premium_receivable",
        "debit_fen": 70_000,
        "credit_fen": 0,
        "balance_fen": 70_000,
    }
    assert owed_by([balanced()], "chengtai", Account.PREMIUM_RECEIVABLE) == {"": 70_000}


@pytest.mark.parametrize("room", ["accounts", "market", "bank"])
def test_every_text_says_something_in_both_languages(room: str) -> None:
    table = texts.table(room)
    assert table
    for name, both in table.items():
        assert set(both) == {"zh", "en"}, name
        placeholders = [
            sorted({part.split("}")[0] for part in text.split("{")[1:]}) for text in both.values()
        ]
        assert placeholders[0] == placeholders[1], name
