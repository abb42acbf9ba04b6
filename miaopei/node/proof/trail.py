"""A snapshot of a member's store as `reports.lineage` reads it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...acts.facts import product_of
from ...acts.readers import holders, parties
from ...acts.state import State
from ...claims.evaluate import of_one
from ...policies.book import Recorded
from ...policies.row import PolicyRow
from ...reports.lineage import Observed, ShutOut
from ..effects.listed import observed_by
from ..granted.parts import lists_of
from ..ports import Identity, Reading
from ..vault.blobs import opens


@dataclass(frozen=True)
class StoreTrail:
    """The port `Trail` over one reading, with the keys of the member whose store it is."""

    reading: Reading
    state: State
    identity: Identity

    def get(self, table: str, key: str) -> Any | None:
        """The value at a key of the shared state, or None."""
        return self.state.get(table, key)

    def range(self, table: str, prefix: str) -> Iterator[tuple[str, Any]]:
        """All keys that begin with `prefix`, in byte order."""
        return self.state.range(table, prefix)

    def place(self, name: str) -> int | None:
        """Where an act, a made record or a block stands in the log."""
        return self.reading.place(name)

    def leaf(self, position: int) -> bytes:
        """One leaf of the log."""
        return self.reading.leaf(position)

    def rows(self, book: str, size: int) -> Sequence[Recorded]:
        """The first rows of a book."""
        return self.reading.rows(book, size)

    def observed(self, trigger: Mapping[str, Any], row: PolicyRow, /) -> Observed | None:
        """The inputs of a trigger as one policy reads them; None where we may not open a list."""
        if not all(opens(self.reading, blob, self.identity) for blob in lists_of(trigger)):
            return None
        product = product_of(self.state, trigger["product"])
        seen = observed_by(self.reading, self.identity, product, trigger, lambda: [row.subject])
        return Observed(of_one(seen.observed, 0), seen.unknown.get(0, frozenset()))

    def claims(self, trigger: str) -> Sequence[dict[str, Any]]:
        """The claim leaves of a trigger."""
        return self.reading.claims(trigger)

    def instructions(self, debt: str) -> Sequence[dict[str, Any]]:
        """The payment instructions of a debt."""
        return self.reading.instructions(debt)

    def pays(self, debt: str) -> bool:
        """Whether we pay it."""
        return bool(self.state.need("payment", debt)["payer"] == self.identity.member)

    def shut_out(self, listing: str) -> ShutOut | None:
        """For whom a listing's book is sealed, where we are none of them."""
        me, open_to = self.identity.member, parties(self.state, listing)
        return None if me in open_to else ShutOut(me, open_to, holders(self.state, listing))

    def blob(self, name: str) -> bytes | None:
        """A blob by its digest."""
        return self.reading.blob(name)
