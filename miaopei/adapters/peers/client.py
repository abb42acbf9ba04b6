"""Fetching blobs and keys from other members, and asking what they have seen us sign and how they
stand, over connections in which both sides show their keys.
"""

from __future__ import annotations

import ssl
from collections import defaultdict
from collections.abc import Callable, Container, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from threading import RLock, Thread
from time import monotonic
from typing import Any

from ...errors import OutsideFault, Refused
from ...measures.identity import canonical
from ...measures.shape import misfit
from ...node.fetching.handed import Fetched
from ...node.granted.asking import Keys
from .certificate import trust
from .line import Clock, Late, Line, Question, Read, T

SECONDS = 10.0  # for an answer, connecting among it; long ones may take more (`line.PACE`)
# Seconds after which nobody waits any more for an answer that is on its way; a round in which each
# member uses up its time takes less.
FORGOTTEN = 30.0
NAMED = 60.0  # seconds for which a member is named as slow, from when it was found to be
# Bytes of a blob, and of the keys of its rows, where nothing says that there are less: a key is
# shorter than its row.
LARGEST, KEYS_LARGEST = 512_000_000, 64_000_000
# Who answers in so many seconds, and what its bytes take at so many a second, is not waited for:
# else a member that has much to fetch would use up the time of one that hands it all over.
QUICK_SECONDS, QUICK = 0.01, 100_000
# Whose answers take so many seconds each, of late, is slow though each has come in time.
SLOW_SECONDS, LATELY = 1.0, 10
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
    blob: str | None
    answer: Future[Any]
    line: Line
    since: float
    wanted: float
    came: int = 0  # bytes of it


class _Longer(Exception):
    """An answer that is longer than was asked for."""


@dataclass
class _Pace:
    """How long one member was waited for in this round, and how long its answers take it of late,
    in seconds beyond what their bytes need.
    """

    waited: float = 0.0
    mean: float = 0.0
    answers: int = 0

    def answered(self, seconds: float) -> bool:
        """Whether it is slow."""
        self.answers = min(LATELY, self.answers + 1)
        self.mean += (seconds - self.mean) / self.answers
        return self.answers == LATELY and self.mean > SLOW_SECONDS


def _paces() -> defaultdict[str, _Pace]:
    return defaultdict(_Pace)


@dataclass
class PeerBlobs:
    """See `node.fetching.fetcher.Peers`.

    `addresses` are host:port by member, `key` asks the record for a member's connection key. Who
    asks is held for `patience` seconds at most by each member in one round (`begin`): one that is
    slow with each of very many answers keeps nobody from what the others have. An answer that is
    not here by then comes in beside it and is there for who asks the same again; until then this
    member is asked nothing else.
    """

    tls: ssl.SSLContext
    addresses: dict[str, str]
    key: Callable[[str], str | None]
    seconds: float = SECONDS
    patience: float = SECONDS
    clock: Clock = monotonic
    _lines: dict[str, Line] = field(default_factory=dict, init=False)
    _asked: dict[str, _Asked] = field(default_factory=dict, init=False)
    _ready: dict[str, _Asked] = field(default_factory=dict, init=False)  # here, not taken up yet
    _late: dict[str, float] = field(default_factory=dict, init=False)
    _paces: defaultdict[str, _Pace] = field(default_factory=_paces, init=False)
    _closed: bool = field(default=False, init=False)
    _turn: RLock = field(default_factory=RLock, init=False)

    @property
    def members(self) -> list[str]:
        """Those that can be asked, in a fixed order."""
        return sorted(self.addresses)

    @property
    def slow(self) -> list[str]:
        """Who has shown its key and does not answer as it should: silent, dripping, or slow."""
        now = self.clock()
        with self._turn:
            self._forget(now)
            found = {member for member, at in self._late.items() if now - at < NAMED}
            found |= {m for m, one in self._asked.items() if now - one.since > NAMED}
        return sorted(found)

    def begin(self, lacking: Container[str] = ()) -> None:
        """A round of questions begins: each member has its time again. What is on its way and
        `lacking` still is waited for, however many rounds that takes.
        """
        with self._turn:
            for pace in self._paces.values():
                pace.waited = 0.0
            for asked in self._asked.values():
                if asked.blob in lacking:
                    asked.wanted = self.clock()

    def fetch(self, member: str, name: str, most: int | None = None) -> Fetched | None:
        """A blob and our wrapped key from one member; None where it has not got it, or one that is
        longer than `most` bytes: such an answer is not read.

        Errors   OutsideFault (retry) where it does not answer, or not in the form that was asked,
                 or has not answered yet. Whether it is what was asked for, is for who asked.
        """

        def read(line: Line, said: dict[str, Any]) -> Fetched | None:
            data, wrap, rows = _bytes(line, said, LARGEST if most is None else most)
            return None if data is None else Fetched(data, wrap, rows)

        return self._unless_longer(member, "hand over a blob", {"blob": name}, read)

    def keys(self, member: str, name: str, most: int | None = None) -> Keys | None:
        """Our keys to a blob that we have, of at most so many bytes, from one member; None where it
        keeps none for us.

        Older software hands the blob over once more with them.
        Errors   as `fetch`.
        """

        def read(line: Line, said: dict[str, Any]) -> Keys | None:
            _, wrap, rows = _bytes(line, said, KEYS_LARGEST if most is None else most)
            return None if wrap is None else Keys(wrap, rows)

        question = {"blob": name, "only": "keys"}
        return self._unless_longer(member, "hand over a key", question, read)

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

        Older software knows no such question; newer may say more, of which nothing is taken.
        Errors   OutsideFault (retry) where it does not answer, or not with what was asked.
        """

        def read(_: Line, said: dict[str, Any]) -> dict[str, Any]:
            known = {name: value for name, value in said.items() if name in STANDING}
            if wrong := misfit(known, STANDING):
                raise ValueError(f"another answer than was asked for: {wrong[0]} {wrong[1]}")
            return known

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

    def _unless_longer(
        self, member: str, what: str, question: Question, read: Read[T | None]
    ) -> T | None:
        try:
            return self._ask(member, what, question, read)
        except _Longer:
            return None

    def _ask(self, member: str, what: str, question: Question, read: Read[T]) -> T:
        """The answer, where it is here in time; whoever asks the same again takes up the old."""
        with self._turn:
            asked, fresh = self._on_its_way(member, what, question, read)
            pace, began = self._paces[member], self.clock()
            left = max(0.0, self.patience - pace.waited) if fresh else 0.0
        try:
            answer: T = asked.answer.result(left)
        except TimeoutError as error:
            if not asked.answer.done():
                raise OutsideFault(f"{member} does not {what} yet", retry=True) from error
            answer = asked.answer.result()  # it has come just as the time was up
        finally:
            with self._turn:
                pace.waited += _beyond(self.clock() - began, asked.came)
                for each in (self._asked, self._ready):
                    if asked.answer.done() and each.get(member) is asked:
                        del each[member]
        return answer

    def _on_its_way(
        self, member: str, what: str, question: Question, read: Read[T]
    ) -> tuple[_Asked, bool]:
        """The question as it was asked already, or as it is asked now."""
        now, said = self.clock(), canonical(question)
        blob = str(question["blob"]) if "blob" in question else None
        self._forget(now)
        if self._closed:
            raise OutsideFault(f"{member} does not {what}: it is not asked any more", retry=True)
        for asked in filter(None, (each.get(member) for each in (self._asked, self._ready))):
            if asked.question == said:
                asked.wanted = now
                return asked, False
        if (other := self._asked.get(member)) is not None:
            if not other.answer.done():
                why = "it still answers another question"
                raise OutsideFault(f"{member} does not {what} yet: {why}", retry=True)
            self._ready[member] = other
        if (line := self._lines.get(member)) is None:
            key = partial(self.key, member)
            line = self._lines[member] = Line(self.tls, member, self.addresses[member], key)
        asked = self._asked[member] = _Asked(said, blob, Future(), line, now, now)
        work = (member, what, asked, question, read)
        Thread(target=self._exchange, args=work, name=f"ask {member}", daemon=True).start()
        return asked, True

    def _exchange(
        self, member: str, what: str, asked: _Asked, question: Question, read: Read[Any]
    ) -> None:
        try:
            answer = asked.line.ask(question, read, self.seconds)
            with self._turn:
                now, asked.came = self.clock(), asked.line.came
                if self._paces[member].answered(_beyond(now - asked.since, asked.came)):
                    self._late[member] = now
            asked.answer.set_result(answer)
        except Exception as error:  # noqa: BLE001 - whatever it is, whoever asked has to hear it
            with self._turn:
                if isinstance(error, Late):
                    self._late[member] = self.clock()
                if self._lines.get(member) is asked.line:
                    del self._lines[member]
            asked.line.cut()
            _forget_frames(error)
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
        for member, asked in list(self._ready.items()):
            if now - asked.wanted > FORGOTTEN:
                del self._ready[member]

    def _drop(self, member: str, *, line: bool = True) -> None:
        self._asked.pop(member, None)
        if line and (old := self._lines.pop(member, None)) is not None:
            old.cut()


def _forget_frames(error: BaseException | None) -> None:
    """What had come of an answer hangs on the frames that failed, while one has the error."""
    while error is not None:
        error.__traceback__ = None
        error = error.__cause__ or error.__context__


def _beyond(seconds: float, came: int) -> float:
    """Seconds beyond what a quick answer of so many bytes needs."""
    return max(0.0, seconds - QUICK_SECONDS - came / QUICK)


def _bytes(
    line: Line, said: Mapping[str, Any], most: int
) -> tuple[bytes | None, bytes | None, bytes | None]:
    """A blob's bytes, our wrapped key, the keys of its rows; None is what is not there.

    Errors   _Longer before what is longer than `most` is read; ValueError.
    """
    length, wrap, keys = said["length"], said["wrap"], said["rows"]
    if length is None:
        return None, None, None
    for size, bound in ((length, most), (keys or 0, min(most, KEYS_LARGEST))):
        if type(size) is not int or size < 0:
            raise ValueError("a length out of range")
        if size > bound:
            raise _Longer(f"it would be {size} bytes, and at most {bound} are read")
    data = line.exactly(length)
    rows = None if keys is None else line.exactly(keys)
    return data, None if wrap is None else bytes.fromhex(wrap), rows
