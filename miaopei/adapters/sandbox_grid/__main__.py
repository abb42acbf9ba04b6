"""`python -m miaopei.adapters.sandbox_grid --role ROLE --data DIR`: run one until told to stop."""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import signal
import sys
import threading
from pathlib import Path

from .server import LOOPBACK, NAMES, Sandbox, Server


def main() -> None:
    """Open the store, say where it answers, answer calls, end on SIGTERM."""
    parser = argparse.ArgumentParser(
        prog="python -m miaopei.adapters.sandbox_grid",
        description="A grid system, an SMS gateway or a trade data platform, in a sandbox.",
    )
    parser.add_argument("--role", choices=sorted(NAMES), required=True)
    parser.add_argument("--data", type=Path, required=True, help="its own folder")
    parser.add_argument("--port", type=int, default=0, help="on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--until-stdin-closes", action="store_true", help="end with its starter")
    asked = parser.parse_args()
    os.umask(0o077)
    asked.data.mkdir(parents=True, exist_ok=True)
    lock = (asked.data / f"{asked.role}.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        sys.exit(f"One already runs in {asked.data}. Stop it first, or give another --data.")
    server = Server(Sandbox(asked.role, asked.data), asked.port)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    signal.signal(signal.SIGINT, lambda *_: os._exit(0))
    if asked.until_stdin_closes:

        def end() -> None:
            sys.stdin.buffer.read()
            os._exit(0)

        threading.Thread(target=end, daemon=True).start()
    address = f"http://{LOOPBACK}:{server.server_address[1]}"
    sys.stdout.write(json.dumps({"address": address, "pid": os.getpid()}) + "\n")
    sys.stdout.flush()
    with lock:
        server.serve_forever(poll_interval=0.5)


if __name__ == "__main__":
    main()
