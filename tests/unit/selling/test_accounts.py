"""A policyholder's account changes: an act, then money to the new one; never twice or lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from threading import RLock
from typing import Any

import psycopg
import pytest

from miaopei.adapters.memory_store import MemoryStore
from miaopei.adapters.postgres.store import PostgresStore
from miaopei.cli.net.keep.importing import raise_rules
from miaopei.errors import Alarm, OutsideFault, Refused
from miaopei.node.proof.inspect import inspect
from miaopei.node.selling.known import accounts
from miaopei.node.selling.known.accounts import Asked
from miaopei.node.selling.known.bound import correct
from miaopei.node.selling.shop import Shop
from miaopei.node.vault.persons import link_guard
from tests.faults.test_law_of_amounts import NIGHT, READ
from tests.support import servers
from tests.support.facts import quake
from tests.support.histories import contents, replay
from tests.support.products import hills
from tests.support.rails import PaperBank
from tests.support.selling import Market
from tests.support.town import ONE_CARRIER, Town

NEW = {"account": "H-NEW", "name": "示例制造厂001"}
OPERATOR = Asked("Li", "a letter with the company's seal")


@pytest.fixture(name="market")
def a_market() -> Market:
    return Market()


def said(market: Market) -> list[dict[str, Any]]:
    """The bodies of the changes on the record."""
    leaves = [json.loads(leaf) for leaf in market.town.leaves()]
    acts = [leaf["act"] for leaf in leaves if leaf["leaf"] == "act" and leaf["result"]["ok"]]
    return [act["body"] for act in acts if act["kind"] == "change_account"]


def found(town: Town) -> list[tuple[str, str]]:
    """What an audit says of whom we keep."""
    with town.store.reading() as reading:
        seen = list(inspect(reading, town.node))
    return [(str(each.facts["policy"]), str(each.facts["fields"])) for each in seen]


def move(market: Market, policy: str, given: dict[str, str] = NEW, **more: Any) -> int:
    return accounts.change(market.town.node, policy, given, more.pop("asked", OPERATOR), **more)


def test_a_refund_after_the_change_goes_to_the_new_account_and_the_record_holds_no_account(
    market: Market,
) -> None:
    held = market.insure()
    assert move(market, held["policy"]) == 1
    (body,) = said(market)
    assert (body["asked"], body["person"], body["number"]) == ("operator", "Li", 1)
    everything = b"".join(market.town.leaves())
    assert b"H-NEW" not in everything
    assert NEW["name"].encode() not in everything
    market.change(held["policy"], "cancel", "2026-05-01")
    market.work()
    assert set(market.returned()) == {"H-NEW"}
    assert found(market.town) == []
    shop = Shop(market.desk, None)  # type: ignore[arg-type]
    shown = {"id_number": "912345", "phone": "1"}
    assert not shop.is_holder(held["policy"], shown)
    with market.town.store.reading() as reading:
        kept = reading.persons([f"policy/{held['policy']}", f"moving/{held['policy']}"])
    assert len(kept) == 1, "what lay beside it is gone"
    assert kept[f"policy/{held['policy']}"].fields["phone"] == "13905740000", "the holder stays"


def test_the_record_replays_with_its_changes_to_the_same_bytes(market: Market) -> None:
    held = market.insure()
    move(market, held["policy"])
    move(market, held["policy"], {"account": "H-3", "name": "n"})
    assert [body["number"] for body in said(market)] == [1, 2]
    fresh = MemoryStore()
    replay(fresh, market.town.leaves())
    assert contents(fresh) == contents(market.town.store)


def test_a_refused_change_leaves_the_account_as_it_was(market: Market) -> None:
    held = market.insure()
    for asked in (Asked(" ", "x"), Asked("Li", "x" * 201), Asked("Li", None)):
        with pytest.raises(Refused):
            move(market, held["policy"], asked=asked)
    with pytest.raises(Refused) as refused:
        move(market, "ab" * 16)
    assert refused.value.refusals[0].code == "act.policy_not_known"
    assert said(market) == []
    assert found(market.town) == []
    market.change(held["policy"], "cancel", "2026-05-01")
    market.work()
    assert set(market.returned()) == {"H-3302810000001"}


def test_the_holders_change_is_one_for_its_key(market: Market) -> None:
    held = market.insure()
    shop = Shop(market.desk, RLock())
    assert shop.change_account(held["policy"], NEW, "k") == 1
    assert shop.change_account(held["policy"], NEW, "k") == 1
    with pytest.raises(Refused) as refused:
        shop.change_account(held["policy"], {**NEW, "account": "H-EVE"}, "k")
    assert refused.value.refusals[0].code == "selling.key_differs"
    for bad in ({**NEW, "account": ""}, {**NEW, "name": "a\u200bb"}, {**NEW, "account": "1" * 201}):
        with pytest.raises(Refused):
            shop.change_account(held["policy"], bad, "other")
    (body,) = said(market)
    assert (body["asked"], body["person"], body["reason"]) == ("holder", None, None)


@pytest.mark.parametrize("point", ["before", "after"])
def test_a_kill_between_the_word_and_the_account_is_made_good(
    market: Market, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    """Before the act is sent, or after it and before what is kept here follows."""
    held, node = market.insure(), market.town.node
    submit = node.submit

    def die(acts: Any) -> Any:
        if point == "after":
            submit(acts)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(node, "submit", die)
        move(market, held["policy"])
    market.change(held["policy"], "cancel", "2026-05-01")
    market.work()  # the payer finishes it first
    assert set(market.returned()) == {"H-NEW"}
    assert len(said(market)) == 1
    assert found(market.town) == []
    assert accounts.finish(node) == 0


# A payout that is under way ----------------------------------------------------------------------


def owing() -> tuple[Town, PaperBank, Any]:
    """A policy that was brought in, and a debt for it that is ordered and not sent."""
    bank = PaperBank()
    town = Town(rail=bank).set_up()
    listing = town.list_product(hills(), placement=ONE_CARRIER)
    row = town.policy(listing)
    town.issue([row])
    town.accounts({f"carrier/{ONE_CARRIER.lead}": "C", f"policy/{row.policy}": "OLD"})
    town.tell(quake(NIGHT, "5.6"), at=READ)
    town.decider.run()
    return town, bank, row


def test_a_change_before_the_order_goes_out_is_paid_to_the_new_account() -> None:
    town, bank, row = owing()
    assert town.payer is not None
    town.payer.prepare()  # ordered, and not at the bank yet
    accounts.change(town.node, row.policy, NEW, OPERATOR)
    town.work()
    assert set(bank.paid_to()) == {"H-NEW"}
    assert found(town) == []


@pytest.mark.parametrize(("took", "account"), [(False, "H-NEW"), (True, "OLD")])
def test_a_change_while_the_bank_is_silent_pays_once_wherever_the_order_went(
    monkeypatch: pytest.MonkeyPatch, took: bool, account: str
) -> None:
    """The bank did not hear of the order, or it paid and its answer was lost."""
    town, bank, row = owing()
    pay = bank.pay

    def silent(orders: Any) -> Any:
        if took:
            pay(orders)
        raise OutsideFault("the bank is silent", retry=True)

    with monkeypatch.context() as patched:
        patched.setattr(bank, "pay", silent)
        town.work()
    accounts.change(town.node, row.policy, NEW, OPERATOR)
    for _ in range(2):
        town.work()
    due = sum(s["totals"]["pay_fen"] for s in town.settlements(row.book))
    assert bank.paid_to() == {account: due}
    assert not town.table("duty", "pay/"), "nothing is left to be paid"


def test_a_change_after_the_payout_moves_nothing_that_was_paid() -> None:
    town, bank, row = owing()
    town.work()
    before = bank.paid_to()
    accounts.change(town.node, row.policy, NEW, OPERATOR)
    town.work()
    assert bank.paid_to() == before
    assert set(before) == {"OLD"}


def test_what_the_bank_refused_is_paid_to_the_new_account_under_the_next_number() -> None:
    town, bank, row = owing()
    bank.shut = {"OLD"}
    town.work()
    assert bank.paid_to() == {}
    accounts.change(town.node, row.policy, NEW, OPERATOR)
    assert town.payer is not None
    with town.node.reading() as (_, state):
        (debt,) = [duty["debt"] for _, duty in state.range("duty", "pay/")]
    assert town.payer.retry_refused(debt, f"policy/{row.policy}") == 1
    town.work()
    assert set(bank.paid_to()) == {"H-NEW"}


# Who edits the paying member's own tables ---------------------------------------------------------


@pytest.fixture(name="database")
def a_database() -> Iterator[str]:
    dsn = servers.database()
    yield dsn
    servers.drop(dsn)


def test_an_older_account_put_back_and_a_link_to_another_are_found_and_not_paid(
    database: str,
) -> None:
    """By who has the tables and not the master key: the old sealed row, a link with its digest."""
    store = PostgresStore(database)
    bank = PaperBank()
    town = Town(store, rail=bank).set_up()
    listing = town.list_product(hills(), placement=ONE_CARRIER)
    rows = [town.policy(listing) for _ in range(2)]
    town.issue(rows)
    old = {f"policy/{row.policy}": f"OLD-{n}" for n, row in enumerate(rows)}
    town.accounts({f"carrier/{ONE_CARRIER.lead}": "C", **old})
    names = sorted(old)
    with psycopg.connect(database, autocommit=True) as edit:
        query = "select person, master, wrapped, body, guard from own.person where person = %s"
        kept = edit.execute(query, (names[0],)).fetchone()
        for row in rows:
            accounts.change(town.node, row.policy, {**NEW, "name": row.policy}, OPERATOR)
        assert found(town) == []
        edit.execute("delete from own.person where person = %s", (names[0],))
        edit.execute("insert into own.person values (%s, %s, %s, %s, %s)", kept)
        other = (names[1], names[0], link_guard(names[1], names[0]))
        edit.execute("insert into own.payee values (%s, %s, %s)", other)
        for row in rows:  # and notes as though an operator had put it down
            with store.writing() as block:
                correct(block, row.policy, {"account": "", "name": ""})
    assert sorted(found(town)) == [(name[7:], "account, name") for name in names]
    town.tell(quake(NIGHT, "5.6"), at=READ)
    with pytest.raises(Alarm, match="not the one that the record is bound to") as alarm:
        town.work()
    assert alarm.value.facts["others"] == 1
    assert bank.paid_to() == {}
    for row in rows:  # a person puts it right, and both are paid
        accounts.change(town.node, row.policy, {**NEW, "name": row.policy}, OPERATOR)
    town.work()
    assert set(bank.paid_to()) == {"H-NEW"}
    store.close()


def test_a_sold_policy_is_bound_from_its_application_on(market: Market) -> None:
    held = market.insure()
    name = f"policy/{held['policy']}"
    with market.town.store.writing() as block:
        block.put_persons({name: {**block.payees([name])[name], "account": "H-EVE"}})
    market.change(held["policy"], "cancel", "2026-05-01")
    with pytest.raises(Alarm, match="not the one that the record is bound to"):
        market.work()
    assert market.returned() == {}


def test_a_record_of_older_rules_takes_an_operators_word_until_it_is_raised() -> None:
    market = Market(rules=3)
    held, node = market.insure(), market.town.node
    name = f"policy/{held['policy']}"
    assert not accounts.binds(node)
    with pytest.raises(Refused) as refused:
        move(market, held["policy"])
    assert refused.value.refusals[0].code == "act.kind_unknown"
    with market.town.store.writing() as block:
        block.put_persons({name: {**block.payees([name])[name], "account": "H-2"}})
        correct(block, held["policy"], {"account": "H-2"})
    assert found(market.town) == []
    raise_rules(node)
    market.town.at(market.town.now + 1)
    assert accounts.binds(node)
    assert move(market, held["policy"]) == 1
    with market.town.store.writing() as block:
        block.put_persons({name: {**block.payees([name])[name], "account": "H-2"}})
    assert found(market.town) == [(held["policy"], "account")]
