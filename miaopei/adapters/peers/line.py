"""A connection to one member: an answer as a whole has a deadline, which only bytes put off."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from time import monotonic
from traceback import walk_tb
from typing import Any, TypeVar

from ...errors import OutsideFault
from ...measures.identity import canonical, read_canonical
from .certificate import key_of

# Bytes a second with which an answer must come, beyond what it is given to begin with: 8 kbit/s, as
# little as `net slow` leaves a line.
PACE = 1_000
AHEAD = 30.0
AT_ONCE = 1 << 16  # bytes that are read at a time
T = TypeVar("T")
Clock = Callable[[], float]  # seconds, of which only differences count
Question = Mapping[str, str | int | None]
Read = Callable[["Line", dict[str, Any]], T]


class Late(OutsideFault):
    """A member that has shown its key does not answer in time, or drips."""


@dataclass
class Deadline:
    """Until when (of its clock) what was asked for must be here as a whole."""

    until: float
    clock: Clock = monotonic

    @classmethod
    def of(cls, seconds: float, clock: Clock = monotonic) -> Deadline:
        """So many seconds from now."""
        return cls(clock() + seconds, clock)

    def left(self) -> float:
        """Seconds that are left. Errors   TimeoutError where there are none."""
        left = self.until - self.clock()
        if left <= 0:
            raise TimeoutError("not all of it is here in time")
        return left

    def came(self, size: int) -> None:
        """So many bytes have come: each gives the rest the time that it may take itself. Who was
        quick until now may rest for as long as `AHEAD`, and no longer.
        """
        self.until = max(self.until, min(self.until + size / PACE, self.clock() + AHEAD))


class Line:
    """A connection to `member`, made by the first question; it answers one at a time."""

    def __init__(
        self, tls: ssl.SSLContext, member: str, address: str, key: Callable[[], str | None]
    ) -> None:
        """`key` asks the record for the member's own, once for each connection."""
        self._tls, self._member, self._address, self._key = tls, member, address, key
        self._wire: ssl.SSLSocket | None = None
        self._deadline = Deadline(0.0)
        self._asking, self._cut = Lock(), False
        self.came = 0  # bytes of the last answer

    def ask(self, question: Question, read: Read[T], seconds: float) -> T:
        """What `read` makes of the head of the answer, and of what it reads on by `exactly`.

        Errors   Late, OSError, EOFError, Refused or what `read` raises, where there is none.
        """
        with self._asking:
            try:
                self._deadline, self.came = Deadline.of(seconds), 0
                if self._wire is None:
                    self._wire = self._connected()
                data = canonical(question)
                self._wire.settimeout(self._deadline.left())
                self._wire.sendall(len(data).to_bytes(2) + data)
                said = read_canonical(self.exactly(int.from_bytes(self.exactly(2))))
                if not isinstance(said, dict):
                    raise TypeError("another answer than was asked for")
                return read(self, said)
            finally:
                if self._cut:
                    self._close()

    def exactly(self, length: int) -> bytes:
        """So many bytes. Errors   Late, EOFError, OSError."""
        wire, parts = self._wire, bytearray()
        if wire is None or self._cut:
            raise EOFError("it is not asked any more")
        while len(parts) < length:
            try:
                wire.settimeout(self._deadline.left())
                part = wire.recv(min(length - len(parts), AT_ONCE))
            except TimeoutError as error:
                raise Late(f"{len(parts)} of {length} bytes came in time", retry=True) from error
            if not part:
                raise EOFError("the connection ended")
            parts += part
            self.came += len(part)
            self._deadline.came(len(part))
        return bytes(parts)

    def cut(self) -> None:
        """End it, also under somebody who waits for an answer: who waits closes it then, so that
        its number is not another's meanwhile.
        """
        self._cut = True
        if (wire := self._wire) is not None:
            with suppress(OSError):
                socket.socket.shutdown(wire, socket.SHUT_RDWR)
        if self._asking.acquire(blocking=False):
            self._close()
            self._asking.release()

    def _close(self) -> None:
        if self._wire is not None:
            self._wire.close()

    def _connected(self) -> ssl.SSLSocket:
        host, _, port = self._address.rpartition(":")
        plain = socket.create_connection((host, int(port)), self._deadline.left())
        try:
            plain.settimeout(self._deadline.left())  # for the handshake as a whole
            made = self._tls.wrap_socket(plain)
        except BaseException as error:
            plain.close()
            _close_half_made(error)
            raise
        if key_of(made.getpeercert(binary_form=True)) != self._key():
            made.close()
            raise ValueError(f"shows a key that is not that of {self._member} on the record")
        return made


def _close_half_made(error: BaseException) -> None:
    """Where the other side has gone just as TLS began, `ssl` of Python 3.11 has taken the socket
    over and leaves it open: nothing but the frames of the error has it.
    """
    for frame, _ in walk_tb(error.__traceback__):
        if isinstance(made := frame.f_locals.get("self"), ssl.SSLSocket):
            made.close()
