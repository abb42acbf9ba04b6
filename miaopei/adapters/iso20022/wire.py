"""One call to a bank over HTTP: a port of loopback or a unix socket, a new connection each time.

A bank that answers twice cannot put an old answer before the next call, and nothing is sent again
behind the caller's back.
"""

from __future__ import annotations

import http.client
import socket
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from ...errors import OutsideFault
from .reading import LARGEST


@dataclass(frozen=True)
class Said:
    """What came back, whole."""

    status: int
    data: bytes
    signature: str  # the header Bank-Signature, "" where it is not there


def call(
    address: str, timeout: float, method: str, path: str, data: bytes | None, media: str
) -> Said:
    """Say something to the bank at an address and hear all of its answer within `timeout` seconds.

    Errors   OutsideFault(retry=True).
    """
    deadline = time.monotonic() + timeout
    connection = _connection(address, timeout)
    try:
        connection.request(method, path, data, {"Content-Type": media})
        sock = connection.sock
        with connection.getresponse() as response:
            heard = _read(sock, response, deadline)
            return Said(response.status, heard, response.headers.get("Bank-Signature", ""))
    except (OSError, http.client.HTTPException, ValueError) as error:
        why = str(error) or type(error).__name__
        raise OutsideFault(f"no answer from the bank: {why}", retry=True) from None
    finally:
        connection.close()


def _connection(address: str, timeout: float) -> http.client.HTTPConnection:
    if address.startswith("unix:"):
        return _OverSocket(address.removeprefix("unix:"), timeout)
    url = urlsplit(address)
    return http.client.HTTPConnection(url.hostname or "", url.port, timeout=timeout)


class _OverSocket(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        """Open the socket file."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _read(sock: socket.socket, response: http.client.HTTPResponse, deadline: float) -> bytes:
    """The whole body within the time that is left, so that a slow drip is silence too."""
    parts, size = list[bytes](), 0
    while True:
        sock.settimeout(max(0.001, deadline - time.monotonic()))
        part = response.read1(1 << 20)
        if not part:
            break
        parts.append(part)
        size += len(part)
        if size > LARGEST or time.monotonic() > deadline:
            raise TimeoutError(f"{size} bytes and no end in time")
    if response.length:
        raise http.client.IncompleteRead(b"", response.length)
    return b"".join(parts)
