"""Starting a sandbox from code as a process of its own; its control side; stopping it."""

from __future__ import annotations

import http.client
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

MODULE = __package__
IMPORTS = Path(__file__).resolve().parents[3]
CALL_SECONDS = 120.0
START_SECONDS = END_SECONDS = 60.0  # waits that end early; a machine under load takes its time


class DidNotStart(RuntimeError):
    """The process ended, or did not answer in time."""


@dataclass
class Running:
    """A sandbox that answers at `address`. As a context it is stopped at the end."""

    role: str
    address: str
    data: Path
    _process: subprocess.Popen[bytes] = field(repr=False)

    def about(self) -> dict[str, Any]:
        """Who answers there; a source's public key among it."""
        return self.call("GET", "/")

    def misbehave(self, what: str, **options: float) -> None:
        """Add a rule; `rules.KINDS` lists them."""
        self.call("POST", "/control/rules", {"what": what, **options})

    def behave(self) -> None:
        """Forget every rule."""
        self.call("DELETE", "/control/rules")

    def say(
        self, said: dict[str, Any], *, sent_at: str, push: str | None = None, form: str = "json"
    ) -> dict[str, Any]:
        """Have a source say something: kept under its next number, and pushed to an address."""
        asked = {"said": said, "sent_at": sent_at, "push": push, "form": form}
        return self.call("POST", "/control/say", asked)

    def phones(self, phones: Iterable[tuple[str, str]]) -> None:
        """Tell an SMS gateway who has which phone."""
        self.call("POST", "/control/phones", {"phones": [list(row) for row in phones]})

    def wechat(self, accounts: Iterable[tuple[str, str]]) -> None:
        """Tell the gateway who has which WeChat account."""
        self.call("POST", "/control/wechat", {"accounts": [list(row) for row in accounts]})

    def customers(self, customers: Iterable[tuple[str, str]]) -> None:
        """Tell a trade data platform which of its customers a token stands for."""
        self.call("POST", "/control/customers", {"customers": [list(row) for row in customers]})

    def keys(self, names: Iterable[str]) -> dict[str, str]:
        """The public key (hex) of each concentrator named."""
        found: dict[str, str] = self.call("POST", "/control/keys", {"names": list(names)})["keys"]
        return found

    def connect(self, names: Iterable[str], host: str, port: int, folder: Path) -> None:
        """Have concentrators connect to a broker, with the certificates that lie in a folder."""
        asked = {"names": list(names), "host": host, "port": port, "folder": str(folder)}
        self.call("POST", "/control/connect", asked)

    def read(self, name: str, readings: Iterable[tuple[str, str, int]], **more: int) -> int:
        """Have a concentrator say (customer, off|on, at) in one batch; the batch's number."""
        asked = {"name": name, "readings": [list(row) for row in readings], **more}
        return int(self.call("POST", "/control/read", asked)["number"])

    def texts(self) -> list[list[Any]]:
        """What an SMS gateway holds: [token, body, state, how often sent]."""
        found: list[list[Any]] = self.call("GET", "/control/texts")["texts"]
        return found

    def call(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """One call of the sandbox. Errors   RuntimeError where it does not understand."""
        url = urlsplit(self.address)
        connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=CALL_SECONDS)
        try:
            data = None if body is None else json.dumps(body).encode()
            connection.request(method, path, data)
            answer = connection.getresponse()
            said: dict[str, Any] = json.loads(answer.read())
        finally:
            connection.close()
        if answer.status != http.HTTPStatus.OK:
            raise RuntimeError(f"{answer.status}: {said.get('problem')}")
        return said

    def stop(self, *, kill: bool = False) -> None:
        """End it; killed at once where asked to."""
        if self._process.poll() is None:
            self._process.kill() if kill else self._process.terminate()
        self._process.wait(END_SECONDS)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def again(self) -> Running:
        """Start it once more on its data, at the same address."""
        return start(self.role, self.data, port=int(self.address.rpartition(":")[2]))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()


def start(role: str, data: Path, *, port: int = 0, timeout: float = START_SECONDS) -> Running:
    """Start a sandbox and wait until it answers; it ends when this process does.

    Errors   DidNotStart.
    """
    data.mkdir(parents=True, exist_ok=True)
    asked = ["--role", role, "--data", str(data), "--port", str(port), "--until-stdin-closes"]
    paths = [str(IMPORTS), *filter(None, [os.environ.get("PYTHONPATH")])]
    with (data / f"{role}.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", MODULE, *asked],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        )
    running = Running(role, "", data, process)
    try:
        running.address = _address(process, time.monotonic() + timeout)
    except BaseException:
        running.stop(kill=True)
        raise
    return running


def _address(process: subprocess.Popen[bytes], deadline: float) -> str:
    pipe, line = process.stdout, b""
    assert pipe is not None, "standard output was asked for as a pipe"
    while not line.endswith(b"\n"):
        readable, _, _ = select.select([pipe], [], [], max(0, deadline - time.monotonic()))
        more = os.read(pipe.fileno(), 4096) if readable else b""
        if not more:
            raise DidNotStart("the sandbox ended, or did not say in time where it answers")
        line += more
    address: str = json.loads(line)["address"]
    return address
