"""Fetching blobs from other members, and asking what they have seen us sign, over connections in
which both sides show their keys.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from threading import RLock, Thread
from time import monotonic
from typing import Any

from ...errors import OutsideFault, Refused
from ...measures.identity import canonical, digest
from ...measures.shape import misfit
from ...node.granted.asking import Keys
from ...node.vault.fetch import Fetched, OtherBytes
from .certificate import trust
from .line import Late, Line, Question, Read, T

SECONDS = 10.0  # for an answer, connecting among it; long ones may take more (`line.PACE`)
FORGOTTEN = 10.0  # seconds after which nobody waits any more for an answer that is on its way
NAMED = 60.0  # seconds for which a member is named as slow, from when it was found to be
LARGEST = 512_000_000  # bytes of a blob
# What goes wrong outside while a member is asked.
FAULTS = (OSError, LookupError, ValueError, TypeError, Refused, EOFError, Late)


@dataclass(frozen=True)
class Seen:
    """Where a member stands, and the last signature that it knows of a key: height, round, step."""

    height: int
    signed: tuple[int, int, int] | None


# What a member says of itself, and of what kind each part is.
STANDING: Mapping[str, type | tuple[type, ...]] = {
    "chain": str, "height": int, "size": int, "root": (str, type(None)),
    "certified": (int, type(None)), "missing": int, "rules": int, "knows": int, "alarm": bool,
    "waits": bool,
}  # fmt: skip


@dataclass
class _Asked:
    """A question on its way, and when somebody last waited for its answer."""

    question: bytes
    answer: Future[Any]
    line: Line
    since: float
    wanted: float


@dataclass
class PeerBlobs:
    """See `node.vault.fetch.Peers`.

    `addresses` are host:port by member, `key` asks the record for a member's connection key. Who
    asks is held for `patience` seconds at most. An answer that is not here by then comes in beside
    it and is there for who asks the same again; until then this member is asked nothing else.
    """

    tls: ssl.SSLContext
    addresses: dict[str, str]
    key: Callable[[str], str | None]
    seconds: float = SECONDS
    patience: float = SECONDS
    _lines: dict[str, Line] = field(default_factory=dict, init=False)
    _asked: dict[str, _Asked] = field(default_factory=dict, init=False)
    _late: dict[str, float] = field(default_factory=dict, init=False)
    _closed: bool = field(default=False, init=False)
    _turn: RLock = field(default_factory=RLock, init=False)

    @property
    def members(self) -> list[str]:
        """Those that can be asked, in a fixed order."""
        return sorted(self.addresses)

    @property
    def slow(self) -> list[str]:
        """Who has shown its key and does not answer as it should: silent, dripping, or slow."""
        now = monotonic()
        with self._turn:
            self._forget(now)
            found = {member for member, at in self._late.items() if now - at < NAMED}
            found |= {m for m, one in self._asked.items() if now - one.since > NAMED}
        return sorted(found)

    def fetch(self, member: str, name: str, length: int | None = None) -> Fetched | None:
        """A blob and our wrapped key from one member; None where it has not got it.

        `length` is that of the blob where it is known: an answer of another is not read.
        Errors   OutsideFault (retry) where it does not answer, or not in the form that was asked,
                 or has not answered yet; OtherBytes where it hands over something else under that
                 name.
        """

        def read(line: Line, said: dict[str, Any]) -> Fetched | None:
            data, wrap, rows = _bytes(line, said, length)
            if data is None:
                return None
            if digest(data) != name:
                raise OtherBytes(f"{member} hands over other bytes than were asked for", retry=True)
            return Fetched(data, wrap, rows)

        return self._ask(member, "hand over a blob", {"blob": name}, read)

    def keys(self, member: str, name: str) -> Keys | None:
        """Our keys to a blob that we have, from one member; None where it keeps none for us.

        Older software hands the blob over once more with them.
        Errors   as `fetch`, but OtherBytes.
        """

        def read(line: Line, said: dict[str, Any]) -> Keys | None:
            _, wrap, rows = _bytes(line, said, None)
            return None if wrap is None else Keys(wrap, rows)

        return self._ask(member, "hand over a key", {"blob": name, "only": "keys"}, read)

    def seen(self, member: str, address: str) -> Seen:
        """What a member has seen of the signatures of an engine's key.

        Older software knows no such question, and says nothing of it.
        Errors   OutsideFault (retry) where it does not answer, or not with what was asked.
        """

        def read(_: Line, said: dict[str, Any]) -> Seen:
            height, signed = said.get("height", 0), said.get("signed")
            numbers = [height, *(signed if signed is not None else (0, 0, 0))]
            if len(numbers) != 4 or any(type(n) is not int or n < 0 for n in numbers):
                raise ValueError("another answer than was asked for")
            return Seen(height, None if signed is None else (numbers[1], numbers[2], numbers[3]))

        return self._ask(member, "say what it has seen", {"signed": address}, read)

    def stands(self, member: str, height: int | None) -> dict[str, Any]:
        """How a member stands, by its own word, with its root after a block, or after its last.

        Older software knows no such question.
        Errors   OutsideFault (retry) where it does not answer, or not with what was asked.
        """

        def read(_: Line, said: dict[str, Any]) -> dict[str, Any]:
            if wrong := misfit(said, STANDING):
                raise ValueError(f"another answer than was asked for: {wrong[0]} {wrong[1]}")
            return said

        return self._ask(member, "say how it stands", {"stands": height}, read)

    def meet(self, member: str, address: str, certificate: str) -> None:
        """A member has come, or listens elsewhere, or shows another key."""
        trust(self.tls, certificate)
        with self._turn:
            self.addresses[member] = address
            self._drop(member)

    @contextmanager
    def aside(self, seconds: float) -> Iterator[PeerBlobs]:
        """The same members, each to answer within so many seconds, over connections of their own
        that are closed at the end: whoever asks so disturbs nobody who fetches.
        """
        own = replace(self, seconds=seconds, patience=seconds)
        try:
            yield own
        finally:
            own.close()

    def close(self) -> None:
        """Close all connections, also under who waits for an answer; nothing is asked any more."""
        with self._turn:
            self._closed = True
            for member in tuple(self._lines):
                self._drop(member)

    def _ask(self, member: str, what: str, question: Question, read: Read[T]) -> T:
        """The answer, where it is here in time; whoever asks the same again takes up the old."""
        with self._turn:
            asked, fresh = self._on_its_way(member, what, question, read)
        try:
            answer: T = asked.answer.result(self.patience if fresh else 0)
        except TimeoutError as error:
            if not asked.answer.done():
                raise OutsideFault(f"{member} does not {what} yet", retry=True) from error
            raise
        finally:
            with self._turn:
                if asked.answer.done() and self._asked.get(member) is asked:
                    del self._asked[member]
        return answer

    def _on_its_way(
        self, member: str, what: str, question: Question, read: Read[T]
    ) -> tuple[_Asked, bool]:
        """The question as it was asked already, or as it is asked now."""
        now, said = monotonic(), canonical(question)
        self._forget(now)
        if self._closed:
            raise OutsideFault(f"{member} does not {what}: it is not asked any more", retry=True)
        if (asked := self._asked.get(member)) is not None:
            if asked.question == said:
                asked.wanted = now
                return asked, False
            if not asked.answer.done():
                why = "it still answers another question"
                raise OutsideFault(f"{member} does not {what} yet: {why}", retry=True)
        if (line := self._lines.get(member)) is None:
            key = partial(self.key, member)
            line = self._lines[member] = Line(self.tls, member, self.addresses[member], key)
        asked = self._asked[member] = _Asked(said, Future(), line, now, now)
        work = (member, what, asked, question, read)
        Thread(target=self._exchange, args=work, name=f"ask {member}", daemon=True).start()
        return asked, True

    def _exchange(
        self, member: str, what: str, asked: _Asked, question: Question, read: Read[Any]
    ) -> None:
        try:
            asked.answer.set_result(asked.line.ask(question, read, self.seconds))
        except Exception as error:  # noqa: BLE001 - whatever it is, whoever asked has to hear it
            with self._turn:
                if isinstance(error, Late):
                    self._late[member] = monotonic()
                if self._lines.get(member) is asked.line:
                    del self._lines[member]
            asked.line.cut()
            if isinstance(error, FAULTS):
                told = OutsideFault(f"{member} does not {what}: {error}", retry=True)
                told.__cause__ = error
                error = told
            asked.answer.set_exception(error)

    def _forget(self, now: float) -> None:
        """Let go of what nobody has waited for of late, and of the line that it would block."""
        for member, asked in list(self._asked.items()):
            if now - asked.wanted > FORGOTTEN:
                self._drop(member, line=not asked.answer.done())

    def _drop(self, member: str, *, line: bool = True) -> None:
        self._asked.pop(member, None)
        if line and (old := self._lines.pop(member, None)) is not None:
            old.cut()


def _bytes(
    line: Line, said: Mapping[str, Any], wanted: int | None
) -> tuple[bytes | None, bytes | None, bytes | None]:
    """A blob's bytes, our wrapped key, the keys of its rows; None is what is not there."""
    length, wrap, keys = said["length"], said["wrap"], said["rows"]
    if length is None:
        return None, None, None
    for size in (length, keys or 0):
        if type(size) is not int or not 0 <= size <= LARGEST:
            raise ValueError("a length out of range")
    if wanted is not None and length != wanted:
        raise ValueError(f"it would be {length} bytes, and {wanted} were asked for")
    data = line.exactly(length)
    rows = None if keys is None else line.exactly(keys)
    return data, None if wrap is None else bytes.fromhex(wrap), rows
