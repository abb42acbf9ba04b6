"""One row of a book or one claim of a decision, opened with its path, from its own page alone.

Heads of complete pages of 1,024 are kept, so that a receipt hashes a page and not the whole book.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...claims.claim import ClaimLeaf
from ...claims.leaves import PAGE, hashes_of, leaf_bytes, leaves_of
from ...claims.receipt import OpenedClaim, OpenedRow
from ...errors import Refusal, Refused
from ...ledger.merkle import leaf_hash, root_of
from ...ledger.proof import as_hex, inclusion, nodes_of
from ...policies.book import Recorded
from ..ports import Reading


class Opener:
    """Opens rows and claims of one snapshot. Heads that were read once are kept."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._heads: dict[tuple[str, int], list[bytes]] = {}

    def versions(self, book: str, size: int, policy: str) -> Sequence[Recorded]:
        """The rows of one policy below a size, in record order."""
        return self._reading.rows_of(book, size, [policy])

    def row(self, book: str, size: int, position: int) -> OpenedRow:
        """A row with its path to the root that the book had at a size.

        Errors   Refused policies.row_erased: what it said can be shown to nobody any more.
        """
        page = position // PAGE
        rows = self._page(book, size, page)
        if (row := rows[position % PAGE].row).gone is not None:
            raise Refused(Refusal("policies.row_erased", {"policy": row.policy}))
        path = _path(position, [_hash(r) for r in rows], self._heads_of(book, size))
        return OpenedRow(rows[position % PAGE].row.as_json(), position, tuple(as_hex(path)))

    def claim(self, trigger: str, book: str, size: int, policy: str) -> OpenedClaim | None:
        """A policy's claim with its path, None where it has none: a plain zero, or not covered."""
        found = self.find(trigger, book, size, policy)
        if found is None:
            return None
        index, claim = found
        heads = self._reading.claim_heads(trigger)
        claims = self._reading.claim_page(trigger, index // PAGE)
        count = (len(heads) - 1) * PAGE + len(self._reading.claim_page(trigger, len(heads) - 1))
        hashes = hashes_of(leaf_bytes(claims, trigger))
        path = _path(index, hashes, [head.hash for head in heads])
        return OpenedClaim(claim.as_json(), index, count, tuple(as_hex(path)))

    def find(self, trigger: str, book: str, size: int, policy: str) -> tuple[int, ClaimLeaf] | None:
        """Where the claim of a policy stands in the decision's list, and the claim."""
        rows = self.versions(book, size, policy)
        if not rows:
            return None
        first = rows[0].position
        for head in self._reading.claim_heads(trigger):
            if head.low <= first <= head.high:
                claims = self._reading.claim_page(trigger, head.page)
                for at, claim in enumerate(leaves_of(claims, trigger)):
                    if claim.policy == policy:
                        return head.page * PAGE + at, claim
        return None

    def _page(self, book: str, size: int, page: int) -> Sequence[Recorded]:
        return self._reading.rows_between(book, page * PAGE, min((page + 1) * PAGE, size))

    def _heads_of(self, book: str, size: int) -> list[bytes]:
        """The heads of all pages of a book; those that are not kept are made."""
        heads = self._heads.get((book, size))
        if heads is None:
            heads = list(self._reading.runs(book)[: size // PAGE])
            for page in range(len(heads), -(-size // PAGE)):
                heads.append(root_of([_hash(r) for r in self._page(book, size, page)]))
            self._heads[book, size] = heads
        return heads


def _hash(recorded: Recorded) -> bytes:
    return leaf_hash(recorded.row.commitment())


def _path(place: int, hashes: Sequence[bytes], heads: Sequence[bytes]) -> tuple[bytes, ...]:
    """From a leaf to the head of its page, and on to the root over all pages."""
    within = inclusion(place % PAGE, len(hashes), nodes_of(hashes))
    return (*within, *inclusion(place // PAGE, len(heads), nodes_of(heads)))
