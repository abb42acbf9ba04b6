"""A member that pays a mass and may be killed at any instant of it.

Run as `python -m tests.faults.mass_dying`: it reads orders, one JSON object a line, forks a child
for each, and kills the child with SIGKILL after the time that the order names, wherever it is.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any, NoReturn

from miaopei.adapters.bank_rail import BankRail
from miaopei.adapters.postgres.store import PostgresStore
from miaopei.adapters.schedule_files import Files
from miaopei.measures.instant import from_beijing
from miaopei.node import gateway
from miaopei.node.effects import orders, payer
from miaopei.node.effects.decider import Decider
from miaopei.node.effects.payer import Payer
from miaopei.node.mass import run as mass
from miaopei.node.node import Node
from tests.faults.dying import NIGHT, READ
from tests.support.facts import quake
from tests.support.town import identity

PATIENCE = 60.0


def small_chunks() -> None:
    """Chunks as a million has them, many in a mass of some thousands."""
    mass.CHUNK, mass.LARGE = 2 * mass.PAGE, 1
    orders.CHUNK, payer.AT_ONCE = 2 * mass.PAGE, 3_000


def day(dsn: str, bank: str, folder: str) -> None:
    """The fact arrives, the mass is decided, ordered and paid; begun again it goes on."""
    small_chunks()
    store = PostgresStore(dsn)
    try:
        node = Node(store, identity(), lambda: 0, os.urandom)
        gateway.record(node, [quake(NIGHT, "5.6", key="mass")], from_beijing(READ))
        Decider(node, files=Files(Path(folder))).run()
        Payer(node, BankRail(bank, PATIENCE)).run()
    finally:
        store.close()


def _child(order: dict[str, Any]) -> NoReturn:
    status = 1
    try:
        day(order["dsn"], order["bank"], order["folder"])
        status = 0
    except BaseException:  # noqa: BLE001 - told here, since nothing comes after
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def main() -> None:
    """Fork a child for each order, end it when its time is up, and say how it ended."""
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            _child(order)
        if order["after"] is not None:
            deadline = time.monotonic() + order["after"]
            while time.monotonic() < deadline and os.waitpid(child, os.WNOHANG) == (0, 0):
                time.sleep(0.005)
            try:
                os.kill(child, signal.SIGKILL)
                _, status = os.waitpid(child, 0)
            except (ProcessLookupError, ChildProcessError):
                status = 0  # it had ended by itself
        else:
            _, status = os.waitpid(child, 0)
        sys.stdout.write(json.dumps(os.waitstatus_to_exitcode(status)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
