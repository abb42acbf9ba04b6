"""`miaopei net audit`: everything that a member has stored, held against everything else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from psycopg.conninfo import make_conninfo

from ....adapters.engine import blocks, process
from ....adapters.keys import load_or_make, suite_at
from ....adapters.postgres.store import PostgresStore
from ....measures import suites
from ....settings import Language
from ....wiring.consortium import GENESIS_FILE, KEYS_FILE
from ...place import Keys
from ...record import audit_of
from ..plan import Net, database, founding

LOG = "log"


def audit(folder: Path, member: str, *, as_json: bool, language: Language) -> int:
    """Audit one member's store, up or down; 4 where something differs."""
    net = Net.of(folder)
    at = net.at(member)
    said = founding((at / GENESIS_FILE).read_bytes())
    with stored(net, member) as keys, process.read(at) as engine:
        log = at / LOG if (at / LOG).is_dir() else None
        further = {"engine": lambda reading: blocks.examine(engine, reading, said)}
        return audit_of(keys, log, further, as_json=as_json, language=language)


@contextmanager
def stored(net: Net, member: str) -> Iterator[Keys]:
    """A member's keys and its store; the server is stopped again where it was down."""
    was_up = net.postgres.running()
    dsn = make_conninfo(net.postgres.start(), dbname=database(member))
    suites.use(suite_at(net.at(member) / KEYS_FILE))
    store = PostgresStore(dsn)
    try:
        yield Keys(load_or_make(net.at(member) / KEYS_FILE, member), store)
    finally:
        store.close()
        if not was_up:
            net.postgres.stop()
