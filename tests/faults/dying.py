"""A member that can be killed at any write of the path from a fact to a confirmed payment.

Run by `lives`: each order is a member's day against a real database and a real bank. Told a number,
the child kills itself with SIGKILL when it comes to that point: nothing is closed, flushed or
rolled back. Points lie before and after every statement that writes, every commit, and every call
to the bank, and between sending a call and hearing its answer.
"""

from __future__ import annotations

import http.client
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from miaopei.adapters.bank_rail import BankRail
from miaopei.adapters.postgres.store import PostgresStore
from miaopei.measures.instant import from_beijing
from miaopei.node import gateway
from miaopei.node.effects.decider import Decider
from miaopei.node.effects.payer import Payer
from miaopei.node.node import Node
from tests.faults.lives import main
from tests.support.facts import quake
from tests.support.town import identity

NIGHT, READ = "2016-05-18 00:48:48", "2016-05-18 01:00:00"
PATIENCE = 60.0


@dataclass
class Points:
    """Counts the points that a life comes to, and ends it at one of them."""

    file: Path
    deadly: int | None
    count: int = 0

    def __call__(self, what: str) -> None:
        """One point; its name says which step, which statement or call, and before or after."""
        self.count += 1
        name = f"{self.count:03d} {_step()} {what}"
        with self.file.open("a") as file:
            file.write(name + "\n")
            file.flush()
            os.fsync(file.fileno())
        if self.count == self.deadly:
            os.kill(os.getpid(), signal.SIGKILL)


def _step() -> str:
    """The function of the node or its intake that is at work, and what called it."""
    frame: FrameType | None = sys._getframe(2)
    steps: list[str] = []
    while frame is not None:
        module = str(frame.f_globals.get("__name__", ""))
        name = frame.f_code.co_qualname
        if module.startswith(("miaopei.node.", "miaopei.adapters.grid.")) and "<" not in name:
            steps.append(f"{module.rpartition('.')[2]}.{name.rpartition('.')[2]}")
        frame = frame.f_back
    return " < ".join(steps[:3]) or "operator"


def _statement(cursor: psycopg.Cursor[Any], query: object, *_: Any) -> str | None:
    """The first words of a statement that writes; None for one that only reads."""
    words = (query.decode() if isinstance(query, bytes) else str(query)).split()
    match words[0].lower():
        case "select" | "set":
            return None
        case "with":
            idle = cursor.connection.info.transaction_status is TransactionStatus.IDLE
            return "flush that commits" if idle else "flush"
        case verb:
            table = next((w for w in words if "." in w and not w.startswith("(")), "")
            return f"{verb} {table}".strip()


def watch(points: Points, *also: Any) -> None:
    """Put a point before and after everything that writes; `also` a class and a method of it."""

    def around(owner: Any, method: str, name: Callable[..., str | None]) -> None:
        honest = getattr(owner, method)

        def watched(self: Any, *arguments: Any, **more: Any) -> Any:
            what = name(self, *arguments)
            if what is None:
                return honest(self, *arguments, **more)
            points(f"before {what}")
            answer = honest(self, *arguments, **more)
            points(f"after {what}")
            return answer

        setattr(owner, method, watched)

    around(psycopg.Cursor, "execute", _statement)
    around(psycopg.Cursor, "copy", _statement)
    around(psycopg.Connection, "commit", lambda _connection: "commit")
    around(BankRail, "pay", lambda _rail, _sent: "pay")
    around(BankRail, "ask", lambda _rail, _ids: "ask")
    for owner, method in zip(also[::2], also[1::2], strict=True):
        around(owner, method, lambda *_, name=f"{owner.__name__}.{method}": name)
    hear = http.client.HTTPConnection.getresponse

    def getresponse(self: http.client.HTTPConnection) -> http.client.HTTPResponse:
        points("between sending a call and hearing its answer")
        return hear(self)

    http.client.HTTPConnection.getresponse = getresponse  # type: ignore[method-assign]  # watched


def live(node: Node, payer: Payer, tag: str) -> None:
    """A member's day: a fact arrives, is decided and paid; a refused account is corrected.

    Begun again after a kill it does what is left: each step is the same however often it is taken.
    `tag` is in the ids of all that is paid, so that many members can share a bank.
    """
    gateway.record(node, [quake(NIGHT, "5.6", key=tag)], from_beijing(READ))
    Decider(node).run()
    pay(node, payer, tag)


def pay(node: Node, payer: Payer, tag: str) -> None:
    """What is owed; where an account was refused, to a corrected one."""
    payer.run()
    for debt in payer.prepare():
        with node.store.reading() as reading:
            failed = reading.instructions(debt, ["failed", "closed"])
        for row in failed:
            with node.store.writing() as block:
                block.put_payee(row["creditor"], {"account": f"{tag}-new", "name": "投保人"})
        if failed:
            payer.retry_refused(debt)
    payer.run()


def day(dsn: str, bank: str, tag: str, file: str, deadly: int | None) -> None:
    """One life from the start of the process to its end."""
    watch(Points(Path(file), deadly))
    store = PostgresStore(dsn, patience=60.0)  # the one before may still be in a statement
    try:
        node = Node(store, identity(), lambda: 0, os.urandom)
        live(node, Payer(node, BankRail(bank, PATIENCE)), tag)
    finally:
        store.close()


if __name__ == "__main__":
    main(day)
