"""The path of selling, to be killed at any of its writes: as `dying`, with an applicant.

Run as `python -m tests.faults.selling_dying`; orders and points are those of `dying`. A day has two
parts, since between them somebody else acts: the applicant transfers the premium.
"""

from __future__ import annotations

import os

from miaopei.adapters.bank_rail import BankRail
from miaopei.adapters.postgres.store import PostgresStore
from miaopei.measures.instant import DAY, period_of
from miaopei.node.effects.decider import Decider
from miaopei.node.effects.payer import Payer
from miaopei.node.node import Node
from miaopei.node.selling import taking
from miaopei.node.selling.admitting import admit_ready
from miaopei.node.selling.asking import Desk, Wanted
from miaopei.node.selling.collecting import collect
from miaopei.node.vault.tokens import SubjectKeys
from tests.faults import dying
from tests.faults.lives import main
from tests.support.selling import FIGURES, GOOD
from tests.support.town import identity

CUSTOMER, KEPT = "3302810000001", 61  # days of cover until it is cancelled


def wanted(tag: str, since: int) -> Wanted:
    """An application that is accepted at once; premium comes back to an account of this life."""
    person = {"name": "示例制造厂", "id_number": "91330281MA00000001", "phone": "13905740000"}
    person |= {"account": f"{tag}-H", "customer": CUSTOMER}
    return Wanted(
        listing="planned_outage",
        channel="online",
        since=since,
        until=period_of(since, since)[1],
        facts=GOOD,
        declared=FIGURES,
        person=person,
        feeder="F1",
    )


def duties(node: Node, rail: BankRail) -> None:
    """What a member does by itself: premium collected, rows in force, decided, paid."""
    collect(node, rail, "sandbox", sandbox=True)
    admit_ready(node)
    Decider(node).run()
    Payer(node, rail).run()


def day(
    dsn: str, bank: str, tag: str, file: str, deadly: int | None, part: str, since: int
) -> None:
    """One life from the start of the process to its end; cover from `since`."""
    dying.watch(dying.Points(dying.Path(file), deadly), BankRail, "credits")
    store = PostgresStore(dsn, patience=60.0)
    try:
        node = Node(store, identity(), lambda: 0, os.urandom)
        keys = SubjectKeys("grid/test", {1: bytes(range(32))})
        desk = Desk(node, lambda number: list(keys.tokens(number).values()))
        asked = taking.apply(desk, wanted(tag, since), "k")
        if part == "apply":
            return
        rail = BankRail(bank, dying.PATIENCE)
        duties(node, rail)
        taking.change(desk, asked["policy"], "cancel", since + KEPT * DAY, {}, "online", "c")
        duties(node, rail)
        duties(node, rail)  # the refund is a debt only once the end is in force
    finally:
        store.close()


if __name__ == "__main__":
    main(day)
