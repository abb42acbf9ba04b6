"""Starting the sandbox bank from code, as a process of its own, and stopping exactly that one."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from .control import BankControl

MODULE = __package__
IMPORTS = Path(__file__).resolve().parents[3]
LOG = "bank.log"
# Bounds of waits that end early: a machine under load takes long to start an interpreter.
START_SECONDS = END_SECONDS = 60.0


class BankDidNotStart(RuntimeError):
    """The process ended, or did not answer in time; the message holds what it said."""


@dataclass
class RunningBank:
    """A bank that answers at `address`. As a context it is stopped at the end."""

    address: str
    pid: int
    data: Path
    stays: bool
    _process: subprocess.Popen[bytes] = field(repr=False)
    sandbox = True  # it has a control side

    @property
    def control(self) -> BankControl:
        """Accounts, and how to make it lie."""
        return BankControl(self.address)

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def kill(self) -> None:
        """SIGKILL, at once; what was answered is on disk."""
        self._process.kill()
        self._end()

    def stop(self, timeout: float = END_SECONDS) -> None:
        """Ask it to end; kill it if it does not."""
        if self.alive:
            self._process.terminate()
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._end()

    def wait(self, timeout: float = END_SECONDS) -> int:
        """Wait for a bank that was told to die; its exit status."""
        status = self._process.wait(timeout)
        self._end()
        return status

    def again(self) -> RunningBank:
        """Start it once more on its data, at the same address."""
        port = None if self.address.startswith("unix:") else int(self.address.rpartition(":")[2])
        path = None if port is not None else Path(self.address.removeprefix("unix:"))
        return start(self.data, port=port or 0, socket=path, stays=self.stays)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.stop()

    def _end(self) -> None:
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


def start(
    data: Path,
    *,
    port: int = 0,
    socket: Path | None = None,
    accounts: Sequence[tuple[str, str, int]] = (),
    misbehave: Sequence[dict[str, object]] = (),
    stays: bool = False,
    timeout: float = START_SECONDS,
) -> RunningBank:
    """Start a bank and wait until it answers.

    `accounts` are opened (number, name, fen), `misbehave` rules added. Unless it `stays`, the bank
    ends when this process does, however that happens.
    Errors   BankDidNotStart.
    """
    data.mkdir(parents=True, exist_ok=True)
    where = ["--port", str(port)] if socket is None else ["--socket", str(socket)]
    rules = [part for rule in misbehave for part in ("--misbehave", json.dumps(rule))]
    bound = [] if stays else ["--until-stdin-closes"]
    with (data / LOG).open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", MODULE, "--data", str(data), *where, *rules, *bound],
            stdin=subprocess.DEVNULL if stays else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env=_environment(),
            start_new_session=stays,
        )
    try:
        address = _address(process, data, timeout)
        bank = RunningBank(address, process.pid, data, stays, process)
        if process.stdout is not None:
            process.stdout.close()
        bank.control.about()
        bank.control.open_accounts(accounts)
    except BaseException:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        raise
    return bank


def _address(process: subprocess.Popen[bytes], data: Path, timeout: float) -> str:
    """The line that the bank writes once it listens."""
    pipe, line, deadline = process.stdout, b"", time.monotonic() + timeout
    assert pipe is not None, "standard output was asked for as a pipe"
    while not line.endswith(b"\n"):
        left = deadline - time.monotonic()
        readable, _, _ = select.select([pipe], [], [], max(0, left))
        more = os.read(pipe.fileno(), 4096) if readable else b""
        if not more:
            said = (data / LOG).read_text("utf-8", "replace").strip()[-500:]
            raise BankDidNotStart(said or f"no answer within {timeout} s")
        line += more
    address: str = json.loads(line)["address"]
    return address


def _environment() -> dict[str, str]:
    """Ours, with this package importable from any folder."""
    paths = [str(IMPORTS), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
