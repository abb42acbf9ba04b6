"""The outage path, to be killed at any of its writes: as `dying`, with plans, notices and meters.

Run as `python -m tests.faults.outage_dying`; orders and points are those of `dying`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from miaopei.adapters.bank_rail import BankRail
from miaopei.adapters.grid.intake import Intake
from miaopei.adapters.grid.sms import SmsOverHttp
from miaopei.adapters.postgres.store import PostgresStore
from miaopei.measures.instant import from_beijing
from miaopei.node.effects.decider import Decider
from miaopei.node.effects.notices import Notifier
from miaopei.node.effects.payer import Payer
from miaopei.node.node import Node
from tests.faults import dying
from tests.faults.lives import main
from tests.support import sayings as s
from tests.support.town import identity

CUSTOMERS = ("0571001", "0571002", "0571003")  # two insured; the third in scope only
TOLD, BACK = "2021-05-29 09:00:10", "2021-06-01 19:31:00"


def heard(tag: str) -> Iterator[tuple[str, bytes]]:
    """What the two systems say, and when it comes: a plan, then power back an hour and a half late.

    The outage's number holds the tag, so that many lives share one gateway.
    """
    number = f"YY-{tag}"
    yield TOLD, s.message(1, plans=[s.plan(CUSTOMERS, number=number)])
    late = s.back(dict.fromkeys(CUSTOMERS, s.LATE), number=number)
    yield BACK, s.message(2, restorations=[late], sent_at="2021-06-01T19:30:30+08:00")
    yield (
        BACK,
        s.message(1, restorations=[late], source=s.METERS, sent_at="2021-06-01T19:30:40+08:00"),
    )


def live(node: Node, payer: Payer, notifier: Notifier, tag: str) -> None:
    """A day of the scheme; begun again after a kill it does what is left."""
    intake = Intake(node, s.names)
    for at, message in heard(tag):
        with node.store.reading() as reading:
            now = max(reading.head().time, from_beijing(at))
        node.pass_time(now)
        intake.take(message, now)
        while notifier.run():
            pass
    Decider(node).run()
    dying.pay(node, payer, tag)


def day(dsn: str, bank: str, tag: str, file: str, deadly: int | None, sms: str) -> None:
    """One life from the start of the process to its end."""
    dying.watch(dying.Points(dying.Path(file), deadly), SmsOverHttp, "_call")
    store = PostgresStore(dsn, patience=60.0)
    try:
        node = Node(store, identity(), lambda: 0, os.urandom)
        payer = Payer(node, BankRail(bank, dying.PATIENCE))
        live(node, payer, Notifier(node, SmsOverHttp(sms)), tag)
    finally:
        store.close()


if __name__ == "__main__":
    main(day)
