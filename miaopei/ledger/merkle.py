"""The Merkle tree of the record: hashing, roots, and growing without the old leaves.

What a leaf holds is decided elsewhere; here a leaf is bytes. Proofs are in `proof`, files in
`tiles`. Source: RFC 6962 section 2.1 (leaf prefix 0x00, node prefix 0x01) with the suite's hash.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..errors import Refusal, Refused
from ..measures.suites import in_use

HASH_BYTES = 32
LARGEST_SIZE = 2**63 - 1
_HEX = re.compile(r"[0-9a-f]{64}")


class Node(NamedTuple):
    """The hash of one complete sub-tree: leaves [place << level, (place + 1) << level)."""

    level: int
    place: int
    hash: bytes


def empty_root() -> bytes:
    """The tree head over nothing."""
    return in_use.digest(b"")


def leaf_hash(data: bytes) -> bytes:
    """The hash of one entry's bytes."""
    return in_use.digest(b"\x00" + data)


def leaf_hashes(entries: Iterable[bytes]) -> list[bytes]:
    """As `leaf_hash` of each: a call less for every one of a million."""
    digest = in_use.suite.digest
    return [digest(b"\x00" + data) for data in entries]


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two neighbouring sub-trees."""
    return in_use.digest(b"\x01" + left + right)


def root_of(hashes: Sequence[bytes]) -> bytes:
    """The tree head over leaf hashes (or over equal complete sub-trees).

    Same as  Frontier().extend(hashes).root(), and the recursive definition of RFC 6962.
    """
    if not hashes:
        return empty_root()
    row, digest = list(hashes), in_use.suite.digest
    while len(row) > 1:
        pairs = iter(row)
        above = [  # node_hash, a call less for each of a million
            digest(b"\x01" + left + right) for left, right in zip(pairs, pairs, strict=False)
        ]
        if len(row) & 1:
            above.append(row[-1])
        row = above
    return row[0]


@dataclass(frozen=True)
class Frontier:
    """The right edge of a tree: all that appending needs, whatever its size.

    Shapes   hashes: one root a set bit of `size`, from the largest complete sub-tree down.
    Errors   Refused ledger.frontier_malformed when number or length of the hashes does not fit.
    """

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        fits = 0 <= self.size <= LARGEST_SIZE and len(self.hashes) == self.size.bit_count()
        if not fits or any(len(each) != HASH_BYTES for each in self.hashes):
            raise Refused(
                Refusal(
                    "ledger.frontier_malformed", {"size": self.size, "hashes": len(self.hashes)}
                )
            )

    def append(self, leaf: bytes) -> Frontier:
        """The frontier with one more leaf hash."""
        return self.extend((leaf,))

    def extend(self, leaves: Iterable[bytes]) -> Frontier:
        """The frontier with more leaf hashes, in order."""
        size, peaks = self.size, list(self.hashes)
        for leaf in leaves:
            node, rest = leaf, size
            while rest & 1:
                node = node_hash(peaks.pop(), node)
                rest >>= 1
            peaks.append(node)
            size += 1
        return Frontier(size, tuple(peaks))

    def grow(self, leaves: Iterable[bytes]) -> tuple[Frontier, list[Node]]:
        """The frontier with more leaf hashes, and every sub-tree that they complete.

        The nodes (level 0, the leaves themselves, included) come in the order in which they are
        completed: stored by (level, place), they are what `proof` reads.
        """
        size, peaks, nodes = self.size, list(self.hashes), list[Node]()
        for leaf in leaves:
            node, level, rest = leaf, 0, size
            nodes.append(Node(0, size, leaf))
            while rest & 1:
                node = node_hash(peaks.pop(), node)
                rest >>= 1
                level += 1
                nodes.append(Node(level, rest, node))
            peaks.append(node)
            size += 1
        return Frontier(size, tuple(peaks)), nodes

    def root(self) -> bytes:
        """The tree head at this size."""
        if not self.hashes:
            return empty_root()
        head = self.hashes[-1]
        for peak in reversed(self.hashes[:-1]):
            head = node_hash(peak, head)
        return head

    def as_json(self) -> dict[str, Any]:
        """{"size": n, "hashes": [lower-case hex, ...]}."""
        return {"size": self.size, "hashes": [each.hex() for each in self.hashes]}

    @classmethod
    def from_json(cls, value: Any) -> Frontier:
        """Read `as_json` back; anything else is refused (ledger.frontier_malformed)."""
        match value:
            case {"size": int(size), "hashes": [*hashes], **rest} if not rest and not isinstance(
                size, bool
            ):
                if all(isinstance(each, str) and _HEX.fullmatch(each) for each in hashes):
                    return cls(size, tuple(bytes.fromhex(each) for each in hashes))
        raise Refused(Refusal("ledger.frontier_malformed", {"size": None, "hashes": None}))
