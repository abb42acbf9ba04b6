"""`close_ids`: who may say that the bank has closed an id, of how many, and under which key."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.facts import quake
from tests.support.products import hills
from tests.support.rails import PaperBank
from tests.support.seating import fresh
from tests.support.town import ONE_CARRIER, Town, codes

KEY = "ab" * 32


@pytest.fixture
def refused() -> tuple[Town, dict[str, Any]]:
    """A debt of two payouts, one of them refused on the record; a body that closes it."""
    bank = PaperBank()
    town = Town(rail=bank).set_up()
    listing = town.list_product(hills(), placement=ONE_CARRIER)
    rows = town.issue([town.policy(listing) for _ in range(2)])
    bank.shut.add(f"P-{rows[0].policy[:12]}")
    town.accounts({f"carrier/{ONE_CARRIER.lead}": "C"})
    town.tell(quake("2016-05-18 00:48:48", "5.6"), at="2016-05-18 01:00:00")
    town.work()
    (settlement,) = town.settlements(listing)
    reference = {
        "blob": "cd" * 32,
        "length": 9,
        "count": 1,
        "root": "ef" * 32,
        "media": "miaopei/closed/1",
    }
    return town, {"debt": settlement["id"], "key": KEY, "closed": reference}


def test_it_is_kept_with_the_banks_key(refused: tuple[Town, dict[str, Any]]) -> None:
    town, body = refused
    result = town.send(town.act("close_ids", body))
    assert result.ok
    (kept,) = town.table("closed", f"{body['debt']}/").values()
    assert kept == {"act": result.act, "closed": body["closed"], "key": KEY, "at": town.now}


def test_no_more_than_the_record_holds_as_refused(refused: tuple[Town, dict[str, Any]]) -> None:
    town, body = refused
    two = {**body, "closed": {**body["closed"], "count": 2}}
    assert codes(town.send(town.act("close_ids", two))) == ["act.closed_too_many"]
    assert town.send(town.act("close_ids", body)).ok
    assert codes(town.send(town.act("close_ids", body, "again"))) == ["act.closed_too_many"]
    assert len(town.table("closed")) == 1


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"debt": "00" * 32}, "act.nothing_to_pay"),
        ({"key": "short"}, "act.bad_body"),
        ({"closed": {}}, "act.bad_body"),
        ({"more": 1}, "act.bad_body"),
    ],
)
def test_what_is_refused(
    refused: tuple[Town, dict[str, Any]], change: dict[str, Any], code: str
) -> None:
    town, body = refused
    assert codes(town.send(town.act("close_ids", {**body, **change}))) == [code]
    assert town.table("closed") == {}


def test_where_a_bank_stands_on_the_record_only_its_keys_count(
    refused: tuple[Town, dict[str, Any]],
) -> None:
    town, body = refused
    keys = [{"key": fresh("bank"), "since": 0, "until": None}]
    names = {"zh": "银行", "en": "bank"}
    bank = {"id": "bank", "name": names, "operator": "bank", "roles": ["bank"], "keys": keys}
    assert town.send(town.act("admit_member", bank)).ok
    assert codes(town.send(town.act("close_ids", body))) == ["act.bank_key_unknown"]
    assert town.send(town.act("close_ids", {**body, "key": fresh("bank")})).ok
