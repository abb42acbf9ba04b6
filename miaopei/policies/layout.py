"""Rows of a book as columns in an order that suits place: what lies together is read together.

A layout is derived and never touches a root; any order of rows gives the same payouts. Blocks of
consecutive rows carry a box of their unit vectors, so that those out of reach are never read.
Integers only, as in `measures.place`; works on arrays in memory and on files mapped into it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..measures.place import SCALE_BITS, Vector

Column = NDArray[Any]
Int64Array = NDArray[np.int64]
BLOCK = 1_024  # rows that share a box
GAP = 4_096  # rows between two ranges that are sooner read than left out
_BITS = 16  # of each part that order looks at: cells of about 200 m


@dataclass(frozen=True)
class Layout:
    """The columns of one product version, and what is known of them without reading them.

    Shapes   declared, since, until: (n,); starts (b + 1,), the first row of each block and n;
             boxes (b, 6), least and most of the three parts of place, and norms (b,), the largest
             product of a place with itself; None where there is no place.
    Units    declared as the terms' inputs; since, until UTC seconds, [since, until).
    """

    declared: Mapping[str, Column]
    since: Int64Array
    until: Int64Array
    least: Mapping[str, int]
    most: Mapping[str, int]
    starts: Int64Array
    boxes: NDArray[np.int32] | None = None
    norms: Int64Array | None = None
    place: tuple[str, str, str] | None = None

    def __len__(self) -> int:
        return len(self.since)


def order(x: Column, y: Column, z: Column) -> NDArray[np.intp]:
    """The order in which rows that lie near each other stand near each other.

    Shapes   (n,) each at scale 2**30; the result is a permutation; equal places keep their order.
    """
    key = np.zeros(len(x), dtype=np.int64)
    for shift, part in enumerate((x, y, z)):
        cell = (part.astype(np.int64) + (1 << SCALE_BITS)) >> (SCALE_BITS + 1 - _BITS)
        key |= _spread(np.minimum(cell, (1 << _BITS) - 1)) << shift
    return np.argsort(key, kind="stable")


def _spread(cell: Int64Array) -> Int64Array:
    """16 bits, each followed by two empty ones: three of them interleave into one key."""
    for shift, mask in (
        (16, 0xFF0000FF),
        (8, 0xF00F00F00F),
        (4, 0xC30C30C30C3),
        (2, 0x249249249249),
    ):
        cell = (cell | cell << shift) & mask
    return cell


def lay_out(
    declared: Mapping[str, Column],
    since: Int64Array,
    until: Int64Array,
    place: tuple[str, str, str] | None = None,
    block: int = BLOCK,
) -> Layout:
    """A layout of rows that stand in their order already (`order` where there is a place)."""
    rows = len(since)
    starts = np.append(np.arange(0, rows, block, dtype=np.int64), rows)
    boxes = norms = None
    if place is not None and rows:
        parts = [declared[name] for name in place]
        ends = [extreme.reduceat(part, starts[:-1]) for extreme in (np.minimum, np.maximum)
                for part in parts]  # fmt: skip
        boxes = np.stack(ends, axis=1).astype(np.int32)
        norms = np.maximum.reduceat(sum(p.astype(np.int64) ** 2 for p in parts), starts[:-1])
    least = {name: int(column.min()) for name, column in declared.items() if rows}
    most = {name: int(column.max()) for name, column in declared.items() if rows}
    return Layout(declared, since, until, least, most, starts, boxes, norms, place)


def ranges(layout: Layout, centre: Vector, least: int, gap: int = GAP) -> list[tuple[int, int]]:
    """Rows of the blocks that can hold a place within the radius that `least` stands for.

    A place p is within where p.c >= least, which is |p - c|**2 <= p.p + c.c - 2 least. The left
    side is at least the square of what parts the box from the centre, the right at most that with
    the largest p.p of the block: exact, so no row within is left out. Everything where the layout
    knows no place. Ranges that lie close together are given as one.
    """
    if layout.boxes is None or layout.norms is None:
        return [(0, len(layout))] if len(layout) else []
    apart = np.zeros(len(layout.boxes), dtype=np.uint64)  # at most 3 * 2**62
    for axis, part in enumerate(centre):
        below = layout.boxes[:, axis].astype(np.int64) - part
        off = np.maximum(np.maximum(below, part - layout.boxes[:, axis + 3].astype(np.int64)), 0)
        apart += (off * off).astype(np.uint64)
    own = sum(part * part for part in centre) - 2 * least
    most = np.maximum(layout.norms, max(0, -own)).astype(np.uint64)  # no sum leaves 64 bits
    most = most + np.uint64(own) if own >= 0 else most - np.uint64(-own)
    near = np.flatnonzero(apart <= most)
    if not len(near):
        return []
    firsts, lasts = layout.starts[near], layout.starts[near + 1]
    cuts = np.flatnonzero(firsts[1:] - lasts[:-1] > gap)
    pairs = zip(firsts[np.r_[0, cuts + 1]].tolist(), lasts[np.r_[cuts, len(near) - 1]].tolist(),
                strict=True)  # fmt: skip
    return list(pairs)
