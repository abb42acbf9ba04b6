"""The engine as a process: started in its member's folder, where both sockets lie."""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from ...errors import OutsideFault
from .home import ENGINE, RPC_SOCKET, SIGNED
from .install import need
from .rpc import EngineRpc

LOG, INSPECTED = "engine.log", "inspect.log"
READ_SECONDS = 60.0  # a long record is opened in that time
ENDS_SECONDS = 10.0  # in which the kernel has ended one that was killed


def start(folder: Path, inside: Sequence[str] = ()) -> subprocess.Popen[bytes]:
    """Start the engine whose home is `folder`/engine; what it says goes to a file beside it.

    `inside` stands before the command, where it shall run in a network of its own.
    Paths of sockets are short because they are told from the folder.
    Errors   Refused engine.not_installed.
    """
    program = need().program
    (folder / RPC_SOCKET).unlink(missing_ok=True)  # a killed engine leaves it, and stumbles over it
    with (folder / LOG).open("ab") as log:
        return subprocess.Popen(
            [*inside, program, "start", "--home", ENGINE],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )


def end_left(folder: Path, *node: str) -> None:
    """Kill what an earlier supervisor has left in a member's folder when it was itself killed: its
    engine, and its node, whose command has these words. Most end by themselves; not one that is
    frozen, which would keep its database and its engine's stores to itself for ever.
    """
    engine = ("start", "--home", ENGINE)
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            process = os.pidfd_open(int(entry.name))
            try:
                words = (entry / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
                ours = words[-4:-1] == [*engine] or set(node) <= set(words)
                if ours and (entry / "cwd").readlink() == folder:
                    signal.pidfd_send_signal(process, signal.SIGKILL)
                    select.select([process], [], [], ENDS_SECONDS)
            finally:
                os.close(process)


@contextmanager
def read(folder: Path) -> Iterator[EngineRpc]:
    """The engine's stores, to be read: through itself where it runs, else through its inspector,
    which takes part in nothing.

    Errors   OutsideFault where the inspector does not come up: what it said.
    """
    engine = EngineRpc(folder / RPC_SOCKET)
    if engine.there():
        yield engine
        return
    command: list[str | Path] = [need().program, "inspect", "--home", ENGINE]
    (folder / RPC_SOCKET).unlink(missing_ok=True)
    with (folder / INSPECTED).open("wb") as log:
        running = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        _until_read(engine, running, folder / INSPECTED)
        yield engine
    finally:
        running.terminate()
        running.wait()
        (folder / RPC_SOCKET).unlink(missing_ok=True)


def _until_read(engine: EngineRpc, running: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + READ_SECONDS
    while running.poll() is None and time.monotonic() < end:
        if engine.there():
            return
        time.sleep(0.1)
    said = log.read_text("utf-8", "replace").strip()[-400:]
    raise OutsideFault(f"the engine's stores cannot be read: {said}", retry=False)


def again_from_before(folder: Path) -> None:
    """Take the engine's own state back by a block; its guard against signing twice stays.

    A block that was stored and never applied is thrown away first (`--hard`): with it there the
    engine's `rollback` does nothing. Where it cannot go back, all its blocks are thrown away. What
    is thrown away comes back from the others.
    """
    for option in (["--hard"], []):
        command: list[str | Path] = [need().program, "rollback", *option, "--home", ENGINE]
        done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
        if done.returncode:
            forget_blocks(folder)
            return


def forget_blocks(folder: Path) -> None:
    """Throw away all that the engine has stored but the file of what it has signed."""
    for path in (folder / ENGINE / "data").iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != SIGNED:
            path.unlink()
