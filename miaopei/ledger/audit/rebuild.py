"""The log rebuilt from its entries, and which files differ from what was rebuilt.

First of the audit's two steps; `judge` then says which of two differing files is right. The hashing
of sub-trees is written here a second time, on `node_hash` alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...measures.suites import in_use
from ..merkle import node_hash
from .files import PER_TILE, Place, hashes_in_bundle, hashes_in_tile

Read = Callable[[str], bytes | None]
Progress = Callable[[int, int], None]
Row = list[bytes | None]


class Rebuild:
    """One pass over all files of a log.

    Shapes   rows[L]: the hashes of tile level L as rebuilt from the entries; level 0 keeps only its
             right end. kept[L]: the same as the stored tiles of level L - 1 give them. None where a
             file is missing or broken. suspects: (level, index) of tiles that differ from the rows,
             or whose bundle cannot be read.
    """

    def __init__(self, read: Read, size: int) -> None:
        self.read, self.size, self.entries = read, size, 0
        self.suspects: set[tuple[int, int]] = set()
        self.rows: list[Row] = [[], []]
        self.kept: list[Row] = [[], []]

    def count(self, level: int) -> int:
        """Hashes at a tile level; for bundles (level -1) entries."""
        return self.size >> 8 * max(level, 0)

    def width(self, level: int, index: int) -> int:
        """How many of them this tile or bundle holds at this size."""
        return min(PER_TILE, self.count(level) - PER_TILE * index)

    def file(self, level: int, index: int) -> tuple[Place, bytes | None]:
        """The file of a tile or bundle, or the full one where the partial one is gone."""
        place = Place(level, index, self.width(level, index))
        data = self.read(place.path)
        if data is None and place.width < PER_TILE:
            full = Place(level, index, PER_TILE)
            data = self.read(full.path)
            place = full if data is not None else place
        return place, data

    def run(self, most_gaps: int, progress: Progress | None) -> bool:
        """Read everything once. False if so many files in a row are missing that the log is cut."""
        gaps = 0
        for index in range(-(-self.size // PER_TILE)):
            if self._bottom(index):
                gaps = 0
                self.entries = min(self.size, PER_TILE * (index + 1))
            else:
                gaps += 1
            if gaps >= most_gaps:
                return False
            if progress is not None:
                progress(self.entries, self.size)
        level = 1
        while self.count(level):
            self.rows.append([])
            self.kept.append([])
            for index in range(-(-self.count(level) // PER_TILE)):
                part = slice(PER_TILE * index, PER_TILE * index + self.width(level, index))
                self._tile(level, index, self.rows[level][part])
            level += 1
        return True

    def root(self) -> bytes | None:
        """The root over the entries, None if some could not be read."""
        edge = []
        for level, row in enumerate(self.rows):
            width = self.count(level) % PER_TILE
            held = complete(row[-width:] if width else [])
            if held is None:
                return None
            edge.append(held)
        return root_over(edge)

    def _bottom(self, index: int) -> bool:
        """Read a bundle and its tile; False where both are missing."""
        width = self.width(0, index)
        place, bundle = self.file(-1, index)
        hashes, end = hashes_in_bundle(bundle, width)
        tile = self._tile(0, index, hashes)
        if bundle is None or (end != len(bundle) and place.width == width):
            self.suspects.add((0, index))
        if width < PER_TILE:
            self.rows[0] = hashes
        return bundle is not None or tile is not None

    def _tile(self, level: int, index: int, told: Row) -> bytes | None:
        """Compare a tile with its rebuilt hashes and hand both answers to the level above."""
        place, data = self.file(level, index)
        rebuilt = complete(told)
        same = data is not None and rebuilt is not None and data.startswith(b"".join(rebuilt))
        if not same or data is None or len(data) != 32 * place.width:
            self.suspects.add((level, index))
        if len(told) == PER_TILE:
            head = None if rebuilt is None else head_over(rebuilt)
            stored = None if same else complete(hashes_in_tile(data, PER_TILE))
            self.rows[level + 1].append(head)
            self.kept[level + 1].append(head_over(stored) if stored else head if same else None)
        return data


def complete(row: Row) -> list[bytes] | None:
    """The row if it has no gap."""
    held = [each for each in row if each is not None]
    return held if len(held) == len(row) else None


def head_over(hashes: Sequence[bytes]) -> bytes:
    """The hash of a complete sub-tree over a power of two of hashes."""
    row = list(hashes)
    while len(row) > 1:
        row = [node_hash(row[at], row[at + 1]) for at in range(0, len(row), 2)]
    return row[0]


def root_over(rows: Sequence[Sequence[bytes]]) -> bytes:
    """The root over the partial tiles of the right edge, from level 0 up."""
    head: bytes | None = None
    for row in rows:
        end = len(row)
        while end:
            width = end & -end
            peak = head_over(row[end - width : end])
            head = peak if head is None else node_hash(peak, head)
            end -= width
    return in_use.suite.digest(b"") if head is None else head
