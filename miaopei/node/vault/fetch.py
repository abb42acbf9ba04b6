"""Fetching: every member stores every blob that the log names, from whoever has it.

A blob that is missing is a named thing, asked for again until it is here; nothing is decided
without it. Where it lies in the log is remembered, so that a restart asks on from there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from ...errors import OutsideFault, RecordDamaged
from ...measures.suites import in_use
from ..ports import Reading
from .rowkeys import READER
from .sealing import unwrap_any

if TYPE_CHECKING:
    from ..node import Node

PROGRESS = "blobs/upto"  # every blob named by a leaf before this position is here
REFERENCE = {"blob", "length", "count", "root", "media"}
AT_ONCE = 2_000  # leaves that are looked through at a time
STORED_AT_ONCE = 8_000_000  # bytes of blobs that are kept in one transaction, or one larger blob


@dataclass(frozen=True)
class Fetched:
    """A blob's bytes, and where the other side keeps them for us the wrapped data key, and the
    keys of its rows.
    """

    data: bytes
    wrap: bytes | None
    rows: bytes | None = None


class Peers(Protocol):
    """The other members that can be asked."""

    @property
    def members(self) -> Sequence[str]: ...
    def fetch(self, member: str, name: str) -> Fetched | None: ...


@dataclass(frozen=True)
class Missing:
    """A blob that the log names and that is not here: its digest, media, and who named it."""

    blob: str
    media: str
    by: str


@dataclass(frozen=True)
class _Came:
    """A blob that came: under which of our boxes its key is wrapped, whether nothing lacks."""

    missing: Missing
    fetched: Fetched
    reader: str | None
    whole: bool


class Fetcher:
    """Keeps one member's blobs complete."""

    def __init__(self, node: Node, peers: Peers) -> None:
        self._node, self._peers = node, peers
        self.missing: dict[str, Missing] = {}
        with node.store.reading() as reading:
            self._read = int(reading.progress(PROGRESS) or b"0")

    def run(self) -> int:
        """Look through what is new in the log and ask for what is missing; how many came."""
        with self._node.store.reading() as reading:
            self._look(reading)
        silent, found = set[str](), list[_Came]()
        came = held = 0
        for missing in list(self.missing.values()):
            fetched = self._ask(missing, silent)
            if fetched is None:
                continue
            reader = None if fetched.wrap is None else self._reader(fetched.wrap)
            # Who wrapped a key for us and was silent is asked again.
            whole = reader is not None or (fetched.wrap is None and missing.by not in silent)
            found.append(_Came(missing, fetched, reader, whole))
            came, held = came + 1, held + len(fetched.data)
            if held > STORED_AT_ONCE:
                self._store(found)
                found, held = [], 0
        self._store(found)
        if not self.missing:
            self._keep()
        return came

    def _look(self, reading: Reading) -> None:
        size = reading.head().size
        while self._read < size:
            end = min(size, self._read + AT_ONCE)
            for leaf in reading.leaves(self._read, end):
                for named in _named(leaf):
                    if reading.blob(named.blob) is None:
                        self.missing[named.blob] = named
            self._read = end

    def _ask(self, missing: Missing, silent: set[str]) -> Fetched | None:
        """Ask who named it first, then all others; `silent` grows by who does not answer."""
        order = [m for m in self._peers.members if m == missing.by]
        order += [m for m in self._peers.members if m != missing.by]
        for member in order:
            if member in silent:
                continue
            try:
                found = self._peers.fetch(member, missing.blob)
            except OutsideFault:
                silent.add(member)
                continue
            if found is not None:
                return found
        return None

    def _store(self, found: Sequence[_Came]) -> None:
        """Keep what came, in one transaction: each waits for the block that is being applied."""
        if not found:
            return
        with self._node.store.writing() as block:
            for each in found:
                block.put_blob(each.fetched.data, each.missing.media)
                if each.reader is not None and each.fetched.wrap is not None:
                    block.put_wrap(each.missing.blob, each.reader, each.fetched.wrap)
                    if each.fetched.rows is not None:
                        block.put_wrap(each.missing.blob, READER, each.fetched.rows)
        for each in found:
            if each.whole:
                del self.missing[each.missing.blob]

    def _reader(self, wrapped: bytes) -> str | None:
        """Under which of our boxes a wrap lies; None for one that none of them opens."""
        me = self._node.identity
        try:
            return unwrap_any(wrapped, (me.box, *me.boxes))[1]
        except RecordDamaged:
            return None

    def _keep(self) -> None:
        with self._node.store.reading() as reading:
            kept = int(reading.progress(PROGRESS) or b"0")
        if kept != self._read:
            with self._node.store.writing() as block:
                block.put_progress(PROGRESS, str(self._read).encode("ascii"))


def _named(leaf: bytes) -> Iterator[Missing]:
    """The blobs that an applied act names: references, and originals too long to stand inside."""
    if not (b'"blob"' in leaf or b'"bytes_b64":null' in leaf):
        return
    match json.loads(leaf):
        case {"leaf": "act", "act": {"by": str(by), "body": dict(body)}, "result": {"ok": True}}:
            for blob, media in _within(body):
                yield Missing(blob, media, by)


def _within(value: Any) -> Iterator[tuple[str, str]]:
    match value:
        case {"bytes_b64": None, "part": str()}:
            yield value[in_use.suite.hash_name], "original"
        case {"blob": str(name), "media": str(media)} if set(value) == REFERENCE:
            yield name, media
        case dict():
            for part in value.values():
                yield from _within(part)
        case list():
            for part in value:
                yield from _within(part)
