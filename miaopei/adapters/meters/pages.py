"""Batches as they came, kept sealed in pages until no outage can need them: this member's own.

A page is what was taken in one transaction: the signed payloads under a key that only this member's
box opens, for they name customers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...errors import RecordDamaged
from ...measures.identity import canonical, read_canonical
from ...measures.instant import DAY
from ...node.node import Node
from ...node.ports import Identity, Reading, Writing
from ...node.vault.sealing import frame, seal, unframe, unseal, unwrap_any, wrap

KEEP = 7 * DAY  # longer than any freeze, and than a gap is asked for
PAGES = "meters/pages"


@dataclass(frozen=True)
class Held:
    """Where a batch lies: the page, and its place in it."""

    page: int
    place: int


def put(block: Writing, node: Node, payloads: Sequence[bytes], received_at: int) -> int:
    """Keep payloads as one page; its number. A page past its time goes away with each new one."""
    first, after = _span(block)
    sealed, key = seal(frame(payloads), node.random)
    mine = node.identity.box.public_key().public_bytes_raw()
    head = {"at": received_at, "wrapped": wrap(key, mine, node.random).hex()}
    block.put_progress(_name(after), canonical(head) + b"\n" + sealed)
    for _ in range(2):
        if first < after and _page(block, first)[0]["at"] < received_at - KEEP:
            block.put_progress(_name(first), None)
            first += 1
    block.put_progress(PAGES, canonical([first, after + 1]))
    return after


def each(reading: Reading, identity: Identity) -> Iterator[tuple[int, int, list[bytes]]]:
    """Every page that is kept: its number, when it came, and its payloads."""
    for page in range(*_span(reading)):
        head, sealed = _page(reading, page)
        yield page, int(head["at"]), _unsealed(head, sealed, identity)


def opened(reading: Reading, identity: Identity, page: int) -> list[bytes]:
    """The payloads of a page. Errors   RecordDamaged (alarm) where it is missing or altered."""
    return _unsealed(*_page(reading, page), identity)


def _span(reading: Reading) -> tuple[int, int]:
    kept = reading.progress(PAGES)
    first, after = (1, 1) if kept is None else read_canonical(kept)
    return int(first), int(after)


def _page(reading: Reading, page: int) -> tuple[dict[str, Any], bytes]:
    """The head of a page and its sealed payloads."""
    found = reading.progress(_name(page))
    if found is None:
        raise RecordDamaged("a page of readings is missing", page=page)
    head, _, sealed = found.partition(b"\n")
    return read_canonical(head), sealed


def _unsealed(head: Mapping[str, Any], sealed: bytes, identity: Identity) -> list[bytes]:
    key, _ = unwrap_any(bytes.fromhex(head["wrapped"]), (identity.box, *identity.boxes))
    return unframe(unseal(sealed, key))


def _name(page: int) -> str:
    return f"meters/page/{page:012d}"
