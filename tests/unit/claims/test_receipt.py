"""A receipt as a file: canonical bytes, strict shape, what is signed, what the node collects."""

from __future__ import annotations

import base64
import json
from functools import cache
from typing import Any

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from miaopei.claims.receipt import ROLES, Kind, Receipt, from_bytes
from miaopei.claims.verify import verify
from miaopei.errors import Refused
from miaopei.ledger.merkle import leaf_hash, root_of
from miaopei.measures.identity import canonical
from miaopei.node.gateway import facts_of
from miaopei.node.proof.receipts import Collector
from tests.support.facts import catalogue, quake
from tests.support.products import hills
from tests.support.town import Town, codes
from tests.unit.claims.replayed import DALI, IDENTITY, situations, world

MAIN, ENDED, LATE = "", "e" * 32, "f" * 32


@cache
def payouts() -> tuple[tuple[int, Receipt], ...]:
    """The receipts of the replayed years, by when their settlement was made."""
    with world().node.reading() as (reading, state):
        collector = Collector(reading, IDENTITY)
        found = []
        for id, entry in state.range("settlement", ""):
            (claim,) = reading.claims(entry["settlement"]["trigger"])
            found.append((entry["at"], collector.payout(id, claim["policy"])))
    return tuple(sorted(found, key=lambda pair: pair[0]))


def body(data: bytes) -> Any:
    return json.loads(data)


def test_a_receipt_is_canonical_bytes_as_another_library_writes_them() -> None:
    _, receipt = payouts()[0]
    data = receipt.to_bytes()
    assert data == rfc8785.dumps(json.loads(data))
    assert not data.endswith(b"\n")
    assert from_bytes(data) == receipt


def test_the_signature_is_of_a_member_over_everything_but_itself() -> None:
    _, receipt = payouts()[0]
    value = body(receipt.to_bytes())
    sig = bytes.fromhex(value.pop("sig"))
    signed = b"miaopei/v1/receipt\0" + rfc8785.dumps(value)
    genesis = value["leaves"]["genesis"][0]["leaf"]["value"]
    (member,) = [m for m in genesis["members"] if m["id"] == value["signer"]]
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(member["keys"][0]["key"]))
    key.verify(sig, signed)


def test_the_checkpoint_is_the_root_of_all_leaves_of_the_log() -> None:
    _, receipt = payouts()[0]
    origin, size, root, *_ = receipt.checkpoint.split("\n")
    with world().node.reading() as (reading, _):
        hashes = [leaf_hash(leaf) for leaf in reading.leaves(0, int(size))]
    assert base64.b64decode(root) == root_of(hashes)
    assert receipt.vkey.startswith(f"{origin}+")


def test_every_role_is_there_and_each_leaf_stands_once() -> None:
    for _, receipt in payouts():
        assert set(receipt.leaves) <= set(ROLES)
        places = [shown.index for leaves in receipt.leaves.values() for shown in leaves]
        assert len(places) == len(set(places))
        assert 0 in places


def test_the_payouts_of_a_receipt_sum_to_the_claim() -> None:
    for _, receipt in payouts():
        assert receipt.claim is not None
        assert sum(part.amount_fen for part in receipt.payouts) == receipt.claim.claim["pay_fen"]
        assert len(receipt.payouts) == 5


def test_the_bytes_of_the_bulletin_are_inside() -> None:
    """2021-05-21 Yangbi: the row of the rapid report as it stands in the shipped file."""
    _, receipt = payouts()[-1]
    facts = [f for shown in receipt.leaves["facts"] for f in shown.leaf["act"]["body"]["facts"]]
    rows = [base64.b64decode(f["attestation"]["original"]["bytes_b64"]) for f in facts]
    assert any("漾濞".encode() in row and b"6.4" in row for row in rows)


@pytest.mark.parametrize(
    "change",
    [
        lambda v: v.pop("sig"),
        lambda v: v.update(more=1),
        lambda v: v.update(v=2),
        lambda v: v.update(receipt="both"),
        lambda v: v["leaves"].pop("case"),
        lambda v: v["leaves"].update(other=[]),
        lambda v: v["leaves"]["facts"][0].update(index=-1),
        lambda v: v["leaves"]["facts"][0].update(index=True),
        lambda v: v["leaves"]["facts"][0].update(leaf=[]),
        lambda v: v["leaves"]["facts"][0].update(path=["00"]),
        lambda v: v["leaves"]["facts"][0].update(path=["0" * 64] * 65),
        lambda v: v.update(row=[]),
        lambda v: v["row"].pop("path"),
        lambda v: v["claim"].update(count="1"),
        lambda v: v["payouts"].append({}),
        lambda v: v["payouts"][0].update(amount_fen=-1),
        lambda v: v["payouts"][0]["paid"].update(index=-1),
        lambda v: v.update(payouts={}),
        lambda v: v.update(signer=None),
    ],
)
def test_a_field_that_is_not_as_specified_is_refused_by_its_place(change: Any) -> None:
    value = body(payouts()[0][1].to_bytes())
    change(value)
    with pytest.raises(Refused) as refused:
        from_bytes(canonical(value))
    assert refused.value.refusals[0].code == "verify.malformed"
    assert str(refused.value.refusals[0].facts["at"]).startswith("$")


def test_what_cannot_be_receipted_is_refused_by_name() -> None:
    made = situations()
    with made.node.reading() as (reading, state):
        collector = Collector(reading, IDENTITY)
        settlement = next(id for id, _ in state.range("settlement", ""))
        cases = dict(state.range("case", f"{DALI}/"))
        paid = next(
            (id, c["policy"])
            for id, s in state.range("settlement", "")
            for c in reading.claims(s["settlement"]["trigger"])
            if c["pay_fen"]
        )
        occurrence = next(c["occurrence"] for c in cases.values() if c["state"] == "settled")
        asked = {
            "receipt.no_settlement": lambda: collector.payout("0" * 64, ENDED),
            "receipt.nothing_to_pay": lambda: collector.payout(settlement, ENDED),
            "receipt.no_policy": lambda: collector.policy_refusal(settlement, "0" * 32),
            "receipt.is_paid": lambda: collector.policy_refusal(*paid),
            "receipt.no_case": lambda: collector.case_refusal(DALI, "0" * 64, "house"),
            "receipt.no_refusal": lambda: collector.case_refusal(DALI, occurrence, "house"),
        }
        for code, ask in asked.items():
            with pytest.raises(Refused) as refused:
                ask()
            assert refused.value.refusals[0].code == code


def test_a_late_version_brings_the_one_before_it() -> None:
    """An endorsement recorded after the shock changes nothing that the policy had before."""
    with situations().node.reading() as (reading, state):
        collector = Collector(reading, IDENTITY)
        found = [
            collector.payout(id, claim["policy"])
            for id, entry in state.range("settlement", "")
            for claim in reading.claims(entry["settlement"]["trigger"])
            if claim["pay_fen"]
        ]
    late = [r for r in found if r.before is not None]
    assert len(late) == 1
    assert late[0].row is not None
    assert late[0].before is not None
    assert late[0].row.row["transaction"] == "endorse"
    assert late[0].before.row["transaction"] == "issue"
    assert {r.kind for r in found} == {Kind.PAYOUT}


def test_after_a_refusal_of_the_bank_the_last_answer_is_shown() -> None:
    with situations().node.reading() as (reading, state):
        collector = Collector(reading, IDENTITY)
        last = [s for _, s in state.range("settled", f"{DALI}/")][-1]
        trigger = state.need("settlement", last)["settlement"]["trigger"]
        policy = next(c["policy"] for c in reading.claims(trigger) if c["pay_fen"])
        receipt = collector.payout(last, policy)
    numbers = {
        part.payout["carrier"]: (part.paid.outcome["number"], part.paid.outcome["state"])
        for part in receipt.payouts
        if part.paid is not None
    }
    assert numbers["united"] == (2, "executed")
    assert numbers["picc"] == (1, "executed")


def test_what_stands_beside_a_good_fact_keeps_no_receipt_from_being_made() -> None:
    """One gateway's act would have kept every payout that rests on its fact without a receipt."""
    town = Town(name="beside").set_up()
    listing = town.list_product(hills())
    (row,) = town.issue([town.policy(listing)])
    town.at("2016-05-18 01:00:00")
    rows = [quake("2016-05-18 00:48:48", "6.1"), catalogue("2016-05-18 00:48:48", "6.1")]
    good = facts_of(town.node, rows, town.now)
    wrong = [7, {"observation": 1, "attestation": []}, {"observation": {"source": []}}]
    told = town.send(town.act("record_facts", {"facts": [*wrong, *good, *wrong]}))
    assert (told.ok, len(told.notes)) == (True, 6)
    beyond = town.act("record_facts", {"facts": [*good, *[7] * 20_000]})
    assert codes(town.send(beyond)) == ["act.too_many_bad_facts"]
    town.work()
    (settlement,) = town.table("settlement")
    with town.node.reading() as (reading, _):
        receipt = Collector(reading, town.node.identity).payout(settlement, row.policy)
    assert verify(receipt.to_bytes(), receipt.vkey).failed == ()
