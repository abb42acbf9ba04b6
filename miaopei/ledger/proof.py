"""Proofs that an entry is in the record, and that a longer record only added.

Making reads hashes of complete sub-trees from wherever they are kept (a table of nodes, tiles, a
list); checking reads nothing but its arguments. Sources: RFC 6962 sections 2.1.1 and 2.1.2 for
making, RFC 9162 sections 2.1.3.2 and 2.1.4.2 for checking.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from ..errors import Refusal, Refused
from .merkle import HASH_BYTES, LARGEST_SIZE, empty_root, node_hash

NodeReader = Callable[[int, int], bytes]
Proof = tuple[bytes, ...]
_HEX = re.compile(r"[0-9a-f]{64}")


def nodes_of(leaves: Sequence[bytes]) -> NodeReader:
    """All complete sub-trees over leaf hashes, hashed once: for sub-trees of claims and books."""
    rows = [list(leaves)]
    while len(rows[-1]) > 1:
        below = iter(rows[-1])
        rows.append([node_hash(left, right) for left, right in zip(below, below, strict=False)])

    def read(level: int, index: int) -> bytes:
        return rows[level][index]

    return read


def inclusion(index: int, size: int, read: NodeReader) -> Proof:
    """The path from leaf `index` to the root of the tree of `size` leaves, lowest first.

    Errors   Refused ledger.index_outside when there is no such leaf.
    """
    if not 0 <= index < size:
        raise Refused(Refusal("ledger.index_outside", {"index": index, "size": size}))
    path, start, end = [], 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_range_root(middle, end, read))
            end = middle
        else:
            path.append(_range_root(start, middle, read))
            start = middle
    return tuple(reversed(path))


def consistency(older: int, newer: int, read: NodeReader) -> Proof:
    """The proof that the tree of `newer` leaves begins with the tree of `older` leaves.

    Errors   Refused ledger.sizes_reversed unless 0 <= older <= newer.
    """
    if not 0 <= older <= newer:
        raise Refused(Refusal("ledger.sizes_reversed", {"older": older, "newer": newer}))
    if older in {0, newer}:
        return ()
    path, start, end = [], 0, newer
    while older != end:
        middle = start + _split(end - start)
        if older <= middle:
            path.append(_range_root(middle, end, read))
            end = middle
        else:
            path.append(_range_root(start, middle, read))
            start = middle
    if start:  # The older tree is not itself a sub-tree of the newer one: name its last part.
        path.append(_range_root(start, end, read))
    return tuple(reversed(path))


def root_at(size: int, read: NodeReader) -> bytes:
    """The root that a log of `size` leaves has; `read` may know a longer one.

    Same as  merkle.root_of over the first `size` leaf hashes.
    """
    return _range_root(0, size, read) if size else empty_root()


def inclusion_in(index: int, leaves: Sequence[bytes]) -> Proof:
    """`inclusion` over a list of leaf hashes. For many proofs over one list keep `nodes_of`."""
    return inclusion(index, len(leaves), nodes_of(leaves))


def consistency_in(older: int, leaves: Sequence[bytes]) -> Proof:
    """`consistency` of the first `older` leaf hashes with the whole list."""
    return consistency(older, len(leaves), nodes_of(leaves))


def check_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> None:
    """Check that the leaf hash stands at `index` in the tree of `size` leaves with this root.

    Errors   Refused ledger.index_outside, ledger.proof_malformed, ledger.inclusion_fails.
    """
    if not 0 <= index < size <= LARGEST_SIZE:
        raise Refused(Refusal("ledger.index_outside", {"index": index, "size": size}))
    _check_lengths([leaf, root, *proof])
    fails = Refused(
        Refusal("ledger.inclusion_fails", {"index": index, "size": size, "root": root.hex()})
    )
    node, last, head = index, size - 1, leaf
    for step in proof:
        if last == 0:
            raise fails
        if node & 1 or node == last:
            head = node_hash(step, head)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            head = node_hash(head, step)
        node, last = node >> 1, last >> 1
    if last or head != root:
        raise fails


def check_consistency(
    older: int, older_root: bytes, newer: int, newer_root: bytes, proof: Sequence[bytes]
) -> None:
    """Check that the tree of `newer` leaves begins with the tree of `older` leaves.

    With the empty tree every tree is consistent, by an empty proof.
    Errors   Refused ledger.sizes_reversed, ledger.proof_malformed, ledger.consistency_fails.
    """
    if not 0 <= older <= newer <= LARGEST_SIZE:
        raise Refused(Refusal("ledger.sizes_reversed", {"older": older, "newer": newer}))
    _check_lengths([older_root, newer_root, *proof])
    if older in {0, newer}:
        expected = empty_root() if older == 0 else newer_root
        holds = not proof and older_root == expected
        holds = holds and (newer > 0 or newer_root == empty_root())
    else:
        holds = _consistent(older, older_root, newer, newer_root, proof)
    if not holds:
        raise Refused(
            Refusal(
                "ledger.consistency_fails",
                {"older": older, "newer": newer, "root": newer_root.hex()},
            )
        )


def as_hex(proof: Sequence[bytes]) -> list[str]:
    """A proof for a JSON file: lower-case hex, lowest hash first."""
    return [step.hex() for step in proof]


def from_hex(value: Any) -> Proof:
    """Read `as_hex` back; anything else is refused (ledger.proof_malformed)."""
    if not isinstance(value, list) or len(value) > 64:
        raise Refused(Refusal("ledger.proof_malformed", {"at": None}))
    for at, step in enumerate(value):
        if not isinstance(step, str) or not _HEX.fullmatch(step):
            raise Refused(Refusal("ledger.proof_malformed", {"at": at}))
    return tuple(bytes.fromhex(step) for step in value)


def _consistent(
    older: int, older_root: bytes, newer: int, newer_root: bytes, proof: Sequence[bytes]
) -> bool:
    """RFC 9162 section 2.1.4.2, steps 1 to 7, for 0 < older < newer."""
    if not proof:
        return False
    path = list(proof)
    if older & (older - 1) == 0:
        path.insert(0, older_root)
    node, last = older - 1, newer - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    first = second = path[0]
    for step in path[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            first, second = node_hash(step, first), node_hash(step, second)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            second = node_hash(second, step)
        node, last = node >> 1, last >> 1
    return last == 0 and first == older_root and second == newer_root


def _split(width: int) -> int:
    """The largest power of two smaller than `width` (which is at least 2)."""
    return 1 << ((width - 1).bit_length() - 1)


def _range_root(start: int, end: int, read: NodeReader) -> bytes:
    """The tree head over leaves [start, end), from the complete sub-trees that make it up."""
    peaks, at = [], start
    for level in reversed(range((end - start).bit_length())):
        if (end - start) >> level & 1:
            peaks.append(read(level, at >> level))
            at += 1 << level
    head = peaks.pop()
    while peaks:
        head = node_hash(peaks.pop(), head)
    return head


def _check_lengths(hashes: Sequence[bytes]) -> None:
    for at, each in enumerate(hashes):
        if len(each) != HASH_BYTES:
            raise Refused(Refusal("ledger.proof_malformed", {"at": at - 2}))
