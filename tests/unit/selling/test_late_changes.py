"""A change recorded after an outage began: held for a person twice, unless the listing allows
arrears; and rows that are not what their application says are never held by a decider."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from miaopei.measures.money import yuan
from miaopei.node.selling import admitting
from miaopei.node.selling.asking import Desk
from tests.support.grid import COMMAND, METERS, back, plan, token
from tests.support.selling import Market
from tests.support.town import good

CUSTOMER = "3302810000001"
OUTAGE = {"off": "2026-05-01 08:00:00", "on": "2026-05-01 18:00:00"}
LATE = "2026-05-04 06:00:00"  # sixty hours: 4 x 50, 8 x 80 and 48 x 120 yuan
WHOLE = yuan(4 * 50 + 8 * 80 + 48 * 120)


def hearing(*, arrears: bool) -> Market:
    """A market that hears both grid systems; a customer insured up to 1,000 yuan, an outage on."""
    market = Market(arrears=arrears)
    market.desk = Desk(market.town.node, lambda number: [token(number)])
    raw = market.town.me.acts.public_key().public_bytes_raw().hex()
    for name in (COMMAND, METERS):
        body = {"id": name, "operator": f"{name}.centre", "name": {"zh": name, "en": name}}
        body |= {"kinds": ["outage", "restoration"], "counted": True, "box": None}
        body["keys"] = [{"key": raw, "since": 0, "until": None}]
        good([market.town.send(market.town.act("register_source", body, name))])
    market.insure(CUSTOMER, declared={"occurrence_limit": yuan(1_000)})
    planned = plan(market.town, [CUSTOMER], published="2026-04-28 09:00:00", **OUTAGE)
    good(market.town.tell(planned, at="2026-04-28 10:00:00"))
    return market


def restored(market: Market) -> dict[str, tuple[str, int]]:
    """Power is back: each claim's state and what is paid."""
    town = market.town
    said = [back(town, {CUSTOMER: LATE}, off=OUTAGE["off"], source=s) for s in (COMMAND, METERS)]
    good(town.tell(*said, at="2026-05-04 07:00:00"))
    market.work()
    (settlement,) = town.settlements(market.listing)
    return {c.policy: (c.state, c.pay_fen) for c in town.claims(settlement["trigger"])}


@pytest.mark.parametrize("arrears", [False, True])
def test_a_raise_after_the_outage_began_pays_nobody_by_itself_unless_in_arrears(
    arrears: bool,
) -> None:
    market = hearing(arrears=arrears)
    (policy,) = market.town.table("policy")
    market.town.at("2026-05-02 09:00:00")
    asked = market.change(policy, "endorse", "2026-05-01", {"occurrence_limit": yuan(20_000)})
    assert asked["state"] == ("accepted" if arrears else "referred")
    if not arrears:
        body = {"application": asked["id"], "accept": True, "loading_ppm": 1_000_000}
        body |= {"reason": "asked for in time, keyed late", "person": "Li"}
        good([market.town.send(market.town.act("answer_application", body))])
    market.pay(market.application(asked))
    market.work()
    assert market.application(asked)["state"] == "in_force"
    assert restored(market) == {policy: ("paid", WHOLE) if arrears else ("held", 0)}


@pytest.mark.parametrize("figures", [{"occurrence_limit": yuan(20_000)}, {"deductible": 0}])
def test_nobody_raises_cover_for_an_outage_that_is_announced(figures: dict[str, int]) -> None:
    """Neither a higher limit nor a lower deductible; a lower limit is answered as ever."""
    market = hearing(arrears=False)
    second = CUSTOMER[:-1] + "2"
    held = market.insure(second, since="2026-05-06", declared={"deductible": 240})
    outage = {"off": "2026-05-20 08:00:00", "on": "2026-05-20 18:00:00", "number": "YY-2"}
    planned = plan(market.town, [second], published="2026-04-28 09:00:00", **outage)
    good(market.town.tell(planned, at="2026-04-28 11:00:00"))
    policy = held["policy"]
    market.town.at("2026-05-02 09:00:00")
    for at, code in (("2026-05-20", "outage_announced"), ("2026-05-07", "starts_too_soon")):
        asked = market.change(policy, "endorse", at, figures)
        assert asked["state"] == "refused"
        assert f"underwriting.{code}" in [each["code"] for each in asked["reasons"]]
    after = market.change(policy, "endorse", "2026-05-21", figures)
    assert (after["state"], after["reasons"]) == ("accepted", [])
    market.town.at(after["until_late"] + 1)
    lower = {"occurrence_limit": yuan(1_000)}
    assert market.change(policy, "endorse", "2026-06-20", lower)["state"] == "ready"


def test_a_raise_waits_as_a_new_policy_does_and_leaves_this_outage_alone() -> None:
    market = hearing(arrears=False)
    (policy,) = market.town.table("policy")
    market.town.at("2026-05-02 09:00:00")
    figures = {"occurrence_limit": yuan(20_000)}
    soon = market.change(policy, "endorse", "2026-05-03", figures)
    assert [each["code"] for each in soon["reasons"]] == ["underwriting.starts_too_soon"]
    asked = market.change(policy, "endorse", "2026-05-10", figures)
    assert asked["state"] == "accepted"
    market.pay(asked)
    market.work()
    assert restored(market) == {policy: ("paid", yuan(1_000))}


def test_a_decider_does_not_hold_rows_that_are_not_what_the_application_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    market, real = Market(), admitting.rows_of

    def other(*said: Any) -> Any:
        return [replace(r, declared={**r.declared, "occurrence_limit": 1}) for r in real(*said)]

    asked = market.apply()
    market.pay(asked)
    with monkeypatch.context() as patched:
        patched.setattr(admitting, "rows_of", other)
        market.work()
    assert market.application(asked)["state"] == "admitted"
    (said,) = market.town.decider.refusals().values()
    assert [each["code"] for each in said] == ["selling.rows_differ"]
    assert market.town.table("policy") == {}


def test_a_channel_may_send_applications_with_a_key_of_its_own() -> None:
    market = Market()
    market.town.admit("broker", "channel")
    asked = market.apply(channel="integrated_energy")
    log = market.town.table("application")[asked["id"]]
    assert log["by"] == "miaopei"
    body = {
        "application": "ab" * 16,
        "order": None,
        "listing": market.listing,
        "offer": 1,
        "channel": "smart_power",
        "agent": None,
        "holder": "cd" * 32,
        "feeder": "F1",
        **{n: asked[n] for n in ("facts", "declared", "until", "looked")},
        "since": asked["at"],
        "commitments": {},
    }
    assert market.town.send(market.town.act_of("broker", "take_application", body)).ok
    value = market.town.table("application")["ab" * 16]
    assert (value["state"], value["channel"], value["by"]) == ("accepted", "smart_power", "broker")
