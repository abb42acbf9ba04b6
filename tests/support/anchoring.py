"""A record, a chain and what joins them, for tests: the real anvil, the real contract."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from eth_utils.crypto import keccak

from miaopei.adapters.anchor import chain, contract, founding, install, outbox, signing
from miaopei.adapters.anchor.chain import RunningChain
from miaopei.adapters.anchor.evm import EvmAnchor
from miaopei.adapters.anchor.outbox import OutboxFile
from miaopei.adapters.anchor.rpc import Rpc
from miaopei.adapters.anchor.sending import Sender
from miaopei.adapters.anchor.signing import AnchorKey
from miaopei.adapters.anchor.told import Told
from miaopei.node.anchoring.comparing import Comparison, compare
from miaopei.node.anchoring.worker import Anchorer, Done, Pace
from tests.support.town import Town, good

AT_ONCE = Pace(0, 1)
ROOTS_SLOT = 3  # of `roots` in the contract's storage, behind the key for re-entrancy


@contextmanager
def running(folder: Path, *options: str) -> Iterator[RunningChain]:
    """An anvil of this test's own, brought by npm where it is missing."""
    install.install()
    with chain.start(folder, options=options) as made:
        yield made


def kill_saved(made: RunningChain) -> None:
    """SIGKILL once it has saved all that it has, and not while it does: it writes its file in
    place, and half of one would be no chain.
    """
    state, stands = made.folder / chain.STATE, Path(f"/proc/{made.process.pid}/status")

    def saved() -> int:
        return state.stat().st_mtime_ns if state.exists() else 0

    for _ in range(2):  # the second save began after now
        before = saved()
        while saved() == before:
            time.sleep(0.01)
    while True:
        made.process.send_signal(signal.SIGSTOP)
        while "\nState:\tT" not in stands.read_text():
            time.sleep(0.01)
        with suppress(ValueError):
            json.loads(state.read_bytes())
            return made.kill()
        made.process.send_signal(signal.SIGCONT)
        time.sleep(0.01)


def grow(town: Town, *names: str) -> int:
    """Name one more participant an act, each in a block of its own; the record's size."""
    for name in names:
        body = {
            "id": name, "name": {"zh": name, "en": name}, "operator": name, "roles": [], "keys": [],
        }  # fmt: skip
        good(town.node.submit([town.node.act("admit_member", name, body)]))
    with town.store.reading() as reading:
        return reading.head().size


@dataclass
class Side:
    """A member that anchors: its record, folder, key and what it was told."""

    town: Town
    folder: Path
    told: Told
    key: AnchorKey
    alone: bool = True
    opened: list[Any] = field(default_factory=list)

    def adapter(self, key: AnchorKey | None = None, **options: Any) -> EvmAnchor:
        """A fresh adapter, as after a start."""
        made = EvmAnchor(self.told, key or self.key, **options)
        self.opened.append(made)
        return made

    def outbox(self) -> OutboxFile:
        """The outbox as it is on the disk."""
        made = OutboxFile(self.folder, self.told.ledger)
        self.opened.append(made)
        return made

    def worker(self, pace: Pace = AT_ONCE, **options: Any) -> Anchorer:
        """A fresh worker, as after a start."""
        chain, outbox = self.adapter(**options), self.outbox()
        return Anchorer(self.town.store, chain, outbox, pace, alone=self.alone)

    def run(self) -> Done:
        """One round of a fresh worker."""
        return self.worker().run()

    def compare(self, **options: Any) -> Comparison:
        """Both sides, whole."""
        adapter = self.adapter()
        head, anchors = adapter.head(), adapter.read(0)
        with self.town.store.reading() as reading:
            noted = self.outbox().noted()
            return compare(reading, head, anchors, noted, time_at=adapter.time_at, **options)

    def anchored(self) -> dict[int, bytes]:
        """Size -> root, as the chain shows it; never two events of one size."""
        found = [anchor.point for anchor in self.adapter().read(0)]
        assert len({point.size for point in found}) == len(found)
        return {point.size: point.root for point in found}

    def close(self) -> None:
        """Put everything away."""
        while self.opened:
            self.opened.pop().close()


@contextmanager
def side(
    town: Town, folder: Path, running: RunningChain, told: Told | None = None, alone: bool = True
) -> Iterator[Side]:
    """A member with a key that has coins, over a new contract where none is told."""
    folder.mkdir(exist_ok=True)
    key = signing.load_or_make(folder)
    running.fund(key.address)
    if told is None:
        assert town.node.genesis is not None
        told = founding.deploy(running.address, town.node.genesis["origin"], key, [key.address])
    made = Side(town, folder, told, key, alone)
    try:
        yield made
    finally:
        made.close()


def standing(side: Side) -> dict[str, Any]:
    """What the outbox tells whoever only looks."""
    found = outbox.standing(side.folder)
    assert found is not None
    return found


def node(running: RunningChain, method: str, *arguments: Any) -> Any:
    """Ask the chain itself."""
    rpc = Rpc(running.address)
    try:
        return rpc.call(method, *arguments)
    finally:
        rpc.close()


def slot_of(writer: str, size: int) -> str:
    """Where the contract keeps a writer's root (Vyper hashes the slot before the key)."""
    of_writer = keccak(ROOTS_SLOT.to_bytes(32) + bytes.fromhex(writer[2:]).rjust(32, b"\0"))
    return "0x" + keccak(of_writer + size.to_bytes(32)).hex()


def of_before(side: Side, running: RunningChain) -> Told:
    """The first form of the contract, put there by the side's key for the same writers."""
    rpc = Rpc(running.address)
    try:
        writers = [bytes.fromhex(writer[2:]) for writer in side.told.writers]
        data = contract.creation(side.told.origin_hash, writers, 1)
        done = Sender(rpc, side.told.chain, side.key).carry(None, data, None, lambda _: None)
    finally:
        rpc.close()
    at = str(done["contractAddress"]).lower()
    return replace(side.told, contract=at, since=int(done["blockNumber"], 16))


def transactions(running: RunningChain) -> list[dict[str, Any]]:
    """Every transaction of the chain, in order."""
    height = int(node(running, "eth_blockNumber"), 16)
    blocks = [node(running, "eth_getBlockByNumber", hex(at), True) for at in range(height + 1)]
    return [entry for block in blocks for entry in block["transactions"]]


def codes(found: Comparison) -> Sequence[str]:
    """What a comparison found, by name."""
    return [finding.code.removeprefix("anchor.") for finding in found.findings]


def calls_that_anchor(
    running: RunningChain, by: str | None = None
) -> list[tuple[bytes, int, bytes]]:
    """Origin hash, size and root of every call that anchors, by one key where it is named."""
    sent = [entry for entry in transactions(running) if by in (None, entry["from"].lower())]
    data = [bytes.fromhex(entry["input"][2:]) for entry in sent]
    return [read for one in data if (read := contract.read_put(one)) is not None]
