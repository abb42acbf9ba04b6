"""`receive_premium`: premium that has arrived, in parts, never more than was written."""

from __future__ import annotations

from typing import Any

import pytest

from miaopei.accounts.chart import Account
from tests.support.products import hills
from tests.support.town import CARRIERS, ONE_CARRIER, Town, codes

LEAD = CARRIERS[0]


@pytest.fixture
def insured() -> tuple[Town, dict[str, Any]]:
    """A batch in force with 10,000 yuan of premium, and an act that receives it."""
    town = Town().set_up()
    listing = town.list_product(hills(), placement=ONE_CARRIER)
    town.issue([town.policy(listing)])
    (batch,) = town.table("batch")
    part = {"carrier": LEAD, "premium_fen": 1_000_000}
    return town, {"batch": batch, "year": 2015, "carriers": [part], "reference": "B-7"}


def test_what_arrives_is_cash_and_no_longer_receivable(
    insured: tuple[Town, dict[str, Any]],
) -> None:
    town, body = insured
    assert town.balance().of(LEAD, Account.PREMIUM_RECEIVABLE) == 1_000_000
    some = {**body, "carriers": [{"carrier": LEAD, "premium_fen": 400_000}]}
    assert town.send(town.act("receive_premium", some)).ok
    rest = {**body, "carriers": [{"carrier": LEAD, "premium_fen": 600_000}]}
    assert town.send(town.act("receive_premium", rest, "2")).ok
    balance = town.balance()
    assert balance.of(LEAD, Account.PREMIUM_RECEIVABLE) == 0
    assert balance.of(LEAD, Account.CASH_AT_BANK) == 1_000_000
    assert balance.of(LEAD, Account.PREMIUM_WRITTEN) == 1_000_000
    entries = list(town.table("journal").values())
    assert [e.get("about") for e in entries] == [None, *[{"listing": "hills", "year": "2015"}] * 2]
    more = {**body, "carriers": [{"carrier": LEAD, "premium_fen": 1}]}
    assert codes(town.send(town.act("receive_premium", more))) == ["act.premium_too_much"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"batch": "00" * 32}, "act.batch_not_known"),
        ({"carriers": [{"carrier": LEAD, "premium_fen": 1_000_001}]}, "act.premium_too_much"),
        ({"carriers": [{"carrier": "stranger", "premium_fen": 1}]}, "act.not_a_carrier"),
        ({"carriers": []}, "act.bad_body"),
        ({"reference": ""}, "act.bad_body"),
        ({"year": "2015"}, "act.bad_body"),
    ],
)
def test_what_is_refused(
    insured: tuple[Town, dict[str, Any]], change: dict[str, Any], code: str
) -> None:
    town, body = insured
    assert codes(town.send(town.act("receive_premium", {**body, **change}))) == [code]
    assert town.table("premium") == {}


def test_premium_of_a_batch_not_in_force_is_not_received() -> None:
    town = Town().set_up()
    listing = town.list_product(hills(), placement=ONE_CARRIER)
    town.send(town.batch([town.policy(listing)]))
    (batch,) = town.table("batch")
    part = {"carrier": LEAD, "premium_fen": 1}
    body = {"batch": batch, "year": 2015, "carriers": [part], "reference": "B-7"}
    assert codes(town.send(town.act("receive_premium", body))) == ["act.batch_not_in_force"]
