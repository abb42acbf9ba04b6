"""`miaopei` as a process of its own, forked from one that has imported all of it.

A command's imports take a second of processor, and a run of the tests asks for hundreds. Each still
has its own process, arguments, environment, folder, output and exit code, and begins and ends as
`python -m miaopei.cli` does; only what it imports was imported before it was asked for.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 600.0
_one = threading.Lock()


def run(
    arguments: Sequence[str],
    *,
    cwd: str | Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float = SECONDS,
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end: its exit code, and all that it said.

    Errors   subprocess.TimeoutExpired, and the command is ended.
    """
    asked = {
        "arguments": list(arguments),
        "cwd": str(cwd or Path.cwd()),
        "env": dict(os.environ if env is None else env),
    }
    with (
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
        socket.socket(socket.AF_UNIX) as asking,  # closed early, it ends the command
    ):
        asking.settimeout(timeout)
        with _one:
            address = _mother()
        asking.connect(address)
        socket.send_fds(asking, [b"\0"], [out.fileno(), err.fileno()])
        asking.sendall(json.dumps(asked).encode())
        asking.shutdown(socket.SHUT_WR)
        try:
            code = int(asking.makefile("r").read())
        except TimeoutError:
            raise subprocess.TimeoutExpired(["miaopei", *arguments], timeout) from None
        said = []
        for file in (out, err):
            file.seek(0)
            said.append(file.read().decode())
    return subprocess.CompletedProcess(["miaopei", *arguments], code, *said)


@cache
def _mother() -> str:
    """The address of the process that commands are forked from; it ends with this one."""
    listening = socket.socket(socket.AF_UNIX)
    listening.bind("")  # a free name, of no file
    listening.listen(64)
    command = [sys.executable, "-m", __name__, str(listening.fileno())]
    mother = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, pass_fds=[listening.fileno()]
    )
    assert mother.stdin is not None
    address: str = listening.getsockname()
    listening.close()

    def end(stdin: Any = mother.stdin) -> None:
        stdin.close()
        mother.wait(30)

    atexit.register(end)
    return address


def _import_all() -> None:
    """What any command may import, once."""
    for name in ("miaopei.cli.commands", "typer.main", "typer.rich_utils", "rich.markdown"):
        importlib.import_module(name)
    cli = importlib.import_module("miaopei.cli")
    for found in pkgutil.walk_packages(cli.__path__, "miaopei.cli."):
        if not found.name.endswith("__main__"):
            importlib.import_module(found.name)
    gc.collect()
    gc.freeze()


def _next_command(listening: socket.socket) -> list[str]:
    """Answer until the tests end; in a process forked for a command, what it was asked."""
    while True:
        ready, _, _ = select.select([listening, 0], [], [], 1.0)
        while _reaped():
            pass
        if 0 in ready:
            os._exit(0)
        if listening not in ready:
            continue
        asking, _ = listening.accept()
        if os.fork():
            asking.close()
        else:
            listening.close()
            return _beside(asking)


def _reaped() -> bool:
    try:
        return os.waitpid(-1, os.WNOHANG)[0] != 0
    except ChildProcessError:
        return False


def _beside(asking: socket.socket) -> list[str]:
    """Fork the command; stay beside it, and tell how it ended. Comes back in the command alone."""
    _, files, _, _ = socket.recv_fds(asking, 1, 2)
    asked = json.loads(asking.makefile("r").read())
    command = os.fork()
    if command == 0:
        asking.close()
        _become(asked, files)
        words: list[str] = asked["arguments"]
        return words
    watch, ended = select.poll(), os.pidfd_open(command)
    watch.register(asking, 0)  # hung up by whoever asked
    watch.register(ended, select.POLLIN)
    if all(file != ended for file, _ in watch.poll()):
        os.kill(command, signal.SIGKILL)
    _, status = os.waitpid(command, 0)
    try:
        asking.sendall(str(os.waitstatus_to_exitcode(status)).encode())
    finally:
        os._exit(0)


def _become(asked: Mapping[str, Any], files: Sequence[int]) -> None:
    """Its own folder, environment and output; nothing to read, and no socket of ours."""
    with Path(os.devnull).open() as nothing:
        os.dup2(nothing.fileno(), 0)
    for number, file in enumerate(files, 1):
        os.dup2(file, number)
        os.close(file)
    os.environ.clear()
    os.environ.update(asked["env"])
    os.chdir(asked["cwd"])
    sys.argv = ["miaopei", *asked["arguments"]]


if __name__ == "__main__":
    from miaopei.cli.main import run as begin

    listener = socket.socket(fileno=int(sys.argv[1]))
    _import_all()
    _next_command(listener)
    begin()
