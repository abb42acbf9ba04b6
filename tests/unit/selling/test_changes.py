"""Changing a policy: what it costs or gives back, in sequence and out of it, and what is held."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from miaopei.cli.buying import doing
from miaopei.errors import Refused
from miaopei.measures.instant import DAY, from_beijing, period_of
from miaopei.measures.money import yuan
from miaopei.node.reporting import Reporting
from miaopei.node.selling.known import accounts
from miaopei.policies.book import effective
from miaopei.reports.experience import experience
from miaopei.underwriting.offer import Offer
from tests.support.selling import FOLLOWER, LEAD, Market, offer_form


@pytest.fixture(name="market")
def a_market() -> Market:
    return Market()


def codes(application: Any) -> list[str]:
    return [reason["code"].removeprefix("underwriting.") for reason in application["reasons"]]


def refused(error: pytest.ExceptionInfo[Refused]) -> list[str]:
    return [refusal.code for refusal in error.value.refusals]


def figures_on(market: Market, day: str) -> list[dict[str, int]]:
    """What the book says is in force on a day, by its rows alone."""
    with market.town.node.reading() as (reading, state):
        size = state.need("book", market.listing)["size"]
        rows = reading.rows(market.listing, size)
    return [dict(e.chosen.row.declared) for e in effective(rows, from_beijing(day), size)]


# endorse -----------------------------------------------------------------------------------------
def test_a_raise_costs_the_difference_for_the_days_left_and_holds_once_it_is_paid(
    market: Market,
) -> None:
    """From 5,000 to 10,000 yuan for the 182 days from 1 October: 120 more a year, 59.84 by days."""
    held = market.insure()
    asked = market.change(held["policy"], "endorse", "2026-10-01", {"occurrence_limit": 1_000_000})
    assert (asked["state"], asked["premium_fen"]) == ("accepted", 5_984)
    assert (period_of(held["at"], held["at"])[1] - asked["at"]) // DAY == 182
    market.work()
    assert figures_on(market, "2026-12-01")[0]["occurrence_limit"] == yuan(5_000)
    market.pay(asked)
    market.work()
    assert figures_on(market, "2026-09-30")[0]["occurrence_limit"] == yuan(5_000)
    assert figures_on(market, "2026-10-01")[0]["occurrence_limit"] == yuan(10_000)


def test_a_lower_limit_gives_premium_back_through_the_bank(market: Market) -> None:
    held = market.insure(declared={"occurrence_limit": yuan(10_000)})
    asked = market.change(held["policy"], "endorse", "2026-04-01", {"occurrence_limit": 500_000})
    assert (asked["state"], asked["premium_fen"], asked["refund_fen"]) == ("ready", 0, yuan(120))
    market.work()
    assert market.returned() == {"H-3302810000001": yuan(120)}
    balance = market.town.balance()
    assert balance.of(LEAD, "premium_written") == yuan(72)  # of 240 less 120, its 60 %
    assert balance.of(FOLLOWER, "premium_written") == yuan(48)
    assert balance.of(LEAD, "due_to_co_insurers") - balance.of(LEAD, "due_from_co_insurers") == (
        yuan(48)
    )
    assert balance.of(LEAD, "cash_at_bank") == yuan(120)


def test_an_unpaid_raise_lapses_and_the_policy_stays_as_it_was(market: Market) -> None:
    held = market.insure()
    before = market.town.table("exposure")
    asked = market.change(held["policy"], "endorse", "2026-05-01", {"occurrence_limit": 1_000_000})
    assert market.town.table("exposure") != before
    with pytest.raises(Refused) as error:
        market.change(held["policy"], "cancel", "2026-06-01")
    assert refused(error) == ["act.change_open"]
    market.town.at(asked["deadline"] + 3 * DAY)
    assert market.application(asked)["state"] == "lapsed"
    assert market.town.table("exposure") == before
    assert market.change(held["policy"], "cancel", "2026-06-01", key="again")["state"] == "ready"


@pytest.mark.parametrize(
    ("what", "declared", "code"),
    [
        ("endorse", {"occurrence_limit": yuan(30_000)}, "declared_not_offered"),
        ("endorse", {"deductible": 7}, "declared_not_offered"),
    ],
)
def test_a_change_beyond_the_offer_is_refused_with_its_reason(
    market: Market, what: str, declared: dict[str, int], code: str
) -> None:
    held = market.insure()
    asked = market.change(held["policy"], what, "2026-05-01", declared)
    assert (asked["state"], codes(asked)) == ("refused", [code])
    assert market.town.table("open_change") == {}


@pytest.mark.parametrize(
    ("what", "at", "declared", "code"),
    [
        ("endorse", "2026-05-01", {"colour": 1}, "act.not_endorsed"),
        ("endorse", "2027-05-01", {"deductible": 60}, "policies.not_in_force"),
        ("endorse", "2026-05-01", {"deductible": 0}, "policies.no_change"),
        ("renew", "2027-05-01", {}, "policies.bad_renewal"),
        ("reinstate", "2026-05-01", {}, "act.not_reinstated"),
        ("cancel", "2026-05-01", {"deductible": 0}, "act.not_endorsed"),
    ],
)
def test_what_cannot_be_answered_is_refused_by_the_act(
    market: Market, what: str, at: str, declared: dict[str, int], code: str
) -> None:
    held = market.insure()
    leaves = len(market.town.leaves())
    with pytest.raises(Refused) as error:
        market.change(held["policy"], what, at, declared)
    assert refused(error) == [code]
    assert len(market.town.leaves()) == leaves


# out of sequence ---------------------------------------------------------------------------------
def test_a_change_before_a_recorded_one_is_put_in_its_place(market: Market) -> None:
    """Limit from December recorded first, deductible from August later: December keeps both."""
    one, other = market.insure(), market.insure("3302810000002")
    steps = [("2026-12-01", {"occurrence_limit": yuan(8_000)}), ("2026-08-01", {"deductible": 60})]
    for held, order in ((one, steps), (other, steps[::-1])):
        for at, declared in order:
            asked = market.change(held["policy"], "endorse", at, declared)
            if asked["premium_fen"]:
                market.pay(asked)
            market.work()
            assert market.application(asked)["state"] == "in_force"
    for day, limit, deductible in (
        *(("2026-07-31", 5_000, 0), ("2026-08-01", 5_000, 60)),
        *(("2026-11-30", 5_000, 60), ("2026-12-01", 8_000, 60), ("2027-03-31", 8_000, 60)),
    ):
        assert (
            figures_on(market, day)
            == [{"deductible": deductible, "occurrence_limit": yuan(limit)}] * 2
        )
    sums = [sum(c["fen"] for c in market.policy(held)["changes"]) for held in (one, other)]
    assert sums[0] == sums[1]
    kinds = [c["transaction"] for c in market.policy(one)["changes"]]
    assert kinds == ["issue", "endorse", "endorse"]


def test_a_premium_stands_on_the_rows_that_earn_it(market: Market) -> None:
    """Limit doubled from October, then no deductible from June: 36 yuan a year more until October,
    72 after it; the second row earns its part in its own time."""
    held = market.insure(declared={"deductible": 120})
    for at, declared in (("2026-10-01", {"occurrence_limit": 1_000_000}), ("2026-06-01", {})):
        asked = market.change(held["policy"], "endorse", at, declared or {"deductible": 0})
        market.pay(asked)
        market.work()
    with market.town.node.reading() as (reading, state):
        rows = reading.rows(market.listing, state.need("book", market.listing)["size"])
        told = Reporting(reading, state, market.town.me).experience()
        (line,) = experience(told, from_beijing("2026-10-01"))
    assert [row.row.premium_fen for row in rows] == [8_400, 4_188, 1_204, 3_590]
    assert sum(row.row.premium_fen for row in rows[2:]) == asked["premium_fen"]
    assert line.earned_fen == 8_400 * 183 // 365 + 1_204


def test_where_the_offer_says_so_a_change_out_of_sequence_is_for_a_person(market: Market) -> None:
    changes = {**offer_form()["changes"], "out_of_sequence": "referred"}
    market.file_offer(changes=changes)
    held = market.insure()
    market.change(held["policy"], "endorse", "2026-12-01", {"deductible": 60})
    market.work()
    asked = market.change(held["policy"], "endorse", "2026-08-01", {"deductible": 120})
    assert (asked["state"], codes(asked)) == ("referred", ["out_of_sequence"])
    body = {"application": asked["id"], "accept": True, "loading_ppm": 1_000_000}
    body |= {"reason": "agreed", "person": "Li"}
    assert market.town.send(market.town.act("answer_application", body)).ok
    market.work()
    assert figures_on(market, "2026-12-01")[0]["deductible"] == 60
    assert figures_on(market, "2026-11-30")[0]["deductible"] == 120


def test_what_takes_effect_before_it_was_asked_for_is_held_for_a_person_unless_in_arrears() -> None:
    for arrears, state in ((False, "referred"), (True, "accepted")):
        market = Market(arrears=arrears)
        held = market.insure()
        market.town.at("2026-06-15 12:00:00")
        asked = market.change(
            held["policy"], "endorse", "2026-06-01", {"occurrence_limit": yuan(10_000)}
        )
        assert asked["state"] == state
        assert codes(asked) == ([] if arrears else ["backdated"])


# renew, cancel -----------------------------------------------------------------------------------
def test_a_renewal_follows_on_at_the_offer_of_its_day(market: Market) -> None:
    held = market.insure()
    market.town.at("2027-03-01")
    tariff = {**offer_form()["tariff"], "rate_ppm": 30_000}
    market.file_offer(tariff=tariff)
    asked = market.change(held["policy"], "renew", "2027-04-01")
    assert (asked["offer"], asked["premium_fen"]) == (2, yuan(150))
    assert asked["until"] == from_beijing("2028-04-01")
    market.work()
    assert figures_on(market, "2027-04-01") == []
    market.pay(asked)
    market.work()
    assert len(figures_on(market, "2027-04-01")) == 1
    more = market.change(held["policy"], "endorse", "2027-04-01", {"occurrence_limit": 1_000_000})
    assert more["premium_fen"] == yuan(150)  # the second year at the second version's rate


def test_a_cancellation_gives_back_pro_rata_less_the_fee(market: Market) -> None:
    """275 of 365 days are left on 30 June: 120 x 275/365 = 90.41, less 10 yuan."""
    held = market.insure()
    asked = market.change(held["policy"], "cancel", "2026-06-30")
    assert (asked["state"], asked["refund_fen"]) == ("ready", 9_041 - 1_000)
    market.work()
    assert len(figures_on(market, "2026-06-29")) == 1
    assert figures_on(market, "2026-06-30") == []
    assert market.returned() == {"H-3302810000001": 8_041}
    market.work()
    assert market.returned() == {"H-3302810000001": 8_041}
    assert market.town.table("duty", "pay/") == {}
    again = market.apply(key="anew", since="2026-06-30", facts={})
    assert again["reasons"][0]["code"] != "underwriting.covered_already"


def test_a_cancelled_policy_frees_its_feeder_and_its_holder(market: Market) -> None:
    held = market.insure()
    market.change(held["policy"], "cancel", "2026-04-01")
    market.work()
    assert market.town.table("exposure") == market.town.table("holder") == {}
    assert market.apply(key="anew")["state"] == "accepted"


def test_a_refund_that_the_bank_refuses_is_paid_to_a_corrected_account(market: Market) -> None:
    held = market.insure()
    market.bank.shut = {"H-3302810000001"}
    asked = market.change(held["policy"], "cancel", "2026-04-01")
    market.work()
    assert market.returned() == {}
    debt = market.application(asked)["refunds"][0]
    new = {"account": "H-new", "name": "示例"}
    accounts.change(market.town.node, held["policy"], new, accounts.Asked("Li", "closed"))
    assert market.town.payer is not None
    assert market.town.payer.retry_refused(debt) == 1
    market.work()
    assert market.returned() == {"H-new": asked["refund_fen"]}


# reinstate ---------------------------------------------------------------------------------------
def test_an_offer_without_reinstatement_has_none_and_one_with_it_names_what_terms_read() -> None:
    assert Offer.from_json(offer_form()).changes.reinstate is None
    market = Market()
    form = offer_form(changes={**offer_form()["changes"], "reinstate": "reinstated"})
    told = market.town.send(market.town.act("file_offer", {"offer": {**form, "number": 2}}))
    assert [r.code for r in told.refusals] == ["act.offer_figures"]


def test_what_was_given_back_is_neither_written_nor_earned(market: Market) -> None:
    """Of 120 yuan 80.41 come back on 30 June: written and in the end earned are 39.59."""
    held = market.insure()
    market.change(held["policy"], "cancel", "2026-06-30")
    market.work()
    ends = from_beijing("2027-12-31")
    with market.town.node.reading() as (reading, state):
        told = Reporting(reading, state, market.town.me).experience()
        (line,) = [each for each in experience(told, ends) if each.listing == market.listing]
    kept = yuan(120) - 8_041
    assert (line.policies, line.written_fen, line.earned_fen) == (1, kept, kept)


# what a person writes at the command line ---------------------------------------------------------
def test_figures_that_are_money_are_written_in_yuan_and_others_as_integers(market: Market) -> None:
    given = ["occurrence_limit=5000.50", "deductible=60"]
    seller: Any = SimpleNamespace(node=market.town.node)
    money = doing._money_in(seller, market.insure()["policy"])
    assert money == {"occurrence_limit"}
    assert doing.figures(given, money) == {"occurrence_limit": 500_050, "deductible": 60}
    for bad, code in (
        ("deductible=60.5", "selling.bad_figure"),
        ("occurrence_limit=5000.505", "money.not_yuan"),
        ("occurrence_limit", "money.not_yuan"),
        ("=5", "selling.bad_figure"),
    ):
        with pytest.raises(Refused) as error:
            doing.figures([bad], money)
        assert refused(error) == [code]
