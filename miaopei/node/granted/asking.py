"""Keys of books that were granted to us, asked for from who has wrapped them.

The blobs themselves are here: every member stores every blob. Where a key is not wrapped yet, its
holder is asked again until it is, or the grant has ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from ...acts.readers import grant_for, holders, parties
from ...acts.state import State
from ...errors import OutsideFault, RecordDamaged
from ..node import Node
from ..vault.blobs import keep_row_keys, opens
from ..vault.sealing import unwrap_any
from .parts import Part, Upto, parts_of, shown_of

KEYS = "keys/"  # of a book that was granted to us: how far its keys are here
AT_ONCE = 500  # batches and settlements of a book in one go


@dataclass(frozen=True)
class Keys:
    """A blob's data key, wrapped for us, and the keys of its rows where it has any."""

    wrap: bytes
    rows: bytes | None = None


class KeyPeers(Protocol):
    """The other members that can be asked for keys."""

    @property
    def members(self) -> Sequence[str]: ...
    def keys(self, member: str, name: str, most: int | None = None) -> Keys | None: ...


class Asker:
    """Fetches the keys of granted books for one member."""

    def __init__(self, node: Node, peers: KeyPeers) -> None:
        self._node, self._peers = node, peers
        self._quiet = -1  # size of the log at which nothing lacked
        self.lacking = 0  # keys that nobody had when they were last asked for

    def run(self) -> int:
        """Ask for what lacks; how many keys came."""
        with self._node.reading() as (reading, state):
            head = reading.head()
            if head.size == self._quiet:
                return 0
            books = granted_books(state, self._node.identity.member, head.time)
        came = self.lacking = 0
        for listing, book in books:
            came += self._book(listing, book)
        self._quiet = -1 if self.lacking else head.size
        return came

    def _book(self, listing: str, book: str) -> int:
        """Keys of one book, in the order of the record; those that nobody has end it for now."""
        name, came, silent = f"{KEYS}{book}", 0, set[str]()
        with self._node.reading() as (reading, state):
            order = (*holders(state, listing), *self._peers.members)
            began = Upto.kept(reading, name)
            parts = list(islice(parts_of(state, book, began), AT_ONCE))
            shown = [Part(began, (blob,)) for blob in shown_of(state, listing)]
        upto = began
        for part in parts:
            came += self._part(part, order, silent)
            if not self._whole(part):
                self.lacking += 1
                break
            upto = part.upto
        else:
            self.lacking += len(parts) == AT_ONCE
        for part in shown:
            came += self._part(part, order, silent)
            self.lacking += not self._whole(part)
        if upto != began:
            with self._node.store.writing() as block:
                upto.keep(block, name)
        return came

    def _part(self, part: Part, order: Sequence[str], silent: set[str]) -> int:
        """Ask for what of a part does not open here; how many keys came."""
        mine = self._node.identity
        with self._node.store.reading() as reading:
            lists = [blob for blob in part.blobs if not opens(reading, blob, mine)]
            some = any(opens(reading, blob, mine) for blob in part.either)
        came = sum(self._ask(blob, order, silent) for blob in lists)
        if part.either and not some:  # one of them is enough
            came += any(self._ask(blob, order, silent) for blob in part.either)
        return came

    def _whole(self, part: Part) -> bool:
        mine = self._node.identity
        with self._node.store.reading() as reading:
            some = not part.either or any(opens(reading, blob, mine) for blob in part.either)
            return some and all(opens(reading, blob, mine) for blob in part.blobs)

    def _ask(self, blob: str, order: Sequence[str], silent: set[str]) -> bool:
        """Whether somebody had the key of a blob for us; it is kept."""
        for member in dict.fromkeys(order):
            if member in silent or member not in self._peers.members:
                continue
            try:
                keys = self._peers.keys(member, blob)
            except OutsideFault:
                silent.add(member)
                continue
            if keys is not None and self._keep(blob, keys):
                return True
        return False

    def _keep(self, blob: str, keys: Keys) -> bool:
        """Keep keys that open the blob that is here; others are as good as none."""
        me = self._node.identity
        with self._node.store.writing() as block:
            if (sealed := block.blob(blob)) is None:
                return False
            try:
                key, reader = unwrap_any(keys.wrap, (me.box, *me.boxes))
                if not keep_row_keys(block, blob, sealed, key, keys.rows):
                    return False  # another may have those that lack
            except RecordDamaged:
                return False
            block.put_wrap(blob, reader, keys.wrap)
        return True


def granted_books(state: State, member: str, at: int) -> list[tuple[str, str]]:
    """Listings, with their books, that a member reads by a grant alone at a time (UTC seconds)."""
    found = []
    for listing, entry in state.range("listing", ""):
        if member in parties(state, listing):
            continue
        try:
            grant_for(state, listing, member, at)
        except LookupError:
            continue
        found.append((listing, str(entry["listing"]["book"])))
    return found
