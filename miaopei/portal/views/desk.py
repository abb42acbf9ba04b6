"""The reading desk: one snapshot with what every page needs, and a memory of costly readings.

The memory is kept by the record's root and time, so that it is never older than what is shown.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from ...acts.state import State
from ...errors import Refusal, Refused
from ...ledger.checkpoint import VerifierKey
from ...measures.identity import content_id, read_canonical
from ...node.ports import Head, Reading
from ...reports.register import Register, register
from ...settings import Language
from ..settings import Settings, Snapshots

T = TypeVar("T")
KEPT = 64


class Memory:
    """Costly readings by what they were read from; the least used go first."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()
        self.genesis: Mapping[str, Any] | None = None  # never changes once it is there
        self.always: dict[Hashable, Any] = {}  # nor do these: a few a filing
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """The value under a key, made once; two readers may make it at the same time."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                found: T = self._kept[key]
                return found
        value = make()
        with self._lock:
            self._kept[key] = value
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return value


@dataclass
class Desk:
    """One snapshot, opened for one request."""

    reading: Reading
    state: State
    settings: Settings
    memory: Memory

    @cached_property
    def head(self) -> Head:
        """Where the record stands."""
        return self.reading.head()

    @cached_property
    def genesis(self) -> Mapping[str, Any]:
        """The record's first words.

        Errors   Refused portal.no_record where nothing has been recorded yet.
        """
        kept = self.memory.genesis
        if kept is None:
            kept = self.memory.genesis = self.state.get("genesis", "it")
        if kept is None:
            raise Refused(Refusal("portal.no_record"))
        return kept

    @cached_property
    def mark(self) -> str:
        """Names this moment: the beginning of the record's root, its time, and whether this member
        has stopped.
        """
        stopped = "-stopped" if self.settings.stopped else ""
        return f"{self.head.root.hex()[:24]}-{self.head.time}{stopped}"

    @cached_property
    def vkey(self) -> str | None:
        """The log's verifier key, as others write it down; None where several members have ordered
        from the first: receipts of theirs are checked by the genesis file."""
        return self._key(self.genesis["log_key"])

    @cached_property
    def signing(self) -> str | None:
        """The key that signs this record's checkpoints here: of a seat, that member's own."""
        seat = self.state.get("seat", self.settings.member)
        return self.vkey if seat is None else self._key(seat["log"])

    @cached_property
    def founding(self) -> str | None:
        """The digest of the genesis file, as members compare it; None on a record of one."""
        file = self.settings.genesis
        if file is None:
            return None
        return self.always(
            "founding", lambda: content_id("chain", read_canonical(file.rstrip(b"\n")))
        )

    def _key(self, public: str | None) -> str | None:
        if public is None:
            return None
        return VerifierKey(self.genesis["origin"], bytes.fromhex(public)).as_text()

    @property
    def replay(self) -> bool:
        """Whether this record plays the past again."""
        return bool(self.genesis["clock"] == "replay")

    @property
    def marks(self) -> tuple[str, ...]:
        """What every page and answer says first: stopped, replay, sandbox."""
        found = {
            "stopped": self.settings.stopped,
            "replay": self.replay,
            "sandbox": self.settings.sandbox,
        }
        return tuple(name for name, so in found.items() if so)

    def name_of(self, member: str, language: Language) -> str:
        """A member's name; what is no member is named by its id."""
        value = self.state.get("member", member)
        return member if value is None else str(value["name"][language])

    def source_name(self, source: str, language: Language) -> str:
        """A source's name, or its id."""
        value = self.state.get("source", source)
        return source if value is None else str(value["name"][language])

    def once(self, name: Hashable, make: Callable[[], T]) -> T:
        """A reading of this moment, made once for all requests."""
        return self.memory.get((self.mark, name), make)

    def always(self, name: Hashable, make: Callable[[], T]) -> T:
        """What no act can change once it is on the record, made once."""
        kept = self.memory.always
        found: T = kept[name] if name in kept else kept.setdefault(name, make())
        return found

    @cached_property
    def register(self) -> Register:
        """The register of occurrences as it stands."""

        def make() -> Register:
            printed, marks = self.settings.printed, self.marks
            return register(self.state, self.head.time, printed=printed, labels=marks)

        return self.once("register", make)


class Desks:
    """Opens a desk for each request."""

    def __init__(self, store: Snapshots, settings: Settings) -> None:
        self._store, self.settings, self._memory = store, settings, Memory()

    @contextmanager
    def open(self) -> Iterator[Desk]:
        """A desk over a fresh snapshot."""
        with self._store.reading() as reading:
            yield Desk(reading, State(reading), self.settings, self._memory)
