"""Anchors on an EVM chain: see `node.anchoring.port.Anchor`.

What a node tells is held against itself: the contract's code, its table, its events, and the
transaction in which a writer's own signature says the same. A node can hide; it cannot make up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...errors import OutsideFault, Refusal, Refused
from ...node.anchoring.port import SIGNED, Anchored, AnchorHead, Keep, Point
from . import contract
from .rpc import Rpc, number, raw
from .sending import PATIENCE_SECONDS, RAISE_SECONDS, Sender, clear
from .signing import AnchorKey, recover
from .told import Told

AT_ONCE = 10_000  # blocks in one question for events
NOTHING = bytes(32)


class EvmAnchor:
    """`key` None: this member reads anchors and writes none. `patience` in seconds for one."""

    def __init__(
        self,
        told: Told,
        key: AnchorKey | None,
        *,
        patience: float = PATIENCE_SECONDS,
        raise_after: float = RAISE_SECONDS,
    ) -> None:
        self.told = told
        self.rpc = Rpc(told.rpc)
        self.us = None if key is None else key.address
        self._key = None if key is None else bytes.fromhex(key.address[2:])
        self._known: int | None = None  # which of our contracts stands there
        self._sender = (
            None
            if key is None
            else Sender(
                self.rpc, told.chain, key, told.confirmations, told.free, patience, raise_after
            )
        )

    def close(self) -> None:
        """Put the connection away."""
        self.rpc.close()

    def head(self) -> AnchorHead:
        """Where it stands, once it is known to be the chain and the contract that we were told.

        Errors   Refused anchor.other_chain, no_contract, other_contract, another_origin;
                 OutsideFault.
        """
        told = self.told
        chain, genesis = identity(self.rpc)
        if (chain, genesis) != (told.chain, told.genesis):
            raise _no("other_chain", told=told.genesis, found=genesis, number=chain)
        version = self._version()
        origin, height = self._read(contract.ask("origin")), self._height()
        if origin != told.origin_hash:
            facts = {"contract": told.contract, "found": origin.hex(), "origin": told.origin}
            raise _no("another_origin", **facts)
        head = contract.Head.of(self._read(contract.ask("head")))
        ours = head.last
        if version > 1:
            ours = (
                0 if self._key is None else int.from_bytes(self._read(contract.head_of(self._key)))
            )
        return AnchorHead(height, head.count, head.last, ours)

    def stands(self, point: Point) -> bool:
        """Whether this very checkpoint is there, whoever wrote it.

        Errors   Refused anchor.no_contract, other_contract; OutsideFault.
        """
        version = self._version()
        if version > 1:
            return any(self._read(contract.there(point.size, point.root)))
        return self._read(contract.root_at(bytes(20), point.size, version)) == point.root

    def time_at(self, height: int) -> int:
        """When a block of it was made, by the chain's own clock.

        Errors   OutsideFault.
        """
        block = self._call("eth_getBlockByNumber", hex(height), False)
        if not isinstance(block, dict) or "timestamp" not in block:
            raise OutsideFault(f"the chain does not show its block {height}", retry=True)
        return number(block["timestamp"])

    def writers(self) -> Sequence[str]:
        """The keys that the contract lets write."""
        logs = self._events(self.told.since, contract.topic(contract.ALLOWED))
        named = dict.fromkeys(contract.allowed(log) for log in logs)
        asked = [contract.may_write(bytes.fromhex(writer[2:])) for writer in named]
        return [w for w, ask in zip(named, asked, strict=True) if any(self._read(ask))]

    def read(self, since: int) -> Sequence[Anchored]:
        """Every anchor from a height on, in order.

        `faults`: `stored` where the contract's table says otherwise than its event, `signed` where
        no transaction of the writer says it, `writer` where we were told of no such writer.
        """
        logs = self._events(max(since, self.told.since), contract.topic(contract.ANCHORED))
        events = [contract.anchored(log) for log in logs]
        version = self._version()
        asked = [
            self._question(contract.root_at(bytes.fromhex(e.writer[2:]), e.size, version))
            for e in events
        ]
        stored = clear(lambda: [raw(told) for told in self.rpc.many(asked)])
        hashes = [("eth_getTransactionByHash", (event.entry,)) for event in events]
        entries = clear(lambda: list(self.rpc.many(hashes)))
        return [
            Anchored(
                Point(event.size, event.root),
                event.writer,
                event.height,
                event.entry,
                tuple(self._faults(event, root, entry)),
            )
            for event, root, entry in zip(events, stored, entries, strict=True)
        ]

    def put(self, point: Point, kept: bytes | None, keep: Keep) -> Anchored:
        """Anchor a checkpoint; done when it is final there, also where it was there before.

        Errors   Refused anchor.smaller_size, other_root, not_a_writer, other_origin, reads_only;
                 OutsideFault (retry).
        """
        if self._sender is None:
            raise _no("reads_only", contract=self.told.contract)
        if self._stored(point):
            return self._find(point, self.told.since)
        data = contract.put(self.told.origin_hash, point.size, point.root)
        done = self._sender.carry(self.told.contract, data, kept, keep)
        if number(done["status"]) != 1:
            self._sender.ask(self.told.contract, data)  # says why, in words
        if not self._stored(point):
            raise OutsideFault("the chain has taken it and does not hold it", retry=True)
        try:
            return self._find(point, number(done["blockNumber"]))
        except OutsideFault:  # another was quicker: this transaction changed nothing
            return self._find(point, self.told.since)

    def vote(self, writer: str, *, may: bool) -> None:
        """Say that a key shall write, or shall no longer.

        Errors   Refused anchor.not_a_writer, voted_already, nothing_to_change, last_writer,
                 reads_only; OutsideFault (retry).
        """
        if self._sender is None:
            raise _no("reads_only", contract=self.told.contract)
        data = contract.vote(bytes.fromhex(writer[2:]), may=may)
        done = self._sender.carry(self.told.contract, data, None, lambda _: None)
        if number(done["status"]) != 1:
            self._sender.ask(self.told.contract, data)

    def _stored(self, point: Point) -> bool:
        """Whether this very checkpoint is there, whoever wrote it.

        Errors   Refused anchor.other_root where another root stands where ours is to go.
        """
        version = self._version()
        if version > 1 and any(self._read(contract.there(point.size, point.root))):
            return True
        found = self._read(contract.root_at(self._key or bytes(20), point.size, version))
        if found not in (NOTHING, point.root):
            facts = {"size": point.size, "theirs": found.hex(), "ours": point.root.hex()}
            raise _no("other_root", **facts)
        return found == point.root

    def _find(self, point: Point, since: int) -> Anchored:
        """An anchor that the contract holds, where it stands on the chain."""
        size = f"0x{point.size:064x}"
        logs = self._events(since, contract.topic(contract.ANCHORED), size)
        found = [e for e in map(contract.anchored, logs) if e.root == point.root]
        if not found:
            raise OutsideFault(f"the chain does not show the anchor of {point.size}", retry=True)
        event = found[-1]
        return Anchored(point, event.writer, event.height, event.entry)

    def _faults(self, event: contract.Event, stored: bytes, entry: Any) -> list[str]:
        faults = [] if stored == event.root else ["stored"]
        told = self.told
        said = recover(entry) if isinstance(entry, dict) else None
        if (
            said is None
            or entry["hash"].lower() != event.entry
            or (said.signer, said.to) != (event.writer, told.contract)
            or contract.read_put(said.data) != (told.origin_hash, event.size, event.root)
        ):
            faults.append(SIGNED)
        if event.writer not in told.writers:
            faults.append("writer")
        return faults

    def _events(self, since: int, *topics: str) -> list[Any]:
        found: list[Any] = []
        height = self._height()
        for start in range(since, height + 1, AT_ONCE):
            asked = {
                "address": self.told.contract,
                "topics": topics,
                "fromBlock": hex(start),
                "toBlock": hex(min(start + AT_ONCE - 1, height)),
            }
            part = self._call("eth_getLogs", asked)
            if not isinstance(part, list):
                raise OutsideFault("the chain tells no events", retry=True)
            found += part
        return found

    def _version(self) -> int:
        """Which of our contracts stands there, compared whole and once.

        Errors   Refused anchor.no_contract, other_contract.
        """
        if self._known is None:
            at = self.told.contract
            code = raw(self._call("eth_getCode", at, "latest"))
            self._known = contract.version_of(code)
            if self._known is None:
                raise _no("other_contract" if code else "no_contract", contract=at)
        return self._known

    def _height(self) -> int:
        return number(self._call("eth_blockNumber"))

    def _question(self, data: bytes) -> tuple[str, Sequence[Any]]:
        return "eth_call", ({"to": self.told.contract, "data": "0x" + data.hex()}, "latest")

    def _read(self, data: bytes) -> bytes:
        method, arguments = self._question(data)
        return raw(self._call(method, *arguments))

    def _call(self, method: str, *arguments: Any) -> Any:
        return clear(lambda: self.rpc.call(method, *arguments))


def identity(rpc: Rpc) -> tuple[int, str]:
    """A chain's number and the hash of its first block.

    Errors   OutsideFault.
    """
    chain = number(clear(lambda: rpc.call("eth_chainId")))
    first = clear(lambda: rpc.call("eth_getBlockByNumber", "0x0", False))
    if not isinstance(first, dict) or not isinstance(first.get("hash"), str):
        raise OutsideFault("the chain does not show its first block", retry=True)
    return chain, first["hash"].lower()


def _no(code: str, /, **facts: Any) -> Refused:
    return Refused(Refusal(f"anchor.{code}", facts))
