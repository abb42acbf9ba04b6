"""A source's line of sequence numbers: what came, what is missing, what the source has lost.

Numbers begin at 1. A gap is noted and asked for again; what came twice is known. Kept in this
member's own tables. Source: docs/specs/outage.md, section 5.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from ...measures.identity import canonical, read_canonical
from ...node.ports import Reading, Writing
from .message import no

WIDEST_GAP = 10_000


class Stand(StrEnum):
    """How a number stands to those that came before."""

    NEXT = "next"
    GAP = "gap"  # some before it have not come
    FILLS = "fills"  # it was missing
    KNOWN = "known"  # it has come


@dataclass(frozen=True)
class Line:
    """`next` is the number that is expected; `missing` are those before it that have not come."""

    source: str
    next: int = 1
    missing: tuple[int, ...] = ()
    lost: tuple[int, ...] = ()  # the source says that it does not have them

    @classmethod
    def of(cls, reading: Reading, source: str) -> Line:
        """As it is kept; a new one where nothing has come yet."""
        kept = reading.progress(f"grid/line/{source}")
        if kept is None:
            return cls(source)
        value = read_canonical(kept)
        return cls(source, value["next"], tuple(value["missing"]), tuple(value["lost"]))

    def keep(self, block: Writing) -> None:
        """Write it down."""
        value = {"next": self.next, "missing": list(self.missing), "lost": list(self.lost)}
        block.put_progress(f"grid/line/{self.source}", canonical(value))

    def stand(self, number: int) -> Stand:
        """Errors   Refused grid.bad_sequence, grid.gap_too_wide."""
        if number < 1:
            raise no("bad_sequence", source=self.source, sequence=number)
        if number == self.next:
            return Stand.NEXT
        if number > self.next:
            if number - self.next + len(self.missing) > WIDEST_GAP:
                facts = {"sequence": number, "expected": self.next, "limit": WIDEST_GAP}
                raise no("gap_too_wide", source=self.source, **facts)
            return Stand.GAP
        return Stand.FILLS if number in (*self.missing, *self.lost) else Stand.KNOWN

    def after(self, number: int) -> Line:
        """The line once this number has come."""
        reached = self.reaching(number)
        missing, lost = (tuple(n for n in of if n != number) for of in (reached.missing, self.lost))
        return Line(self.source, reached.next, missing, lost)

    def reaching(self, number: int) -> Line:
        """The line once numbers up to this one are known to be: what has not come is missing."""
        gap = range(self.next, number + 1)
        return Line(self.source, max(self.next, number + 1), (*self.missing, *gap), self.lost)

    def without(self, numbers: Iterable[int]) -> Line:
        """The line once the source has said that it does not have these."""
        gone = sorted(set(numbers) & set(self.missing))
        left = tuple(n for n in self.missing if n not in gone)
        return Line(self.source, self.next, left, tuple(sorted({*self.lost, *gone})))
