"""The State port: an ordered map of tables, keys and canonical values, and the writes of one block.

Acts see nothing else. `node` gives it PostgreSQL or memory; both are held equal by a property test.
Keys are printable ASCII; ranges come in byte order. Values are canonical JSON values.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, Protocol

from ..errors import Refusal, Refused
from ..measures.identity import as_written, canonical, digest

Json = Any


class Reader(Protocol):
    """What a store offers to read: bytes by table and key."""

    def get(self, table: str, key: str) -> bytes | None:
        """The value, or None."""

    def range(
        self, table: str, first: str, last: str | None = None, limit: int | None = None
    ) -> Iterator[tuple[str, bytes]]:
        """Keys from `first` (inclusive) to `last` (exclusive) in byte order."""

    def prefetch(self, keys: Iterable[tuple[str, str]]) -> None:
        """Ask for many values at once, so that `get` has them at hand."""


class State:
    """Reads through a store, keeps writes to itself until the block is done; `mark`/`undo` an act.

    Same as  a plain ordered map; the laws in tests/laws/test_state_laws.py say so.
    """

    def __init__(self, store: Reader) -> None:
        self._store = store
        self._new: dict[str, dict[str, bytes | None]] = {}  # by table
        self._undo: list[tuple[str, str, bool, bytes | None]] = []

    def get(self, table: str, key: str) -> Json | None:
        """The value at a key, or None."""
        found = self._bytes(table, key)
        return None if found is None else as_written(found)

    def need(self, table: str, key: str) -> Json:
        """The value at a key that must be there."""
        value = self.get(table, key)
        if value is None:
            raise KeyError(f"{table}/{key}")
        return value

    def shared(self, table: str, key: str) -> Json:
        """As `get` (None where nothing is), for what is read at every turn and seldom new: others
        are given the same value, so whoever asks changes nothing of it and hands it to nobody.
        """
        found = self._bytes(table, key)
        return None if found is None else _shared(found)

    def has(self, table: str, key: str) -> bool:
        """Whether the key holds a value."""
        return self._bytes(table, key) is not None

    def put(self, table: str, key: str, value: Json) -> None:
        """Write a value; it is seen by later reads of this block.

        Errors   Refused act.bad_key for a key that is not printable ASCII.
        """
        if not _is_key(key):
            raise Refused(Refusal("act.bad_key", {"table": table, "key": ascii(key)[:60]}))
        self._write(table, key, canonical(value))

    def delete(self, table: str, key: str) -> None:
        """Take a key away."""
        self._write(table, key, None)

    def range(self, table: str, prefix: str) -> Iterator[tuple[str, Json]]:
        """All keys that begin with `prefix`, in byte order, with this block's writes."""
        return self.between(table, prefix, prefix + "\x7f")

    def between(self, table: str, first: str, last: str) -> Iterator[tuple[str, Json]]:
        """Keys from `first` (inclusive) to `last` (exclusive), in byte order."""
        for key, found in self._rows(table, first, last):
            yield key, as_written(found)

    def raw(self, table: str, prefix: str = "") -> Iterator[tuple[str, bytes]]:
        """As `range`, values as canonical bytes: for what is costly to read and seldom new."""
        return self.raw_between(table, prefix, prefix + "\x7f")

    def raw_between(self, table: str, first: str, last: str) -> Iterator[tuple[str, bytes]]:
        """As `between`, values as canonical bytes."""
        return self._rows(table, first, last)

    def raw_value(self, table: str, key: str) -> bytes | None:
        """As `get`, the value as canonical bytes."""
        return self._bytes(table, key)

    def prefetch(self, keys: Iterable[tuple[str, str]]) -> None:
        """Have these at hand before they are asked for one by one; changes no answer."""
        wanted = [(table, key) for table, key in keys if not self._wrote(table, key)]
        self._store.prefetch([at for at in wanted if _is_key(at[1])])

    def mark(self) -> int:
        """A point to come back to with `undo`."""
        return len(self._undo)

    def undo(self, mark: int) -> None:
        """Forget every write since `mark`: a refused act leaves nothing."""
        while len(self._undo) > mark:
            table, key, was_there, before = self._undo.pop()
            if was_there:
                self._new[table][key] = before
            else:
                del self._new[table][key]

    def writes(self) -> list[tuple[str, str, bytes | None]]:
        """What this block changed, sorted; writes that put back what was there are left out."""
        found = [(table, key) for table in sorted(self._new) for key in sorted(self._new[table])]
        self._store.prefetch(found)
        return [
            (table, key, value)
            for table, key in found
            if (value := self._new[table][key]) != self._store.get(table, key)
        ]

    def _wrote(self, table: str, key: str) -> bool:
        return key in self._new.get(table, ())

    def _bytes(self, table: str, key: str) -> bytes | None:
        if self._wrote(table, key):
            return self._new[table][key]
        # What cannot be a key is not there; no store is asked for it, since not all could.
        return self._store.get(table, key) if _is_key(key) else None

    def _rows(self, table: str, first: str, last: str) -> Iterator[tuple[str, bytes]]:
        if "\0" in first or not first.isascii():
            return
        stored = self._store.range(table, first, last)
        new = self._new.get(table)
        changed = {k: v for k, v in new.items() if first <= k < last} if new else {}
        if not changed:
            yield from stored
            return
        rows = {**dict(stored), **changed}
        for key in sorted(rows):
            found = rows[key]
            if found is not None:
                yield key, found

    def _write(self, table: str, key: str, value: bytes | None) -> None:
        new = self._new.setdefault(table, {})
        self._undo.append((table, key, key in new, new.get(key)))
        new[key] = value


# Values by their bytes, which no state and no store can change under them.
_shared = lru_cache(maxsize=512)(as_written)


def _is_key(text: str) -> bool:
    return text.isascii() and text.isprintable()


def writes_digest(writes: list[tuple[str, str, bytes | None]]) -> str:
    """The digest of a block's writes that its block leaf covers.

    Source   docs/specs/record.md, section 3.
    """
    rows = [[t, k, None if v is None else digest(v)] for t, k, v in writes]
    return digest(canonical(rows))
