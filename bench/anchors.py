"""Anchoring on a second ledger: anchors a second, gas an anchor, and comparing them again.

A real anvil with a block for each transaction; one member that signs each and waits for its block.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from miaopei.adapters.anchor import chain, founding, install, signing
from miaopei.adapters.anchor.evm import EvmAnchor
from miaopei.adapters.anchor.rpc import Rpc, number
from miaopei.node.anchoring.port import Point

COUNT = 200


def run() -> Iterator[dict[str, Any]]:
    """Anchor so many checkpoints one after the other, read all of them back."""
    install.install()
    with tempfile.TemporaryDirectory(prefix="miaopei-bench-") as made:
        folder = Path(made)
        with chain.start(folder / "chain") as running:
            key = signing.load_or_make(folder)
            running.fund(key.address)
            told = founding.deploy(running.address, "example.org/bench", key, [key.address])
            adapter = EvmAnchor(told, key)
            points = [Point(size, os.urandom(32)) for size in range(1, COUNT + 1)]
            started = time.perf_counter()
            done = [adapter.put(point, None, lambda _: None) for point in points]
            anchored = time.perf_counter() - started
            started = time.perf_counter()
            seen = adapter.read(0)
            read = time.perf_counter() - started
            assert [anchor.point for anchor in seen] == points
            assert not any(anchor.faults for anchor in seen)
            node = Rpc(running.address)
            receipt = node.call("eth_getTransactionReceipt", done[-1].entry)
            gas = number(receipt["gasUsed"])
            node.close()
            adapter.close()
    yield _row("AN1", f"{COUNT} checkpoints, each final before the next", COUNT / anchored, "1/s")
    yield _row("AN2", "gas of one anchor, the contract holding others", gas, "gas")
    yield _row("AN3", "anchors read and their signatures checked", COUNT / read, "1/s")


def _row(name: str, work: str, value: float, unit: str) -> dict[str, Any]:
    return {"id": name, "work": work, "value": value, "unit": unit, "aim": "", "met": None}
