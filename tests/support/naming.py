"""A member that fetches, and acts that name what it has to fetch."""

from __future__ import annotations

from miaopei.adapters.memory_store import MemoryStore
from miaopei.measures.identity import canonical, digest
from miaopei.node.fetching.fetcher import Fetcher, Peers
from miaopei.node.node import Node
from tests.support.consortium import START, who


def fetcher(store: MemoryStore, others: Peers) -> Fetcher:
    return Fetcher(Node(store, who("utility"), lambda: START, bytes), others)


def say(store: MemoryStore, by: str, blobs: list[bytes], length: int | None = None) -> list[str]:
    """An applied act for each of these, in which a member names it as its own; their digests."""
    leaves = []
    for data in blobs:
        uses = {"blob": digest(data), "length": len(data) if length is None else length,
                "count": 1, "root": "0" * 64, "media": "x"}  # fmt: skip
        act = {"kind": "log_uses", "by": by, "body": {"uses": uses}}
        leaves.append(canonical({"leaf": "act", "act": act, "result": {"ok": True, "notes": []}}))
    with store.writing() as block:
        height, size = block.head().height + 1, block.head().size + len(leaves)
        block.append_leaves(leaves)
        block.finish_block(height, START, size)
    return [digest(data) for data in blobs]
