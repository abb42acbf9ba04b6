"""A member that pays a mass and may be killed at any instant of it. Run by `lives`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

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
from tests.faults.lives import main
from tests.support.facts import quake
from tests.support.town import identity

PATIENCE = 60.0


def small_chunks() -> None:
    """Chunks as a million has them, many in a mass of some thousands."""
    mass.CHUNK, mass.LARGE = 2 * mass.PAGE, 1
    orders.CHUNK, payer.AT_ONCE = 2 * mass.PAGE, 3_000


def day(
    dsn: str, bank: str, folder: str, quakes: Sequence[Sequence[Any]] = ((NIGHT, "5.6"),)
) -> None:
    """The facts arrive, masses are decided, ordered and paid; begun again it goes on.

    `quakes`: time, magnitude and, where it is not the usual one, the epicentre of each.
    """
    small_chunks()
    store = PostgresStore(dsn, patience=60.0)  # the one before may still be in a statement
    try:
        node = Node(store, identity(), lambda: 0, os.urandom)
        rows = [quake(*each, key=f"mass-{number}") for number, each in enumerate(quakes)]
        gateway.record(node, rows, from_beijing(READ))
        Decider(node, files=Files(Path(folder))).run()
        Payer(node, BankRail(bank, PATIENCE)).run()
    finally:
        store.close()


if __name__ == "__main__":
    main(day)
