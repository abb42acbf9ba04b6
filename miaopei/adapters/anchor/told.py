"""What a member is told of the other ledger: one file beside its keys, agreed between members.

The chain by its number and first block, the contract by its address, the writers by their
addresses. Whatever the chain says otherwise is reported, never believed.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from ...errors import Refusal, Refused
from ..keys import write_secret

FILE = "anchor.json"
_ADDRESS = re.compile(r"0x[0-9a-f]{40}")


@dataclass(frozen=True)
class Told:
    """`rpc` is where this member reaches a node; all else is the same for every member.

    `since` is the height from which on there can be anchors, `confirmations` how many blocks,
    its own among them, make one final: 1 where the chain never takes a block back. `free`: gas
    costs nothing there, as is usual between banks.
    """

    rpc: str
    chain: int
    genesis: str
    contract: str
    since: int
    origin: str
    writers: tuple[str, ...]
    confirmations: int = 1
    free: bool = False

    @property
    def origin_hash(self) -> bytes:
        """All that the chain is told of whose record it is."""
        return sha256(self.origin.encode("utf-8")).digest()

    @property
    def ledger(self) -> str:
        """The name under which the outbox knows it."""
        return f"{self.genesis}/{self.contract}"

    def write(self, folder: Path) -> None:
        """Write it down; addresses of nodes may hold passwords, so for its owner alone."""
        write_secret(folder / FILE, asdict(self))

    def trusting(self, writer: str) -> Told:
        """The same with one more key that may have written."""
        return replace(self, writers=tuple(dict.fromkeys((*self.writers, address(writer)))))


def load(folder: Path) -> Told:
    """As it stands in a member's folder.

    Errors   Refused anchor.not_set_up, anchor.unreadable.
    """
    path = folder / FILE
    try:
        value: dict[str, Any] = json.loads(path.read_text("utf-8"))
        return Told(**{**value, "writers": tuple(address(w) for w in value["writers"])})
    except FileNotFoundError:
        raise Refused(Refusal("anchor.not_set_up", {"folder": str(folder)})) from None
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        facts = {"path": str(path), "why": type(error).__name__}
        raise Refused(Refusal("anchor.unreadable", facts)) from None


def is_set_up(folder: Path) -> bool:
    """Whether a member anchors at all."""
    return (folder / FILE).exists()


def address(text: str) -> str:
    """An address in its one form: 0x and 40 lower-case digits.

    Errors   Refused anchor.no_address.
    """
    found = text.strip().lower()
    if not _ADDRESS.fullmatch(found):
        raise Refused(Refusal("anchor.no_address", {"text": ascii(text)[:60]}))
    return found
