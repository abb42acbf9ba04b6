"""Answering other members: each gets a blob's bytes with the wrapped key that is its own, what we
have seen an engine's key sign, and how we stand.

Sealed bytes may go to every member that has a seat; what opens them is wrapped for its reader.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from typing import Any
from weakref import WeakValueDictionary

from ...errors import OutsideFault, Refused
from ...measures.identity import canonical, read_canonical
from ...node.fetching.handed import handed
from ...node.ports import Store
from .certificate import key_of
from .door import Door

ASKED_MAX = 200  # bytes of a question
IDLE_SECONDS = 600
HANDSHAKE_SECONDS = 10  # in which whoever connects has shown a key; who has no seat is cut then
BACKLOG = 100  # connections that wait to be taken
PAUSE_SECONDS = 0.2  # where none can be taken
# Long bytes go out in pieces, each when the one before is nearly on its way, in so many seconds:
# about as slowly as an answer may come (`line.PACE`).
PIECE, PIECE_SECONDS = 1 << 16, 60
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
        self._door, self._tasks = Door(), set[asyncio.Task[None]]()
        self._turns = WeakValueDictionary[tuple[str, bool], asyncio.Lock]()

    @asynccontextmanager
    async def serving(self, host: str, port: int, tls: ssl.SSLContext) -> AsyncIterator[None]:
        """Listen until the context ends."""
        loop = asyncio.get_running_loop()
        at = await loop.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        listening = list[asyncio.Task[None]]()
        with ExitStack() as opened:
            for family, address in {(family, address) for family, *_, address in at}:
                listens = socket.create_server(address, family=family, backlog=BACKLOG)
                opened.enter_context(listens)
                listens.setblocking(False)
                listening.append(self._begin(self._accepting(listens, tls)))
            try:
                yield
            finally:
                for task in listening:
                    task.cancel()
                await asyncio.sleep(0)  # a connection just taken begins: whoever has it ends it
                all_ = tuple(self._tasks)
                for task in all_:
                    task.cancel()
                await asyncio.gather(*all_, return_exceptions=True)

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _accepting(self, listens: socket.socket, tls: ssl.SSLContext) -> None:
        while True:
            await _comes(listens)
            try:
                plain, address = listens.accept()
            except BlockingIOError:  # who came has gone
                continue
            except OSError:  # no file is left for it; others end theirs
                await asyncio.sleep(PAUSE_SECONDS)
                continue
            plain.setblocking(False)
            self._door.came(self._begin(self._shown(plain, tls)), address[0])
            await asyncio.sleep(0)  # so that it begins before the next is taken

    async def _shown(self, plain: socket.socket, tls: ssl.SSLContext) -> None:
        """Wait until a connection has shown a key that we trust, and serve it."""
        loop, me = asyncio.get_running_loop(), asyncio.current_task()
        assert me is not None, "each connection is a task"
        reader = asyncio.StreamReader(limit=ASKED_MAX)
        protocol = asyncio.StreamReaderProtocol(reader)
        try:
            transport, _ = await loop.connect_accepted_socket(
                lambda: protocol, plain, ssl=tls, ssl_handshake_timeout=HANDSHAKE_SECONDS
            )
        except OSError:
            return  # who speaks otherwise, or no more, is left alone
        finally:
            self._door.knows(me)
        transport.set_write_buffer_limits(PIECE // 2)
        await self._connected(reader, asyncio.StreamWriter(transport, protocol, reader, loop))

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        me, peer = asyncio.current_task(), ""
        assert me is not None, "each connection is a task"
        try:
            shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
            peer = key_of(shown)
            while peer in await asyncio.to_thread(self._seats) and self._door.waits(me, peer):
                async with asyncio.timeout(IDLE_SECONDS):
                    asked = await reader.readexactly(int.from_bytes(await reader.readexactly(2)))
                self._door.answers(me, peer)
                if len(asked) > ASKED_MAX or not await self._answer(asked, peer, writer):
                    return
        except (OSError, EOFError, TimeoutError, Refused, OutsideFault):
            pass  # who speaks otherwise, or no more, is left alone
        finally:
            self._door.gone(me, peer)
            writer.transport.abort()  # what it has not read is not kept for it

    async def _answer(self, asked: bytes, peer: str, writer: asyncio.StreamWriter) -> bool:
        """Answer one question; False where its seat is gone meanwhile.

        A peer's questions for blobs are answered one after another, whatever the number of its
        connections, and so are those for a few words: so long bytes hold up no word, and nobody
        has many of them brought here.
        """
        kind = (peer, b'"blob"' in asked)
        async with self._turns.setdefault(kind, asyncio.Lock()):
            boxes = (await asyncio.to_thread(self._seats)).get(peer)  # as it is now
            if boxes is None:
                return False
            said, data = await asyncio.to_thread(self._look, asked, boxes)
            head = canonical(said)
            writer.write(len(head).to_bytes(2) + head)
            rest = memoryview(data)
            for begin in range(0, max(1, len(rest)), PIECE):
                writer.write(rest[begin : begin + PIECE])
                async with asyncio.timeout(PIECE_SECONDS):
                    await writer.drain()
        return True

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
            found = handed(reading, name, boxes)
        if found is None:
            return nothing, b""
        data, wrap, rows = found.data, found.wrap, found.rows
        if value.get("only") == "keys":
            data = b""
        said = {"length": len(data), "wrap": None if wrap is None else wrap.hex()}
        return {**said, "rows": None if rows is None else len(rows)}, data + (rows or b"")


async def _comes(listens: socket.socket) -> None:
    """Wait until somebody is at the door. Who is cancelled has taken nobody: `loop.sock_accept` may
    have, and then leaves the connection open.
    """
    loop, came = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(listens, came.set)
    try:
        await came.wait()
    finally:
        loop.remove_reader(listens)
