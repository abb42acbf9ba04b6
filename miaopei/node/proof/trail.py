"""A snapshot of a member's store as `reports.lineage` reads it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ...acts.state import State
from ...policies.book import Recorded
from ..ports import Reading


@dataclass(frozen=True)
class StoreTrail:
    """The port `Trail` over one reading."""

    reading: Reading
    state: State

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

    def claims(self, trigger: str) -> Sequence[dict[str, Any]]:
        """The claim leaves of a trigger."""
        return self.reading.claims(trigger)

    def instructions(self, debt: str) -> Sequence[dict[str, Any]]:
        """The payment instructions of a debt."""
        return self.reading.instructions(debt)

    def blob(self, name: str) -> bytes | None:
        """A blob by its digest."""
        return self.reading.blob(name)
