"""Lineage for anybody: the member's trail without the books that are not open.

What `reports.lineage` walks is the whole record; rows, claims and payments of other books are as
if this member did not hold them, so that no single policy of theirs is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...errors import Refusal, Refused
from ...policies.book import Recorded
from ...policies.row import PolicyRow
from ...reports import lineage
from .desk import Desk


@dataclass(frozen=True)
class OpenTrail:
    """The record as `lineage.Trail`, for a reader who belongs to no group."""

    desk: Desk

    def get(self, table: str, key: str) -> Any | None:
        """From the shared state."""
        return self.desk.state.get(table, key)

    def range(self, table: str, prefix: str) -> Iterator[tuple[str, Any]]:
        """From the shared state."""
        return self.desk.state.range(table, prefix)

    def place(self, name: str) -> int | None:
        """Where a thing stands in the log."""
        return self.desk.reading.place(name)

    def leaf(self, position: int) -> bytes:
        """One leaf of the log."""
        return self.desk.reading.leaf(position)

    def blob(self, name: str) -> bytes | None:
        """A public blob: the original bytes of a bulletin."""
        return self.desk.reading.blob(name)

    def rows(self, book: str, size: int) -> Sequence[Recorded]:
        """Of open books only."""
        return self.desk.reading.rows(book, size) if self._open(book) else ()

    def observed(self, trigger: Mapping[str, Any], _: PolicyRow, /) -> lineage.Observed | None:
        """Facts that are the same for all; what stands on sealed lists is told to nobody here."""
        if any(fact.get("detail", {}).get("lists") for fact in trigger["facts"].values()):
            return None
        values = {name: fact["value"] for name, fact in trigger["facts"].items()}
        return lineage.Observed(values)

    def claims(self, trigger: str) -> Sequence[dict[str, Any]]:
        """Of open books only, and not about persons."""
        value = self.desk.state.get("trigger", trigger)
        if value is None or not self._open(value["book"]):
            return ()
        rows = self.desk.reading.rows(value["book"], value["book_size"])
        persons = {recorded.row.policy for recorded in rows if recorded.row.subject is not None}
        return [c for c in self.desk.reading.claims(trigger) if c["policy"] not in persons]

    def instructions(self, debt: str) -> Sequence[dict[str, Any]]:
        """Of settlements of open books only; lists of households are never told."""
        entry = self.desk.state.get("settlement", debt)
        if entry is None:
            return ()
        told = {claim["policy"] for claim in self.claims(entry["settlement"]["trigger"])}
        return [row for row in self.desk.reading.instructions(debt) if row["policy"] in told]

    def pays(self, debt: str) -> bool:
        """Whether instructions of an open book are kept here and each is told: where some are not
        (households, persons), sums of the others would read as if they were all.
        """
        entry = self.desk.state.get("settlement", debt)
        if entry is None:
            return True
        if not self._open(self.desk.state.need("trigger", entry["settlement"]["trigger"])["book"]):
            return False
        due = self.desk.state.need("payment", debt)["due_fen"]
        kept = len(self.desk.reading.instructions(debt))
        return not due or 0 < kept == len(self.instructions(debt))

    def _open(self, book: str) -> bool:
        return book in self.desk.settings.open_books


def why(desk: Desk, id: str) -> lineage.Step:
    """Back to the bytes of the bulletin. Errors   Refused lineage.*, portal.not_told."""
    try:
        return lineage.why(OpenTrail(desk), id)
    except (LookupError, IndexError):
        raise _not_told(id) from None


def caused(desk: Desk, id: str) -> lineage.Caused:
    """Forward to all that it caused. Errors   Refused lineage.*, portal.not_told."""
    try:
        return lineage.caused(OpenTrail(desk), id)
    except (LookupError, IndexError):
        raise _not_told(id) from None


def _not_told(id: str) -> Refused:
    """The walk needs a row of a book that is not open to everybody."""
    return Refused(Refusal("portal.not_told", {"id": id[:80]}))
