"""What somebody who knows a customer number, and no more, can do to whoever has it: nothing."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import replace
from typing import Any

import pytest

from miaopei.errors import Refused
from miaopei.measures.money import yuan
from miaopei.node.proof.inspect import inspect
from miaopei.node.selling import taking
from miaopei.node.selling.asking import keep_list
from miaopei.node.selling.keeping import begun, known_of, numbers_of
from miaopei.node.selling.known import accounts
from miaopei.node.selling.known.bound import correct
from miaopei.node.selling.known.plain import plain
from miaopei.node.selling.shop import Shop
from miaopei.node.vault.tokens import SubjectKeys
from miaopei.portal.buying.pace import Pace
from tests.support import grid
from tests.support.selling import FIGURES, LEAD, LIST, Market, offer_form

CUSTOMER = "3302810000001"
EVE = {"name": "伊夫", "id_number": "EVE", "phone": "666", "account": "H-EVE"}
SHOWN = {"id_number": f"91330281{CUSTOMER[-10:]}", "phone": "13905740000"}


@pytest.fixture(name="market")
def a_market() -> Market:
    return Market()


def kept(market: Market) -> dict[str, Any]:
    """Everything that this member keeps of persons who applied."""
    with market.town.store.reading() as reading:
        rows = [row.person for row in reading.kept("", 100)]
        return {n: dict(p.fields) for n, p in reading.persons(rows).items() if "policy" in n}


def token(market: Market) -> str:
    return market.tokens.token(CUSTOMER)


def test_a_refused_application_of_a_stranger_changes_nothing_that_is_known_of_the_holder(
    market: Market,
) -> None:
    held = market.insure()
    before = kept(market)
    for changes in ({}, {"declared": {"nonsense": 1}}, {"channel": "by pigeon"}):
        with pytest.raises(Refused):
            market.apply(key=f"eve {changes}", person=EVE, **changes)
        assert kept(market) == before
    by_agent = market.apply(key="agent", person=EVE, channel="offline", agent="A17")
    assert by_agent["state"] == "refused"
    assert kept(market) == before
    shop = Shop(market.desk, None)  # type: ignore[arg-type]
    assert shop.is_holder(held["policy"], SHOWN)
    assert not shop.is_holder(held["policy"], {"id_number": "EVE", "phone": "666"})


def test_a_stranger_who_is_accepted_is_another_person_and_the_holders_money_stays_theirs(
    market: Market,
) -> None:
    held = market.insure()
    market.change(held["policy"], "cancel", "2026-05-01")
    market.work()
    asked = market.apply(key="eve", person=EVE, since="2026-05-01", channel="offline", agent="A1")
    assert asked["state"] == "accepted"
    market.pay(asked)
    market.pay(held)  # twice: it goes back
    market.work()
    returned = market.returned()
    assert market.application(asked)["state"] == "in_force"
    assert set(returned) == {f"H-{CUSTOMER}"}
    assert returned[f"H-{CUSTOMER}"] > yuan(120)


def test_the_same_key_and_body_is_the_same_application_whoever_applied_meanwhile(
    market: Market,
) -> None:
    first = market.apply(key="k")
    market.apply(key="eve", person=EVE)
    assert market.apply(key="k")["id"] == first["id"]


def test_the_same_key_after_a_no_gives_the_same_no(market: Market) -> None:
    asked = market.apply(key="k", facts={"supply": "residential"})
    assert asked["state"] == "refused"
    assert kept(market) == {}
    leaves = len(market.town.leaves())
    assert market.apply(key="k", facts={"supply": "residential"}) == asked
    assert len(market.town.leaves()) == leaves


def test_what_is_kept_of_an_applicant_is_what_the_record_is_bound_to(market: Market) -> None:
    asked = market.apply()
    with market.town.store.reading() as reading:
        person = known_of(reading, token(market))
        assert numbers_of(reading, token(market)) == [asked["id"]]
    assert person is not None
    values = [json.loads(leaf) for leaf in market.town.leaves()]
    acts = [value["act"] for value in values if value["leaf"] == "act"]
    said = [act for act in acts if act["kind"] == "take_application"]
    assert said[-1]["body"]["commitments"] == {n: person.commitment(n) for n in person.fields}


def test_a_kill_before_the_answer_is_made_good_without_the_applicant(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(_: Any) -> Any:
        raise KeyboardInterrupt

    def apply(number: int, supply: str) -> None:
        with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
            patched.setattr(market.town.node, "submit", die)
            market.apply(f"330281000001{number}", facts={"supply": supply})

    apply(0, "residential")
    assert len(kept(market)) == 1
    assert taking.finish(market.town.node) == 1
    assert kept(market) == {}
    apply(1, "dedicated_transformer")
    assert taking.finish(market.town.node) == 1
    assert taking.finish(market.town.node) == 0
    states = sorted(a["state"] for a in market.town.table("application").values())
    assert states == ["accepted", "refused"]
    assert len(kept(market)) == 1
    with market.town.store.reading() as reading:
        assert begun(reading) == {}


def test_no_control_character_enters_what_is_kept_of_a_person(market: Market) -> None:
    for name in ("a\0b", "a\nb", "a\u200bb", "a\ud800"):
        with pytest.raises(Refused) as error:
            market.apply(key=f"k{ord(name[1])}", person={"name": name})
        assert [r.code for r in error.value.refusals] == ["selling.personal_bad_character"]
    assert market.town.table("application") == {}


# what is told to whom ---------------------------------------------------------------------------
def codes(market: Market, key: str, **changes: Any) -> list[str]:
    """The codes of an answer, by the record or before it."""
    try:
        asked = market.apply(key=key, **changes)
    except Refused as refused:
        return [refusal.code for refusal in refused.refusals]
    return [asked["state"], *(reason["code"] for reason in asked["reasons"])]


AGENT: dict[str, Any] = {"channel": "offline", "agent": "A17"}
NEUTRAL = ["selling.not_answered_here"]


def test_a_stranger_gets_one_answer_for_covered_another_feeder_and_erased(market: Market) -> None:
    where = {market.tokens.token(c): "F1" for c in (CUSTOMER, "3302810000002", "3302810000003")}

    def connected(_: Any, tokens: Any, feeder: str) -> str:
        known = where.get(tokens[-1])
        return "unknown" if known is None else "same" if known == feeder else "differs"

    market.desk = replace(market.desk, connected=connected)
    market.insure()
    body = {"subject": market.tokens.token("3302810000003"), "kept_until": 0, "reason": "request"}
    assert market.town.send(market.town.act("erase", body)).ok
    leaves = len(market.town.leaves())
    said = [
        codes(market, "1", person=EVE),
        codes(market, "2", customer="3302810000002", person=EVE, feeder="F2"),
        codes(market, "3", customer="3302810000003", person=EVE),
    ]
    assert said == [NEUTRAL] * 3
    assert len(market.town.leaves()) == leaves
    assert codes(market, "4") == ["refused", "underwriting.covered_already"]  # who shows it
    assert codes(market, "5", person=EVE, **AGENT) == ["refused", "underwriting.covered_already"]
    other = codes(market, "6", customer="3302810000002", feeder="F2", **AGENT)
    assert other == ["refused", "underwriting.feeder_differs"]
    assert codes(market, "7", customer="3302810000003", **AGENT) == ["selling.erased"]


def test_whoever_holds_a_policy_in_force_is_not_erased(market: Market) -> None:
    """By their token or by the number of the policy, whatever the sender says of its own rows."""
    policy = market.insure()["policy"]
    for subject in (token(market), f"policy/{policy}"):
        body = {"subject": subject, "kept_until": 0, "reason": "request"}
        result = market.town.send(market.town.act("erase", body, subject))
        assert [refusal.code for refusal in result.refusals] == ["persons.retained"]
        assert result.refusals[0].facts["ground"] == "in_force"
    assert market.town.table("erased") == {}


def test_who_was_erased_buys_again_under_a_new_key(market: Market) -> None:
    body = {"subject": token(market), "kept_until": 0, "reason": "request"}
    assert market.town.send(market.town.act("erase", body)).ok
    keys = SubjectKeys("grid/test", {1: bytes(range(32)), 2: bytes(32)})
    market.desk = replace(market.desk, tokens=lambda number: list(keys.tokens(number).values()))
    assert market.insure()["state"] == "in_force"


def test_a_policy_that_was_brought_in_counts_as_cover(market: Market) -> None:
    row = replace(market.town.policy(market.listing, "2026-01-01"), subject=token(market))
    row = replace(row, declared=FIGURES)
    market.town.issue([row])
    assert codes(market, "1", person=EVE) == NEUTRAL
    assert codes(market, "2", person=EVE, **AGENT) == ["refused", "underwriting.covered_already"]
    with market.town.store.writing() as block:
        block.put_payee(f"policy/{row.policy}", {**SHOWN, "name": "n", "account": "a"})
    assert codes(market, "3") == ["refused", "underwriting.covered_already"]
    assert codes(market, "4", customer="3302810000002") == ["accepted"]


# room ---------------------------------------------------------------------------------------------
MOST: dict[str, Any] = {"declared": {"occurrence_limit": yuan(20_000)}}


def test_what_a_stranger_has_not_paid_keeps_the_customer_from_nothing(market: Market) -> None:
    eve = market.apply(key="eve", person=EVE)
    mine = market.apply(key="mine")
    assert (eve["state"], mine["state"]) == ("accepted", "accepted")
    assert codes(market, "again") == ["refused", "underwriting.covered_already"]  # their own
    market.pay(mine)
    market.work()
    market.pay(eve)
    market.work()
    assert market.application(mine)["state"] == "in_force"
    assert market.application(eve)["state"] == "lapsed"
    assert market.returned() == {"H-EVE": yuan(120)}


def test_unpaid_applications_hold_a_feeder_for_the_stated_time_and_referred_ones_do_not(
    market: Market,
) -> None:
    asked = [market.apply(f"33028100{n:05d}", **MOST) for n in range(103)]
    states = [each["state"] for each in asked]
    assert states == ["accepted"] * 100 + ["referred"] * 3
    market.town.at(market.town.now + 1800)
    assert market.apply("3302810088888", **MOST)["state"] == "accepted"
    market.pay(asked[0])
    market.work()
    assert market.application(asked[0])["state"] == "in_force"


def test_money_for_a_room_that_others_took_meanwhile_goes_back(market: Market) -> None:
    rules = market.town.table("offer")[f"{market.listing}/000001"]["offer"]["rules"]
    small = [
        {**r, "refer_above_fen": yuan(20_000), "refuse_above_fen": yuan(20_000)}
        if r["rule"] == "accumulation" else r for r in rules
    ]  # fmt: skip
    market.file_offer(rules=small)
    slow = market.apply("3302810000001", **MOST)
    assert codes(market, "f", customer="3302810000002", **MOST)[0] == "refused"
    market.pay(slow, yuan(10))
    market.work()
    market.town.at(market.town.now + 1800)
    quick = market.insure("3302810000003", key="q", **MOST)
    assert quick["state"] == "in_force"
    market.pay(slow, slow["premium_fen"] - yuan(10))
    market.work()
    assert market.application(slow)["state"] == "lapsed"
    assert market.returned() == {f"H-{CUSTOMER}": slow["premium_fen"]}
    assert market.town.balance().of(LEAD, "premium_deposit") == 0


def test_an_address_that_calls_too_often_waits_and_others_do_not() -> None:
    now = [0.0]
    pace = Pace(3, 10, lambda: now[0])
    assert [pace.wait("192.0.2.1") for _ in range(5)] == [0, 0, 0, 10, 10]
    assert pace.wait("192.0.2.2") == 0
    now[0] = 10.0
    assert [pace.wait("192.0.2.1") for _ in range(2)] == [0, 10]
    assert [pace.wait(f"2001:db8::{n}") for n in range(4)] == [0, 0, 0, 10]


# what is known cannot be bought -----------------------------------------------------------------
def test_cover_is_not_sold_for_an_outage_that_is_announced_and_names_the_customer() -> None:
    market = Market()
    town, number = market.town, grid.token("factory")
    market.desk = replace(market.desk, tokens=lambda c: [grid.token(c)])
    grid.register(town)
    town.tell(
        grid.plan(town, ["factory", "works"], number="P1", published="2026-03-01 09:00:00",
                  off="2026-04-10 09:00:00", on="2026-04-10 12:00:00")
    )  # fmt: skip
    asked = market.apply("factory")
    assert number not in b"".join(market.town.leaves()).decode()
    assert (asked["state"], [r["code"] for r in asked["reasons"]]) == (
        *("refused", ["underwriting.outage_announced"]),
    )
    assert asked["reasons"][0]["facts"]["count"] == 1
    assert market.apply("neighbour")["state"] == "accepted"
    assert market.apply("factory", key="later", since="2026-04-11")["state"] == "accepted"
    market.file_offer(rules=[r for r in offer_form()["rules"] if r["rule"] != "announced"])
    assert market.apply("works")["state"] == "accepted"


def test_cover_begins_after_the_waiting_time_that_the_offer_states(market: Market) -> None:
    assert codes(market, "1", since="2026-03-08") == ["refused", "underwriting.starts_too_soon"]
    assert codes(market, "2", since="2026-03-09") == ["accepted"]


@pytest.mark.parametrize(
    ("field", "spelling"),
    [
        ("name", "示例\u200b受限有限公司"), ("name", "示例受限有限公司。"),
        ("name", "示例[受限]有限公司"),
        ("id_number", "91330200-SANCTION01"), ("id_number", "91330200 S\u0410N\u0421TI\u041eN01"),
        ("id_number", "\uff19\uff11330200sanction01"), ("id_number", "91330200S\u0391NCTION01"),
        ("name", "示例受限有限公\u00ad司"), ("name", "例外貿易"),
    ],
)  # fmt: skip
def test_spelling_hides_nobody_from_a_sanctions_list(
    market: Market, field: str, spelling: str
) -> None:
    entries = [*LIST["entries"], {"id": "", "name": "例外贸易"}, {"id": "-", "name": "。"}]
    keep_list(market.town.node, json.dumps({**LIST, "version": 2, "entries": entries}).encode())
    said = codes(market, "1", person={field: spelling})
    hit = {"name": "underwriting.sanctions_name", "id_number": "underwriting.sanctions_id"}[field]
    if any(unicodedata.category(each) == "Cf" for each in spelling):
        hit = "selling.personal_bad_character"
    assert said[-1] == hit
    assert plain(spelling) in {plain(str(v)) for e in entries for v in e.values()}
    assert codes(market, "2", customer="3302810000002") == ["accepted"]


# what is kept, against the record ---------------------------------------------------------------
def test_the_audit_names_a_holder_whose_data_are_not_what_the_record_is_bound_to(
    market: Market,
) -> None:
    held, other = market.insure(), market.insure("3302810000002")
    node, store = market.town.node, market.town.store

    def found() -> list[tuple[str, Any, Any]]:
        with store.reading() as reading:
            said = [each for each in inspect(reading, node) if each.code.endswith("person_differs")]
        return [(each.code, each.facts["policy"], each.facts["fields"]) for each in said]

    assert found() == []
    name = f"policy/{held['policy']}"
    with store.writing() as block:
        block.put_persons({name: {**block.payees([name])[name], "account": "H-EVE"}})
    assert found() == [("inspect.person_differs", held["policy"], "account")]
    with store.writing() as block:  # a note that counts in records of older rules only
        correct(block, held["policy"], {"account": "H-EVE"})
    assert found() == [("inspect.person_differs", held["policy"], "account")]
    given = {"account": "H-NEW", "name": "示例制造厂001"}
    accounts.change(node, held["policy"], given, accounts.Asked("Li", "a letter"))
    with store.writing() as block:
        block.erase_person(f"policy/{other['policy']}")
    assert found() == []
