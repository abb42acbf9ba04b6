"""Fetching blobs from other members, and asking what they have seen us sign, over connections in
which both sides show their keys.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

from ...errors import OutsideFault, Refused
from ...measures.identity import canonical, digest, read_canonical
from ...measures.shape import misfit
from ...node.granted.asking import Keys
from ...node.vault.fetch import Fetched, OtherBytes
from .certificate import key_of, trust

SECONDS = 5.0
LARGEST = 512_000_000  # bytes of a blob


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
class PeerBlobs:
    """See `node.vault.fetch.Peers`.

    `addresses` are host:port by member, `key` asks the record for a member's connection key.
    """

    tls: ssl.SSLContext
    addresses: dict[str, str]
    key: Callable[[str], str | None]
    seconds: float = SECONDS
    _open: dict[str, ssl.SSLSocket] = field(default_factory=dict)

    @property
    def members(self) -> list[str]:
        """Those that can be asked, in a fixed order."""
        return sorted(self.addresses)

    def fetch(self, member: str, name: str) -> Fetched | None:
        """A blob and our wrapped key from one member; None where it has not got it.

        Errors   OutsideFault (retry) where it does not answer, or not in the form that was asked;
                 OtherBytes where it hands over something else under that name.
        """
        with self._asking(member, "hand over a blob") as connection:
            return self._fetch(connection, member, name)

    def keys(self, member: str, name: str) -> Keys | None:
        """Our keys to a blob that we have, from one member; None where it keeps none for us.

        Older software hands the blob over once more with them.
        Errors   OutsideFault (retry) where it does not answer, or not with what was asked.
        """
        with self._asking(member, "hand over a key") as connection:
            _, wrap, rows = self._asked(connection, {"blob": name, "only": "keys"})
            return None if wrap is None else Keys(wrap, rows)

    def seen(self, member: str, address: str) -> Seen:
        """What a member has seen of the signatures of an engine's key.

        Older software knows no such question, and says nothing of it.
        Errors   OutsideFault (retry) where it does not answer, or not with what was asked.
        """
        with self._asking(member, "say what it has seen") as connection:
            said = _said(connection, {"signed": address})
            height, signed = said.get("height", 0), said.get("signed")
            numbers = [height, *(signed if signed is not None else (0, 0, 0))]
            if len(numbers) != 4 or any(type(n) is not int or n < 0 for n in numbers):
                raise ValueError("another answer than was asked for")
            return Seen(height, None if signed is None else (numbers[1], numbers[2], numbers[3]))

    def stands(self, member: str, height: int | None) -> dict[str, Any]:
        """How a member stands, by its own word, with its root after a block, or after its last.

        Older software knows no such question.
        Errors   OutsideFault (retry) where it does not answer, or not with what was asked.
        """
        with self._asking(member, "say how it stands") as connection:
            said = _said(connection, {"stands": height})
            if wrong := misfit(said, STANDING):
                raise ValueError(f"another answer than was asked for: {wrong[0]} {wrong[1]}")
            return said

    def meet(self, member: str, address: str, certificate: str) -> None:
        """A member has come, or listens elsewhere, or shows another key."""
        trust(self.tls, certificate)
        self.addresses[member] = address
        if (old := self._open.pop(member, None)) is not None:
            old.close()

    @contextmanager
    def aside(self, seconds: float) -> Iterator[PeerBlobs]:
        """The same members, each to answer within so many seconds, over connections of their own
        that are closed at the end: whoever asks so disturbs nobody who fetches.
        """
        own = replace(self, seconds=seconds, _open={})
        try:
            yield own
        finally:
            own.close()

    def close(self) -> None:
        """Close all connections."""
        while self._open:
            self._open.popitem()[1].close()

    @contextmanager
    def _asking(self, member: str, what: str) -> Iterator[ssl.SSLSocket]:
        """A connection that is closed where it did not serve."""
        try:
            yield self._connection(member)
        except (OSError, LookupError, ValueError, TypeError, Refused, EOFError) as error:
            if (old := self._open.pop(member, None)) is not None:
                old.close()
            raise OutsideFault(f"{member} does not {what}: {error}", retry=True) from error

    def _connection(self, member: str) -> ssl.SSLSocket:
        if member in self._open:
            return self._open[member]
        host, _, port = self.addresses[member].rpartition(":")
        plain = socket.create_connection((host, int(port)), self.seconds)
        try:
            made = self.tls.wrap_socket(plain)
        except BaseException:
            plain.close()
            raise
        if key_of(made.getpeercert(binary_form=True)) != self.key(member):
            with suppress(OSError):
                made.close()
            raise ValueError(f"shows a key that is not that of {member} on the record")
        self._open[member] = made
        return made

    def _fetch(self, connection: ssl.SSLSocket, member: str, name: str) -> Fetched | None:
        data, wrap, rows = self._asked(connection, {"blob": name})
        if data is None:
            return None
        if digest(data) != name:
            self._open.pop(member).close()
            raise OtherBytes(f"{member} hands over other bytes than were asked for", retry=True)
        return Fetched(data, wrap, rows)

    def _asked(
        self, connection: ssl.SSLSocket, question: dict[str, str]
    ) -> tuple[bytes | None, bytes | None, bytes | None]:
        """A blob's bytes, our wrapped key, the keys of its rows; None is what is not there."""
        said = _said(connection, question)
        length, wrap, keys = said["length"], said["wrap"], said["rows"]
        if length is None:
            return None, None, None
        for size in (length, keys or 0):
            if type(size) is not int or not 0 <= size <= LARGEST:
                raise ValueError("a length out of range")
        data = _exactly(connection, length)
        rows = None if keys is None else _exactly(connection, keys)
        return data, None if wrap is None else bytes.fromhex(wrap), rows


def _said(connection: ssl.SSLSocket, asked: Mapping[str, str | int | None]) -> dict[str, Any]:
    """Ask; the head of the answer."""
    data = canonical(asked)
    connection.sendall(len(data).to_bytes(2) + data)
    said = read_canonical(_exactly(connection, int.from_bytes(_exactly(connection, 2))))
    if not isinstance(said, dict):
        raise TypeError("another answer than was asked for")
    return said


def _exactly(connection: ssl.SSLSocket, length: int) -> bytes:
    parts = bytearray()
    while len(parts) < length:
        part = connection.recv(min(length - len(parts), 1 << 20))
        if not part:
            raise EOFError("the connection ended")
        parts += part
    return bytes(parts)
