"""The real HTTP server over an application, on a free port, and a client of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import uvicorn
from fastapi import FastAPI

from miaopei import portal


@contextmanager
def serving(application: FastAPI) -> Iterator[httpx.Client]:
    """A client of the application, served on this machine's own address."""
    config = uvicorn.Config(application, host=portal.HOST, port=0, log_level="critical")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    url = f"http://{portal.HOST}:{port}"
    try:
        with httpx.Client(base_url=url, trust_env=False, timeout=30) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()
