"""A record of suite `gm`: the same fen, receipts that hold in two programs, and none across suites.

The real history is replayed in memory under SM2, SM3 and SM4; the Go program checks with another
library (emmansun/gmsm) than ours (GmSSL), so that each answers for the other.
"""

from __future__ import annotations

import json
import os
import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from miaopei.acts import change_key
from miaopei.adapters.keys import fresh
from miaopei.adapters.memory_store import MemoryStore
from miaopei.claims.receipt import from_bytes
from miaopei.claims.verify import suite_of
from miaopei.errors import Refused
from miaopei.ledger import audit, checkpoint
from miaopei.measures.instant import DAY
from miaopei.measures.suites import INTL, named, within
from miaopei.node.node import Node
from miaopei.node.order.solo import Solo
from miaopei.node.proof.inspect import inspect
from miaopei.node.proof.rebuild import rebuild
from miaopei.node.proof.receipts import Collector
from miaopei.node.proof.stored import log_files
from tests.unit.claims import forging, replayed
from tests.unit.claims.replayed import World
from tests.unit.portal.conftest import Played
from tests.unit.receipts import certified as certifying
from tests.unit.receipts.gathered import Held, quakes, solo
from tests.unit.receipts.go_program import build, failed
from tests.unit.receipts.spoiling import some_bytes

GM = named("gm")
PRINTED_FEN = [753_760_000, 2_800_000_000, 2_800_000_000, 1_600_000_000, 16_129_000, 4_000_000_000]
SPOILT = 120


@pytest.fixture(scope="module")
def record() -> Iterator[World]:
    """The whole replay under `gm`, which also is in use as long as this fixture lives."""
    with within(GM):
        made = World("gm", fresh("miaopei"))
        made.set_up()
        made.run(replayed.arrivals(), replayed.END)
        yield made


@pytest.fixture(scope="module")
def receipts(record: World) -> list[Held]:
    """Of each settlement, and of a case that ended without one."""
    found = []
    with record.node.reading() as (reading, state):
        collector = Collector(reading, record.node.identity)
        for id, entry in state.range("settlement", ""):
            (claim,) = reading.claims(entry["settlement"]["trigger"])
            found.append(solo(f"paid {id[:8]}", collector.payout(id, claim["policy"])))
        case = next(c for _, c in state.range("case", "") if c["state"] == "not_covered")
        where = (case["listing"], case["occurrence"], case["benefit"])
        found.append(solo("not covered", collector.case_refusal(*where)))
    return found


def test_the_history_pays_the_same_fen(record: World) -> None:
    with record.node.reading() as (_, state):
        settled = [entry["settlement"] for _, entry in state.range("settlement", "")]
    assert sorted(each["totals"]["pay_fen"] for each in settled) == sorted(PRINTED_FEN)


def test_the_record_is_sound_and_rebuilds(record: World) -> None:
    with record.node.reading() as (reading, _):
        vkey = checkpoint.verifier_key(replayed.ORIGIN, record.node.identity.log)
        assert not audit.examine(log_files(reading), vkey).findings
        assert not list(inspect(reading, record.node))
        assert not list(rebuild(reading, MemoryStore()).differences)


def test_the_pages_and_the_lineage_say_which_hash_they_show(record: World) -> None:
    with Played(record.node, record.store).served() as client:
        assert "SM3" in client.get("/en/record").text
        events = client.get("/en/events").text
        page = client.get(re.findall(r'href="(/en/events/[0-9a-f]{64})', events)[0]).text
        assert "bytes, SM3" in page
        assert "SHA-256" not in page
        assert client.get("/api/v1/record").json()["suite"] == "gm"


def test_receipts_hold_in_both_programs(
    receipts: list[Held], tmp_path_factory: pytest.TempPathFactory
) -> None:
    program = build(tmp_path_factory.mktemp("go"))
    for held in receipts:
        assert suite_of(held.data, held.vkey) == "gm"
        assert held.verdict().failed == (), held.name
    assert failed(program, receipts, tmp_path_factory.mktemp("held")) == [()] * len(receipts)
    draw = random.Random(11)
    spoilt = [
        Held("", some_bytes(each, draw), each.vkey) for each in draw.choices(receipts, k=SPOILT)
    ]
    told = failed(program, spoilt, tmp_path_factory.mktemp("spoilt"))
    for held, found in zip(spoilt, told, strict=True):
        assert held.verdict().failed, held.name
        assert found, held.name
    with within(INTL):
        other = solo("intl", quakes()["printed 0"])
    crossed = [
        Held("crossed", other.data, receipts[0].vkey),
        Held("back", receipts[0].data, other.vkey),
    ]
    assert failed(program, crossed, tmp_path_factory.mktemp("crossed")) == [("suite",)] * 2


def test_a_key_for_acts_that_changed_is_proven_in_both_programs(tmp_path: Path) -> None:
    """Decided under one SM2 key, confirmed under the next; without the change it is nobody's."""
    with within(GM):
        world = World("gm changed", fresh("miaopei"))
        world.set_up()
        pays, world.payer.run = world.payer.run, lambda: 0  # type: ignore[method-assign]
        world.run([replayed.rapid("2016-03-01 08:00:00", "5.6")], replayed.END)
        node, following = world.node, GM.signing(GM.new_signing(os.urandom))
        node.ready(following)
        until = node.time() + DAY
        body = change_key.body_of(following, node.chain, "miaopei", until)
        node.accept(change_key.KIND, "change", body)
        assert node.go_by_next()
        world.payer.run = pays  # type: ignore[method-assign]
        world.work()
        with node.reading() as (reading, state):
            collector = Collector(reading, node.identity)
            paid = [
                collector.payout(name, claim["policy"])
                for name, entry in state.range("settlement", "")
                for claim in reading.claims(entry["settlement"]["trigger"])
                if claim["pay_fen"]
            ]
        held = solo("changed", paid[0])
        assert held.verdict().failed == ()
        value = json.loads(held.data)
        assert [each["leaf"]["act"]["key"] for each in value["leaves"]["payments"]] == [body["key"]]
        del value["leaves"]["keys"]
        bare = solo("bare", forging.from_json(value).signed(following.sign))
        assert {"acts", "signer"} <= set(bare.verdict().failed)
    said = failed(build(tmp_path), [held, bare], tmp_path)
    assert said[0] == ()
    assert {"acts", "signer"} <= set(said[1])


def test_a_consortiums_receipts_hold_in_both_programs_under_the_engines_own_keys(
    receipts: list[Held],
    record: World,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in (forging, certifying):
        monkeypatch.setattr(module, "IDENTITY", record.node.identity)
    made, genesis = certifying.certified(from_bytes(receipts[0].data))
    held = Held("six", made.to_bytes(), None, genesis)
    assert held.verdict().failed == ()
    program, folder = build(tmp_path_factory.mktemp("go")), tmp_path_factory.mktemp("held")
    assert failed(program, [held], folder) == [()]
    with within(INTL):
        assert held.verdict().failed == ("suite",)


def test_a_receipt_of_one_suite_is_refused_under_the_other(receipts: list[Held]) -> None:
    ours = receipts[0]
    with within(INTL):
        other = solo("intl", quakes()["printed 0"])
        for held in (ours, Held("", ours.data, other.vkey), Held("", other.data, ours.vkey)):
            verdict = held.verdict()
            assert verdict.failed == ("suite",)
            assert verdict.checks[-1].facts == {"suite": "gm", "here": "intl"}
        assert other.verdict().holds
    assert other.verdict().failed == ("suite",)


def test_a_node_does_not_open_a_record_of_another_suite(record: World) -> None:
    with within(INTL), pytest.raises(Refused) as refused:
        Node(record.store, record.node.identity, lambda: 0, random.randbytes)
    assert refused.value.refusals[0].code == "suite.other"
    assert isinstance(record.node.orderer, Solo)


def test_members_keys_are_of_the_suite_and_a_banks_may_be_of_another(record: World) -> None:
    with within(INTL):
        strange = fresh("x").acts.public_key().public_bytes_raw().hex()
    entry = {"key": strange, "since": 0, "until": None}
    body = {"name": {"zh": "某", "en": "one"}, "operator": "one", "keys": [entry]}
    with pytest.raises(Refused) as refused:
        record.node.accept("admit_member", "one", {**body, "id": "one", "roles": ["carrier"]})
    assert refused.value.refusals[0].facts == {"field": "keys", "suite": "intl", "here": "gm"}
    record.node.accept("admit_member", "bank", {**body, "id": "bank", "roles": ["bank"]})
