"""Members that hand blobs to each other over real connections, some of them as they should not."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from miaopei.adapters.memory_store import MemoryStore
from miaopei.adapters.peers.certificate import certificate, context, private_pem
from miaopei.adapters.peers.client import PeerBlobs
from miaopei.adapters.peers.line import _close_half_made
from miaopei.adapters.peers.server import BlobServer, Sight, Stands
from tests.support.consortium import key, public

MEMBERS = ("insurer", "notary", "stranger")
STRANGER = public("stranger", "peer")
BOXES = {public("insurer", "peer"): ["aa" * 32], public("notary", "peer"): ["bb" * 32]}


def tls(folder: Path, member: str, trusted: tuple[str, ...], *, server: bool):
    """The member's own side of a connection."""
    shown = {name: certificate(name, key(name, "peer")) for name in MEMBERS}
    file = folder / f"{member}.pem"
    file.write_bytes(private_pem(key(member, "peer")) + shown[member].encode())
    return context(file, [shown[name] for name in trusted], server=server)


@contextmanager
def serving(
    folder: Path,
    store: MemoryStore,
    trusted: tuple[str, ...],
    seats: Mapping[str, list[str]] = BOXES,
    shows: Path | None = None,
    sight: Sight | None = None,
    stands: Stands | None = None,
) -> Iterator[str]:
    """The insurer hands out blobs, showing another certificate where one is given; where."""
    told: list[tuple[asyncio.AbstractEventLoop, asyncio.Event, str]] = []
    ready = threading.Event()

    async def run() -> None:
        port = free_port()
        made = BlobServer(store, lambda: seats, sight, stands)
        mine = tls(folder, "insurer", trusted, server=True)
        if shows is not None:
            mine.load_cert_chain(shows)
        async with made.serving("127.0.0.1", port, mine):
            done = asyncio.Event()
            told.append((asyncio.get_running_loop(), done, f"127.0.0.1:{port}"))
            ready.set()
            await done.wait()

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    assert ready.wait(120)
    loop, done, address = told[0]
    try:
        yield address
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join()


def asking(folder: Path, member: str, address: str, shows: str | None = None) -> PeerBlobs:
    """A member that asks the insurer, whose key the record gives as `shows`."""
    mine = tls(folder, member, ("insurer",), server=False)
    return PeerBlobs(mine, {"insurer": address}, lambda _: shows or public("insurer", "peer"))


def free_port() -> int:
    """A port where nobody listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


# What one does with a connection: the bytes of a question, a way to send, and the end of it all.
Answers = Callable[[bytes, Callable[[bytes], None], threading.Event], None]


@contextmanager
def answering(address: str, tls: ssl.SSLContext | None, answers: Answers) -> Iterator[list[bytes]]:
    """Somebody listens there who answers each question in its own way; the questions so far.

    Without TLS whatever comes first is the question.
    """
    host, _, port = address.rpartition(":")
    asked, over = list[bytes](), threading.Event()

    def serve(plain: socket.socket) -> None:
        try:
            shown = plain if tls is None else tls.wrap_socket(plain, True)
        except OSError as error:
            plain.close()
            _close_half_made(error)
            return
        with suppress(OSError), shown as wire:
            while not over.is_set():
                head = wire.recv(2)
                question = wire.recv(int.from_bytes(head)) if tls is not None else head
                if not question:
                    return
                asked.append(question)
                answers(question, wire.sendall, over)

    def listen() -> None:
        with suppress(OSError):
            while True:
                plain, _ = listens.accept()
                plain.settimeout(60)
                threading.Thread(target=serve, args=(plain,), daemon=True).start()

    with socket.create_server((host, int(port))) as listens:
        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        try:
            yield asked
        finally:
            over.set()
            with suppress(OSError):
                listens.shutdown(socket.SHUT_RDWR)
            thread.join()


def dripping(_: bytes, send: Callable[[bytes], None], over: threading.Event) -> None:
    """An answer that begins as one should and then comes a byte at a time, for days."""
    send((60_000).to_bytes(2))
    while not over.wait(0.2):
        send(b" ")


def dripping_bytes(question: bytes, send: Callable[[bytes], None], over: threading.Event) -> None:
    """The same, of what it says is a blob of 400 MB; other answers drip from their head on."""
    if b'"blob"' in question:
        head = b'{"length":400000000,"rows":null,"wrap":null}'
        send(len(head).to_bytes(2) + head)
    dripping(question, send, over)


def silent(_: bytes, _send: Callable[[bytes], None], over: threading.Event) -> None:
    """No answer at all."""
    over.wait()
