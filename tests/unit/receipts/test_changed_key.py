"""A payout decided under one key and confirmed under the next is proven to whoever has the genesis.

Ours, the program in Go and the page in the browser say the same: of a change that is sound, and of
each that a record should never have taken (its members lie together, or their software is bad).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from miaopei.acts import approvals, change_key
from miaopei.acts.envelope import sign
from miaopei.claims.receipt import Receipt
from miaopei.measures.identity import canonical
from miaopei.measures.instant import DAY
from miaopei.node.proof.receipts import Collector
from tests.unit.claims import forging
from tests.unit.claims.replayed import END, IDENTITY, World, rapid
from tests.unit.receipts.browser import PAGE, checker
from tests.unit.receipts.certified import certified
from tests.unit.receipts.gathered import Held, solo
from tests.unit.receipts.go_program import build, failed

Json = dict[str, Any]
NEXT = Ed25519PrivateKey.from_private_bytes(b"n" * 32)
OTHER = Ed25519PrivateKey.from_private_bytes(b"o" * 32)
THIRD = Ed25519PrivateKey.from_private_bytes(b"t" * 32)
KEYS = {key.public_key().public_bytes_raw().hex(): key for key in (IDENTITY.acts, NEXT, OTHER)}
CODE, FAR = "verify.key_change", END + 9 * DAY
Spoil = Callable[[World, Json], Json]


def body_of(world: World, key: Ed25519PrivateKey = NEXT) -> Json:
    return change_key.body_of(key, world.node.chain, "miaopei", world.node.time() + DAY)


class Change:
    """A world in which a payout is decided, then the key changes, and then the payout is paid."""

    def __init__(
        self,
        by: str = "miaopei",
        *,
        goes_by: bool = True,
        then: Sequence[Ed25519PrivateKey] = (),
        **spoilt: Any,
    ) -> None:
        self.world = world = World("changed")
        key = {"key": OTHER.public_key().public_bytes_raw().hex(), "since": 0, "until": None}
        other = {"id": "notary", "name": {"zh": "公证", "en": "notary"}, "operator": "notary"}
        world.node.accept("admit_member", "notary", {**other, "roles": ["decider"], "keys": [key]})
        world.set_up()
        pays, world.payer.run = world.payer.run, lambda: 0  # type: ignore[method-assign]
        world.run([rapid("2016-03-01 08:00:00", "5.6")], END)
        body = {**body_of(world), **spoilt}
        signer = IDENTITY.acts if by == "miaopei" else OTHER
        act = sign(signer, world.node.chain, "change_key", by, "change", body)
        (result,) = world.node.submit([act])
        assert result.ok, result.refusals
        self.me = replace(IDENTITY, acts=NEXT) if goes_by else IDENTITY
        world.node.identity = self.me
        for key in then:  # the payout waits for all of them
            world.node.pass_time(world.node.time() + DAY)
            world.node.accept("change_key", f"and {world.node.time()}", body_of(world, key))
            world.node.identity = self.me = replace(self.me, acts=key)
        world.payer.run = pays  # type: ignore[method-assign]
        world.work()

    def receipt(self) -> Receipt:
        with self.world.node.reading() as (reading, state):
            collector = Collector(reading, self.me)
            for name, entry in state.range("settlement", ""):
                for claim in reading.claims(entry["settlement"]["trigger"]):
                    if claim["pay_fen"]:
                        return collector.payout(name, claim["policy"])
        raise LookupError("nothing is paid")


@cache
def sound() -> Receipt:
    return Change().receipt()


@cache
def twice() -> Receipt:
    return Change(then=(THIRD,)).receipt()


@contextmanager
def lenient(*names: str) -> Iterator[None]:
    """A record whose members do not look at some of what a change needs."""
    with pytest.MonkeyPatch.context() as patch:
        if "proof" in names:
            patch.setattr(change_key, "_possessed", lambda *_: True)
        if "stood" in names:
            patch.setattr(change_key, "_stood", lambda *_: iter(()))
        if "until" in names:
            patch.setattr(approvals, "check_until", lambda *_: None)
        if "votes" in names:
            patch.setattr(approvals, "approve", lambda _, act, __: (act.id,))
        if "ends" in names:  # the earlier key goes on
            patch.setattr(change_key, "_change", lambda *_: None)
        yield


@cache
def forgeries() -> dict[str, tuple[Receipt, str]]:
    """By what is wrong: the receipt, and the code that says so."""
    made = {}
    with lenient("proof"):
        made["no proof"] = (Change(proof="00" * 64).receipt(), CODE)
        given = change_key.body_of(NEXT, World("changed").node.chain, "miaopei", FAR)
        spelt = {**given, "proof": given["proof"].upper()}
        made["a proof in capitals"] = (Change(**spelt).receipt(), CODE)
    with lenient("until"):
        world = World("changed")
        late = change_key.body_of(NEXT, world.node.chain, "miaopei", 1)
        made["its time was over"] = (Change(**late).receipt(), CODE)
    with lenient("stood"), pytest.MonkeyPatch.context() as patch:
        patch.setattr(f"{__name__}.NEXT", IDENTITY.acts)
        patch.setattr("miaopei.acts.apply.CHANGED", "is not looked at")
        given = change_key.body_of(IDENTITY.acts, World("changed").node.chain, "miaopei", FAR)
        made["a key that has stood"] = (Change(**given).receipt(), CODE)
    with lenient("stood"), pytest.MonkeyPatch.context() as patch:
        patch.setattr("miaopei.acts.apply.CHANGED", "is not looked at")
        made["back to a key that was given before"] = (Change(then=(THIRD, NEXT)).receipt(), CODE)
    with lenient("votes"):
        made["another's word"] = (Change("notary").receipt(), "verify.member_role")
    with lenient("ends"):
        made["the old key goes on"] = (Change(goes_by=False).receipt(), "verify.member_key")
    return made


def codes(held: Held) -> set[str]:
    return {check.why.code for check in held.verdict().checks if check.why is not None}


def consortium() -> Held:
    """The same in a record of six: others want the change, whose votes the record counts."""
    with lenient("votes"):
        receipt = Change("notary").receipt()

    def sign_act(act: Json) -> str:
        if act["kind"] == "change_key":
            said = {**act["body"], "chain": act["chain"]}
            proof = NEXT.sign(change_key.message(act["chain"], said)).hex()
            act["body"]["proof"] = proof
        unsigned = {name: part for name, part in act.items() if name != "sig"}
        act["sig"] = KEYS[act["key"]].sign(b"miaopei/v1/act\0" + canonical(unsigned)).hex()
        return forging.content_id("act", unsigned)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(forging, "sign_act", sign_act)
        made, genesis = certified(receipt)
    return Held("consortium", made.signed(NEXT.sign).to_bytes(), None, genesis)


def test_the_receipt_shows_the_change_and_holds() -> None:
    receipt = sound()
    (shown,) = receipt.leaves["keys"]
    assert shown.leaf["act"]["kind"] == "change_key"
    keys = {role: receipt.leaves[role][0].leaf["act"]["key"] for role in ("decisions", "payments")}
    assert [KEYS[keys[role]] for role in ("decisions", "payments")] == [IDENTITY.acts, NEXT]
    assert solo("sound", receipt).verdict().holds
    assert solo("changed twice", twice()).verdict().holds
    assert consortium().verdict().holds


def test_what_a_record_should_not_have_taken_is_refused() -> None:
    for name, (receipt, code) in forgeries().items():
        assert code in codes(solo(name, receipt)), (name, codes(solo(name, receipt)))


def test_without_the_change_nothing_vouches_for_the_new_key() -> None:
    value = json.loads(sound().to_bytes())
    del value["leaves"]["keys"]
    held = solo("bare", forging.from_json(value).signed(NEXT.sign))
    assert {"acts", "signer"} <= set(held.verdict().failed)


def test_a_receipt_signed_by_the_old_key_after_the_change_is_nobodys() -> None:
    held = solo("old", sound().signed(IDENTITY.acts.sign))
    assert held.verdict().failed == ("signer",)


def judged() -> list[Held]:
    """All of the above, sound ones first."""
    found = [solo("sound", sound()), consortium(), solo("changed twice", twice())]
    found += [solo(name, receipt) for name, (receipt, _) in forgeries().items()]
    return [*found, solo("old", sound().signed(IDENTITY.acts.sign))]


def test_the_program_in_go_says_the_same(tmp_path: Path) -> None:
    program, folder = build(tmp_path), tmp_path / "files"
    folder.mkdir()
    for held, said in zip(judged(), failed(program, judged(), folder), strict=True):
        assert set(said) == set(held.verdict().failed), held.name


def test_the_page_in_the_browser_says_the_same(tmp_path: Path) -> None:
    with checker(tmp_path) as page:
        page.open(f"{PAGE.as_uri()}?lang=en")
        for held in judged():
            said = page.check(held)
            assert (said["verdict"] == "holds") == held.verdict().holds, (held.name, said["failed"])
            assert set(said["failed"].split()) <= set(held.verdict().failed), held.name
