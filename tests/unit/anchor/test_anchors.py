"""Checkpoints on a real chain: what the contract takes and refuses, and what is read back."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from eth_utils.address import to_checksum_address

from miaopei.adapters.anchor import contract, founding, signing
from miaopei.adapters.anchor.chain import RunningChain
from miaopei.adapters.anchor.contract import compiling
from miaopei.adapters.anchor.evm import EvmAnchor
from miaopei.adapters.anchor.rpc import Said, number
from miaopei.errors import OutsideFault, Refused
from miaopei.ledger import checkpoint
from miaopei.node.anchoring.port import Anchored, Point, SideAltered
from miaopei.node.anchoring.worker import OVERLAP
from tests.support import anchoring
from tests.support.anchoring import Side, grow, node
from tests.support.town import Town

NESTED = """
from miaopei.adapters.anchor import signing
from miaopei.errors import Refused
from miaopei.measures.identity import read_canonical
try:
    read_canonical(b"[" * 100_000 + b"]" * 100_000)
except Refused:
    print("refused")
"""


def voted_in(ledger: RunningChain, side: Side, folder: Path) -> signing.AnchorKey:
    """A further writer: its key lies in this folder, it can pay, and the contract takes it."""
    key = signing.load_or_make(folder)
    ledger.fund(key.address)
    side.adapter().vote(key.address, may=True)
    return key


def liar_key(folder: Path) -> bytes:
    """A writer's key, to sign what this program would not."""
    return bytes.fromhex(json.loads((folder / signing.FILE).read_bytes())["key"])


def test_what_signs_anchors_leaves_nested_json_a_refusal_and_no_fault_of_memory() -> None:
    ran = subprocess.run([sys.executable, "-c", NESTED], capture_output=True, text=True)
    assert (ran.returncode, ran.stdout) == (0, "refused\n"), ran.stderr


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningChain]:
    """One chain for this file; each test has a contract of its own."""
    with anchoring.running(tmp_path_factory.mktemp("chain")) as made:
        yield made


@pytest.fixture
def side(ledger: RunningChain, tmp_path: Path) -> Iterator[Side]:
    """A solo record that anchors."""
    with anchoring.side(Town(), tmp_path / "member", ledger) as made:
        yield made


def test_the_compiled_contract_is_what_the_pinned_compiler_makes_of_its_source() -> None:
    assert compiling.compiled() == contract.form()


def test_a_checkpoint_is_anchored_and_read_back(side: Side) -> None:
    size = grow(side.town, "one", "two")
    done = side.run()
    assert (done.noted, done.anchored) == (1, 1)
    (read,) = side.adapter().read(0)
    with side.town.store.reading() as reading:
        signed = checkpoint.parse(reading.checkpoint())
    assert (read.point.size, read.point.root) == (size, signed.root) == (size, read.point.root)
    assert (read.by, read.faults) == (side.key.address, ())
    found = side.compare()
    assert (found.count, found.agreed, found.last, found.findings) == (1, 1, size, ())


def test_nothing_but_origin_hash_size_and_root_ever_goes_there(
    ledger: RunningChain, side: Side
) -> None:
    """Every byte of calldata is a known one: no person, no amount, no name can hide in it."""
    roots = {}
    for name in ("ab", "cd", "ef"):
        size = grow(side.town, name)
        side.run()
        with side.town.store.reading() as reading:
            roots[size] = reading.head().root
    found = anchoring.transactions(ledger)
    mine = [t for t in found if t["from"] == side.key.address]
    puts = [bytes.fromhex(t["input"][2:]) for t in mine if t["to"] == side.told.contract]
    (made,) = [bytes.fromhex(t["input"][2:]) for t in mine if t["to"] is None]
    origin, key = side.told.origin_hash, bytes.fromhex(side.key.address[2:])
    assert made == contract.creation(origin, [key])
    assert puts == [contract.put(origin, size, root) for size, root in roots.items()]
    assert all(len(data) == 4 + 3 * 32 for data in puts)


def test_a_smaller_size_is_refused_and_a_second_root_for_one_size(side: Side) -> None:
    size = grow(side.town, "one", "two", "three")
    side.run()
    adapter = side.adapter()
    for point, code in (
        (Point(size - 1, bytes([7]) * 32), "anchor.smaller_size"),
        (Point(size, bytes([7]) * 32), "anchor.other_root"),
    ):
        with pytest.raises(Refused) as refused:
            adapter.put(point, None, lambda _: None)
        assert refused.value.refusals[0].code == code
        assert refused.value.refusals[0].facts["size"] == point.size
    assert list(side.anchored()) == [size]


def test_the_same_checkpoint_again_is_the_anchor_that_is_there(side: Side) -> None:
    grow(side.town, "one")
    side.run()
    (first,) = side.adapter().read(0)
    again = side.adapter().put(first.point, None, lambda _: None)
    assert (again.entry, again.height) == (first.entry, first.height)
    assert len(side.anchored()) == 1


def test_a_key_that_may_not_write_is_refused_by_the_contract_itself(
    ledger: RunningChain, side: Side, tmp_path: Path
) -> None:
    size = grow(side.town, "one")
    other = signing.load_or_make(tmp_path)
    ledger.fund(other.address)
    point = Point(size, bytes([7]) * 32)
    with pytest.raises(Refused) as refused:
        side.adapter(other).put(point, None, lambda _: None)
    assert refused.value.refusals[0].code == "anchor.not_a_writer"
    # And where somebody sends it all the same, the chain holds a transaction that failed.
    data = contract.put(side.told.origin_hash, point.size, point.root)
    price = signing.Price(10**11, 10**9)
    signed = other.sign(side.told.chain, 0, side.told.contract, data, 200_000, price)
    node(ledger, "eth_sendRawTransaction", "0x" + signed.raw.hex())
    receipt = node(ledger, "eth_getTransactionReceipt", signed.hash)
    assert (receipt["status"], receipt["logs"]) == ("0x0", [])
    assert side.anchored() == {}


def test_more_than_half_of_the_writers_decide_who_writes(
    ledger: RunningChain, tmp_path: Path
) -> None:
    keys = [signing.load_or_make(tmp_path / name) for name in ("a", "b", "c", "d")]
    for key in keys:
        ledger.fund(key.address)
    a, b, c, d = keys
    told = founding.deploy(ledger.address, "example.org/votes", a, [k.address for k in (a, b, c)])
    with anchoring.side(Town(), tmp_path / "m", ledger, told) as member:
        adapters = {key.address: member.adapter(key) for key in keys}
        adapters[a.address].vote(d.address, may=True)
        assert set(adapters[a.address].writers()) == {a.address, b.address, c.address}
        for wrong, code in ((a, "voted_already"), (d, "not_a_writer")):
            with pytest.raises(Refused) as refused:
                adapters[wrong.address].vote(d.address, may=True)
            assert refused.value.refusals[0].code == f"anchor.{code}"
        adapters[b.address].vote(d.address, may=True)
        assert set(adapters[a.address].writers()) == {k.address for k in keys}
        for voter in (b, c, d):
            adapters[voter.address].vote(a.address, may=False)
        assert set(adapters[b.address].writers()) == {b.address, c.address, d.address}
        with pytest.raises(Refused) as refused:
            adapters[a.address].put(Point(1, bytes([1]) * 32), None, lambda _: None)
        assert refused.value.refusals[0].code == "anchor.not_a_writer"


def test_another_origin_another_contract_and_another_chain_are_not_believed(
    ledger: RunningChain, side: Side, tmp_path: Path
) -> None:
    def refused(told: anchoring.Told) -> str:
        with (
            pytest.raises(Refused) as caught,
            anchoring.side(side.town, tmp_path / "x", ledger, told) as other,
        ):
            other.adapter().head()
        return caught.value.refusals[0].code

    from dataclasses import replace

    assert refused(replace(side.told, origin="example.org/other")) == "anchor.another_origin"
    assert refused(replace(side.told, contract="0x" + "1" * 40)) == "anchor.no_contract"
    assert refused(replace(side.told, genesis="0x" + "0" * 64)) == "anchor.other_chain"
    node(ledger, "anvil_setCode", "0x" + "2" * 40, "0x6001600155")
    assert refused(replace(side.told, contract="0x" + "2" * 40)) == "anchor.other_contract"


def test_a_root_changed_in_the_contracts_table_is_named_with_its_size(
    ledger: RunningChain, side: Side
) -> None:
    sizes = []
    for name in ("one", "two", "three"):
        sizes.append(grow(side.town, name))
        side.run()
    node(
        ledger, "anvil_setStorageAt", side.told.contract,
        anchoring.slot_of(side.key.address, sizes[1]), "0x" + "77" * 32,
    )  # fmt: skip
    found = side.compare()
    assert found.altered
    assert found.agreed == 2
    (finding,) = found.findings
    assert (finding.code, finding.facts["size"]) == ("anchor.anchor_altered", sizes[1])
    assert finding.facts["why"] == "stored"


def test_the_count_of_the_contract_changed_is_found(ledger: RunningChain, side: Side) -> None:
    size = grow(side.town, "one")
    side.run()
    word = f"0x{(5 << 64) + size + 9:064x}"
    node(ledger, "anvil_setStorageAt", side.told.contract, "0x2", word)
    (finding,) = side.compare().findings
    assert (finding.code, finding.facts["size"]) == ("anchor.miscounted", size + 9)


def test_anchors_that_somebody_else_wrote_for_us_are_named(
    ledger: RunningChain, side: Side, tmp_path: Path
) -> None:
    """Whoever runs the chain lets a key of their own write: we were told of no such writer."""
    size = grow(side.town, "one")
    rogue = voted_in(ledger, side, tmp_path)
    side.adapter(rogue).put(Point(size, bytes([9]) * 32), None, lambda _: None)
    (finding,) = side.compare().findings
    assert (finding.code, finding.facts["size"]) == ("anchor.anchor_altered", size)
    assert finding.facts["why"] == "writer"
    assert finding.facts["by"] == rogue.address
    with pytest.raises(SideAltered):
        side.run()


def test_a_transaction_whose_bytes_are_not_its_hash_is_nobodys(
    ledger: RunningChain, side: Side
) -> None:
    grow(side.town, "one")
    side.run()
    (read,) = side.adapter().read(0)
    told = node(ledger, "eth_getTransactionByHash", read.entry)
    said = signing.recover(told)
    assert said is not None
    assert (said.signer, said.to) == (side.key.address, side.told.contract)
    other = contract.put(side.told.origin_hash, read.point.size, bytes([7]) * 32)
    assert signing.recover({**told, "input": "0x" + other.hex()}) is None
    assert signing.recover({**told, "nonce": "0x63"}) is None
    assert signing.recover({}) is None


def rewritten(names: list[str], change: dict[str, str]) -> Town:
    """The same operator's record with the same keys and origin, in which something else stands."""
    town = Town()
    grow(town, *(change.get(name, name) for name in names))
    return town


def test_a_log_rewritten_by_its_operator_with_its_own_keys_is_named_with_the_sizes(
    side: Side,
) -> None:
    names, sizes = ["one", "two", "three", "four"], []
    for name in names:
        sizes.append(grow(side.town, name))
        side.run()
    side.town = rewritten(names, {"three": "nobody"})
    with side.town.store.reading() as reading:  # its own checkpoint is signed and holds
        head = checkpoint.parse(reading.checkpoint())
        assert head.root == reading.head().root
    found = side.compare()
    first, second = [f for f in found.findings if f.code == "anchor.log_altered"]
    assert (first.facts["after"], first.facts["size"]) == (sizes[1], sizes[2])
    assert (second.facts["after"], second.facts["size"]) == (sizes[1], sizes[3])
    assert found.altered
    assert found.last == sizes[1]
    with pytest.raises(SideAltered) as alarm:
        side.run()
    assert alarm.value.finding.code == "anchor.log_altered"
    assert len(side.anchored()) == 4  # over an alarm nothing further is anchored


def test_a_rewritten_log_is_named_also_where_the_outbox_was_rewritten_with_it(
    side: Side, ledger: RunningChain, tmp_path: Path
) -> None:
    size = grow(side.town, "one", "two")
    side.run()
    told = side.told.trusting(side.key.address)
    with anchoring.side(
        rewritten(["one", "two"], {"two": "x"}), tmp_path / "new", ledger, told
    ) as s:
        (finding,) = s.compare().findings
        assert (finding.code, finding.facts["size"]) == ("anchor.log_altered", size)


def test_a_log_that_was_cut_is_named_and_a_member_that_catches_up_is_not(side: Side) -> None:
    size = grow(side.town, "one", "two", "three")
    side.run()
    side.town = rewritten(["one"], {})
    assert anchoring.codes(side.compare()) == ["log_shorter"]
    with pytest.raises(SideAltered):
        side.run()
    found = side.compare(catching_up=True)
    assert anchoring.codes(found) == ["not_reached"]
    assert found.findings[0].facts["size"] == size
    assert not found.altered


def test_two_members_share_one_contract_and_whoever_is_late_is_covered(
    ledger: RunningChain, side: Side, tmp_path: Path
) -> None:
    second = voted_in(ledger, side, tmp_path / "second")
    told = side.told.trusting(second.address)
    side.told = told
    side.alone = False
    with anchoring.side(side.town, tmp_path / "second", ledger, told, alone=False) as other:
        grow(side.town, "one")
        late = other.worker()
        late.note()
        grow(side.town, "two")
        assert side.run().anchored == 1
        done = late.run()
        assert (done.covered, done.anchored) == (1, 1)
        assert len(side.anchored()) == 1
        found = other.compare()
        assert (found.findings, found.agreed) == ((), 1)


@pytest.mark.parametrize("version", [2, 1])
def test_one_writer_that_anchors_a_size_which_nobody_has_is_named_and_covers_nothing(
    ledger: RunningChain, side: Side, tmp_path: Path, version: int
) -> None:
    """Today's contract keeps a head for each writer; in one of before all others are shut out."""
    liar = signing.load_or_make(tmp_path / "liar")
    ledger.fund(liar.address)
    side.told = side.told.trusting(liar.address)
    side.alone = False
    if version == 1:
        side.told = anchoring.of_before(side, ledger)
    else:
        side.adapter().vote(liar.address, may=True)
    first = grow(side.town, "one")
    assert side.run().anchored == 1
    huge = 2**53 - 1
    side.adapter(liar).put(Point(huge, bytes([9]) * 32), None, lambda _: None)
    size = grow(side.town, "two")
    done = side.run()  # the record's clock stands years before the chain's
    sent = version == 2
    assert (done.anchored, done.covered, len(side.outbox().waiting())) == (sent, 0, not sent)
    assert [each.code for each in done.told] == ["anchor.not_reached"]
    assert anchoring.standing(side)["trouble"]["code"] == "anchor.not_reached"
    side.town.at("2090-01-01")
    later = grow(side.town, "three")
    done = side.run()
    assert (done.anchored, done.covered, len(side.outbox().waiting())) == (sent, 0, 2 * (not sent))
    told = done.told[0]
    facts = {name: told.facts[name] for name in ("size", "ours", "by")}
    assert told.code == "anchor.ahead_of_all"
    assert facts == {"size": huge, "ours": later, "by": liar.address}
    assert anchoring.standing(side)["trouble"]["code"] == "anchor.ahead_of_all"
    found = side.compare(catching_up=True)
    assert found.altered
    assert found.agreed == (3 if sent else 1)
    assert anchoring.codes(found)[0] == "ahead_of_all"
    assert set(side.anchored()) == ({first, size, later} if sent else {first}) | {huge}


def test_a_false_root_of_another_writer_does_not_stand_where_ours_goes(
    ledger: RunningChain, side: Side, tmp_path: Path
) -> None:
    """Both stand, each under its own key; before, whoever was first shut the other out."""
    other = voted_in(ledger, side, tmp_path)
    side.told = side.told.trusting(other.address)
    size = grow(side.town, "one")
    false = Point(size, bytes([9]) * 32)
    side.adapter(other).put(false, None, lambda _: None)
    with side.town.store.reading() as reading:
        ours = Point(size, reading.head().root)
    assert side.adapter().put(ours, None, lambda _: None).by == side.key.address
    assert [(a.by, a.point, a.faults) for a in side.adapter().read(0)] == [
        (other.address, false, ()),
        (side.key.address, ours, ()),
    ]
    (finding,) = side.compare().findings
    assert (finding.code, finding.facts["by"]) == ("anchor.log_altered", other.address)


@pytest.mark.parametrize("version", [2, 1])
def test_a_false_root_of_another_writer_is_told_each_time_and_stops_nobody(
    ledger: RunningChain, side: Side, tmp_path: Path, version: int
) -> None:
    """It stands for good: whoever would stop over it would never anchor again."""
    liar = signing.load_or_make(tmp_path / "liar")
    ledger.fund(liar.address)
    side.told, side.alone = side.told.trusting(liar.address), False
    if version == 1:
        side.told = anchoring.of_before(side, ledger)
    else:
        side.adapter().vote(liar.address, may=True)
    sizes = [grow(side.town, "one")]
    if version == 1:  # there ours cannot stand at that size: it waits until a larger one covers it
        side.worker().note()
    side.adapter(liar).put(Point(sizes[0], bytes([9]) * 32), None, lambda _: None)
    for name, anchored in (("two", 1), ("three", 1), ("", 0)):
        if name:
            sizes.append(grow(side.town, name))
        done = side.run()
        (told,) = done.told
        assert (done.anchored, done.again) == (anchored, 0)
        assert (told.code, told.facts["by"]) == ("anchor.log_altered", liar.address)
        assert told.facts["size"] == sizes[0]
        assert anchoring.standing(side)["trouble"]["code"] == "anchor.log_altered"
    assert set(side.anchored()) == set(sizes)
    assert side.outbox().waiting() == []
    found = side.compare()
    assert (found.altered, found.agreed) == (True, 2)
    assert anchoring.codes(found) == ["log_altered"]


def test_what_is_false_for_good_has_nothing_read_again_and_is_named_while_it_stands(
    ledger: RunningChain, side: Side, tmp_path: Path
) -> None:
    """Each round read everything from the first false anchor on: the older it was the more."""
    liar = voted_in(ledger, side, tmp_path / "liar")
    side.told, side.alone = side.told.trusting(liar.address), False
    size = grow(side.town, "one")
    side.adapter(liar).put(Point(size, bytes([9]) * 32), None, lambda _: None)
    side.adapter(liar).put(Point(2**53 - 1, bytes([9]) * 32), None, lambda _: None)
    height = node(ledger, "eth_blockNumber")
    for name in ("two", "three"):
        node(ledger, "anvil_mine", hex(2 * OVERLAP))
        grow(side.town, name)
        done = side.run()
        assert [each.code for each in done.told] == ["anchor.log_altered", "anchor.not_reached"]
        assert (done.told[0].facts["by"], done.told[0].facts["size"]) == (liar.address, size)
    read, since = EvmAnchor.read, list[int]()

    def noted(self: EvmAnchor, first: int) -> Any:
        since.append(first)
        return read(self, first)

    with patch.object(EvmAnchor, "read", noted):
        done = side.run()
    (first,) = since
    assert first > number(height)
    assert len(done.told) == 2
    gone = number(node(ledger, "eth_blockNumber")) - number(height) + 2
    node(ledger, "anvil_reorg", gone, [])  # with it went what the other had signed
    assert side.run().told == ()
    assert side.outbox().apart() == []


@pytest.mark.parametrize("form", ["a byte behind", "a byte behind a false root", "another type"])
def test_what_another_writer_sends_so_that_none_can_check_it_stops_nobody(
    ledger: RunningChain, side: Side, tmp_path: Path, form: str
) -> None:
    """The contract takes it, and no signature that we read bears it out: it counts for nothing."""
    liar = voted_in(ledger, side, tmp_path / "liar")
    side.told, side.alone = side.told.trusting(liar.address), False
    size = grow(side.town, "one")
    with side.town.store.reading() as reading:
        root = reading.head().root
    data = contract.put(side.told.origin_hash, size, bytes([9]) * 32 if "false" in form else root)
    fields: dict[str, Any] = {
        "to": to_checksum_address(side.told.contract), "value": 0, "gas": 300_000,
        "nonce": number(node(ledger, "eth_getTransactionCount", liar.address, "latest")),
        "chainId": number(node(ledger, "eth_chainId")), "gasPrice": 10**10,
        "data": data if form == "another type" else data + b"\0",
    }  # fmt: skip
    if form == "another type":
        fields |= {"type": 1, "accessList": []}
    signed = signing.Account.from_key(liar_key(tmp_path / "liar")).sign_transaction(fields)
    node(ledger, "eth_sendRawTransaction", "0x" + bytes(signed.raw_transaction).hex())
    for name in ("two", "three"):
        grow(side.town, name)
        done = side.run()
        (told,) = done.told
        assert done.anchored == 1
        assert (told.code, told.facts["why"]) == ("anchor.anchor_altered", "signed")
        assert (told.facts["by"], told.facts["size"]) == (liar.address, size)
    assert side.outbox().waiting() == []
    found = side.compare()
    assert (found.altered, found.agreed) == (True, 2)
    forged = [replace(a, by=side.key.address) for a in side.adapter().read(0) if a.faults]
    with patch.object(EvmAnchor, "read", lambda *_: forged), pytest.raises(SideAltered):
        side.run()  # in our own name it is the ledger that lies


def test_a_log_altered_below_what_was_compared_long_ago_is_found_by_our_own_anchor(
    ledger: RunningChain, side: Side, tmp_path: Path
) -> None:
    """What the other signs of it goes into no blind spot: our own key's word is looked at anew."""
    other = voted_in(ledger, side, tmp_path / "other")
    side.told, side.alone = side.told.trusting(other.address), False
    before = grow(side.town, "one", "two")
    with side.town.store.reading() as reading:
        point = Point(before, reading.head().root)
    size = grow(side.town, "three")
    assert side.run().anchored == 1
    node(ledger, "anvil_mine", "0x20")
    side.run()
    side.town = rewritten(["one", "two", "three", "four"], {"two": "nobody"})
    side.adapter(other).put(point, None, lambda _: None)
    with pytest.raises(SideAltered) as alarm:
        side.run()
    said = alarm.value.finding
    assert (said.code, said.facts["by"]) == ("anchor.log_altered", side.key.address)
    assert said.facts["size"] == size


def test_what_a_chain_that_went_back_has_lost_is_sent_again_below_a_size_that_nobody_has(
    ledger: RunningChain, side: Side, tmp_path: Path
) -> None:
    liar = voted_in(ledger, side, tmp_path / "liar")
    side.told, side.alone = side.told.trusting(liar.address), False
    sizes = [grow(side.town, "one")]
    side.run()
    huge = 2**53 - 1
    side.adapter(liar).put(Point(huge, bytes([9]) * 32), None, lambda _: None)
    for name in ("two", "three"):
        sizes.append(grow(side.town, name))
        assert side.run().anchored == 1
    node(ledger, "anvil_reorg", 2, [])
    assert set(side.anchored()) == {sizes[0], huge}
    found = side.compare(catching_up=True)
    assert anchoring.codes(found) == ["not_reached", "rolled_back"]
    assert not found.altered
    done = side.run()
    assert (done.again, done.anchored) == (2, 2)
    assert set(side.anchored()) == {*sizes, huge}
    done = side.run()
    assert (done.again, done.anchored) == (0, 0)
    assert anchoring.codes(side.compare(catching_up=True)) == ["not_reached"]


def test_two_writers_of_the_same_checkpoint_send_nothing_again(
    ledger: RunningChain, side: Side, tmp_path: Path
) -> None:
    """Whoever is second has no head of its own for it, and has lost nothing."""
    second = voted_in(ledger, side, tmp_path / "second")
    told = side.told = side.told.trusting(second.address)
    side.alone = False
    with anchoring.side(side.town, tmp_path / "second", ledger, told, alone=False) as other:
        grow(side.town, "one")
        assert [each.run().anchored for each in (side, other)] == [1, 1]
        for _ in range(2):
            done = other.run()
            assert (done.again, done.anchored, done.covered) == (0, 0, 0)
        assert len(side.anchored()) == 1
        assert other.compare().findings == ()


def test_a_chain_without_a_price_for_gas_takes_anchors_of_a_key_without_coins(
    tmp_path: Path,
) -> None:
    free = ("--gas-price", "0", "--block-base-fee-per-gas", "0")
    with anchoring.running(tmp_path / "chain", *free) as running:
        key = signing.load_or_make(tmp_path / "member")
        told = founding.deploy(running.address, "example.org/town", key, [key.address], free=True)
        assert node(running, "eth_getBalance", key.address, "latest") == "0x0"
        made = Side(Town(), tmp_path / "member", told, key)
        grow(made.town, "one")
        assert made.run().anchored == 1
        made.close()


def test_a_log_far_longer_than_one_question_for_events_is_read_whole(
    ledger: RunningChain, side: Side, monkeypatch: pytest.MonkeyPatch
) -> None:
    from miaopei.adapters.anchor import evm

    monkeypatch.setattr(evm, "AT_ONCE", 2)
    sizes = []
    for name in ("a", "b", "c", "d"):
        sizes.append(grow(side.town, name))
        side.run()
        node(ledger, "anvil_mine", "0x3")
    assert [a.point.size for a in side.adapter().read(0)] == sizes
    last: Anchored = side.adapter().read(0)[-1]
    assert [a.point.size for a in side.adapter().read(last.height)] == sizes[-1:]


def test_a_key_without_coins_is_told_so_where_gas_costs(side: Side, tmp_path: Path) -> None:
    grow(side.town, "one")
    poor = signing.load_or_make(tmp_path)
    side.adapter().vote(poor.address, may=True)
    with pytest.raises(OutsideFault, match=r"(?i)insufficient funds"):
        side.adapter(poor, patience=2).put(Point(1, bytes([1]) * 32), None, lambda _: None)
    assert side.anchored() == {}


def test_a_no_of_the_node_is_said_with_its_reason(ledger: RunningChain) -> None:
    with pytest.raises(Said, match=r"(?i)method"):
        node(ledger, "eth_no_such_thing")
