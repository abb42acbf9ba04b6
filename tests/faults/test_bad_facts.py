"""Bad days of the evidence: forged, late, wrong or contradicted, or said by a stranger.

Each goes through the real acts; asserted is the clear refusal, the named state, and the money.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from miaopei.evidence.attestation import Original, attest
from miaopei.market.listing import Overpaid
from miaopei.measures.instant import from_beijing
from miaopei.measures.money import wan
from miaopei.node.gateway import Row
from tests.support.facts import BEIJING_CITY, changed, quake
from tests.support.products import hills
from tests.support.town import SOURCES, Town, codes, good

NIGHT = "2016-05-18 00:48:48"
READ = "2016-05-18 01:00:00"


def a_town(policies: int = 1, **product: Any) -> tuple[Town, str]:
    """A town with one listing of made-up covers, one carrier's fen easy to follow."""
    town = Town().set_up()
    overpaid = product.pop("overpaid", Overpaid.KEPT)
    listing = town.list_product(hills(**product), overpaid=overpaid)
    town.issue([town.policy(listing) for _ in range(policies)])
    return town, listing


# Who says it, and how ---------------------------------------------------------------------------


def told(town: Town, fact: dict[str, Any], listing: str) -> list[str]:
    """The codes that a fact alone is refused with; no case, no money."""
    result = town.send(town.act("record_facts", {"facts": [fact]}))
    assert not result.ok
    assert town.cases(listing) == []
    assert town.table("observation") == {}
    return codes(result)


def fact_of(town: Town, given: Row, key: Ed25519PrivateKey | None = None, **more: Any) -> Any:
    """A fact as `record_facts` carries it, attested with `key` (ours) at the record's time."""
    original = Original.of(given.data, given.media, given.file_digest, given.part)
    at = more.pop("received_at", town.now)
    attestation = attest(key or town.me.acts, given.observation, town.me.member, at, original)
    return {"observation": given.observation.as_json(), "attestation": attestation.as_json() | more}


def test_a_forged_signature_is_refused() -> None:
    town, listing = a_town()
    town.at(READ)
    fact = fact_of(town, quake(NIGHT, "5.6"), sig="00" * 64)
    assert told(town, fact, listing) == ["evidence.forged"]


def test_a_signature_over_another_magnitude_is_refused() -> None:
    town, listing = a_town()
    town.at(READ)
    fact = fact_of(town, quake(NIGHT, "4.0"))
    fact["observation"] = quake(NIGHT, "7.0").observation.as_json()
    assert told(town, fact, listing) == ["evidence.id_mismatch"]


def test_a_key_that_the_source_does_not_have_is_refused() -> None:
    town, listing = a_town()
    town.at(READ)
    stranger = Ed25519PrivateKey.from_private_bytes(bytes(32))
    fact = fact_of(town, quake(NIGHT, "5.6"), stranger)
    assert told(town, fact, listing) == ["evidence.unknown_key"]


def test_a_key_out_of_its_time_is_refused() -> None:
    town, listing = a_town()
    key = town.me.acts.public_key().public_bytes_raw().hex()
    operator, kind = SOURCES["cenc.rapid"]
    entry = {
        "id": "cenc.rapid",
        "operator": operator,
        "name": {"zh": "x", "en": "x"},
        "kinds": [kind],
        "counted": True,
        "keys": [
            {"key": key, "since": from_beijing("2015-06-01"), "until": from_beijing("2016-05-18")}
        ],
        "box": None,
    }
    good([town.send(town.act("register_source", entry))])
    town.at(READ)
    assert told(town, fact_of(town, quake(NIGHT, "5.6")), listing) == ["evidence.key_expired"]
    early = fact_of(town, quake(NIGHT, "5.6"), received_at=from_beijing("2015-05-01"))
    assert told(town, early, listing) == ["evidence.key_not_yet"]


def test_a_source_that_is_not_registered_is_refused() -> None:
    town, listing = a_town()
    town.at(READ)
    fact = fact_of(town, quake(NIGHT, "5.6", source="my.blog"))
    assert told(town, fact, listing) == ["evidence.unknown_source"]


def test_a_source_may_not_speak_of_what_it_is_not_registered_for() -> None:
    town, listing = a_town()
    town.at(READ)
    fact = fact_of(town, quake(NIGHT, "5.6", source="deaths.official"))
    assert told(town, fact, listing) == ["evidence.kind_not_allowed"]


def test_a_bulletin_from_the_future_is_refused() -> None:
    town, listing = a_town()
    town.at("2016-05-17 00:00:00")
    assert told(town, fact_of(town, quake(NIGHT, "5.6")), listing) == ["evidence.in_future"]


def test_swapped_latitude_and_longitude_are_refused() -> None:
    town, listing = a_town()
    town.at(READ)
    odd = changed(quake(NIGHT, "5.6"), lat_udeg=99_900_000, lon_udeg=25_700_000)
    assert told(town, fact_of(town, odd), listing) == ["evidence.swapped"]


def test_a_position_that_is_none_is_refused() -> None:
    town, listing = a_town()
    town.at(READ)
    odd = changed(quake(NIGHT, "5.6"), lat_udeg=95_000_000, lon_udeg=200_000_000)
    assert told(town, fact_of(town, odd), listing) == ["evidence.out_of_range"]


def test_original_bytes_that_are_not_those_attested_are_refused() -> None:
    town, listing = a_town()
    town.at(READ)
    given = quake(NIGHT, "5.6")
    original = replace(
        Original.of(given.data, given.media, given.file_digest, given.part), digest="0" * 64
    )
    attestation = attest(town.me.acts, given.observation, town.me.member, town.now, original)
    fact = {"observation": given.observation.as_json(), "attestation": attestation.as_json()}
    assert told(town, fact, listing) == ["evidence.original_mismatch"]


def test_a_bad_fact_among_good_ones_is_named_and_the_others_go_on() -> None:
    town, listing = a_town()
    town.at(READ)
    facts = [
        fact_of(town, quake("2016-05-17 00:00:00", "3.0", BEIJING_CITY)),
        fact_of(town, quake(NIGHT, "5.6"), sig="00" * 64),
        fact_of(town, quake(NIGHT, "5.6")),
    ]
    result = town.send(town.act("record_facts", {"facts": facts}))
    assert result.ok
    assert [(n.code, n.facts["index"]) for n in result.notes] == [("evidence.forged", 1)]
    town.work()
    assert town.paid_fen(listing) == wan(300)


def test_a_duplicate_act_is_done_once() -> None:
    town, listing = a_town()
    town.at(READ)
    act = town.act("record_facts", {"facts": [fact_of(town, quake(NIGHT, "5.6"))]})
    one, two, three = town.node.submit([act, act, act])
    done = [(True, True), (True, False), (True, False)]
    assert [(r.ok, r.new) for r in (one, two, three)] == done
    size = len(town.leaves())
    assert (town.send(act).ok, town.send(act).new) == (True, False)
    assert len(town.leaves()) == size
    town.work()
    assert town.paid_fen(listing) == wan(300)


def test_a_duplicate_observation_changes_nothing_but_who_attests() -> None:
    """The same row read again, anywhere, by anyone, at any time is one observation."""
    town, listing = a_town()
    town.tell(quake(NIGHT, "5.6"), at=READ)
    town.work()
    again = town.tell(quake(NIGHT, "5.6"), at="2016-05-18 02:00:00")
    good(again)
    assert [m.what for r in again for m in r.made] == []
    town.work()
    assert len(town.table("observation")) == 1
    assert (town.paid_fen(listing), town.case(listing)["revision"]) == (wan(300), 1)


def test_a_collapse_is_no_earthquake() -> None:
    town, listing = a_town()
    good(town.tell(quake(NIGHT, "5.6", event="collapse"), at=READ))
    town.work()
    assert town.cases(listing) == []


def test_a_source_that_is_not_counted_is_shown_and_settles_nothing() -> None:
    town, listing = a_town()
    good(town.tell(quake(NIGHT, "6.8", source="usgs.comcat", kind="M"), at=READ))
    town.work()
    assert town.cases(listing) == []
    good(town.tell(quake(NIGHT, "5.1"), at="2016-05-18 01:10:00"))
    town.work()
    assert town.paid_fen(listing) == wan(100)
    shown = town.case(listing)["facts"]["magnitude"]["detail"]["shown"]
    assert [(s["source"], s["why"]) for s in shown] == [("usgs.comcat", "source_not_counted")]


# Sources that disagree --------------------------------------------------------------------------

TWO = {"sources": ("cenc.rapid", "other.rapid"), "operators": 2, "tolerance": 2}


def test_two_sources_that_agree_within_the_tolerance_settle() -> None:
    town, listing = a_town(**TWO)
    town.tell(quake(NIGHT, "5.6"), at=READ)
    case = town.case(listing)
    assert (case["state"], case["reason"]) == ("awaiting_quorum", "too_few_operators")
    town.tell(quake(NIGHT, "5.4", source="other.rapid"), at="2016-05-18 01:10:00")
    town.work()
    assert town.paid_fen(listing) == wan(300)


def test_two_sources_that_disagree_are_held_until_a_person_decides() -> None:
    town, listing = a_town(**TWO)
    town.tell(quake(NIGHT, "5.6"), quake(NIGHT, "5.2", source="other.rapid", seconds=1), at=READ)
    case = town.case(listing)
    assert (case["state"], case["reason"]) == ("awaiting_quorum", "sources_disagree")
    town.at("2016-05-18 12:48:48")
    town.work()
    case = town.case(listing)
    assert (case["state"], case["owner"]) == ("held_conflict", "operator")
    assert {v["tenths"] for v in case["facts"]["held"]["values"]} == {52, 56}
    assert town.paid_fen(listing) == 0
    for name, value in (("role", 1), ("magnitude", 52)):
        assert town.case(listing)["state"] == "held_conflict"
        resolve = {
            "listing": listing,
            "occurrence": case["occurrence"],
            "input": name,
            "value": value,
            "reason": "the second agency's station log",
            "person": "duty officer",
        }
        good([town.send(town.act("resolve", resolve))])
    town.work()
    case = town.case(listing)
    assert case["revision"] == 1
    assert (case["state"], town.paid_fen(listing)) == ("settled", wan(100))
    assert case["facts"]["magnitude"]["how"] == "person"
    assert case["facts"]["magnitude"]["detail"]["person"] == "duty officer"


def test_a_person_who_contradicts_the_evidence_is_not_asked_again_for_ever() -> None:
    """Called inside though name and position say outside: decided anew once, then it rests."""
    town, listing = a_town(**TWO)
    town.tell(
        quake(NIGHT, "5.6", BEIJING_CITY),
        quake(NIGHT, "5.2", BEIJING_CITY, source="other.rapid", seconds=1),
        at=READ,
    )
    town.at("2016-05-18 12:48:48")
    for name, value in (("role", 1), ("magnitude", 56)):
        body = {
            "listing": listing,
            "occurrence": town.case(listing)["occurrence"],
            "input": name,
            "value": value,
            "reason": "a slip",
            "person": "duty officer",
        }
        good([town.send(town.act("resolve", body, name))])
    town.work()
    assert len(town.settlements(listing)) <= 2
    assert town.case(listing)["state"] == "settled"
    assert town.case(listing)["facts"]["role"]["value"] == 0


def test_roles_that_differ_are_held_until_a_person_decides() -> None:
    """Named after a county of Dali, placed in Beijing."""
    town, listing = a_town()
    spot = (BEIJING_CITY[0], BEIJING_CITY[1], "云南漾濞")
    town.tell(quake(NIGHT, "5.6", spot), at=READ)
    case = town.case(listing)
    assert (case["state"], case["reason"]) == ("held_person", "roles_differ")
    assert (case["facts"]["held"]["by_name"], case["facts"]["held"]["by_position"]) == (1, 0)
    body = {
        "listing": listing,
        "occurrence": case["occurrence"],
        "input": "role",
        "value": 0,
        "reason": "the position is right",
        "person": "duty officer",
    }
    good([town.send(town.act("resolve", body))])
    case = town.case(listing)
    assert (case["state"], case["reason"]) == ("not_covered", "outside_area")
