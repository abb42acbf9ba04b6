"""Joins the worker of anchoring to a record, its outbox and its chain, for solo and members alike.

It reads the record's database beside whoever writes it, so that a chain that is slow or away never
keeps a member from its work.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..adapters.anchor import signing, told
from ..adapters.anchor.evm import EvmAnchor
from ..adapters.anchor.outbox import OutboxFile
from ..node.anchoring.port import Outbox
from ..node.anchoring.worker import Anchorer, Pace
from ..node.ports import Store


@dataclass(frozen=True)
class Joined:
    """A chain and an outbox, open."""

    chain: EvmAnchor
    outbox: Outbox

    def worker(self, store: Store, pace: Pace, *, alone: bool) -> Anchorer:
        """The worker over them."""
        return Anchorer(store, self.chain, self.outbox, pace, alone=alone)


@contextmanager
def joined(folder: Path, *, writes: bool) -> Iterator[Joined]:
    """What a member's folder says of the other ledger; with its key where it `writes`.

    Errors   Refused anchor.not_set_up, unreadable, no_key; OutsideFault.
    """
    set_up = told.load(folder)
    has_key = writes or (folder / signing.FILE).exists()  # who only looks knows which are ours
    chain = EvmAnchor(set_up, signing.load(folder) if has_key else None)
    try:
        outbox = OutboxFile(folder, set_up.ledger)
        try:
            yield Joined(chain, outbox)
        finally:
            outbox.close()
    finally:
        chain.close()
