"""The log as static files: where each tile and entry bundle lies, and what bytes it holds.

Layout only, no file is touched here: `adapters.tile_files` writes, `audit` (which shares none of
this) checks. Source: C2SP tlog-tiles. A tile is 256 hashes wide and 8 levels of the tree high.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from ..errors import Refusal, Refused
from .leaf import LENGTH_BYTES, framed
from .merkle import HASH_BYTES, Frontier, root_of
from .proof import NodeReader

WIDTH = 256
HEIGHT = 8
CHECKPOINT = "checkpoint"
Reader = Callable[[str], bytes | None]
_PATH = re.compile(
    r"tile/(?P<level>entries|[0-9]|[1-5][0-9]|6[0-3])"
    r"/(?P<index>(?:x[0-9]{3}/)*[0-9]{3})"
    r"(?:\.p/(?P<width>[1-9][0-9]{0,2}))?"
)


@dataclass(frozen=True)
class Tile:
    """One file of the log: a tile of hashes, or (level None) a bundle of entries.

    Shapes   width: 1 to 256; below 256 it is partial. It covers positions first to end - 1 of its
             level, that is of leaves for level 0 and bundles.
    """

    level: int | None
    index: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Where the file lies under the log's prefix, for example tile/0/x001/234/067.p/8."""
        level = "entries" if self.level is None else str(self.level)
        groups = [f"{self.index % 1000:03d}"]
        rest = self.index // 1000
        while rest:
            groups.append(f"x{rest % 1000:03d}")
            rest //= 1000
        suffix = "" if self.width == WIDTH else f".p/{self.width}"
        return f"tile/{level}/{'/'.join(reversed(groups))}{suffix}"

    @property
    def first(self) -> int:
        return self.index * WIDTH

    @property
    def end(self) -> int:
        return self.first + self.width


def read_path(path: str) -> Tile | None:
    """The tile or bundle that a path names; None for every other spelling."""
    match = _PATH.fullmatch(path)
    if match is None:
        return None
    level = None if match["level"] == "entries" else int(match["level"])
    index = int(match["index"].replace("x", "").replace("/", ""))
    tile = Tile(level, index, int(match["width"] or WIDTH))
    return tile if tile.path == path else None


def growth(older: int, newer: int) -> Iterator[Tile]:
    """What a growth from one size to another writes, bundles first, then tiles from level 0 up.

    A file that the older size already had in full is not among them; partial tiles stand for the
    newer size only.
    """
    yield from _row(None, older, newer)
    level = 0
    while newer >> (HEIGHT * level):
        yield from _row(level, older >> (HEIGHT * level), newer >> (HEIGHT * level))
        level += 1


def right_edge(size: int) -> Iterator[Tile]:
    """The partial tiles (no bundle) of a size, from level 0 up; the root rests on them alone."""
    level = 0
    while size >> (HEIGHT * level):
        count = size >> (HEIGHT * level)
        if count % WIDTH:
            yield Tile(level, count // WIDTH, count % WIDTH)
        level += 1


def tile_bytes(hashes: Iterable[bytes]) -> bytes:
    """A tile's bytes: its hashes, one after the other."""
    return b"".join(hashes)


def hashes_of(data: bytes) -> list[bytes]:
    """The hashes in a tile's bytes.

    Errors   Refused ledger.tile_malformed for a length that is not 1 to 256 hashes.
    """
    if len(data) % HASH_BYTES or not 0 < len(data) <= WIDTH * HASH_BYTES:
        raise Refused(Refusal("ledger.tile_malformed", {"length": len(data)}))
    return [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]


def encode_bundle(entries: Iterable[bytes]) -> bytes:
    """A bundle's bytes: each entry with its length in front.

    Errors   Refused ledger.entry_too_long.
    """
    return b"".join(framed(entry) for entry in entries)


def decode_bundle(data: bytes) -> list[bytes]:
    """The entries in a bundle's bytes.

    Errors   Refused ledger.bundle_malformed when a length runs past the end, with its offset.
    """
    entries: list[bytes] = []
    at = 0
    while at < len(data):
        start = at + LENGTH_BYTES
        end = start + int.from_bytes(data[at:start], "big")
        if start > len(data) or end > len(data):
            raise Refused(Refusal("ledger.bundle_malformed", {"entry": len(entries), "offset": at}))
        entries.append(data[start:end])
        at = end
    return entries


def frontier_at(rows: Sequence[Sequence[bytes]]) -> Frontier:
    """The frontier of the tree whose right-edge tiles hold these hashes, from level 0 up.

    Shapes   rows: one a level, at most 255 hashes, empty where that level has no partial tile.
    """
    size, peaks = 0, list[bytes]()
    for row in reversed(rows):
        size = size * WIDTH + len(row)
        at = 0
        for width in (1 << bit for bit in reversed(range(HEIGHT)) if len(row) >> bit & 1):
            peaks.append(root_of(row[at : at + width]))
            at += width
    return Frontier(size, tuple(peaks))


def node_reader(read: Reader, size: int) -> NodeReader:
    """Hashes of complete sub-trees read from tiles, for making proofs.

    `size` is that of the files; the proof may be of any size up to it.
    Errors   Refused ledger.tile_missing, ledger.tile_malformed.
    """

    @lru_cache(maxsize=64)
    def tile(level: int, index: int) -> list[bytes]:
        width = min(WIDTH, (size >> (HEIGHT * level)) - index * WIDTH)
        wanted = Tile(level, index, width)
        data = read(wanted.path)
        if data is None and width < WIDTH:  # The log has grown: the full tile begins with it.
            data = read(Tile(level, index).path)
        if data is None:
            raise Refused(Refusal("ledger.tile_missing", {"path": wanted.path}))
        return hashes_of(data[: width * HASH_BYTES])

    def node(level: int, index: int) -> bytes:
        above, within = divmod(level, HEIGHT)
        first = index << within
        row = tile(above, first // WIDTH)
        start = first % WIDTH
        hashes = row[start : start + (1 << within)]
        if len(hashes) != 1 << within:
            raise Refused(Refusal("ledger.tile_malformed", {"length": len(row) * HASH_BYTES}))
        return root_of(hashes)

    return node


def _row(level: int | None, older: int, newer: int) -> Iterator[Tile]:
    if older == newer:
        return
    for index in range(older // WIDTH, -(-newer // WIDTH)):
        yield Tile(level, index, min(WIDTH, newer - index * WIDTH))
