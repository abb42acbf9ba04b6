"""Which of two differing files is right: decided from the signed root downwards.

A tile's true hashes are those of the choices on offer (as stored, as rebuilt from the entries, as
the tiles below give them) that hash to what the tile above, itself true, says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice, product
from math import prod

from .files import (
    PER_TILE,
    Place,
    faults_in_bundle,
    faults_in_tile,
    hashes_in_bundle,
    hashes_in_tile,
    place_of,
)
from .finding import Fault, Field, Finding
from .rebuild import Rebuild, Row, complete, head_over, root_over

CHECKPOINT = "checkpoint"
_MOST_TRIES = 256


class Judge:
    """Settles the differences that a rebuilt log shows, by the root that the checkpoint signs."""

    def __init__(self, log: Rebuild, root: bytes) -> None:
        self.log, self.root = log, root
        self.clean = not log.suspects and log.root() == root
        self.memo: dict[tuple[int, int], list[bytes] | None] = {}

    def findings(self) -> Iterator[Finding]:
        """All differences in the files that the size calls for, from the top level down."""
        log = self.log
        if not self.clean and self._rewritten():
            yield Finding(CHECKPOINT, Field.REWRITTEN)
        for level in reversed(range(len(log.rows))):
            for index in sorted(n for at, n in log.suspects if at == level):
                yield from self._tile(level, index)
                if level == 0:
                    yield from self._bundle(index)

    def others(self, names: Iterable[str]) -> Iterator[Finding]:
        """Differences in files that the size does not call for, and files of no log."""
        for name in sorted(set(names) - {CHECKPOINT}):
            place = place_of(name)
            if place is None:
                yield Finding(name, Field.STRAY)
                continue
            covered = min(place.width, self.log.width(place.level, place.index))
            if covered <= 0 or self.log.file(place.level, place.index)[0] == place:
                continue
            true, data = self.truth(max(place.level, 0), place.index), self.log.read(name)
            if true is not None and data is not None:
                find = faults_in_bundle if place.level < 0 else faults_in_tile
                for fault in find(data, true[:covered], place.width):
                    yield _finding(place, fault, None)

    def truth(self, level: int, index: int) -> list[bytes] | None:
        """The hashes of a tile that lead to the signed root; None if no choice of files does."""
        if (level, index) not in self.memo:
            if self.clean:
                self.memo[level, index] = complete(self._columns(level, index)[0])
            elif self.log.width(level, index) < PER_TILE:
                self._decide_edge()
            else:
                self.memo[level, index] = self._decide(level, index)
        return self.memo[level, index]

    def _rewritten(self) -> bool:
        """Nothing is missing at the right edge, and still nothing there leads to the root."""
        if not self.log.suspects:
            return True
        edge = self._edge()
        offered = (place for tile in edge for place in zip(*self._columns(*tile), strict=True))
        return self.truth(*edge[0]) is None and all(any(place) for place in offered)

    def _edge(self) -> list[tuple[int, int]]:
        """The partial tiles, from level 0 up; every tree but the empty one has some."""
        counts = [self.log.count(level) for level in range(len(self.log.rows))]
        return [(level, n // PER_TILE) for level, n in enumerate(counts) if n % PER_TILE]

    def _decide(self, level: int, index: int) -> list[bytes] | None:
        """A full tile: what the tile above says is its hash."""
        above = self.truth(level + 1, index // PER_TILE)
        if above is None:
            return None
        told = above[index % PER_TILE]
        return _choose(self._columns(level, index), lambda row: head_over(row) == told)

    def _decide_edge(self) -> None:
        """All partial tiles at once: the signed root rests on them together."""
        tiles = self._edge()
        widths = [self.log.width(*tile) for tile in tiles]
        columns: list[Row] = [[], [], []]
        for tile in tiles:
            for joined, column in zip(columns, self._columns(*tile), strict=True):
                joined.extend(column)

        def split(row: Sequence[bytes]) -> list[list[bytes]]:
            each = iter(row)
            return [list(islice(each, width)) for width in widths]

        true = _choose(columns, lambda row: root_over(split(row)) == self.root)
        rows = [None] * len(tiles) if true is None else split(true)
        self.memo.update(zip(tiles, rows, strict=True))

    def _columns(self, level: int, index: int) -> list[Row]:
        """A tile's hashes as stored, as rebuilt from the entries, as the tiles below give them."""
        width = self.log.width(level, index)
        stored = hashes_in_tile(self.log.file(level, index)[1], width)
        if level == 0:
            rebuilt = hashes_in_bundle(self.log.file(-1, index)[1], width)[0]
            return [stored, rebuilt, rebuilt]
        part = slice(PER_TILE * index, PER_TILE * index + width)
        return [stored, self.log.rows[level][part], self.log.kept[level][part]]

    def _tile(self, level: int, index: int) -> Iterator[Finding]:
        """What is wrong with a tile; tiles below that are wrong become suspects themselves."""
        place, data = self.log.file(level, index)
        true = self.truth(level, index)
        stored, _, below = self._columns(level, index)
        if data is None:
            yield Finding(place.path, Field.MISSING)
        if true is None:
            yield from self._undecided(place, stored, below)
            return
        for fault in [] if data is None else faults_in_tile(data, true, place.width):
            at = fault.position
            right = at is not None and below[at] == true[at]
            yield _finding(
                place, fault, self._below(place, at).path if right and at is not None else None
            )
        for position in range(len(true) if level else 0):
            if below[position] != true[position]:
                self.log.suspects.add((level - 1, PER_TILE * index + position))

    def _bundle(self, index: int) -> Iterator[Finding]:
        """What is wrong with the entries of a bundle whose tile is known or disputed."""
        place, data = self.log.file(-1, index)
        if data is None:
            yield Finding(place.path, Field.MISSING)
            return
        true = self.truth(0, index)
        tile = self.log.file(0, index)[0]
        stored, rebuilt, _ = self._columns(0, index)
        if true is not None:
            for fault in faults_in_bundle(data, true, place.width):
                at = fault.position
                right = at is not None and stored[at] == true[at]
                yield _finding(place, fault, tile.path if right else None)
        elif None in rebuilt:
            offset = hashes_in_bundle(data, len(rebuilt))[1]
            fault = Fault(Field.LENGTH, rebuilt.index(None), offset)
            yield _finding(place, fault, None)

    def _undecided(self, place: Place, stored: Row, below: Row) -> Iterator[Finding]:
        """Differences that the signed root cannot settle, since no choice leads to it."""
        pairs = zip(stored, below, strict=True)
        differ = [n for n, (a, b) in enumerate(pairs) if a is not None and b not in {None, a}]
        for at in differ:
            other = self._below(place, at).path
            yield Finding(place.path, Field.UNDECIDED, at, 32 * at, None, other)
        full = len(stored) == PER_TILE and None not in stored
        if not differ and full and self.truth(place.level + 1, place.index // PER_TILE):
            yield Finding(place.path, Field.REWRITTEN)

    def _below(self, place: Place, position: int) -> Place:
        """The file whose bytes a tile's hash stands for."""
        if place.level == 0:
            return self.log.file(-1, place.index)[0]
        return Place(place.level - 1, PER_TILE * place.index + position, PER_TILE)


def _finding(place: Place, fault: Fault, agrees: str | None) -> Finding:
    position = fault.position
    if position is not None and place.level < 0:
        position += PER_TILE * place.index
    return Finding(place.path, fault.field, position, fault.offset, fault.bit, agrees)


def _choose(columns: Sequence[Row], holds: Callable[[Sequence[bytes]], bool]) -> list[bytes] | None:
    """The choice among the columns, place by place, that holds; None if none of them does."""
    for column in columns:
        row = complete(column)
        if row is not None and holds(row):
            return row
    choices = [
        list(dict.fromkeys(each for each in place if each is not None))
        for place in zip(*columns, strict=True)
    ]
    if prod(len(each) for each in choices) > _MOST_TRIES:
        return None
    return next((list(row) for row in product(*choices) if holds(row)), None)
