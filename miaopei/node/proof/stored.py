"""The log as a store keeps it: read as if in files, and what is stored of it beside the leaves.

Hashes of complete sub-trees, the head, and the places of named leaves are all made from the leaves;
here they are held against them, for `inspect`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ...acts.envelope import from_json
from ...acts.seats import seated
from ...acts.state import State
from ...errors import Fact, Refusal, Refused
from ...ledger import checkpoint
from ...ledger.merkle import Frontier, leaf_hash, root_of
from ...ledger.merkle import Node as Subtree
from ...ledger.tiles import CHECKPOINT, HEIGHT, WIDTH, encode_bundle, read_path, tile_bytes
from ..ports import Head, Reading


def log_files(reading: Reading) -> Callable[[str], bytes | None]:
    """The log of a store as if it were served in files, for `ledger.audit.examine`."""

    def read(path: str) -> bytes | None:
        if path == CHECKPOINT:
            return reading.checkpoint().encode("utf-8")
        tile = read_path(path)
        if tile is None:
            return None
        try:
            if tile.level is None:
                found = list(reading.leaves(tile.first, tile.end))
                return encode_bundle(found) if len(found) == tile.width else None
            first = tile.index * WIDTH
            hashes = reading.nodes(tile.level * HEIGHT, first, first + tile.width)
            return tile_bytes(hashes) if len(hashes) == tile.width else None
        except LookupError:
            return None

    return read


def standing(reading: Reading) -> int:
    """How many entries are held against what lies beside them: all that the checkpoint counts.

    Where several members order, their last block is in force before the next one certifies it.
    """
    certified = checkpoint.parse(reading.checkpoint()).size
    if not seated(State(reading)):
        return certified
    try:
        head = reading.head().size
    except Refused:
        return certified
    # A damaged head may count entries beyond all there are.
    return head if head > certified and list(reading.leaves(head - 1, head)) else certified


def tree(reading: Reading, leaves: Sequence[bytes]) -> Iterator[Refusal]:
    """Every stored hash of a complete sub-tree, and the head.

    Where the stored hashes of the leaves lead to the head, an altered leaf is told by the audit of
    the log alone, and not once more by everything above it.
    """
    try:
        head: Head | None = reading.head()
    except Refused:
        head = None
    hashes = reading.nodes(0, 0, len(leaves))
    if head is None or root_of(hashes) != head.root:
        hashes = [leaf_hash(leaf) for leaf in leaves]
    frontier, nodes = Frontier().grow(hashes)
    by_level: dict[int, list[Subtree]] = {}
    for node in nodes:
        by_level.setdefault(node.level, []).append(node)
    for level, expected in by_level.items():
        yield from _level(reading, level, expected)
    if head is None or (head.size, head.root) != (frontier.size, frontier.root()):
        yield found("head_altered", size=head.size if head else None, expected=frontier.size)


def _level(reading: Reading, level: int, expected: Sequence[Subtree]) -> Iterator[Refusal]:
    """The stored hashes of one level; asked for one by one only where some are missing."""
    kept: Sequence[bytes | None] = reading.nodes(level, 0, len(expected))
    if len(kept) != len(expected):
        kept = [_stored(reading, level, node.place) for node in expected]
    for node, stored in zip(expected, kept, strict=True):
        if stored is None:
            yield found("node_missing", level=level, place=node.place)
        elif stored != node.hash:
            yield found("node_altered", level=level, place=node.place)


def _stored(reading: Reading, level: int, place: int) -> bytes | None:
    try:
        return reading.node(level, place)
    except LookupError:
        return None


def places(reading: Reading, values: Sequence[Any]) -> Iterator[Refusal]:
    """Where acts, made records and blocks are said to stand; the last place of a name counts."""
    expected: dict[str, int] = {}
    for position, value in enumerate(values):
        match value:
            case {"leaf": "act", "act": act}:
                try:
                    expected[from_json(act).id] = position
                except Refused:
                    continue
            case {"leaf": "made", "id": str(name)}:
                expected[name] = position
            case {"leaf": "block", "height": height}:
                expected[f"block/{height}"] = position
    kept = reading.places(list(expected))
    for name, position in expected.items():
        if kept.get(name) != position:
            yield found("place_altered", name=name, kept=kept.get(name), position=position)


def found(code: str, /, **facts: Fact) -> Refusal:
    return Refusal(f"inspect.{code}", facts)
