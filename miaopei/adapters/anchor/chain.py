"""A chain to try anchors with: anvil, Foundry's EVM, as a process of its own on this machine.

One node that makes a block of each transaction. It is another implementation of another ledger, and
no bank's or court's chain: whoever runs it can do with it what they like, which tests make use of.
"""

from __future__ import annotations

import re
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from ...errors import OutsideFault
from .install import need
from .rpc import Rpc

HOST = "127.0.0.1"
STATE, LOG = "chain.json", "chain.log"
SAVE_SECONDS = 1
START_SECONDS = 60.0
STOP_SECONDS = 60.0
COINS = 10**20  # wei that a key is given; they are worth nothing
_LISTENS = re.compile(rb"Listening on [\d.]+:(\d+)")


@dataclass
class RunningChain:
    """A chain that answers at `address`. As a context it is stopped at the end."""

    address: str
    folder: Path
    process: subprocess.Popen[bytes] = field(repr=False)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.address.rpartition(":")[2])

    def fund(self, writer: str) -> None:
        """Give a key coins to pay for gas with."""
        node = Rpc(self.address)
        try:
            node.call("anvil_setBalance", writer, hex(COINS))
        finally:
            node.close()

    def kill(self) -> None:
        """SIGKILL: what was not saved is lost."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """Ask it to save and end; kill it if it does not."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.stop()


def start(folder: Path, *, port: int = 0, options: tuple[str, ...] = ()) -> RunningChain:
    """Start a chain on its state in a folder, and wait until it answers.

    It saves its state each second and when it is asked to end.
    Errors   Refused anchor.no_anvil; OutsideFault where it does not come up.
    """
    program = need().program
    folder.mkdir(parents=True, exist_ok=True)
    command: list[str | Path] = [
        program,
        "--host",
        HOST,
        "--port",
        str(port),
        "--state",
        folder / STATE,
    ]
    command += ["--state-interval", str(SAVE_SECONDS), *options]
    log = folder / LOG
    with log.open("wb") as heard:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=heard, stderr=subprocess.STDOUT
        )
    try:
        return RunningChain(f"http://{HOST}:{_port(process, log)}", folder, process)
    except BaseException:
        process.kill()
        process.wait()
        raise


def _port(process: subprocess.Popen[bytes], log: Path) -> int:
    """Where it says that it listens."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        said = log.read_bytes()
        if (found := _LISTENS.search(said)) is not None:
            return int(found[1])
        if process.poll() is not None:
            raise OutsideFault(f"the chain does not start: {said[-400:].decode()}", retry=True)
        time.sleep(0.05)
    raise OutsideFault(f"the chain does not start within {START_SECONDS:.0f} s", retry=True)
