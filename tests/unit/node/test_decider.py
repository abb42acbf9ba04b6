"""Holding and deciding: what the rows or the terms refuse stands, everything else goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from miaopei.errors import Alarm, ReadingsDisagree, RecordDamaged
from miaopei.measures.money import wan
from miaopei.node.effects.decider import Decider
from miaopei.policies.row import PolicyRow, Transaction
from miaopei.terms.columnar import settle_many
from tests.support.facts import quake
from tests.support.products import STEPS, hills
from tests.support.rails import PaperBank
from tests.support.town import CARRIERS, Town, good

NIGHT, READ = "2016-05-18 00:48:48", "2016-05-18 01:00:00"


def codes(town: Town) -> list[str]:
    """The codes of all that is written down as refused."""
    return [reason["code"] for said in town.decider.refusals().values() for reason in said]


def shared() -> tuple[Town, str]:
    """A book whose policies declare 1 to 100 shares."""
    town = Town().set_up()
    return town, town.list_product(hills(units=True))


Spoil = Callable[[Town, str], list[PolicyRow]]


def two_of_one(town: Town, book: str) -> list[PolicyRow]:
    one = town.policy(book, shares=1)
    return [one, replace(one, salt="11" * 32, number=2)]


def endorsed_unissued(town: Town, book: str) -> list[PolicyRow]:
    return [town.policy(book, transaction=Transaction.ENDORSE, shares=1)]


def number_twice(town: Town, book: str) -> list[PolicyRow]:
    one = town.policy(book, shares=1)
    return [one, replace(one, salt="11" * 32, transaction=Transaction.ENDORSE)]


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        (lambda town, book: [town.policy(book, shares=0)], "policies.declared_out_of_range"),
        (lambda town, book: [town.policy(book, shares=101)], "policies.declared_out_of_range"),
        (lambda town, book: [town.policy(book)], "policies.declared_differs"),
        (lambda town, book: [town.policy(book, shares=1, x=1)], "policies.declared_differs"),
        (
            lambda town, book: [town.policy(book, shares=1), town.policy("b2", shares=1)],
            "policies.other_book",
        ),
        (two_of_one, "policies.issued_before"),
        (endorsed_unissued, "policies.not_issued"),
        (number_twice, "policies.number_twice"),
        (
            lambda town, book: [replace(town.policy(book, shares=1), until=0)],
            "policies.ends_before_start",
        ),
        (lambda town, book: [replace(town.policy(book), salt="ab")], "policies.bad_row"),
    ],
)
def test_a_batch_that_does_not_check_is_not_held_and_the_next_one_is(
    rows: Spoil, code: str
) -> None:
    town, book = shared()
    good([town.send(town.batch(rows(town, book)))])
    good([town.send(town.batch([town.policy(book, shares=7)]))])
    town.decider.run()
    assert codes(town) == [code]
    assert town.table("book")[book]["size"] == 1
    assert len(town.table("duty", "hold/")) == 1
    town.decider.run()
    assert town.table("book")[book]["size"] == 1


def test_a_batch_whose_premium_is_not_that_of_its_rows_is_not_held() -> None:
    town, book = shared()
    row = town.policy(book, shares=1, premium_fen=100)
    totals = {"premium_fen": 99, "carriers": [{"carrier": CARRIERS[0], "premium_fen": 99}]}
    good([town.send(town.batch([row], totals=totals))])
    town.decider.run()
    assert codes(town) == ["policies.premium_differs"]


def test_the_same_policy_issued_again_later_is_not_held() -> None:
    town, book = shared()
    (row,) = town.issue([town.policy(book, shares=1)])
    good([town.send(town.batch([replace(row, salt="11" * 32)]))])
    town.decider.run()
    assert codes(town) == ["policies.issued_before"]


def test_two_batches_at_once_take_their_places_one_after_the_other() -> None:
    town, book = shared()
    first = [town.policy(book, shares=n) for n in (1, 2)]
    second = [town.policy(book, shares=n) for n in (3, 4, 5)]
    good(town.node.submit([town.batch(first), town.batch(second)]))
    town.decider.run()
    with town.store.reading() as reading:
        held = [recorded.row.policy for recorded in reading.rows(book, 5)]
    one, two = ([row.policy for row in rows] for rows in (first, second))
    assert held in (one + two, two + one)
    assert town.table("book")[book]["size"] == 5


# Evaluation -------------------------------------------------------------------------------------


def lying(amount: int) -> Any:
    """A columnar reading that is a little off for the last policy."""

    def off(*arguments: Any) -> Any:
        column = settle_many(*arguments)
        column[-1] += amount
        return column

    return off


@pytest.mark.parametrize("amount", [1, -1, wan(1)])
def test_readings_that_disagree_stop_the_run_and_no_money_moves(
    monkeypatch: pytest.MonkeyPatch, amount: int
) -> None:
    bank = PaperBank()
    town = Town(rail=bank).set_up()
    book = town.list_product(hills())
    town.accounts({f"carrier/{carrier}": f"C-{carrier}" for carrier in CARRIERS})
    rows = town.issue([town.policy(book) for _ in range(3)])
    town.tell(quake(NIGHT, "5.6"), at=READ)
    with monkeypatch.context() as patched:
        patched.setattr(town.decider, "settle_many", lying(amount))
        with pytest.raises(ReadingsDisagree) as alarm:
            town.work()
        assert alarm.value.facts["policy"] == rows[-1].policy
        assert alarm.value.facts["columnar"] == wan(300) + amount
        assert alarm.value.facts["exact"] == wan(300)
        with pytest.raises(ReadingsDisagree):
            town.work()
    assert town.settlements(book) == []
    assert bank.calls == []
    assert town.case(book)["state"] == "deciding"
    town.work()  # repaired: the same trigger is decided
    assert (town.case(book)["state"], bank.paid_fen()) == ("settled", wan(900))


def test_terms_that_refuse_one_book_do_not_stop_another() -> None:
    """A band left unset, in a product whose policies declare something: seen by the decider."""
    town = Town().set_up()
    unset = hills("gaps", units=True, steps=(*STEPS[:2], (55, None), (60, wan(600))))
    gaps, whole = town.list_product(unset), town.list_product(hills())
    town.issue([town.policy(gaps, shares=1)])
    town.issue([town.policy(whole)])
    town.tell(quake(NIGHT, "5.6"), at=READ)
    town.work()
    case = town.case(gaps)
    assert (case["state"], case["reason"]) == ("held_undecided", "terms.band_unset")
    assert town.paid_fen(whole) == wan(300)


def test_rows_that_are_not_those_of_the_book_are_an_alarm() -> None:
    town = Town().set_up()
    book = town.list_product(hills())
    (row,) = town.issue([town.policy(book)])
    with town.store.writing() as block:
        (kept,) = block.rows(book, 1)
        block.put_rows([replace(kept, row=replace(row, until=row.until + 1))])
    good([town.send(town.batch([town.policy(book)]))])
    with pytest.raises(RecordDamaged):
        town.decider.run()


def test_a_decider_that_the_record_refuses_is_an_alarm_and_not_a_loop() -> None:
    """Our key has run out: the act is refused, and is not sent again and again."""
    town = Town().set_up()
    book = town.list_product(hills())
    good([town.send(town.batch([town.policy(book)]))])
    stranger = Town(name="other")
    decider = Decider(town.node)
    town.node.genesis = {**(town.node.genesis or {}), "chain": stranger.node.chain}
    with pytest.raises(Alarm, match="refuses our decision"):
        decider.run()
