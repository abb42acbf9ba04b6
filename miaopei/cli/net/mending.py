"""Mending a member: its database begun anew, its engine one block back, its guard left alone."""

from __future__ import annotations

from dataclasses import replace

from psycopg.conninfo import make_conninfo

from ...adapters.engine import process
from ...adapters.postgres.schema import forget_what_follows
from ...node.proof.follows import FOLLOWS
from ...wiring.machine import Machine
from .plan import GENESIS, Net, database, founding, no


def rebuild(net: Net, member: str) -> None:
    """Let a member that is down begin its record anew and its engine go back by one block.

    The engine then hands it every block again. Its file of last signatures is never touched.
    Errors   Refused net.no_blocks_before where a solo record was gone on with.
    """
    if founding((net.folder / GENESIS).read_bytes()).continues:
        raise no("no_blocks_before", member=member)
    forget_what_follows(make_conninfo(net.postgres.start(), dbname=database(member)), FOLLOWS)
    process.again_from_before(net.at(member))


def tell_bank(net: Net, address: str) -> None:
    """Tell the paying members where the bank is now."""
    for member in net.banked:
        told = Machine.of(net.at(member))
        if told.bank != address:
            replace(told, bank=address).write(net.at(member))
