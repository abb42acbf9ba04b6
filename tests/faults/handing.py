"""A member that hands out one blob, as a process that may open few files: FOLDER PORT FILES BYTES.

Each line of its input is answered by one: `memory` by the most that it has had in memory so far, in
MB; `file` by whether it can open one more file.
"""

from __future__ import annotations

import asyncio
import resource
import sys
from pathlib import Path

from miaopei.adapters.memory_store import MemoryStore
from miaopei.adapters.peers.server import BlobServer
from tests.support.peers import BOXES, tls


def answer(word: str) -> str:
    """What is said to one line."""
    if word == "memory":
        return str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1000)
    try:
        with Path("/dev/null").open("rb"):
            return "opened"
    except OSError as error:
        return str(error)


async def hand_out(folder: Path, port: int, size: int) -> None:
    """Until the input ends."""
    store = MemoryStore()
    with store.writing() as block:
        name = block.put_blob(bytes(size), "original")
    server, mine = (
        BlobServer(store, lambda: BOXES),
        tls(folder, "insurer", ("notary",), server=True),
    )
    async with server.serving("127.0.0.1", port, mine):
        sys.stdout.write(f"{name}\n")
        sys.stdout.flush()
        while line := await asyncio.to_thread(sys.stdin.readline):
            sys.stdout.write(f"{answer(line.strip())}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    at, listens, files, length = sys.argv[1:]
    resource.setrlimit(resource.RLIMIT_NOFILE, (int(files), int(files)))
    asyncio.run(hand_out(Path(at), int(listens), int(length)))
