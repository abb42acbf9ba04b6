"""Bad days of the record: acts by those who may not, of another chain, too large, too late."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from miaopei.acts.envelope import ACT_BYTES_MAX, Act, from_json
from miaopei.errors import Refused
from miaopei.measures.identity import canonical
from miaopei.measures.instant import from_beijing
from miaopei.measures.money import wan
from miaopei.node.gateway import facts_of
from tests.support.facts import catalogue, quake
from tests.support.products import hills
from tests.support.rails import PaperBank
from tests.support.town import CARRIERS, Town, codes, good, identity

NIGHT, READ = "2016-05-18 00:48:48", "2016-05-18 01:00:00"
ROLES = ("operator", "gateway", "decider", "payer", "clock", "channel", "carrier", "regulator")


def a_town(policies: int = 1) -> tuple[Town, str, PaperBank]:
    bank = PaperBank()
    town = Town(rail=bank).set_up()
    listing = town.list_product(hills())
    town.accounts({f"carrier/{carrier}": f"C-{carrier}" for carrier in CARRIERS})
    town.issue([town.policy(listing) for _ in range(policies)])
    return town, listing, bank


def admit(town: Town, name: str, *roles: str, since: int = 0, until: int | None = None) -> None:
    """Another member, with its own key."""
    key = identity(name).acts.public_key().public_bytes_raw().hex()
    body = {
        "id": name,
        "name": {"zh": name, "en": name},
        "operator": name,
        "roles": list(roles),
        "keys": [{"key": key, "since": since, "until": until}],
    }
    good([town.send(town.act("admit_member", body, f"admit-{name}"))])


# Who may send it --------------------------------------------------------------------------------


def test_a_member_that_nobody_admitted_is_refused() -> None:
    town, _, _ = a_town()
    result = town.send(town.act_of("stranger", "record_facts", {"facts": []}))
    assert codes(result) == ["act.member_unknown"]


@pytest.mark.parametrize(
    ("kind", "allowed"),
    [
        ("admit_member", {"operator"}),
        ("register_source", {"operator"}),
        ("file_area", {"operator"}),
        ("file_product", {"operator", "carrier"}),
        ("list_product", {"operator", "carrier"}),
        ("admit_batch", {"operator", "carrier", "channel"}),
        ("hold_batch", {"decider"}),
        ("record_facts", {"gateway"}),
        ("resolve", {"operator", "regulator"}),
        ("decide", {"decider"}),
        ("confirm_payments", {"payer"}),
        ("allot", {"operator", "payer"}),
        ("time", {"clock"}),
    ],
)
def test_only_the_roles_of_the_specification_may_send_an_act(kind: str, allowed: set[str]) -> None:
    """docs/specs/acts.md, column `sent by`."""
    town = Town()
    refused = set()
    for role in ROLES:
        admit(town, role, role)
        found = codes(town.send(town.act_of(role, kind, {"nothing": "at all"})))
        assert found in (["act.role_missing"], ["act.bad_body"], ["evidence.bad_source"],
                         ["evidence.bad_area"])  # fmt: skip
        if found == ["act.role_missing"]:
            refused.add(role)
    assert set(ROLES) - refused == allowed


def test_a_key_counts_from_its_first_second_to_before_its_last() -> None:
    town = Town()
    since, until = from_beijing("2015-02-01"), from_beijing("2015-03-01")
    admit(town, "helper", "gateway", since=since, until=until)
    for at, code in (
        (since - 1, "act.key_not_in_force"),
        (since, "act.no_facts"),
        (until - 1, "act.no_facts"),
        (until, "act.key_not_in_force"),
    ):
        town.at(at)
        act = town.act_of("helper", "record_facts", {"facts": []}, f"at {at}")
        assert codes(town.send(act)) == [code]


def test_an_act_signed_with_the_key_of_another_member_is_refused() -> None:
    town = Town()
    admit(town, "helper", "gateway")
    act = town.act_of("helper", "record_facts", {"facts": []})
    assert codes(town.send(replace(act, by="miaopei"))) == ["act.key_not_in_force"]
    ours = town.me.acts.public_key().public_bytes_raw().hex()
    assert codes(town.send(replace(act, by="miaopei", key=ours))) == ["act.signature_bad"]


@pytest.mark.parametrize("field", ["ref", "kind", "body", "sig"])
def test_an_act_changed_after_signing_is_refused(field: str) -> None:
    town, _, _ = a_town()
    act = town.act("record_facts", {"facts": []})
    spoilt: dict[str, Any] = {
        "ref": "another",
        "kind": "decide",
        "body": {"facts": [1]},
        "sig": act.sig[:-1] + ("0" if act.sig[-1] != "0" else "1"),
    }
    size = len(town.leaves())
    result = town.send(replace(act, **{field: spoilt[field]}))
    assert codes(result) == ["act.signature_bad"]
    assert len(town.leaves()) == size


def test_an_act_of_another_chain_is_refused() -> None:
    town, other = a_town()[0], Town(name="other")
    act = other.act("record_facts", {"facts": []})
    assert codes(town.send(act)) == ["act.other_chain"]


def test_an_act_of_an_unknown_kind_is_refused() -> None:
    town = Town()
    assert codes(town.send(town.act("mint_money", {}))) == ["act.kind_unknown"]


# Size -------------------------------------------------------------------------------------------


def of_size(town: Town, size: int) -> Act:
    """An act of exactly so many canonical bytes, padded in its reference."""
    empty = len(canonical(town.act("record_facts", {"facts": []}, "x").as_json())) - 1
    act = town.act("record_facts", {"facts": []}, "x" * (size - empty))
    assert len(canonical(act.as_json())) == size
    return act


def test_an_act_of_60001_bytes_is_refused_and_one_of_60000_is_read() -> None:
    town = Town()
    size = len(town.leaves())
    assert codes(town.send(of_size(town, ACT_BYTES_MAX))) == ["act.no_facts"]
    assert codes(town.send(of_size(town, ACT_BYTES_MAX + 1))) == ["act.too_large"]
    with pytest.raises(Refused, match=r"act\.too_large"):
        from_json(of_size(town, ACT_BYTES_MAX + 1).as_json())
    assert from_json(of_size(town, ACT_BYTES_MAX).as_json()).kind == "record_facts"
    assert len(town.leaves()) == size


def test_a_heap_of_bad_facts_makes_no_leaf_that_is_too_long() -> None:
    """One good fact among thousands of bad ones: their refusals would not fit beside the act, so
    all of it is refused by name; the good one by itself pays.
    """
    town, listing, _ = a_town()
    town.at(READ)
    facts = [0] * 15_000 + facts_of(town.node, [quake(NIGHT, "5.6")], town.now)
    act = town.act("record_facts", {"facts": facts})
    result = town.send(act)
    assert len(canonical(act.as_json())) <= ACT_BYTES_MAX
    assert max(len(leaf) for leaf in town.leaves()) <= 65_535
    assert [refusal.code for refusal in result.refusals] == ["act.too_many_bad_facts"]
    good(town.tell(quake(NIGHT, "5.6")))
    town.work()
    assert town.paid_fen(listing) == wan(300)


# Time -------------------------------------------------------------------------------------------


def test_only_the_replay_source_moves_the_time() -> None:
    """Not a member with the role, not a forged signature, not a caller: nothing ripens by them."""
    town, listing, _ = a_town()
    admit(town, "joker", "clock")
    town.tell(catalogue(NIGHT, "5.6"), at=READ)
    before, far = town.now, from_beijing("2040-01-01")
    act = town.act_of("joker", "time", {"time": far})
    assert codes(town.send(act)) == ["act.not_the_replay_source"]
    forged = replace(town.act("time", {"time": far}), sig="00" * 64)
    assert codes(town.send(forged)) == ["act.signature_bad"]
    assert town.now == before
    good(town.node.submit([]))
    assert town.now == before
    assert town.case(listing)["state"] == "awaiting_rapid_report"


def test_time_does_not_go_back_and_a_live_record_takes_no_time_acts() -> None:
    town = Town()
    town.at("2016-01-01")
    result = town.send(town.act("time", {"time": from_beijing("2015-06-01")}))
    assert codes(result) == ["act.time_backwards"]
    assert town.now == from_beijing("2016-01-01")


# Names ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", "a/b", "a b", "中", "a\x00b", "a\x7fb", "x" * 100, "../a"])
def test_a_name_that_could_be_taken_for_another_key_is_refused(name: str) -> None:
    """Ids stand in keys of the state between slashes, in byte order."""
    town, _, _ = a_town()
    member = {
        "id": name,
        "name": {"zh": "x", "en": "x"},
        "operator": "x",
        "roles": [],
        "keys": [],
    }
    assert codes(town.send(town.act("admit_member", member))) == ["act.bad_body"]
    product = hills("valleys")
    good([town.send(town.act("file_product", {"product": product.as_json()}))])
    listing = town.table("listing")["hills"]["listing"]
    for changes in ({"id": name, "book": "b"}, {"id": "b", "book": name}):
        value = {**listing, "product": product.id, **changes}
        body = {"listing": value, "product": product.hash, "arrears": False}
        found = codes(town.send(town.act("list_product", body)))
        assert found in (["act.bad_body"], ["market.listing_empty"])


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda p: p["inputs"][0].update(measure="shock.colour"), "evidence.unknown_measure"),
        (lambda p: p["grouping"].update(km=20_000), None),
        (lambda p: p["grouping"].update(hours=0), None),
    ],
)
def test_a_product_that_evidence_cannot_read_is_refused_when_it_is_filed(change, code):
    town = Town().set_up()
    value = hills().as_json()
    change(value)
    result = town.send(town.act("file_product", {"product": value}, "changed"))
    assert not result.ok
    found = codes(result)
    assert code in found if code else any(c.startswith(("evidence.", "place.")) for c in found)
