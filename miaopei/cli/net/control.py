"""Speaking to a running process of a net over a unix socket in its folder, in lines of JSON.

Only the account that owns the folder can reach it. A long command may tell lines before it ends.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import stat
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

from ...errors import Alarm, OutsideFault, Refusal, Refused

SOCKET = "control.sock"
BOUND = "--until-stdin-closes"  # of a node: it ends with whoever started it, however that ends
REFUSED = "refused"
LINE_MAX = 1 << 24
SECONDS, LOOK_SECONDS = 10.0, 0.1
Tell = Callable[[Any], None]
Command = Callable[[Tell, dict[str, Any]], Any]


class Commands(Mapping[str, Command]):
    """Commands by name, and further ones that are brought once, when one of them is asked for."""

    def __init__(self, own: Mapping[str, Command], more: Callable[[], Mapping[str, Command]]):
        self._known, self._more, self._lock = own, more, threading.Lock()
        self._whole = False

    def __getitem__(self, name: str) -> Command:
        if name not in self._known:
            self._bring()
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        self._bring()
        return iter(self._known)

    def __len__(self) -> int:
        self._bring()
        return len(self._known)

    def _bring(self) -> None:
        with self._lock:
            if not self._whole:
                self._known = {**self._known, **self._more()}
                self._whole = True


@asynccontextmanager
async def serving(commands: Mapping[str, Command]) -> AsyncIterator[None]:
    """Answer commands in the working folder until the context ends."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(OSError, ValueError):
                await _answer(commands, reader, writer)
        finally:
            writer.close()

    _clear()
    server = await asyncio.start_unix_server(connected, SOCKET, limit=LINE_MAX)
    try:
        yield
    finally:
        server.close()


async def _answer(
    commands: Mapping[str, Command], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    asked = json.loads(await reader.readline())
    loop = asyncio.get_running_loop()

    def tell(value: Any) -> None:
        loop.call_soon_threadsafe(writer.write, _line({"told": value}))

    writer.write(_line(await asyncio.to_thread(_run, commands, tell, asked)))
    await writer.drain()


def _run(commands: Mapping[str, Command], tell: Tell, asked: dict[str, Any]) -> dict[str, Any]:
    try:
        command = commands.get(asked.pop("do", ""))
        if command is None:
            raise Refused(Refusal("net.no_command"))
        return {"done": command(tell, asked)}
    except Refused as refused:
        return as_json(refused)
    except OutsideFault as fault:
        return {"fault": str(fault), "retry": fault.retry}
    except Alarm as alarm:
        return {"alarm": alarm.what, "facts": dict(alarm.facts)}
    except Exception as error:  # noqa: BLE001 - whoever asked is told, and the process goes on
        return {"fault": f"{type(error).__name__}: {error}", "retry": False}


def as_json(refused: Refused) -> dict[str, Any]:
    """Refusals as one process tells them to another."""
    return {REFUSED: [refusal.as_json() for refusal in refused.refusals]}


def refused_in(told: Any) -> Refused:
    """What was told by `as_json`. Errors   KeyError, TypeError where it is something else."""
    return Refused(*(Refusal(each["code"], each["facts"]) for each in told[REFUSED]))


def call(
    folder: Path,
    do: str,
    *,
    tell: Tell | None = None,
    seconds: float | None = SECONDS,
    **asked: Any,
) -> Any:
    """Have a process do something; what it answers.

    Errors   OutsideFault where it is not there or does not answer in time; what it refuses.
    """
    try:
        with _connected(folder, seconds) as stream:
            stream.sendall(_line({"do": do, **asked}))
            for line in stream.makefile("rb"):
                said = json.loads(line)
                if "told" not in said:
                    return _result(said)
                if tell is not None:
                    tell(said["told"])
    except (OSError, ValueError) as error:
        raise OutsideFault(f"{folder.name} does not answer: {error}", retry=True) from error
    raise OutsideFault(f"{folder.name} ended while it was asked", retry=True)


def there(folder: Path) -> bool:
    """Whether a process listens in a folder."""
    try:
        with _connected(folder, 1.0):
            return True
    except OSError:
        return False


def need(folder: Path, member: str | None = None) -> None:
    """Whether a net is up, or where one is named that member of it.

    Errors   Refused net.not_up, net.is_down.
    """
    at = folder if member is None else folder / "members" / member
    if not there(at):
        facts = {"folder": str(folder)} if member is None else {"member": member}
        raise Refused(Refusal("net.not_up" if member is None else "net.is_down", facts))


@contextmanager
def stopped(folder: Path, member: str, seconds: float) -> Iterator[None]:
    """Inside, a member of the net in a folder is down, so that its files may be changed. It is
    started again at the end, but not where that failed.
    """
    call(folder, "down", member=member, seconds=seconds)
    yield
    call(folder, "start", member=member, seconds=seconds)


def until(
    holds: Callable[[], bool],
    seconds: float,
    why: str | Callable[[], str],
    look: float = LOOK_SECONDS,
) -> None:
    """Wait until something holds, looked at each `look` seconds and once more at the end.

    Errors   OutsideFault (retry) saying `why` where it does not in that time.
    """
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise OutsideFault(why if isinstance(why, str) else why(), retry=True)
        time.sleep(look)


def until_there(folder: Path, seconds: float) -> None:
    """Wait until a process listens in a folder: it may have been started just now.

    Errors   OutsideFault (retry) where none does in that time.
    """
    why = f"{folder.name} does not come up; see its node.log"
    until(lambda: there(folder), seconds, why)


def _result(said: dict[str, Any]) -> Any:
    if REFUSED in said:
        raise refused_in(said)
    if "fault" in said:
        raise OutsideFault(said["fault"], retry=said["retry"])
    if "alarm" in said:
        raise Alarm(said["alarm"], **said["facts"])
    return said["done"]


@contextmanager
def _connected(folder: Path, seconds: float | None) -> Iterator[socket.socket]:
    """A connection; the folder is named by a descriptor, so that its path may be of any length."""
    handle = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    try:
        with socket.socket(socket.AF_UNIX) as stream:
            stream.settimeout(seconds)
            stream.connect(f"/proc/self/fd/{handle}/{SOCKET}")
            yield stream
    finally:
        os.close(handle)


def _clear() -> None:
    """Take away the socket that an earlier process has left; nobody else may reach a new one."""
    path = Path(SOCKET)
    with suppress(FileNotFoundError):
        if stat.S_ISSOCK(path.stat().st_mode):
            path.unlink()
    os.umask(0o077)


def _line(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8") + b"\n"
