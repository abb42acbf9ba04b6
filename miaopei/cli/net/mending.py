"""Mending a member: its database begun anew, its engine one block back, its guard left alone."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

from psycopg.conninfo import make_conninfo

from ...adapters.engine import home, process
from ...adapters.postgres.schema import forget_what_follows
from ...adapters.whole_files import write_whole
from ...node.proof.follows import FOLLOWS
from ...wiring.machine import Machine
from .plan import GENESIS, Net, database, founding, no

BEGUN = "restore.begun"  # beside the keys, from when the database is emptied until it is whole


def begin(at: Path) -> None:
    """Note that a member's database is emptied now; it stays noted however the restore ends."""
    write_whole(at / BEGUN, b"")


def ended(at: Path) -> None:
    """All is in it again."""
    (at / BEGUN).unlink(missing_ok=True)


def need_whole(at: Path, member: str) -> None:
    """Errors   Refused net.restore_begun where a restore did not come to its end."""
    if (at / BEGUN).exists():
        raise no("restore_begun", member=member)


def need_free(at: Path, told: Machine) -> None:
    """Whether a member can listen where the others look for it: for its engine and for blobs.

    The engine says so itself only once it runs, which waits until enough others have answered.
    Errors   Refused net.cannot_listen.
    """
    for option, address in (("engine", home.listens_at(at / home.ENGINE)), ("blobs", told.blobs)):
        if address is None:
            continue
        host, _, port = address.rpartition(":")
        try:
            family, *_, where = socket.getaddrinfo(
                host.strip("[]"), int(port), type=socket.SOCK_STREAM
            )[0]
            with socket.socket(family) as listening:
                listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listening.bind(where)
                listening.listen()
        except OSError as error:
            why = str(error.strerror)
            raise no("cannot_listen", address=address, why=why, option=option) from None


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
