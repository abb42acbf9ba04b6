"""The door open on a port of this machine, beside whatever else the process does."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from .door import Door

LOOPBACK = "127.0.0.1"
END_SECONDS = 10.0
CONNECTIONS = 500  # beyond them a caller is told 503; a proxy in front bounds them by address


@contextmanager
def opened(door: Door, port: int = 0, host: str = LOOPBACK) -> Iterator[str]:
    """The door open; its address. 0 takes a free port. What is being taken is finished at the end.

    Before a network it stands behind a server that ends TLS.
    """
    with served(door.app(), port, host) as address:
        yield address


@contextmanager
def served(
    app: ASGIApp, port: int = 0, host: str = LOOPBACK, end_seconds: float = END_SECONDS
) -> Iterator[str]:
    """An application served beside whatever else the process does; its address.

    At the end whoever is being answered is waited for, `end_seconds` at most.
    """
    with socket.create_server((host, port)) as listening:
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=CONNECTIONS,
            timeout_graceful_shutdown=int(end_seconds),
        )
        server = uvicorn.Server(config)
        say_when_over(app, server)
        thread = threading.Thread(
            target=server.run, kwargs={"sockets": [listening]}, name="grid-door", daemon=True
        )
        thread.start()
        try:
            yield f"http://{host}:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(end_seconds + 1)


def say_when_over(app: Any, server: uvicorn.Server) -> None:
    """Let an application that keeps streams open know when its server is about to end."""
    state = getattr(app, "state", None)
    if state is not None:
        state.over = lambda: server.should_exit
