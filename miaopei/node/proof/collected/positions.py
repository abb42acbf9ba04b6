"""Where things stand in the log that no key leads to: read once a process, then only what has come.

Without it a receipt reads every leaf for who was admitted, whose key changed and which sources were
registered, and every batch of a book for who brought a row. A log only grows, so that what was read
stays true; a snapshot older than what is known sees no more than its own size.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterator
from threading import Lock
from typing import Any

from ....acts import admit_member, change_key, register_source
from ....acts.state import State
from ...ports import Reading

KINDS = (admit_member.KIND, change_key.KIND, register_source.KIND)
_MARKS = tuple(f'"kind":"{kind}"'.encode() for kind in KINDS)
Registration = tuple[int, str, dict[str, Any], str]  # position, kind, body, sender


class Positions:
    """What is known of one record; many threads may ask."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._read, self._registered = 0, list[Registration]()
        self._firsts: dict[str, list[int]] = {}  # by book: where each batch in force begins
        self._batches: dict[str, list[str]] = {}

    def registrations(self, reading: Reading, size: int) -> Iterator[Registration]:
        """Acts that did admit members, change keys, register sources, in a log of this size."""
        with self._lock:
            if size > self._read:
                for index, leaf in enumerate(reading.leaves(self._read, size), self._read):
                    if any(mark in leaf for mark in _MARKS):
                        self._registered += _registration(index, leaf)
                self._read = size
            found = list(self._registered)
        return (one for one in found if one[0] < size)

    def batch(self, state: State, book: str, position: int) -> str | None:
        """The batch in force that brought a place of a book."""
        with self._lock:
            firsts = self._firsts.setdefault(book, [])
            batches = self._batches.setdefault(book, [])
            if position >= (firsts[-1] if firsts else 0):  # it may be of one that came since
                low = f"{book}/{firsts[-1] + 1 if firsts else 0:012d}"
                for key, batch in state.between("in_force", low, f"{book}/{position + 1:012d}"):
                    firsts.append(int(key.rpartition("/")[2]))
                    batches.append(batch)
            at = bisect_right(firsts, position)
            return batches[at - 1] if at else None


def _registration(index: int, leaf: bytes) -> Iterator[Registration]:
    value = json.loads(leaf)
    act = value.get("act", {})
    if act.get("kind") in KINDS and value["result"] == {"ok": True, "notes": []}:  # else it waited
        yield index, act["kind"], act["body"], act["by"]
