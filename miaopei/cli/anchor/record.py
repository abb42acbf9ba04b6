"""The record that is anchored: that of a data folder, or that of a member of a net."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from ...adapters.postgres.store import PostgresStore
from ...errors import OutsideFault, Refusal, Refused
from ...ledger import checkpoint
from ...measures import suites
from ...measures.identity import read_canonical
from ...node.ports import Store
from ...wiring.consortium import GENESIS_FILE
from ...wiring.machine import NODE_FILE, Machine
from ..place import Place


@dataclass(frozen=True)
class Record:
    """A record to read. `alone`: one member orders it, so that nobody else can be ahead of it."""

    store: Store
    origin: str
    alone: bool


@contextmanager
def record(place: Place) -> Iterator[Record]:
    """The record in a folder; a member's database is that of its node, which goes on beside us.

    Errors   Refused cli.no_record, anchor.not_in_reach.
    """
    with ExitStack() as opened:
        store: Store
        alone = not (place.folder / NODE_FILE).exists()
        if alone:
            store = opened.enter_context(place.keys()).store
        else:
            genesis = read_canonical((place.folder / GENESIS_FILE).read_bytes())
            suites.use(suites.of_genesis(genesis))
            store = PostgresStore(Machine.of(place.folder).database)
            opened.callback(store.close)
        try:
            with store.reading() as reading:
                origin = checkpoint.parse(reading.checkpoint()).origin
        except OutsideFault:
            if alone:
                raise
            raise Refused(Refusal("anchor.not_in_reach", {"folder": str(place.folder)})) from None
        yield Record(store, origin, alone)
