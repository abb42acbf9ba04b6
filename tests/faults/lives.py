"""Lives of a member that end wherever they are: a process that forks a child for each order.

A child dies by its own hand (`dying`), or is killed from outside after so many seconds
(`mass_dying`); either way by SIGKILL, with nothing closed, flushed or rolled back.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

ROOT = Path(__file__).parents[2]
Live = Callable[..., int]


@contextmanager
def lives(module: str) -> Iterator[Live]:
    """Starts lives of a module of `tests.faults`: told the order, says how the life ended.

    `after`: seconds after which it is killed; None lets it end by itself.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", f"tests.faults.{module}"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    entry, answer = process.stdin, process.stdout

    def live(**order: Any) -> int:
        entry.write(json.dumps(order) + "\n")
        entry.flush()
        status: int = json.loads(answer.readline())
        return status

    try:
        yield live
    finally:
        entry.close()
        answer.close()
        process.wait()


def main(day: Callable[..., None]) -> None:
    """Fork a child for each order, end it when its time is up, and say how it ended."""
    for line in sys.stdin:
        order = json.loads(line)
        after = order.pop("after", None)
        child = os.fork()
        if child == 0:
            _child(day, order)
        status = os.waitpid(child, 0)[1] if after is None else _killed(child, after)
        sys.stdout.write(json.dumps(os.waitstatus_to_exitcode(status)) + "\n")
        sys.stdout.flush()


def _killed(child: int, after: float) -> int:
    """The status of a child that is killed when its time is up, if it has not ended by itself."""
    deadline = time.monotonic() + after
    while time.monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1]


def _child(day: Callable[..., None], order: dict[str, Any]) -> NoReturn:
    """The forked side: its end is never that of the parent's code."""
    status = 1
    try:
        day(**order)
        status = 0
    except BaseException:  # noqa: BLE001 - told here, since nothing comes after
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)
