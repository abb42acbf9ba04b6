"""One act names what nobody can check: every member tells who, and none calls itself damaged; while
whatever is really lost or altered is damage, whoever named it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from miaopei.adapters.memory_store import MemoryStore
from miaopei.errors import Refusal
from miaopei.errors.texts import say
from miaopei.market.examples import REBUILT_TEN_TO_ONE
from miaopei.measures.identity import canonical
from miaopei.node.effects.keeper import CLAIMS_UPTO
from miaopei.node.fetching.missing import LACKING, UPTO
from miaopei.node.proof.inspect import inspect
from miaopei.node.proof.named.looking import is_unfit, is_waiting
from miaopei.node.vault.sealing import reader_of
from tests.support.town import CARRIERS
from tests.unit.cli.test_soundness import Spoilt, flipped

from .court import Court
from .member import Member

MADE_UP = "ab" * 32


def looked(member: Member, reading: Any = None) -> list[Refusal]:
    with member.disk.reading() as own:
        return list(inspect(own if reading is None else reading, member.node))


def told(member: Member) -> list[Refusal]:
    """What others named that nobody can check; nothing is damaged."""
    found = looked(member)
    assert [each for each in found if not is_unfit(each)] == []
    assert not any("?" in say(each, "zh") for each in found)
    return found


def paid() -> Court:
    """A settlement that was paid, and a use on the record."""
    court = Court()
    court.shake()
    court.pass_by(3 * 7_200)
    payment = court.one("payment")
    assert payment["executed_fen"] == payment["due_fen"] > 0
    return court


def references(court: Court) -> dict[str, dict[str, Any]]:
    """Media -> what some act named by it."""
    (decision, *_), (batch, *_) = (list(court.table(t).values()) for t in ("decision", "batch"))
    (note, *_) = court.table("paid").values()
    every = (decision["claims"], batch["rows"], batch["commitments"], note["outcomes"])
    return {each["media"]: each for each in every}


def uses(**changes: Any) -> dict[str, Any]:
    named = {"blob": MADE_UP, "length": 1, "count": 1, "root": MADE_UP, "media": "miaopei/uses/1"}
    return {**named, **changes}


def log(court: Court, *named: dict[str, Any], by: str = "insurer") -> None:
    """A holder that says of these that they hold its uses."""
    for number, each in enumerate(named, 1):
        body = {"first": number, "uses": each, "purposes": [{"purpose": "claims", "uses": 1}]}
        assert court.say(by, "log_uses", body, f"uses-{number}") == []
    court.pass_by(600)


def test_of_an_untouched_town_nothing_is_told() -> None:
    court = paid()
    assert [each for member in court.by.values() for each in looked(member)] == []


def test_who_names_what_nobody_has_is_named_by_all_and_damages_nobody() -> None:
    court = paid()
    log(court, uses())
    (act,) = (said["act"] for said in court.table("used").values())
    for name, member in court.by.items():
        if name == "insurer":
            continue
        (one,) = told(member)
        assert one.code == "inspect.unfit_missing"
        assert {"by": "insurer", "act": act, "blob": MADE_UP, "kind": "log_uses"}.items() <= (
            one.facts.items()
        )
    (own,) = looked(court.by["insurer"])
    assert own.code == "inspect.waits_missing", "who names it answers for it"


@pytest.mark.parametrize("media", ["miaopei/claims/1", "miaopei/rows/1", "miaopei/outcomes/1",
                                   "miaopei/commitments/1"])  # fmt: skip
def test_anothers_blob_under_other_words_damages_nobody(media: str) -> None:
    """Under another media, count, length and root; what it was named by first stands as it was."""
    court = paid()
    blob = references(court)[media]
    as_uses = {**blob, "media": "miaopei/uses/1", "count": 1}
    log(court, as_uses, {**as_uses, "length": 1}, {**as_uses, "root": MADE_UP})
    for name, member in court.by.items():
        found = looked(member) if name == "insurer" else told(member)
        assert {each.facts["blob"] for each in found} <= {blob["blob"]}
        if name != "insurer":
            assert "inspect.unfit_length" in {each.code for each in found}


def batch(court: Court, **changes: Any) -> dict[str, Any]:
    """The body of a batch that was brought, with other references."""
    (name, _), *_ = court.table("batch", "").items()
    member = court.by["cloud"]
    with member.disk.reading() as reading:
        leaf = json.loads(reading.leaf(reading.place(name) or 0))
    body: dict[str, Any] = leaf["act"]["body"]
    return {**body, **{key: {**body[key], **more} for key, more in changes.items()}}


@pytest.mark.parametrize(
    "changes",
    [
        {"rows": {"blob": MADE_UP}},
        {"commitments": {"blob": MADE_UP}},
        {"rows": {"length": 7}},
        {"rows": {"root": MADE_UP}, "commitments": {"root": MADE_UP}},
        {"rows": {"count": 2}, "commitments": {"count": 2}},
    ],
)
def test_a_batch_that_is_not_in_force_and_does_not_fit_damages_nobody(changes: Any) -> None:
    """Its deciders do not hold it; all who may read the book have the keys of the true one."""
    court = paid()
    assert court.say("cloud", "admit_batch", batch(court, **changes), "again") == []
    court.pass_by(600)
    seen = [told(member) for name, member in court.by.items() if name != "cloud"]
    assert all(seen) or "root" in changes["rows"] or "count" in changes["rows"]
    assert any(seen)
    assert {each.facts["by"] for found in seen for each in found} == {"cloud"}


def test_one_decider_that_names_claims_that_nobody_has_damages_nobody_where_another_fits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The notary is the first of the equal, and the only blob of the settlement it is not."""
    court = Court()
    notary = court.by["notary"]
    signed = notary.node.act

    def act(kind: str, ref: str, body: dict[str, Any]) -> Any:
        if kind == "decide":
            body = {**body, "claims": {**body["claims"], "blob": MADE_UP}}
        return signed(kind, ref, body)

    monkeypatch.setattr(notary.node, "act", act)
    court.shake()
    court.pass_by(3 * 7_200)
    assert "notary" in court.one("settlement")["settlement"]["deciders"]
    payment = court.one("payment")
    assert payment["executed_fen"] == payment["due_fen"] > 0
    for name, member in court.by.items():
        if name != "notary":
            (one,) = told(member)
            assert (one.code, one.facts["by"]) == ("inspect.unfit_missing", "notary")


def test_a_list_that_nobody_can_check_stops_its_own_debt_and_damages_nobody() -> None:
    """An operator hands a payout on to a list that is none: no order of it was ever made."""
    court = paid()
    (debt, payment), *_ = court.table("payment").items()
    body = {
        "settlement": debt, "policy": "p", "holder": CARRIERS[0], "total_fen": payment["due_fen"],
        "rule": REBUILT_TEN_TO_ONE.as_json(), "lines": uses(media="miaopei/lines/1"),
    }  # fmt: skip
    assert court.say("cloud", "allot", body) == []
    court.pass_by(600)
    found = told(court.by["insurer"])
    assert [each.code for each in found] == ["inspect.unfit_missing", "inspect.unfit_list"]
    assert {each.facts["by"] for each in found} == {"cloud"}
    assert [each.code for each in told(court.by["agent"])] == ["inspect.unfit_missing"]


# True damage -------------------------------------------------------------------------------------


def without(name: str) -> Callable[[Any], Iterator[tuple[str, bytes]]]:
    return lambda blobs: ((n, data) for n, data in blobs() if n != name)


def altered(name: str) -> Callable[[Any], Iterator[tuple[str, bytes]]]:
    return lambda blobs: ((n, flipped(d) if n == name else d) for n, d in blobs())


@pytest.mark.parametrize("how", [without, altered])
def test_every_blob_that_a_member_has_had_is_damage_where_it_is_lost_or_altered(how: Any) -> None:
    """Whoever named it, and though others have it; also beside words that are unfit."""
    court = paid()
    log(court, uses())
    for name, member in court.by.items():
        with member.disk.reading() as reading:
            for blob, _ in reading.blobs():
                found = looked(member, Spoilt(reading, "blobs", how(blob)))
                damage = {each.facts["blob"] for each in found if not is_unfit(each)}
                assert damage - {MADE_UP} == {blob}, name


def test_every_key_of_ours_that_does_not_open_is_damage() -> None:
    court = paid()
    tried = 0
    for member in court.by.values():
        mine = reader_of(member.node.identity.box)
        with member.disk.reading() as reading:
            for blob, _ in reading.blobs():
                if reading.wrapped(blob, mine) is None:
                    continue

                def wrapped(found: Any, name: str, reader: str, blob: str = blob) -> Any:
                    kept = found(name, reader)
                    return flipped(kept) if name == blob and kept else kept

                found = looked(member, Spoilt(reading, "wrapped", wrapped))
                assert blob in {f.facts.get("blob") for f in found if not is_unfit(f)}
                tried += 1
    assert tried > 12


def forgotten(member: Member) -> MemoryStore:
    """Its store as after a restore: what the fetcher has looked through is looked through anew."""
    store = MemoryStore()
    store._tables = member.disk._tables.copy()
    with store.writing() as block:
        block.put_progress(UPTO, None)
        block.put_progress(LACKING, None)
    return store


def returned(court: Court, name: str, *, bytes_too: bool) -> MemoryStore:
    """A member's store as of one that came back from before a settlement: the claims are not opened
    here, their keys, or their bytes too, are asked of the others.
    """
    store = forgotten(court.by[name])
    rows = store._tables.rows
    (entry,) = (each["settlement"] for each in court.table("settlement").values())
    claims = {said["claims"]["blob"] for said in court.table("decision").values()}
    rows["wrap"] = {key: kept for key, kept in rows["wrap"].items() if key[0] not in claims}
    if bytes_too:
        rows["blob"] = {blob: kept for blob, kept in rows["blob"].items() if blob not in claims}
    rows["claims"] = {}
    with store.writing() as block:
        block.put_progress(f"{CLAIMS_UPTO}{entry['book']}", None)
        block.put_progress(UPTO, str(block.head().size).encode("ascii"))
        block.put_progress(LACKING, canonical([[blob, "", name] for blob in sorted(claims)]))
    return store


@pytest.mark.parametrize("bytes_too", [True, False])
def test_what_a_member_that_came_back_still_asks_for_waits_and_is_no_damage(
    bytes_too: bool,
) -> None:
    """Its payer was told to stop paying and restore, for the seconds until its keys had come."""
    court = paid()
    payer = court.one("payment")["payer"]
    store, node = returned(court, payer, bytes_too=bytes_too), court.by[payer].node
    with store.reading() as reading:
        found = [each for each in inspect(reading, node) if not is_unfit(each)]
    assert [each for each in found if not is_waiting(each)] == []
    codes = {each.code for each in found}
    assert codes == {
        "inspect.waits_orders",
        f"inspect.waits_{'missing' if bytes_too else 'sealed'}",
    }
    for each in found:
        assert "audit again" in say(each, "en").lower()
        assert "再次审计" in say(each, "zh")
    with store.writing() as block:
        block.put_progress(LACKING, None)  # nobody is asked for them: then they are lost
    with store.reading() as reading:
        found = list(inspect(reading, node))
    assert "inspect.orders_unreadable" in {each.code for each in found}
    assert not any(is_waiting(each) for each in found)
