"""Transactions: signed by a member's anchor key, and recovered from what a node tells of them.

Who has signed what is the one thing that whoever runs the chain cannot make up. Sources: EIP-155,
EIP-2718, EIP-1559; Ethereum yellow paper, appendices B and F.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rlp  # type: ignore[import-untyped]  # its authors ship no types
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from ...errors import Refusal, Refused
from ..keys import write_secret
from .rpc import number, raw

# Importing eth_account raises Python's limit of recursion to 100,000 (py_ecc does), for the whole
# process: nested JSON would then end it by a fault of memory where it is refused otherwise.
_BEFORE = sys.getrecursionlimit()
from eth_account import Account  # noqa: E402 - after the limit was read
from eth_account.signers.local import LocalAccount  # noqa: E402 - after the limit was read

sys.setrecursionlimit(_BEFORE)

FILE = "anchor.key"
DYNAMIC = 2  # the type of transactions whose price follows the chain's


@dataclass(frozen=True)
class Price:
    """What is offered for gas, in wei. `tip` is None where the chain knows one price only."""

    most: int
    tip: int | None

    def raised(self, times: int) -> Price:
        """The same after `times` raises, each by an eighth and a bit: less replaces nothing."""
        most, tip = self.most, self.tip
        for _ in range(times):
            most, tip = _more(most), None if tip is None else _more(tip)
        return Price(most, tip)


@dataclass(frozen=True)
class Signed:
    """A signed transaction and its hash."""

    raw: bytes
    hash: str


class AnchorKey:
    """A member's key on the other ledger (secp256k1)."""

    def __init__(self, account: LocalAccount) -> None:
        self._account = account

    @property
    def address(self) -> str:
        """What the chain calls it: 0x and 40 lower-case digits."""
        return str(self._account.address).lower()

    def sign(
        self, chain: int, nonce: int, to: str | None, data: bytes, gas: int, price: Price
    ) -> Signed:
        """A transaction to a contract; `to` None makes a new one."""
        fields: dict[str, Any] = {"chainId": chain, "nonce": nonce, "gas": gas, "value": 0}
        fields |= {"data": data}
        if to is not None:
            fields["to"] = to_checksum_address(to)
        if price.tip is None:
            fields["gasPrice"] = price.most
        else:
            fields |= {"type": DYNAMIC, "maxFeePerGas": price.most}
            fields["maxPriorityFeePerGas"] = price.tip
        signed = self._account.sign_transaction(fields)
        return Signed(bytes(signed.raw_transaction), "0x" + bytes(signed.hash).hex())


def load(folder: Path) -> AnchorKey:
    """The anchor key in a member's folder.

    Errors   Refused anchor.no_key, keys.unreadable.
    """
    path = folder / FILE
    try:
        value = json.loads(path.read_text("utf-8"))
        return AnchorKey(Account.from_key(bytes.fromhex(value["key"])))
    except FileNotFoundError:
        raise Refused(Refusal("anchor.no_key", {"folder": str(folder)})) from None
    except Exception as error:  # noqa: BLE001 - whatever the file holds, it is no key
        facts = {"path": str(path), "why": type(error).__name__}
        raise Refused(Refusal("keys.unreadable", facts)) from None


def load_or_make(folder: Path) -> AnchorKey:
    """The anchor key in a member's folder, made on first use.

    Errors   Refused keys.unreadable.
    """
    if not (folder / FILE).exists():
        write_secret(folder / FILE, {"key": os.urandom(32).hex()})
    return load(folder)


@dataclass(frozen=True)
class Recovered:
    """What a transaction says, by its own signature."""

    signer: str
    to: str
    data: bytes


def recover(told: Mapping[str, Any]) -> Recovered | None:
    """Who signed a transaction that a node tells; None where its bytes have not its hash.

    Only the types that `AnchorKey` makes are read; any other is None as well.
    """
    try:
        to, data = raw(told["to"]), raw(told["input"])
        shared = [number(told["gas"]), to, number(told["value"]), data]
        nonce, sign = number(told["nonce"]), [number(told[name]) for name in ("v", "r", "s")]
        match number(told["type"]):
            case 2:
                prices = [number(told[n]) for n in ("maxPriorityFeePerGas", "maxFeePerGas")]
                fields = [number(told["chainId"]), nonce, *prices, *shared, [], *sign]
                whole = bytes([DYNAMIC]) + rlp.encode(fields)
            case 0:
                whole = rlp.encode([nonce, number(told["gasPrice"]), *shared, *sign])
            case _:
                return None
        if keccak(whole) != raw(told["hash"]):
            return None
        signer = str(Account.recover_transaction(whole)).lower()
        return Recovered(signer, "0x" + to.hex(), data)
    except Exception:  # noqa: BLE001 - whatever it is, nobody's signature is on it
        return None


def _more(wei: int) -> int:
    return wei and wei + wei // 8 + 1  # what costs nothing stays so
