"""The real HTTP server over an application, on a free port, and a client of it."""

from __future__ import annotations

import html
import re
import threading
import time
from collections.abc import Iterable, Iterator
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
        with httpx.Client(base_url=url, trust_env=False, timeout=120) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()


HREF = re.compile(r'(?:href|action)="(/[^"#?]*(?:\?[^"#]*)?)')


def every_page(client: httpx.Client, first: Iterable[str]) -> dict[str, httpx.Response]:
    """The answers to these addresses, and to every address that some page among them links to."""
    answers: dict[str, httpx.Response] = {}
    ahead = list(first)
    while ahead:
        path = ahead.pop()
        if path in answers:
            continue
        answers[path] = answer = client.get(path, follow_redirects=True)
        if answer.headers.get("content-type", "").startswith("text/html"):
            ahead += [html.unescape(found) for found in HREF.findall(answer.text)]
    return answers
