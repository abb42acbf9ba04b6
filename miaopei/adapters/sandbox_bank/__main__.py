"""`python -m miaopei.adapters.sandbox_bank --data DIR`: run the sandbox bank until told to stop."""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import IO

from .server import LoopbackServer, SocketServer
from .service import Bank, Problem


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(
        prog="python -m miaopei.adapters.sandbox_bank",
        description="A sandbox bank on loopback. No real money moves. See docs/specs/bank.md.",
    )
    parser.add_argument("--data", type=Path, required=True, help="the bank's own folder")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--port", type=int, default=0, help="on 127.0.0.1; 0 takes a free one")
    where.add_argument("--socket", type=Path, help="a unix socket instead of a port")
    parser.add_argument(
        "--open", action="append", default=[], metavar="JSON",
        help='open an account: {"number": "..", "name": "..", "balance_fen": 0}; repeatable',
    )  # fmt: skip
    parser.add_argument(
        "--misbehave", action="append", default=[], metavar="JSON",
        help='a rule: {"what": "time_out", "calls": 1}; repeatable, kept over restarts',
    )  # fmt: skip
    parser.add_argument(
        "--until-stdin-closes", action="store_true",
        help="stop when standard input ends, so that it never outlives who started it",
    )  # fmt: skip
    return parser.parse_args()


def only_one(folder: Path) -> IO[str]:
    """The folder's lock, held until the process ends, however it ends."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = (folder / "bank.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        sys.exit(f"A bank already runs in {folder}. Stop it first, or give another --data.")
    return lock


def main() -> None:
    """Open the store, do what the command line asks, answer calls, end cleanly on SIGTERM."""
    asked = arguments()
    os.umask(0o077)  # its key and its books are its own
    lock = only_one(asked.data)
    bank = Bank(asked.data)
    try:
        if asked.open:
            bank.open_accounts([json.loads(text) for text in asked.open])
        bank.script([json.loads(text) for text in asked.misbehave])
    except (Problem, ValueError) as error:
        sys.exit(f"--open or --misbehave: {error}")
    server = (
        LoopbackServer(bank, asked.port)
        if asked.socket is None
        else SocketServer(bank, asked.socket.resolve())
    )

    def end(*_signal: object) -> None:
        bank.stop()
        os._exit(0)

    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=end).start())
    signal.signal(signal.SIGINT, lambda *_: threading.Thread(target=end).start())
    if asked.until_stdin_closes:
        threading.Thread(target=lambda: end(sys.stdin.buffer.read()), daemon=True).start()
    sys.stdout.write(json.dumps({"address": server.address, "pid": os.getpid()}) + "\n")
    sys.stdout.flush()
    with lock:
        server.serve_forever(poll_interval=0.5)


if __name__ == "__main__":
    main()
