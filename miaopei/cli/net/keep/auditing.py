"""`miaopei net audit`: everything that a member has stored, held against everything else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from psycopg.conninfo import make_conninfo

from ....adapters.engine import process
from ....adapters.engine.files import blocks
from ....adapters.keys import load_or_make, suite_at
from ....adapters.postgres.store import PostgresStore
from ....errors import OutsideFault, Refusal
from ....measures import suites
from ....node.ports import Reading
from ....settings import Language
from ....wiring.consortium import GENESIS_FILE, KEYS_FILE
from ...place import Keys
from ...proof.auditing import audit_of
from .. import mending
from ..plan import Net, database, founding, put_away

LOG = "log"


def audit(folder: Path, member: str, *, as_json: bool, language: Language) -> int:
    """Audit one member's store, up or down; 4 where something differs."""
    net = Net.of(folder)
    at = net.at(member)
    said = founding((at / GENESIS_FILE).read_bytes())

    def engine(reading: Reading) -> Iterator[Refusal]:
        try:
            with process.read(at) as there:
                yield from blocks.examine(there, reading, said)
        except OutsideFault as fault:
            yield Refusal("inspect.engine_unreadable", {"height": 0, "why": str(fault)[:300]})

    with stored(net, member) as keys:
        log = at / LOG if (at / LOG).is_dir() else None
        return audit_of(keys, log, {"engine": engine}, as_json=as_json, language=language)


@contextmanager
def stored(net: Net, member: str) -> Iterator[Keys]:
    """A member's keys and its store; the server is stopped again where it was down.

    Errors   Refused net.restore_begun.
    """
    mending.need_whole(net.at(member), member)
    was_up = net.postgres.running()
    dsn = make_conninfo(net.postgres.start(), dbname=database(member))
    suites.use(suite_at(net.at(member) / KEYS_FILE))
    store = PostgresStore(dsn)
    try:
        yield Keys(load_or_make(net.at(member) / KEYS_FILE, member), store)
    finally:
        store.close()
        if not was_up:
            put_away(net)
