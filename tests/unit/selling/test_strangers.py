"""What somebody who knows a customer number, and no more, can do to whoever has it: nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from miaopei.errors import Refused
from miaopei.measures.money import yuan
from miaopei.node.selling import taking
from miaopei.node.selling.keeping import begun, known_of, numbers_of
from miaopei.node.selling.shop import Shop
from tests.support.selling import Market

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
        try:
            asked = market.apply(key=f"eve {changes}", person=EVE, **changes)
            assert asked["state"] == "refused"
        except Refused:
            pass
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
    asked = market.apply(key="eve", person=EVE, since="2026-05-01")
    assert asked["state"] == "accepted"
    market.pay(held)  # twice: it goes back
    market.work()
    returned = market.returned()
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
