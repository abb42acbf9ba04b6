"""Blobs that the log names come from other members: what is kept together, and what is asked for
again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

from miaopei.adapters.memory_store import MemoryStore
from miaopei.errors import OutsideFault, Refused
from miaopei.measures.identity import canonical, digest
from miaopei.node.gateway import facts_of
from miaopei.node.node import Node
from miaopei.node.ports import Identity, Writing
from miaopei.node.proof.inspect import inspect
from miaopei.node.vault import fetch
from miaopei.node.vault.blobs import open_blob
from miaopei.node.vault.fetch import Fetched, Fetcher
from miaopei.node.vault.sealing import frame, reader_of, seal, wrap
from tests.support.consortium import START, who
from tests.support.facts import quake
from tests.support.town import Dice, Town


class Counting(MemoryStore):
    """Counts the transactions that write."""

    def __init__(self) -> None:
        super().__init__()
        self.written = 0

    @contextmanager
    def writing(self) -> Iterator[Writing]:
        self.written += 1
        with super().writing() as block:
            yield block


class Others:
    """Members that have some blobs; one may be silent, or hand over anything."""

    def __init__(self, blobs: Mapping[str, bytes], *, silent: str = "", lying: str = "") -> None:
        self.blobs, self.silent, self.asked = dict(blobs), silent, list[str]()
        self.lying = lying

    @property
    def members(self) -> list[str]:
        return ["cloud", "notary"]

    def fetch(self, member: str, name: str) -> Fetched | None:
        if member == self.silent:
            raise OutsideFault("silent", retry=True)
        self.asked.append(member)
        if member == self.lying:
            return Fetched(b"anything", None)
        return Fetched(self.blobs[name], None) if name in self.blobs else None


def named(store: MemoryStore, blobs: list[bytes]) -> dict[str, bytes]:
    """A log whose acts name these as originals."""
    found = {digest(data): data for data in blobs}
    leaves = [
        canonical(
            {
                "leaf": "act",
                "act": {"kind": "x", "by": "cloud", "body": {"o": {"bytes_b64": None, "part": "all",
                                                      "sha256": name}}},
                "result": {"ok": True, "notes": []},
            }
        )
        for name in found
    ]  # fmt: skip
    with store.writing() as block:
        block.append_leaves(leaves)
        block.finish_block(0, START, len(leaves))
    return found


def fetcher(store: MemoryStore, others: Others) -> Fetcher:
    return Fetcher(Node(store, who("utility"), lambda: START, bytes), others)


def held(store: MemoryStore, names: Mapping[str, bytes]) -> list[bool]:
    with store.reading() as reading:
        return [reading.blob(name) == data for name, data in names.items()]


def test_many_blobs_are_kept_in_one_transaction_and_progress_in_another() -> None:
    store = Counting()
    blobs = named(store, [bytes([n]) * 5_000 for n in range(40)])
    one, before = fetcher(store, Others(blobs)), store.written
    assert one.run() == 40
    assert (one.missing, all(held(store, blobs))) == ({}, True)
    assert store.written == before + 2
    assert one.run() == 0
    assert store.written == before + 2


def test_what_is_kept_together_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "STORED_AT_ONCE", 9_000)
    store = Counting()
    blobs = named(store, [bytes([n]) * 5_000 for n in range(5)])
    one, before = fetcher(store, Others(blobs)), store.written
    assert one.run() == 5
    assert all(held(store, blobs))
    assert store.written == before + 4  # two, two, one, and how far we are


def test_what_nobody_has_is_asked_for_again_and_keeps_nothing_else_from_coming() -> None:
    store = Counting()
    blobs = named(store, [bytes([n]) * 5_000 for n in range(3)])
    lacking = next(iter(blobs))
    others = Others({name: data for name, data in blobs.items() if name != lacking})
    one = fetcher(store, others)
    assert (one.run(), set(one.missing)) == (2, {lacking})
    others.blobs = blobs
    assert (fetcher(store, others).run(), one.run()) == (1, 1)
    assert all(held(store, blobs))


def test_what_came_from_others_while_its_sender_was_silent_is_asked_for_again() -> None:
    """The sender may keep a key for us beside it."""
    store = Counting()
    blobs = named(store, [b"x" * 5_000])
    others = Others(blobs, silent="cloud")
    one = fetcher(store, others)
    assert (one.run(), all(held(store, blobs))) == (1, True)
    assert list(one.missing) == list(blobs)
    others.silent = ""
    assert (one.run(), one.missing) == (1, {})
    assert others.asked == ["notary", "cloud"]


def test_who_hands_over_something_else_is_named_and_another_is_asked() -> None:
    """A fact's original comes from whoever has it; what a liar gives in its place is not kept."""
    store = Counting()
    blobs = named(store, [bytes([n]) * 5_000 for n in range(3)])
    others = Others(blobs, lying="cloud")
    one = fetcher(store, others)
    with pytest.raises(Refused) as refused:
        one.run()
    assert [(r.code, r.facts["member"]) for r in refused.value.refusals] == [
        ("net.other_bytes", "cloud")
    ]
    assert refused.value.refusals[0].facts["blob"] in blobs
    assert all(held(store, blobs))
    assert others.asked == ["cloud", *["notary"] * 3], "it is asked no more in this round"
    others.lying = ""
    assert (one.run(), one.missing) == (3, {})


# What stands beside a good fact ------------------------------------------------------------------

BESIDE = {
    "original without a digest": {"bytes_b64": None, "part": "x"},
    "a digest that is none": {"bytes_b64": None, "part": "x", "sha256": "q" * 300},
    "a digest of another kind": {"bytes_b64": None, "part": "x", "sha256": [1]},
    "a blob that is none": {"blob": "q" * 300, "length": 1, "count": 1, "root": "r", "media": "m"},
    "a blob that nobody has": {
        "blob": "ab" * 32, "length": 1, "count": 1, "root": "r", "media": "original",
    },
    "no object": 7,
    "a fact in form alone": {
        "observation": {"values": {"list": {"blob": 1, "media": 2}}},
        "attestation": {"original": {"bytes_b64": None}},
    },
}  # fmt: skip


@pytest.mark.parametrize("what", BESIDE)
@pytest.mark.parametrize("cut", [False, True])
def test_only_what_was_taken_of_an_act_is_looked_at(what: str, cut: bool) -> None:
    """One gateway's act ended every member for good; `cut`: the notes do not name them all."""
    town = Town().set_up()
    town.at("2016-05-18 01:00:00")
    (good,) = facts_of(town.node, [quake("2016-05-18 00:48:48", "4.0")], town.now)
    assert town.send(town.act("record_facts", {"facts": [good, BESIDE[what]]})).ok
    assert not town.send(town.act("record_facts", {"facts": [BESIDE[what]]})).ok
    with town.store.reading() as reading:
        assert list(inspect(reading, town.node)) == []
    taken = [json.loads(leaf) for leaf in town.leaves() if b"record_facts" in leaf]
    leaf = next(each for each in taken if each["result"]["ok"])
    assert [note["facts"]["index"] for note in leaf["result"]["notes"]] == [1]
    if cut:  # as of very many refusals
        leaf["result"]["notes"] = [{"code": "act.and_more", "facts": {"count": 9}}]
    store = MemoryStore()
    with store.writing() as block:
        block.append_leaves([canonical(leaf)])
        block.finish_block(0, START, 1)
    one = fetcher(store, Others({}))
    assert (one.run(), one.missing) == (0, {})
    with store.reading() as reading:
        assert reading.progress(fetch.UPTO) == b"1"


def test_what_nobody_has_holds_up_no_mark_and_is_asked_for_rarely_and_after_a_start() -> None:
    """A digest that somebody made up kept every member from ever writing down where it was."""
    store = Counting()
    blobs = named(store, [bytes([n]) * 5_000 for n in range(2)])
    lacking, other = blobs
    others = Others({other: blobs[other]})
    one = fetcher(store, others)
    assert one.run() == 1
    with store.reading() as reading:
        assert reading.progress(fetch.UPTO) == b"2"
    before, others.asked = store.written, []
    for _ in range(10 * fetch.RARELY):
        assert one.run() == 0
    assert store.written == before
    assert len(others.asked) < 2 * (fetch.PATIENT + 1 + 10)
    again = fetcher(store, others)  # looks through no leaf once more
    assert list(again.missing) == [lacking]
    others.blobs = blobs
    assert (again.run(), again.missing) == (1, {})
    assert fetcher(store, others).missing == {}


def test_who_is_silent_is_asked_each_time() -> None:
    """It may have what the others have not."""
    store = Counting()
    blobs = named(store, [b"x" * 5_000])
    others = Others({}, silent="cloud")
    one = fetcher(store, others)
    for _ in range(2 * fetch.PATIENT):
        one.run()
    others.blobs, others.silent = blobs, ""
    assert one.run() == 1


def test_who_may_read_a_blob_keeps_its_key_for_its_maker_who_has_lost_it() -> None:
    """A maker that comes back from an older backup has nobody else's word of its own keys."""
    maker, reader, random = who("cloud"), who("utility"), Dice("kept for its maker")
    sealed, key = seal(frame([b"row"]), random)
    blob = {"blob": digest(sealed), "length": len(sealed), "count": 1, "root": "0" * 64,
            "media": "miaopei/claims/1"}  # fmt: skip
    act = {"kind": "x", "by": "cloud", "body": {"claims": blob}}
    leaf = canonical({"leaf": "act", "act": act, "result": {"ok": True, "notes": []}})
    stores = {"cloud": MemoryStore(), "utility": MemoryStore()}
    for store in stores.values():
        with store.writing() as block:
            block.append_leaves([leaf])
            block.finish_block(0, START, 1)
            block.put("seat", "cloud", canonical({"box": reader_of(maker.box)}))
    with stores["cloud"].writing() as block:
        block.put_blob(sealed, blob["media"])  # without its key

    def brought(to: Identity, given: Fetched) -> bytes:
        """The first that is asked reads nothing of it, and keeps its bytes alone."""
        others = Others({})
        answers = {"cloud": given, "notary": given}
        if to is maker:
            answers["cloud"] = Fetched(sealed, None)
        others.fetch = lambda member, _: answers[member]  # type: ignore[method-assign]
        one = Fetcher(Node(stores[to.member], to, lambda: START, random), others)
        assert (one.run(), one.missing) == (1, {})
        with stores[to.member].reading() as reading:
            return open_blob(reading, str(blob["blob"]), to)

    wrapped = wrap(key, bytes.fromhex(reader_of(reader.box)), random)
    assert brought(reader, Fetched(sealed, wrapped)) == frame([b"row"])
    with stores["utility"].reading() as reading:
        kept = reading.wrapped(str(blob["blob"]), reader_of(maker.box))
    assert brought(maker, Fetched(sealed, kept)) == frame([b"row"])
