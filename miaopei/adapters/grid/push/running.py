"""The door open on a port of this machine, beside whatever else the process does."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from .door import Door

LOOPBACK = "127.0.0.1"
END_SECONDS = 10.0


@contextmanager
def opened(door: Door, port: int = 0, host: str = LOOPBACK) -> Iterator[str]:
    """The door open; its address. 0 takes a free port. What is being taken is finished at the end.

    Before a network it stands behind a server that ends TLS.
    """
    with served(door.app(), port, host) as address:
        yield address


@contextmanager
def served(app: ASGIApp, port: int = 0, host: str = LOOPBACK) -> Iterator[str]:
    """An application served beside whatever else the process does; its address."""
    with socket.create_server((host, port)) as listening:
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=50,
            timeout_graceful_shutdown=int(END_SECONDS),
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(
            target=server.run, kwargs={"sockets": [listening]}, name="grid-door", daemon=True
        )
        thread.start()
        try:
            yield f"http://{host}:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(END_SECONDS)
