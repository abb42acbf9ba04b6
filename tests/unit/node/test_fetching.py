"""Blobs that the log names come from other members: what is kept together, and what is asked for
again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

from miaopei.adapters.memory_store import MemoryStore
from miaopei.errors import OutsideFault
from miaopei.measures.identity import canonical, digest
from miaopei.node.node import Node
from miaopei.node.ports import Writing
from miaopei.node.vault import fetch
from miaopei.node.vault.fetch import Fetched, Fetcher
from tests.support.consortium import START, who


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
    """Members that have some blobs; one may be silent."""

    def __init__(self, blobs: Mapping[str, bytes], *, silent: str = "") -> None:
        self.blobs, self.silent, self.asked = dict(blobs), silent, list[str]()

    @property
    def members(self) -> list[str]:
        return ["cloud", "notary"]

    def fetch(self, member: str, name: str) -> Fetched | None:
        if member == self.silent:
            raise OutsideFault("silent", retry=True)
        self.asked.append(member)
        return Fetched(self.blobs[name], None) if name in self.blobs else None


def named(store: MemoryStore, blobs: list[bytes]) -> dict[str, bytes]:
    """A log whose acts name these as originals."""
    found = {digest(data): data for data in blobs}
    leaves = [
        canonical(
            {
                "leaf": "act",
                "act": {"by": "cloud", "body": {"o": {"bytes_b64": None, "part": "all",
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
