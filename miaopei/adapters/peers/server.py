"""Handing blobs to other members: each gets the bytes, and the wrapped key that is its own.

Sealed bytes may go to every member that has a seat; what opens them is wrapped for its reader.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from ...errors import Refused
from ...measures.identity import canonical, read_canonical
from ...node.ports import Store
from ...node.vault.rowkeys import READER
from .certificate import key_of

ASKED_MAX = 200  # bytes of a question
IDLE_SECONDS = 600
HANDSHAKE_SECONDS = 10  # in which whoever connects has shown a key; who has no seat is cut then
# Peer key -> box keys of the members that have a seat: the one in force, then earlier ones.
Seats = Callable[[], Mapping[str, Sequence[str]]]
# An engine key's address -> {height, signed}: where we stand, and what we have seen of it.
Sight = Callable[[str], dict[str, Any]]
# A height, or None for the last -> how we stand there, in our own words.
Stands = Callable[[int | None], dict[str, Any]]
HEX = frozenset("0123456789abcdef")


class BlobServer:
    """Serves the blobs of one store to the members that have a seat, what we have seen them sign
    (`sight`), and how we stand (`stands`)."""

    def __init__(
        self,
        store: Store,
        seats: Seats,
        sight: Sight | None = None,
        stands: Stands | None = None,
    ) -> None:
        self._store, self._seats, self._sight, self._stands = store, seats, sight, stands

    @asynccontextmanager
    async def serving(self, host: str, port: int, tls: ssl.SSLContext) -> AsyncIterator[None]:
        """Listen until the context ends."""
        server = await asyncio.start_server(
            self._connected, host, port, ssl=tls, ssl_handshake_timeout=HANDSHAKE_SECONDS
        )
        try:
            yield
        finally:
            server.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
            peer = key_of(shown)
            while peer in self._seats():
                async with asyncio.timeout(IDLE_SECONDS):
                    asked = await reader.readexactly(int.from_bytes(await reader.readexactly(2)))
                boxes = self._seats().get(peer)  # asked anew: a seat may be gone meanwhile
                if len(asked) > ASKED_MAX or boxes is None:
                    return
                said, data = await asyncio.to_thread(self._look, asked, boxes)
                head = canonical(said)
                writer.write(len(head).to_bytes(2) + head + data)
                await writer.drain()
        except (OSError, EOFError, TimeoutError, Refused):
            pass  # who speaks otherwise, or no more, is left alone
        finally:
            writer.close()
            with suppress(OSError, TimeoutError):
                await writer.wait_closed()

    def _look(self, asked: bytes, boxes: Sequence[str]) -> tuple[dict[str, Any], bytes]:
        """{length, wrap, rows} and the bytes, then those of the keys of its rows, `rows` of them.

        Null is what is not here, or not for the member that asks; who asks for the keys only gets
        no bytes of the blob itself.
        """
        nothing = {"length": None, "wrap": None, "rows": None}
        value = read_canonical(asked)
        if not isinstance(value, dict):
            return nothing, b""
        if self._stands is not None and "stands" in value:
            height = value["stands"]
            return self._stands(height if type(height) is int else None), b""
        address = str(value.get("signed"))
        if self._sight is not None and len(address) == 40 and not set(address) - HEX:
            return self._sight(address), b""
        name = str(value.get("blob"))
        if len(name) != 64 or set(name) - HEX:
            return nothing, b""
        with self._store.reading() as reading:
            data = reading.blob(name)
            wraps = (reading.wrapped(name, box) for box in boxes)
            wrap = next((wrapped for wrapped in wraps if wrapped is not None), None)
            rows = None if wrap is None else reading.wrapped(name, READER)
        if data is None:
            return nothing, b""
        if value.get("only") == "keys":
            data = b""
        said = {"length": len(data), "wrap": None if wrap is None else wrap.hex()}
        return {**said, "rows": None if rows is None else len(rows)}, data + (rows or b"")
