"""A line to a PostgreSQL server that can be cut, before a request or before its answer arrives."""

from __future__ import annotations

import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo


class Cut:
    """Watches what a client sends; cuts the line before or after it reaches the server."""

    def __init__(self) -> None:
        self.word: bytes | None = None
        self.after = False
        self.then = lambda: None

    def on(self, word: bytes, *, after: bool = False) -> None:
        """Cut at the request that holds `word`; `after` lets it pass and loses the answer."""
        self.word, self.after = word, after

    def off(self) -> None:
        """Carry everything."""
        self.word = None


@contextmanager
def cut_off(dsn: str) -> Iterator[tuple[str, Cut]]:
    """A line to a server that can be cut, and the DSN that uses it."""
    cut, name = Cut(), ".s.PGSQL.5432"
    folder = Path(tempfile.mkdtemp())  # short: the kernel takes 107 bytes for a socket's path
    target = f"{conninfo_to_dict(dsn)['host']}/{name}"
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(folder / name))
    listening.listen()

    def carry(source: socket.socket, sink: socket.socket, watched: bool) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                if watched and cut.word is not None and cut.word in data:
                    if cut.after:  # the server hears it, and its answer is lost
                        source.shutdown(socket.SHUT_RDWR)
                        sink.sendall(data)
                        sink.recv(1)
                    cut.off()
                    cut.then()
                    break
                sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def serve() -> None:
        with suppress(OSError):
            while True:
                client, _ = listening.accept()
                server = socket.socket(socket.AF_UNIX)
                ends.extend((client, server))
                try:
                    server.connect(target)
                except OSError:
                    client.close()
                    continue
                for pair in ((client, server, True), (server, client, False)):
                    threading.Thread(target=carry, args=pair, daemon=True).start()

    ends: list[socket.socket] = []
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield make_conninfo(dsn, host=str(folder)), cut
    with suppress(OSError):
        listening.shutdown(socket.SHUT_RDWR)
    thread.join()  # whoever came last is among the ends by then
    for end in (listening, *ends):
        end.close()
    shutil.rmtree(folder)
