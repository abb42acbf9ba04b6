"""Fetching: every member stores every blob that the log names, from whoever has it.

A blob that is missing is a named thing, asked for again until it is here; nothing is decided
without it. Who hands over other bytes than were asked for is named, and another is asked. How far
the log was looked through is remembered, and what is missing of it, so that a restart asks on from
there. Only what apply took is looked at: beside it an act may hold anything.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from ...acts import record_facts
from ...acts.blobs import is_digest
from ...errors import OutsideFault, RecordDamaged, Refusal, Refused
from ...measures.identity import canonical, digest, read_canonical
from ...measures.suites import in_use
from ..ports import Reading, Writing
from .blobs import keep_for, keep_row_keys, opens
from .sealing import MAGIC, unwrap_any

if TYPE_CHECKING:
    from ..node import Node

UPTO = "blobs/upto"  # leaves before this position were looked through
LACKING = "blobs/missing"  # of the blobs that they name, those that are not here
REFERENCE = {"blob", "length", "count", "root", "media"}
# What every other member has said so often that it does not have is asked for in one round of so
# many: who names blobs that nobody has must not keep the members busy.
PATIENT, RARELY = 30, 60
AT_ONCE = 2_000  # leaves that are looked through at a time
STORED_AT_ONCE = 8_000_000  # bytes of blobs that are kept in one transaction, or one larger blob


class OtherBytes(OutsideFault):
    """A member has handed over other bytes than were asked for."""


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
    """A blob that came: its data key, under which of our boxes that is wrapped, and whether nothing
    lacks.
    """

    missing: Missing
    fetched: Fetched
    key: bytes
    reader: str | None
    whole: bool


class Fetcher:
    """Keeps one member's blobs complete."""

    def __init__(self, node: Node, peers: Peers) -> None:
        self._node, self._peers = node, peers
        self._turn, self._denied, self._halves = 0, Counter[str](), set[str]()
        self._lied = dict[str, str]()  # in this round: member -> the blob in whose place
        with node.store.reading() as reading:
            self._read = int(reading.progress(UPTO) or b"0")
            self._kept = reading.progress(LACKING)
            lacking = [Missing(*each) for each in read_canonical(self._kept or b"[]")]
            self.missing = {each.blob: each for each in lacking}

    def run(self) -> int:
        """Look through what is new in the log and ask for what is missing; how many came.

        Errors   Refused net.other_bytes once all that came is kept, naming who handed over others.
        """
        with self._node.store.reading() as reading:
            self._look(reading)
        silent, found = set[str](), list[_Came]()
        came = held = 0  # how many, how many bytes
        self._turn, self._lied = self._turn + 1, {}
        for missing in list(self.missing.values()):
            if self._denied[missing.blob] > PATIENT and self._turn % RARELY:
                continue
            fetched = self._ask(missing, silent)
            if fetched is None:
                self._denied[missing.blob] += not silent
                continue
            key, reader = (b"", None) if fetched.wrap is None else self._reader(fetched.wrap)
            # Who wrapped a key for us and was silent is asked again; of ours that may be anybody.
            absent = silent if missing.by == self._node.identity.member else silent & {missing.by}
            whole = reader is not None or (fetched.wrap is None and not absent)
            found.append(_Came(missing, fetched, key, reader, whole))
            held += len(fetched.data)
            if held > STORED_AT_ONCE:
                came += self._store(found)
                found, held = [], 0
        came += self._store(found)
        self._keep()
        if self._lied:
            lied = [{"member": who, "blob": blob} for who, blob in sorted(self._lied.items())]
            raise Refused(*(Refusal("net.other_bytes", facts) for facts in lied))
        return came

    def _look(self, reading: Reading) -> None:
        size = reading.head().size
        while self._read < size:
            end = min(size, self._read + AT_ONCE)
            for leaf in reading.leaves(self._read, end):
                for named in _named(leaf):
                    if self._lacks(reading, named):
                        self.missing[named.blob] = named
            self._read = end

    def _lacks(self, reading: Reading, named: Missing) -> bool:
        """Whether it is not here; or it is ours, and our key to it is lost: others keep it too."""
        me = self._node.identity
        ours = named.by == me.member
        if ours and opens(reading, named.blob, me):
            return False
        data = reading.blob(named.blob)
        return data is None or (ours and data.startswith(MAGIC))

    def _ask(self, missing: Missing, silent: set[str]) -> Fetched | None:
        """Ask who named it first, then all others; `silent` grows by who does not answer. Of what
        we have sealed ourselves those are looked for that keep our key.
        """
        ours, without = missing.by == self._node.identity.member, None
        order = [m for m in self._peers.members if m == missing.by]
        order += [m for m in self._peers.members if m != missing.by]
        for member in order:
            if member in silent:
                continue
            try:
                found = self._peers.fetch(member, missing.blob)
                if found is not None and digest(found.data) != missing.blob:
                    raise OtherBytes(f"{member} hands over other bytes", retry=True)
            except OutsideFault as fault:
                silent.add(member)
                if isinstance(fault, OtherBytes):
                    self._lied[member] = missing.blob
                continue
            if found is not None and (found.wrap is not None or not ours):
                return found
            without = found or without
        return without

    def _store(self, found: Sequence[_Came]) -> int:
        """Keep what came, in one transaction: each waits for the block that is being applied; how
        many are new or whole now.
        """
        if not found:
            return 0
        new = len({each.missing.blob for each in found} - self._halves)
        whole = set[str]()
        with self._node.store.writing() as block:
            for each in found:
                block.put_blob(each.fetched.data, each.missing.media)
                if self._keys(block, each) and each.whole:
                    whole.add(each.missing.blob)
        for each in found:
            blob = each.missing.blob
            if blob in whole:
                del self.missing[blob]
                del self._denied[blob]
                new += blob in self._halves
                self._halves.discard(blob)
            else:  # asked for again, and in the end as rarely as what nobody has
                self._denied[blob] += each.whole
                self._halves.add(blob)
        return new

    def _keys(self, block: Writing, came: _Came) -> bool:
        """Keep the keys of a blob that came; whether none lacks. What its maker sealed so that it
        does not open stays so.
        """
        name, fetched = came.missing.blob, came.fetched
        if came.reader is None or fetched.wrap is None:
            return True
        block.put_wrap(name, came.reader, fetched.wrap)
        keep_for(block, name, came.key, came.missing.by, self._node.random)
        try:
            return keep_row_keys(block, name, fetched.data, came.key, fetched.rows)
        except RecordDamaged:
            return True

    def _reader(self, wrapped: bytes) -> tuple[bytes, str | None]:
        """A data key, and under which of our boxes it is wrapped; None where none of them opens."""
        me = self._node.identity
        try:
            return unwrap_any(wrapped, (me.box, *me.boxes))
        except RecordDamaged:
            return b"", None

    def _keep(self) -> None:
        """Write down where we are, where that has changed."""
        lacking = [[each.blob, each.media, each.by] for each in self.missing.values()]
        kept = canonical(lacking) if lacking else None
        with self._node.store.reading() as reading:
            upto = int(reading.progress(UPTO) or b"0")
        if (upto, self._kept) != (self._read, kept):
            with self._node.store.writing() as block:
                block.put_progress(UPTO, str(self._read).encode("ascii"))
                block.put_progress(LACKING, kept)
            self._kept = kept


def _named(leaf: bytes) -> Iterator[Missing]:
    """The blobs that an applied act names: references, and originals too long to stand inside."""
    if not (b'"blob"' in leaf or b'"bytes_b64":null' in leaf):
        return
    match json.loads(leaf):
        case {
            "leaf": "act",
            "act": {"kind": str(kind), "by": str(by), "body": dict(body)},
            "result": {"ok": True} as result,
        }:
            took = [*record_facts.taken(body, result)] if kind == record_facts.KIND else body
            for blob, media in _within(took):
                yield Missing(blob, media, by)


def _within(value: Any) -> Iterator[tuple[str, str]]:
    """What has the shape of a blob's name, where one may stand; anything else is none."""
    match value:
        case {"bytes_b64": None, "part": str()}:
            if isinstance(name := value.get(in_use.suite.hash_name), str) and is_digest(name):
                yield name, "original"
        case {"blob": str(name), "media": str(media)} if set(value) == REFERENCE:
            if is_digest(name):
                yield name, media
        case dict():
            for part in value.values():
                yield from _within(part)
        case list():
            for part in value:
                yield from _within(part)
