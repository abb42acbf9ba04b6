"""An engine that is behind its node: it was given the record by a snapshot, or lost its own files.

It asks for every block from its first on, each checked by more than two thirds of the votes; what
the node has applied already is answered from the log and applied no second time. The root that is
answered for a block must be the one that the next header bears: so each header is held against our
leaves once more on the way.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...ledger.merkle import Frontier, leaf_hash
from ...measures.identity import canonical, read_canonical
from ..ports import Reading, Writing
from .convening import Founding

PROGRESS = "engine/at"  # how far the engine has come, while that is less than the node
KEPT_EACH = 50  # blocks


@dataclass
class Behind:
    """The engine stands at `at`, the node at `last`; `roots` are those after blocks with leaves."""

    at: int
    last: int
    heights: list[int]
    roots: list[bytes]
    moved: Mapping[int, dict[str, int]]

    def root(self, height: int) -> bytes:
        """The root after a block; one without leaves has left that of the one before."""
        return self.roots[bisect_right(self.heights, height) - 1]


def behind(reading: Reading, founding: Founding) -> Behind | None:
    """How far the engine is behind, if it is."""
    kept = reading.progress(PROGRESS)
    if kept is None:
        return None
    seats: dict[str, Any] = {seat["member"]: seat for seat in founding.file["seats"]}
    before = _powers(seats)
    heights, roots, moved = [0], [b""], dict[int, dict[str, int]]()
    frontier = Frontier()
    for leaf in reading.leaves(0, reading.head().size):
        frontier = frontier.append(leaf_hash(leaf))
        value = read_canonical(leaf)
        match value:
            case {"leaf": "genesis"}:
                roots[0] = frontier.root()
            case {"leaf": "made", "what": "seat", "value": said}:
                seats[said["member"]] = said["seat"]
            case {"leaf": "block", "height": height}:
                heights.append(height)
                roots.append(frontier.root())
                if (after := _powers(seats)) != before:
                    moved[height] = changes(before, after)
                    before = after
    return Behind(int(read_canonical(kept)), reading.head().height, heights, roots, moved)


def changes(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, int]:
    """What an engine must be told: votes by key, 0 where a key votes no more."""
    keys = sorted({*before, *after})
    return {key: after.get(key, 0) for key in keys if before.get(key, 0) != after.get(key, 0)}


def keep_at(block: Writing, at: int | None) -> None:
    """Write down where the engine stands; None where it has caught up."""
    block.put_progress(PROGRESS, None if at is None else canonical(at))


def _powers(seats: Mapping[str, dict[str, Any] | None]) -> dict[str, int]:
    held = [seat for seat in seats.values() if seat is not None]
    return {seat["engine"]: seat["power"] for seat in held if seat["power"]}
