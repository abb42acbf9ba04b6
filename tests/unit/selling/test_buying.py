"""Buying, from the application to the policy: answers, premium before cover, the bank's bad days.

Rows O-13, O-17, O-18, A-23.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from miaopei.acts.sold import is_reference, reference
from miaopei.errors import Refused
from miaopei.measures.instant import DAY, from_beijing
from miaopei.measures.money import yuan
from miaopei.node.selling import taking
from miaopei.policies.book import effective
from tests.faults.test_law_of_amounts import NIGHT, READ
from tests.support.facts import quake
from tests.support.products import hills
from tests.support.rails import PaperBank
from tests.support.selling import FIGURES, FOLLOWER, LEAD, Market
from tests.support.town import CARRIERS, ONE_CARRIER, Town
from tests.support.town import codes as codes_of


@pytest.fixture(name="market")
def a_market() -> Market:
    return Market()


def codes(application: Any) -> list[str]:
    return [reason["code"].removeprefix("underwriting.") for reason in application["reasons"]]


def refused(error: pytest.ExceptionInfo[Refused]) -> list[str]:
    return [refusal.code for refusal in error.value.refusals]


def in_force(market: Market, day: str) -> list[Any]:
    with market.town.node.reading() as (reading, state):
        size = state.need("book", market.listing)["size"]
        rows = reading.rows(market.listing, size)
    return [e.chosen.row for e in effective(rows, from_beijing(day), size)]


# answers ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("channel", "agent"),
    [("online", None), ("offline", "A17"), ("telephone", "A17"), ("wechat", None)],
)
def test_o13_an_eligible_application_is_accepted_in_the_same_call_online_or_keyed_by_an_agent(
    market: Market, channel: str, agent: str | None
) -> None:
    asked = market.apply(channel=channel, agent=agent)
    assert (asked["state"], asked["premium_fen"], asked["reasons"]) == ("accepted", yuan(120), [])
    market.pay(asked)
    market.work()
    assert market.application(asked)["state"] == "in_force"
    policy = market.policy(asked)
    assert (policy["channel"], policy["agent"]) == (channel, agent)


def test_o13_an_ineligible_application_comes_back_with_a_coded_reason(market: Market) -> None:
    asked = market.apply(facts={"supply": "residential"})
    assert (asked["state"], codes(asked)) == ("refused", ["supply_not_covered"])
    assert asked["reference"] is None


def test_a23_a_duplicate_is_refused_while_the_first_application_stands(market: Market) -> None:
    market.apply()
    again = market.apply(key="another")
    assert (again["state"], codes(again)) == ("refused", ["covered_already"])


def test_a23_somebody_on_the_sanctions_list_is_refused_by_number_and_referred_by_name(
    market: Market,
) -> None:
    by_number = market.apply("3302810000002", person={"id_number": "91330200 sanction01"})
    by_name = market.apply("3302810000003", person={"name": "示例受限 有限公司"})
    assert (by_number["state"], codes(by_number)) == ("refused", ["sanctions_id"])
    assert (by_name["state"], codes(by_name)) == ("referred", ["sanctions_name"])
    assert by_name["looked"]["sanctions"]["version"] == 1


def test_a23_accumulation_on_a_feeder_refers_and_then_refuses(market: Market) -> None:
    """20,000 yuan each, referred above 2,000,000 and refused above 3,000,000 yuan: 100 and 150."""
    most = {"declared": {"occurrence_limit": yuan(20_000)}}
    market.file_offer(hold_seconds=None)  # as an offer that does not say how long room is held
    states = [market.apply(f"33028100{n:05d}", **most)["state"] for n in range(151)]
    assert states == ["accepted"] * 100 + ["referred"] * 50 + ["refused"]
    assert market.apply("3302810099999", feeder="F2", **most)["state"] == "accepted"


def test_a_silent_source_stops_sales_and_no_policy(market: Market) -> None:
    held = market.insure()
    source = market.town.act("register_source", {
        "id": "grid.meter", "operator": "meters", "name": {"zh": "表", "en": "meters"},
        "kinds": ["restoration"], "counted": True, "box": None,
        "keys": [{"key": market.town.me.acts.public_key().public_bytes_raw().hex(),
                  "since": 0, "until": None}],
    })  # fmt: skip
    assert market.town.send(source).ok
    body = {"source": "grid.meter", "state": "silent", "heard_at": 0, "valid_seconds": 60}
    assert market.town.send(market.town.act("source_state", {**body, "why": "broker down"})).ok
    asked = market.apply("3302810000002")
    assert (asked["state"], codes(asked)) == ("refused", ["source_silent"])
    assert [row.policy for row in in_force(market, "2026-06-01")] == [held["policy"]]


def test_a_pause_stops_sales_with_a_coded_reason_and_nothing_that_was_accepted(
    market: Market,
) -> None:
    held, accepted = market.insure(), market.apply("3302810000002")
    said = {"listing": market.listing, "reason": "a doubt about the source", "person": "Li"}
    assert market.town.send(market.town.act("pause_listing", said)).ok
    with pytest.raises(Refused) as new:
        market.apply("3302810000003")
    with pytest.raises(Refused) as wider:
        market.change(held["policy"], "endorse", "2026-05-01", {"occurrence_limit": yuan(9_000)})
    assert refused(new) == refused(wider) == ["act.listing_paused"]
    market.pay(accepted)
    market.work()
    assert market.application(accepted)["state"] == "in_force"
    gone = market.change(held["policy"], "cancel", "2026-05-01")
    market.work()
    assert market.application(gone)["state"] == "in_force"
    assert market.town.send(market.town.act("resume_listing", said)).ok
    assert market.apply("3302810000003")["state"] == "accepted"


def test_what_is_in_force_is_triggered_decided_and_paid_while_its_listing_is_paused() -> None:
    town = Town(rail=(bank := PaperBank())).set_up()
    listing = town.list_product(hills(), placement=ONE_CARRIER)
    town.accounts({f"carrier/{CARRIERS[0]}": "C"})
    town.issue([town.policy(listing)])
    said = {"listing": listing, "reason": "a doubt", "person": "Li"}
    assert town.send(town.act("pause_listing", said)).ok
    assert codes_of(town.send(town.batch([town.policy(listing)]))) == ["act.listing_paused"]
    town.tell(quake(NIGHT, "5.6"), at=READ)
    town.work()
    assert town.case(listing)["state"] == "settled"
    assert town.executed_fen() == town.paid_fen(listing) > 0
    assert bank.paid_to()


def test_a_referred_application_is_decided_by_a_person_who_may_load_the_premium(
    market: Market,
) -> None:
    asked = market.apply(facts={"use": "continuous"})
    assert (asked["state"], codes(asked)) == ("referred", ["fact_not_covered"])
    body = {"application": asked["id"], "accept": True, "loading_ppm": 1_500_000}
    said = {**body, "reason": "furnace has its own supply", "person": "underwriter Li"}
    refusal = market.town.send(market.town.act("answer_application", said))
    assert [r.code for r in refusal.refusals] == ["underwriting.no_rate"]
    asked = market.apply("3302810000009", person={"name": "示例受限有限公司"})
    said = {**said, "application": asked["id"]}
    assert market.town.send(market.town.act("answer_application", said)).ok
    after = market.application(asked)
    assert (after["state"], after["premium_fen"]) == ("accepted", yuan(180))
    assert after["answered_by"]["person"] == "underwriter Li"
    again = market.town.send(market.town.act("answer_application", {**said, "accept": False}))
    assert [r.code for r in again.refusals] == ["act.not_referred"]


def test_what_was_referred_and_nobody_answered_lapses_when_cover_would_begin(
    market: Market,
) -> None:
    asked = market.apply(person={"name": "示例受限有限公司"})
    market.town.at(from_beijing("2026-04-01") - 1)
    assert market.application(asked)["state"] == "referred"
    market.town.at("2026-04-01")
    assert market.application(asked)["state"] == "lapsed"


# once --------------------------------------------------------------------------------------------
def test_the_same_key_and_body_is_one_application_and_gives_the_same_answer(market: Market) -> None:
    first = market.apply(key="k")
    leaves = len(market.town.leaves())
    assert market.apply(key="k") == first
    assert len(market.town.leaves()) == leaves


@pytest.mark.parametrize(
    "changes",
    [
        {"declared": {"deductible": 60}},
        {"person": {"phone": "13905740001"}},
        {"person": {"address": "余姚市示例路 1 号"}},
        {"customer": "3302810000077"},
        {"feeder": "F2"},
    ],
)
def test_the_same_key_with_a_changed_body_is_refused(market: Market, changes: Any) -> None:
    market.apply(key="k")
    leaves = len(market.town.leaves())
    with pytest.raises(Refused) as error:
        market.apply(changes.pop("customer", "3302810000001"), key="k", **changes)
    assert refused(error) == ["selling.key_differs"]
    assert len(market.town.leaves()) == leaves


def test_a_key_whose_application_the_record_refused_is_free_again(market: Market) -> None:
    with pytest.raises(Refused) as error:
        market.apply(key="k", channel="by pigeon")
    assert refused(error) == ["act.channel_not_known"]
    assert market.apply(key="k")["state"] == "accepted"


def test_a_kill_before_the_act_was_sent_loses_nothing_and_sends_it_once(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(Exception):
        pass

    def die(_: Any) -> Any:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(market.town.node, "submit", die)
        with pytest.raises(Killed):
            market.apply(key="k")
    first = market.apply(key="k")
    assert market.apply(key="k") == first
    assert len(market.town.table("application")) == 1


# what is personal --------------------------------------------------------------------------------
def test_nothing_personal_enters_a_leaf_and_commitments_bind_what_the_vault_keeps(
    market: Market,
) -> None:
    asked = market.insure(person={"address": "余姚市示例路 1 号"})
    whole = b"".join(market.town.leaves()).decode()
    with market.town.store.reading() as reading:
        (kept,) = reading.persons([f"policy/{asked['policy']}"]).values()
        token = market.tokens.token("3302810000001")
        assert reading.payee(f"policy/{asked['policy']}")["account"] == "H-3302810000001"
    for value in (*kept.fields.values(), *kept.salts.values(), token):
        assert value not in whole
    act = next(
        value["act"]["body"] for value in map(json.loads, market.town.leaves())
        if value["leaf"] == "act" and value["act"]["kind"] == "take_application"
    )  # fmt: skip
    assert act["commitments"] == {name: kept.commitment(name) for name in kept.fields}


# premium before cover ----------------------------------------------------------------------------
def test_cover_begins_only_once_the_premium_has_arrived(market: Market) -> None:
    asked = market.apply()
    market.work()
    assert in_force(market, "2026-06-01") == []
    market.pay(asked)
    market.work()
    (row,) = in_force(market, "2026-06-01")
    assert (row.policy, row.premium_fen, dict(row.declared)) == (
        *(asked["policy"], yuan(120), FIGURES),
    )
    assert in_force(market, "2026-03-31") == []


def test_the_accounts_show_the_deposit_the_shares_and_nothing_left_over(market: Market) -> None:
    """120 yuan at 60 and 40 %: the lead holds all of it and owes the follower 48."""
    market.insure()
    balance = market.town.balance()
    lead = {a: balance.of(LEAD, a) for a in ("cash_at_bank", "premium_deposit")}
    assert lead == {"cash_at_bank": yuan(120), "premium_deposit": 0}
    assert balance.of(LEAD, "premium_written") == yuan(72)
    assert balance.of(FOLLOWER, "premium_written") == yuan(48)
    assert balance.of(LEAD, "due_to_co_insurers") == yuan(48)
    assert balance.of(FOLLOWER, "due_from_co_insurers") == yuan(48)
    assert balance.of(FOLLOWER, "premium_receivable") == 0
    batch = next(iter(market.town.table("batch")))
    again = {"batch": batch, "year": 2026, "reference": "B-1"}
    again["carriers"] = [{"carrier": LEAD, "premium_fen": 1}]
    told = market.town.send(market.town.act("receive_premium", again))
    assert [r.code for r in told.refusals] == ["act.premium_too_much"]


def test_unpaid_by_the_deadline_and_the_banks_grace_it_lapses_and_frees_the_customer(
    market: Market,
) -> None:
    asked = market.apply()
    deadline = asked["deadline"]
    assert deadline == from_beijing("2026-03-15 10:00:00")  # two weeks after the answer
    market.town.at(deadline + 3 * DAY - 1)
    assert market.application(asked)["state"] == "accepted"
    market.town.at(deadline + 3 * DAY)
    assert market.application(asked)["state"] == "lapsed"
    assert market.apply(key="new")["state"] == "accepted"


def test_no_cover_begins_unpaid_even_where_more_time_was_left(market: Market) -> None:
    asked = market.apply(since="2026-03-10")
    assert asked["deadline"] == from_beijing("2026-03-10")


def test_too_little_waits_for_the_rest_and_goes_back_where_it_never_comes(market: Market) -> None:
    one, other = market.apply(), market.apply("3302810000002")
    market.pay(one, yuan(50))
    market.pay(other, yuan(50))
    market.work()
    assert (market.application(one)["state"], market.application(one)["paid_fen"]) == (
        *("accepted", yuan(50)),
    )
    market.pay(one, yuan(70))
    market.work()
    assert market.application(one)["state"] == "in_force"
    market.town.at(other["deadline"] + 3 * DAY)
    market.work()
    assert market.application(other)["state"] == "lapsed"
    assert market.returned() == {"H-3302810000002": yuan(50)}


def test_too_much_buys_the_policy_and_the_surplus_goes_back(market: Market) -> None:
    asked = market.apply()
    market.pay(asked, yuan(150))
    market.work()
    assert market.application(asked)["state"] == "in_force"
    assert market.returned() == {"H-3302810000001": yuan(30)}
    assert market.town.balance().of(LEAD, "premium_refund_payable") == 0


def test_paid_twice_goes_back_once_whole(market: Market) -> None:
    asked = market.insure()
    market.pay(asked)
    market.work()
    market.work()
    assert market.returned() == {"H-3302810000001": yuan(120)}
    used = [credit["used"] for credit in market.town.table("credit").values()]
    assert sorted(used) == ["premium", "returned"]


def test_the_bank_telling_one_credit_twice_counts_it_once(market: Market) -> None:
    asked = market.apply()
    market.pay(asked, yuan(60), ref="IN-1")
    market.work()
    market.pay(asked, yuan(60), ref="IN-1")
    market.work()
    assert market.application(asked)["paid_fen"] == yuan(60)
    body = {"carrier": LEAD, "bank": "paper", "ref": "IN-1", "reference": asked["reference"],
            "amount_fen": yuan(60), "at": 0, "sandbox": True}  # fmt: skip
    told = market.town.send(market.town.act("record_credit", body, "again"))
    assert [r.code for r in told.refusals] == ["act.credit_known"]


def test_money_that_came_in_time_counts_though_the_bank_tells_of_it_late(market: Market) -> None:
    asked = market.apply()
    market.bank.pay_in(asked["reference"], asked["premium_fen"], asked["deadline"])
    market.town.at(asked["deadline"] + 2 * DAY)
    market.work()
    assert market.application(asked)["state"] == "in_force"


def test_money_that_came_too_late_goes_back(market: Market) -> None:
    asked = market.apply()
    market.bank.pay_in(asked["reference"], asked["premium_fen"], asked["deadline"] + 1)
    market.town.at(asked["deadline"] + 2 * DAY)
    market.work()
    assert market.application(asked)["state"] == "accepted"
    market.town.at(asked["deadline"] + 9 * DAY)
    market.pay(asked)
    market.work()
    assert market.returned() == {"H-3302810000001": 2 * yuan(120)}


def test_a_silent_bank_holds_nothing_up_and_is_asked_again(market: Market) -> None:
    asked = market.apply()
    market.pay(asked)
    market.bank.silent = True
    market.work()
    assert market.application(asked)["state"] == "accepted"
    market.bank.silent = False
    market.work()
    assert market.application(asked)["state"] == "in_force"


def test_a_credit_that_names_nobody_waits_for_a_person_to_place_it(market: Market) -> None:
    asked = market.apply()
    digits = asked["reference"]
    slip = digits[:-1] + str((int(digits[-1]) + 1) % 10)
    market.bank.pay_in(f"保费 {slip} 谢谢", asked["premium_fen"], market.town.now)
    market.work()
    ((key, credit),) = market.town.table("credit").items()
    assert (credit["used"], credit["reference"]) == ("unmatched", "")
    body = {"credit": key, "reference": slip, "reason": "called them", "person": "Wang"}
    told = market.town.send(market.town.act("place_credit", body))
    assert [r.code for r in told.refusals] == ["act.reference_not_known"]
    body["reference"] = asked["reference"]
    assert market.town.send(market.town.act("place_credit", body)).ok
    market.work()
    assert market.application(asked)["state"] == "in_force"
    assert not market.town.send(market.town.act("place_credit", body, "twice")).ok


def test_no_slip_of_one_digit_and_no_swap_of_neighbours_is_a_sound_reference() -> None:
    for number in range(50):
        sound = reference(f"{number:032x}")
        assert is_reference(sound)
        for at in range(2, len(sound)):
            for digit in "0123456789":
                changed = sound[:at] + digit + sound[at + 1 :]
                assert is_reference(changed) == (changed == sound)
            swapped = sound[: at - 1] + sound[at] + sound[at - 1] + sound[at + 1 :]
            assert at == 2 or is_reference(swapped) == (swapped == sound)


# versions ----------------------------------------------------------------------------------------
def test_o21_a_new_version_of_the_offer_leaves_policies_on_the_one_they_were_sold_on(
    market: Market,
) -> None:
    held = market.insure()
    tariff = {**Market().town.table("offer")["planned_outage/000001"]["offer"]["tariff"]}
    market.file_offer(tariff={**tariff, "rate_ppm": 48_000})
    assert market.apply("3302810000002")["premium_fen"] == yuan(240)
    more = market.change(
        held["policy"], "endorse", "2026-04-01", {"occurrence_limit": yuan(10_000)}
    )
    assert (more["offer"], more["premium_fen"]) == (1, yuan(120))


def test_an_application_by_a_version_that_is_no_longer_sold_is_refused_by_the_act(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = taking.current_offer
    with market.town.state() as state:
        first = old(state, market.listing)
    market.file_offer()
    monkeypatch.setattr(taking, "current_offer", lambda *_: first)
    with pytest.raises(Refused) as error:
        market.apply()
    assert refused(error) == ["act.offer_superseded"]


def test_an_old_sanctions_list_is_not_asked(market: Market) -> None:
    body = {"id": "sandbox.sanctions", "name": {"zh": "名单", "en": "list"}, "version": 2}
    body |= {"digest": "0" * 64, "entries": 0, "sandbox": True}
    assert market.town.send(market.town.act("file_sanctions", body)).ok
    with pytest.raises(Refused) as error:
        market.apply()
    assert refused(error) == ["selling.list_differs"]
