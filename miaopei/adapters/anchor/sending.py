"""Having a transaction taken: signed, kept, then sent until a block has it for good.

The same bytes are sent again after a kill. One that no block takes is replaced under its own number
by a dearer one. So whatever is killed and whenever, at most one of them is ever in a block.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from ...errors import OutsideFault, Refusal, Refused
from ...node.anchoring.port import Keep
from . import contract
from .rpc import Rpc, Said, number
from .signing import AnchorKey, Price, Signed

LOOK_SECONDS = 0.05
AGAIN_SECONDS = 3.0  # before the same bytes are handed over once more
PATIENCE_SECONDS = 120.0
RAISE_SECONDS = 20.0  # without a block before the price is raised
GAS_ROOM = 20_000  # beside what the node estimates
REASONS = {
    "not a writer": "not_a_writer",
    "another root": "other_root",
    "a smaller size": "smaller_size",
    "another origin": "other_origin",
    "voted already": "voted_already",
    "nothing to change": "nothing_to_change",
    "the last writer": "last_writer",
    "too many writers": "too_many_writers",
}


@dataclass
class Slip:
    """The transactions that were signed under one number, each dearer than the one before."""

    nonce: int
    sent: list[Signed]

    def to_bytes(self) -> bytes:
        """As the outbox keeps it."""
        sent = [{"raw": one.raw.hex(), "hash": one.hash} for one in self.sent]
        return json.dumps({"nonce": self.nonce, "sent": sent}).encode()

    @classmethod
    def of(cls, data: bytes) -> Slip:
        """Read it back."""
        value = json.loads(data)
        sent = [Signed(bytes.fromhex(one["raw"]), one["hash"]) for one in value["sent"]]
        return cls(value["nonce"], sent)


@dataclass(frozen=True)
class Sender:
    """One key's way to a chain; one transaction of it is on its way at a time."""

    rpc: Rpc
    chain: int
    key: AnchorKey
    confirmations: int = 1
    free: bool = False  # gas costs nothing there, and keys have no coins
    patience: float = PATIENCE_SECONDS
    raise_after: float = RAISE_SECONDS

    def carry(self, to: str | None, data: bytes, kept: bytes | None, keep: Keep) -> dict[str, Any]:
        """Send until it is final: its receipt, good or not.

        Errors   Refused anchor.* where the contract would refuse it; OutsideFault (retry).
        """
        end = time.monotonic() + self.patience
        slip = None if kept is None else Slip.of(kept)
        sent_at, raised_at, said = 0.0, time.monotonic(), ""
        while time.monotonic() < end:
            if slip is None:
                slip = Slip(self._nonce(), [])
                self._dearer(slip, to, data, keep)
                sent_at, raised_at = 0.0, time.monotonic()
            elif time.monotonic() - raised_at > self.raise_after:
                self._dearer(slip, to, data, keep)
                sent_at, raised_at = 0.0, time.monotonic()
            used = self._nonce()
            receipt = self._receipt(slip)
            if receipt is not None:
                if self._is_final(receipt):
                    return receipt
            elif used != slip.nonce:
                slip = None  # its number went to another, or the chain went back: sign anew
                continue
            elif time.monotonic() - sent_at > AGAIN_SECONDS:
                said = self._send(slip)
                sent_at = time.monotonic()
                continue
            time.sleep(LOOK_SECONDS)
        raise OutsideFault(f"no block has taken it within {self.patience:.0f} s{said}", retry=True)

    def ask(self, to: str | None, data: bytes) -> int:
        """How much gas it takes, without sending it.

        Errors   Refused anchor.* with the contract's own reason.
        """
        call = {"from": self.key.address, "data": "0x" + data.hex()}
        call |= {} if to is None else {"to": to}
        try:
            # By the last block: over what is on its way already, our own would change nothing.
            return number(self.rpc.call("eth_estimateGas", call, "latest"))
        except Said as said:
            why = contract.reason(said.data) or said.message
            code = next((code for text, code in REASONS.items() if text in why), "chain_says_no")
            put = contract.read_put(data)
            size = None if put is None else put[1]
            facts = {"size": size, "writer": self.key.address, "contract": to, "why": why}
            raise Refused(Refusal(f"anchor.{code}", facts)) from None

    def _dearer(self, slip: Slip, to: str | None, data: bytes, keep: Keep) -> None:
        """Sign under the slip's number, dearer than what was signed under it; kept first."""
        gas = self.ask(to, data) + GAS_ROOM
        price = self._price().raised(len(slip.sent))
        slip.sent.append(self.key.sign(self.chain, slip.nonce, to, data, gas, price))
        keep(slip.to_bytes())

    def _send(self, slip: Slip) -> str:
        """Hand the dearest to the node. Its no decides nothing, the receipt does; it is told."""
        try:
            self.rpc.call("eth_sendRawTransaction", "0x" + slip.sent[-1].raw.hex())
        except Said as said:
            return f": {said.message}"
        return ""

    def _receipt(self, slip: Slip) -> dict[str, Any] | None:
        """The receipt of whichever of them is in a block."""
        for one in slip.sent:
            found = clear(partial(self.rpc.call, "eth_getTransactionReceipt", one.hash))
            if isinstance(found, dict) and found.get("blockNumber"):
                return found
        return None

    def _is_final(self, receipt: dict[str, Any]) -> bool:
        """Whether enough blocks stand on it, and its block still stands where it stood."""
        at = number(receipt["blockNumber"])
        height = number(clear(lambda: self.rpc.call("eth_blockNumber")))
        if height - at + 1 < self.confirmations:
            return False
        block = clear(lambda: self.rpc.call("eth_getBlockByNumber", hex(at), False))
        return isinstance(block, dict) and block.get("hash") == receipt.get("blockHash")

    def _price(self) -> Price:
        """Twice the last block's own price, and the node's idea of a tip."""
        if self.free:
            return Price(0, 0)
        block = clear(lambda: self.rpc.call("eth_getBlockByNumber", "latest", False))
        base = block.get("baseFeePerGas") if isinstance(block, dict) else None
        if base is None:
            return Price(number(clear(lambda: self.rpc.call("eth_gasPrice"))), None)
        try:
            tip = number(self.rpc.call("eth_maxPriorityFeePerGas"))
        except Said:
            tip = 0
        return Price(2 * number(base) + tip, tip)

    def _nonce(self) -> int:
        address = self.key.address
        told = clear(lambda: self.rpc.call("eth_getTransactionCount", address, "latest"))
        return number(told)


def clear(ask: Callable[[], Any]) -> Any:
    """What a node answers to what it must not refuse.

    Errors   OutsideFault (retry) where it does.
    """
    try:
        return ask()
    except Said as said:
        raise OutsideFault(f"the chain says no: {said.message}", retry=True) from said
