"""A carrier that pays less than the terms say, or is silent, is no veto: named, and paid for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from time import sleep
from typing import Any

import pytest
from psycopg.conninfo import make_conninfo

from miaopei.acts.envelope import sign
from miaopei.acts.state import State
from miaopei.adapters.bank_rail import BankRail
from miaopei.adapters.keys import load_or_make
from miaopei.adapters.peers.certificate import context
from miaopei.adapters.postgres.store import PostgresStore
from miaopei.cli.net import control
from miaopei.cli.net.plan import Net, database
from miaopei.errors import Refused
from miaopei.measures.identity import content_id, read_canonical
from miaopei.measures.instant import HOUR, from_beijing
from tests.support import nets
from tests.support.nets import Running
from tests.support.peers import answering, dripping_bytes

pytestmark = pytest.mark.timeout(1500)  # the first run builds the engine
UNTIL, RIGHT = "2015-11-10", 753_760_000
LATER, YUNLONG, YANGBI = "2016-06-01", 2_800_000_000, 2_800_000_000
CARRIERS, HOLDER = ("chengtai", "picc", "pingan", "continent", "united"), "6200-DALI-0001"
STANDBY, TAKE_OVER = "reinsurer", 6 * HOUR
SAID = ("--by", "insurer", "--by", "regulator", "--reason", "a doubt about the source")


@pytest.fixture(scope="module")
def four() -> Iterator[Running]:
    """Insurer, government cloud, regulator and notary; the insurer is the carrier and pays."""
    with nets.running("liar", 4, "--replay") as made:
        yield made


def test_a_wrong_carrier_is_outvoted_at_once_and_named_in_status(four: Running) -> None:
    four.miaopei("lie", "insurer", "--amounts")
    rows = nets.as_json(four.miaopei("demo", "--until", UNTIL, "--json"))
    assert [row["payout_fen"] for row in rows if row["payout_fen"]] == [RIGHT]

    def shown(standing: nets.Standing) -> bool:
        return any(len(one["shown"]) == 2 for one in standing.differences)

    standing = four.until(shown)
    named = [(one["member"], one["settlement"] is not None) for one in standing.differences]
    assert set(named) == {("insurer", True)}
    (both,) = [one["shown"] for one in standing.differences if len(one["shown"]) == 2]
    wrong, right = both["insurer"]["opened"], both[next(iter(set(both) - {"insurer"}))]["opened"]
    assert right["amount_fen"] == RIGHT
    assert RIGHT * 98 // 100 < wrong["amount_fen"] < RIGHT  # rounded as the terms say
    assert wrong["trace"] != right["trace"]
    said = four.miaopei("status", "--lang", "en").stdout
    assert "insurer decided otherwise than" in said
    assert str(RIGHT) in said
    assert standing.goes_on


def not_sold(four: Running) -> str:
    """Why a further batch of policies is not taken, empty as it is."""
    body = {"book": "yunnan_dali", "rows": {}, "commitments": {}, "totals": {}}
    asked = {"kind": "admit_batch", "ref": f"batch-{four.standing().rows[0].height}", "body": body}
    with pytest.raises(Refused) as refused:
        control.call(four.net.at("insurer"), "act", seconds=150, **asked)
    return refused.value.refusals[0].code


def test_two_members_pause_a_listing_and_nothing_more_is_sold_of_it(four: Running) -> None:
    assert not_sold(four) != "act.listing_paused"
    one = four.miaopei("pause", "yunnan_dali", *SAID[:2], *SAID[4:], "--person", "Li", check=False)
    assert one.returncode == 1, "one member alone pauses nothing, and nobody is told otherwise"
    assert "1" in one.stdout
    assert "insurer" in one.stdout
    assert not_sold(four) != "act.listing_paused"
    told = four.miaopei("pause", "yunnan_dali", *SAID, "--person", "Wang", "--json")
    assert nets.as_json(told)["what"] == "paused", "whose word stands is not asked again"
    assert not_sold(four) == "act.listing_paused"
    again = four.miaopei(
        "pause", "yunnan_dali", *SAID, "--person", "Li", "--lang", "en", check=False
    )
    assert again.returncode == 1
    assert "is as you want it already" in again.stderr


def test_where_no_two_agree_a_case_is_held_and_decided_once_more_when_the_fault_is_mended(
    four: Running,
) -> None:
    """Three deciders, three amounts; and the pause that is in force stops no payout."""
    for _ in range(2):
        four.miaopei("lie", "regulator", "--amounts")
    none = four.miaopei("reopen-round", "--lang", "en", check=False)
    assert none.returncode == 1
    until = from_beijing(LATER)
    control.call(four.net.at("cloud"), "play", seconds=600, until=until, language="en")
    (held,) = control.call(four.net.at("notary"), "held", case="")
    assert held["reason"] == "deciders_differ"
    four.miaopei("kill", "insurer", "regulator")  # they are started again, as they should be
    four.whole()
    opened = nets.as_json(four.miaopei("reopen-round", "yunnan_dali", "--json"))
    assert (opened["what"], opened["round"], opened["case"]) == ("round_opened", 2, held["case"])
    paid = {"2015-10-30": RIGHT, "2016-05-18": YUNLONG}
    four.until(lambda _: register(four) == paid)
    assert control.call(four.net.at("notary"), "held", case="") == []


def register(four: Running) -> dict[str, int]:
    """What was paid, by the day of its shock."""
    rows = control.call(four.net.at("insurer"), "register", seconds=150)
    return {row["date"]: row["payout_fen"] for row in rows if row["paid_at"]}


def test_two_members_sell_it_again(four: Running) -> None:
    assert not_sold(four) == "act.listing_paused"
    told = nets.as_json(four.miaopei("resume", "yunnan_dali", *SAID, "--person", "Li", "--json"))
    assert (told["what"], told["listing"]) == ("resumed", "yunnan_dali")
    assert not_sold(four) != "act.listing_paused"


@pytest.fixture(scope="module")
def five(four: Running) -> Running:
    """A reinsurer has joined, which may pay in the insurer's place."""
    four.miaopei("join", STANDBY, "--role", "payer")
    grown = Running(Net.of(four.net.folder))
    grown.whole()
    return grown


def test_a_listing_of_one_operator_binds_nobody_before_each_has_agreed(five: Running) -> None:
    """The cloud alone lists what the insurer would pay: it waits until all have agreed."""
    cloud, notary = five.net.at("cloud"), five.net.at("notary")
    listed = control.call(cloud, "listed", listing="yunnan_dali")
    named = {"standby_payer": STANDBY, "takeover_seconds": TAKE_OVER}
    value = {**listed["listing"], "id": "second", "book": "second", **named}
    body = {"listing": value, "product": listed["product"], "arrears": False}
    control.call(cloud, "act", kind="list_product", ref="second", body=body, seconds=150)
    five.whole()
    (one,) = five.standing().waiting
    assert (one["what"], one["by"]) == ("second", ["cloud"])
    assert one["lacks"] == ["insurer", "notary", "regulator", STANDBY]
    said = five.miaopei("status", "--lang", "en").stdout
    assert f"waits for insurer, notary, regulator, {STANDBY}" in " ".join(said.split())
    assert "second" in five.miaopei("agree", "insurer").stdout
    by_id = five.miaopei("agree", "insurer", "second", "--lang", "en", check=False)
    assert (by_id.returncode, "32 digits" in " ".join(by_id.stderr.split())) == (1, True)
    number = nets.as_json(five.miaopei("agree", "insurer", "--json"))[0]["name"][:32]
    for member in ("insurer", "regulator", STANDBY):
        told = nets.as_json(five.miaopei("agree", member, number, "--json"))
        assert told["what"] == "agreed_waits"
    assert not control.call(notary, "listed", listing="second")
    assert nets.as_json(five.miaopei("agree", "notary", number, "--json"))["what"] == "agreed"
    assert control.call(notary, "listed", listing="second")["listing"] == value
    five.whole()
    assert five.standing().waiting == ()
    again = five.miaopei("agree", "notary", number, check=False)
    assert again.returncode == 1


# Last in this file: the insurer is silent ---------------------------------------------------------
def credited(five: Running) -> tuple[int, int]:
    """How often the bank itself says that money came in for the policyholder, and how much."""
    rail = BankRail(control.call(five.net.folder, "status")["bank"], 60.0)
    page = rail.statement(HOLDER)
    assert page.next_after is None
    came = [line.amount_fen for line in page.lines if line.instruction is not None]
    return len(came), sum(came)


def table(five: Running, member: str, name: str) -> dict[str, Any]:
    """A table of the record, as a member has it."""
    store = PostgresStore(make_conninfo(five.net.postgres.start(), dbname=database(member)))
    try:
        with store.reading() as reading:
            return dict(State(reading).range(name, ""))
    finally:
        store.close()


def settled_by_others(five: Running) -> list[str]:
    """Listings of which a settlement stands that the insurer had no part in."""
    found = [one["settlement"] for one in table(five, STANDBY, "settlement").values()]
    return sorted(one["listing"] for one in found if one["deciders"] == ["notary", "regulator"])


def owing(five: Running) -> list[str]:
    """Listings of which a debt stands open, by the standby's copy."""
    made = table(five, STANDBY, "settlement")
    return [
        made[name]["settlement"]["listing"]
        for name, debt in table(five, STANDBY, "payment").items()
        if debt["executed_fen"] != debt["due_fen"]
    ]


def at(five: Running, time: int) -> None:
    """Time passes."""
    asked = {"kind": "time", "ref": f"time-{time}", "body": {"time": time}}
    control.call(five.net.at("cloud"), "act", seconds=150, **asked)


def test_a_silent_carrier_and_payer_is_no_veto_the_standby_pays_once_and_it_comes_back(
    five: Running,
) -> None:
    """The insurer carries, decides and pays two listings; one has a standby, the other waits."""
    cloud = five.net.at("cloud")
    refused = five.miaopei("mandate", "yunnan_dali", "--lang", "en", check=False)
    assert (refused.returncode, "no standby payer" in refused.stderr) == (1, True)
    control.call(five.net.at("insurer"), "issue", scheme="yunnan", under="second", seconds=150)
    control.call(cloud, "quiet", seconds=150)  # the policy is in force once the deciders hold it
    told = nets.as_json(five.miaopei("mandate", "second", "--json"))
    assert (told["standby"], told["count"]) == (STANDBY, len(CARRIERS) + 1)
    assert nets.as_json(five.miaopei("mandate", "second", "--json"))["count"] == 0
    five.whole()
    begins, ends = from_beijing("2017-03-27"), from_beijing("2017-03-28")
    at(five, begins)
    control.call(cloud, "quiet", seconds=150)
    before, by_others = credited(five), settled_by_others(five)
    five.miaopei("kill", "insurer", "--stay")
    window = {"since": begins, "until": ends, "language": "en", "alone": True}
    control.call(cloud, "play", seconds=600, **window)
    both = sorted([*by_others, "second", "yunnan_dali"])
    for _ in range(400):  # five minutes at a time, until the deciders' deadline has passed
        if settled_by_others(five) == both:
            break
        at(five, ends := ends + 300)
        sleep(1)
    assert settled_by_others(five) == both
    assert credited(five) == before, "until its deadline nobody takes over"
    at(five, ends + TAKE_OVER)
    five.until(lambda _: owing(five) == ["yunnan_dali"])
    once = (before[0] + len(CARRIERS), before[1] + YANGBI)
    assert credited(five) == once, "the standby pays its listing's debt, and no other"
    (taken,) = table(five, STANDBY, "takeover").values()
    assert (taken["by"], taken["from"]) == (STANDBY, "insurer")
    five.miaopei("heal", "insurer")
    five.until(lambda _: not owing(five))
    five.whole()
    at(five, ends + 10 * TAKE_OVER)
    control.call(cloud, "quiet", seconds=150)
    assert credited(five) == (once[0] + len(CARRIERS), once[1] + YANGBI), "its own, once"
    assert len(table(five, "insurer", "takeover")) == 1
    five.until(lambda s: {row.trouble for row in s.rows} == {None})


# And after it: the cloud's answers drip -----------------------------------------------------------
def names_a_blob_that_nobody_has(five: Running, member: str) -> None:
    """An act of a member that another hands in, for its own node is down."""
    at, insurer = five.net.at(member), five.net.at("insurer")
    uses = {"blob": "cd" * 32, "length": 500_000_000, "count": 1, "root": "cd" * 32}
    body = {
        "first": 1,
        "uses": {**uses, "media": "miaopei/uses/1"},
        "purposes": [{"purpose": "claims", "uses": 1}],
    }
    chain = content_id("chain", read_canonical((at / "genesis.json").read_bytes()))
    signs, until = load_or_make(at / "keys.json", member).acts, control.call(insurer, "end")
    act = sign(signs, chain, "log_uses", member, "uses-1", body, until)
    control.call(insurer, "carry", acts=[act.as_json()], seconds=150)


def test_a_member_whose_answers_drip_stops_no_duty_and_no_start_of_another_and_is_named(
    five: Running,
) -> None:
    cloud, insurer = five.net.at("cloud"), five.net.at("insurer")
    told = json.loads((cloud / "node.json").read_text("utf-8"))
    trusted = [peer["certificate"] for peer in told["peers"].values()]
    five.miaopei("down", "cloud")
    tls = context(cloud / "peer.pem", trusted, server=True)
    with answering(told["blobs"], tls, dripping_bytes) as asked:
        names_a_blob_that_nobody_has(five, "cloud")
        others = {"insurer", "regulator", "notary", STANDBY}
        five.until(
            lambda s: all(
                "net.slow_peer" in {told["code"] for told in row.refusals}
                for row in s.rows
                if row.member in others
            )
        )
        assert control.call(insurer, "issue", scheme="yunnan", again="dripped", seconds=150)
        control.call(insurer, "quiet", seconds=200)  # all who decide have fetched, read and held it
        assert any(b'"blob"' in question for question in asked)
        del asked[:]
        five.miaopei("kill", "insurer")
        five.until(lambda s: {r.verdict for r in s.rows if r.member in others} == {"agrees"})
        control.call(insurer, "quiet", seconds=200)
        assert any(b'"signed"' in question for question in asked), "the cloud was asked as well"
    five.miaopei("heal", "cloud")
    five.whole()
