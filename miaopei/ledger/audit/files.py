"""The audit's own reading of tiles and entry bundles, and where in a file a fault lies.

Shares nothing with any writer but `leaf_hash`: paths, framing and lengths are read here a second
time, from the text of C2SP tlog-tiles.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..merkle import leaf_hash
from .finding import Fault, Field

PER_TILE = 256
_SEARCHED = 4096


@dataclass(frozen=True)
class Place:
    """Which file: level 0 and up for tiles, -1 for entry bundles; `width` hashes or entries."""

    level: int
    index: int
    width: int

    @property
    def path(self) -> str:
        digits = str(self.index)
        digits = digits.rjust(-(-len(digits) // 3) * 3, "0")
        groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
        name = "/x".join(groups[:-1])
        name = f"x{name}/{groups[-1]}" if name else groups[-1]
        partial = f".p/{self.width}" if self.width < PER_TILE else ""
        return f"tile/{'entries' if self.level < 0 else self.level}/{name}{partial}"


def place_of(path: str) -> Place | None:
    """The tile or bundle that a path names, or None."""
    head, _, width = path.partition(".p/")
    kind, *groups = head.split("/")[1:] or [""]
    digits = "".join(group.removeprefix("x") for group in groups)
    numbers = [digits, *([width] if width else [])]
    if not all(text.isascii() and text.isdigit() and len(text) < 19 for text in numbers):
        return None
    level = -1 if kind == "entries" else int(kind) if kind.isascii() and kind.isdigit() else -2
    place = Place(level, int(digits), int(width or PER_TILE))
    fits = -1 <= level <= 63 and 0 < place.width <= PER_TILE
    return place if fits and place.path == path else None


def hashes_in_tile(data: bytes | None, width: int) -> list[bytes | None]:
    """The first `width` hashes; None for those that the file is too short to hold."""
    held = [] if data is None else [data[at : at + 32] for at in range(0, len(data), 32)]
    whole: list[bytes | None] = [each for each in held[:width] if len(each) == 32]
    return whole + [None] * (width - len(whole))


def hashes_in_bundle(data: bytes | None, width: int) -> tuple[list[bytes | None], int]:
    """Leaf hashes of the first `width` entries, None from where the framing breaks, and the end."""
    hashes: list[bytes | None] = []
    at, length = 0, 0 if data is None else len(data)
    if data is not None:
        while len(hashes) < width and at + 2 <= length:
            end = at + 2 + (data[at] << 8 | data[at + 1])
            if end > length:
                break
            hashes.append(leaf_hash(data[at + 2 : end]))
            at = end
    return hashes + [None] * (width - len(hashes)), at


def faults_in_tile(data: bytes, true: Sequence[bytes], width: int) -> Iterator[Fault]:
    """Where a tile file of `width` hashes differs from the true ones that it begins with."""
    for position, told in enumerate(true):
        start = 32 * position
        held = data[start : start + 32]
        if len(held) == 32 and held != told:
            wrong = [at for at in range(32) if held[at] != told[at]]
            bit = _only_bit(held[wrong[0]] ^ told[wrong[0]]) if len(wrong) == 1 else None
            yield Fault(Field.HASH, position, start + wrong[0], bit)
    if len(data) != 32 * width:
        yield Fault(Field.LENGTH, None, min(len(data), 32 * width))


def faults_in_bundle(data: bytes, true: Sequence[bytes], width: int) -> Iterator[Fault]:
    """Where a bundle file of `width` entries differs from the entries with these leaf hashes."""
    at = 0
    for position, told in enumerate(true):
        if at + 2 > len(data):
            yield Fault(Field.LENGTH, position, at)
            return
        length = data[at] << 8 | data[at + 1]
        body = data[at + 2 : at + 2 + length]
        if len(body) != length or leaf_hash(body) != told:
            bit = _length_bit(data, at, told)
            if bit is not None:
                yield Fault(Field.ENTRY_LENGTH, position, at + (bit < 8), bit % 8)
                length ^= 1 << bit
            elif len(body) != length:
                yield Fault(Field.LENGTH, position, at)
                return
            else:
                offset, flipped = _entry_bit(body, told)
                yield Fault(Field.ENTRY, position, at + 2 + offset, flipped)
        at += 2 + length
    if at != len(data) and len(true) == width:
        yield Fault(Field.LENGTH, None, at)


def _length_bit(data: bytes, at: int, told: bytes) -> int | None:
    """The bit of the entry's length which, turned back, gives the entry with the true hash."""
    length = data[at] << 8 | data[at + 1]
    for bit in range(16):
        end = at + 2 + (length ^ 1 << bit)
        if end <= len(data) and leaf_hash(data[at + 2 : end]) == told:
            return bit
    return None


def _entry_bit(body: bytes, told: bytes) -> tuple[int, int | None]:
    """Offset and bit which, turned back, give the true hash; else (0, None)."""
    if len(body) <= _SEARCHED:
        changed = bytearray(body)
        for offset in range(len(body)):
            for bit in range(8):
                changed[offset] ^= 1 << bit
                if leaf_hash(bytes(changed)) == told:
                    return offset, bit
                changed[offset] ^= 1 << bit
    return 0, None


def _only_bit(difference: int) -> int | None:
    single = difference & (difference - 1) == 0
    return difference.bit_length() - 1 if single else None
