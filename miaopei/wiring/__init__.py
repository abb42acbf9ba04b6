"""The one place that joins ports to adapters: a member with its database, keys, bank and clock."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..adapters.bank_rail import BankRail
from ..adapters.clock import doubted
from ..adapters.keys import load_or_make, suite_at
from ..adapters.memory_store import MemoryStore
from ..adapters.persons import master_key
from ..adapters.persons.erasures import ErasureFile
from ..adapters.postgres.schema import holds_persons, migrate
from ..adapters.postgres.starter import LocalPostgres
from ..adapters.postgres.store import PostgresStore
from ..adapters.schedule_files import Files
from ..claims.confirm import Spread, alone
from ..measures import suites
from ..node.effects.decider import Decider
from ..node.effects.keeper import Keeper
from ..node.effects.payer import Payer
from ..node.mass.run import Tell
from ..node.mass.spread import Workers
from ..node.node import Node
from ..node.ports import (
    Certify,
    Clock,
    Identity,
    Incoming,
    Orderer,
    Rail,
    ScheduleFiles,
    Store,
)
from ..node.selling.admitting import admit_ready
from ..node.selling.collecting import collect
from ..node.selling.taking import finish
from ..node.vault.erasing import Eraser, List
from ..node.vault.renewing import AT_ONCE, Renewer
from ..node.vault.uses import Logger
from .duties import Duty
from .kernels import Reading

MEMBER = "miaopei"
WORKERS_MAX = 8  # processes beside ours that a mass run may start
BANK_SECONDS = 10.0  # a bank that says nothing for so long has not answered


def system_clock() -> int:
    """UTC seconds of this machine; read by the orderer of a live record and by nothing else."""
    return int(time.time())


@dataclass
class Member:
    """One member's running self: its store and node, and the duties it carries out."""

    store: Store
    node: Node
    decider: Decider
    payer: Payer | None
    eraser: Eraser
    logger: Logger
    keeper: Keeper | None = None
    certify: Certify | None = None
    incoming: Incoming | None = None

    def tell(self, tell: Tell) -> Tell:
        """Have somebody hear how far masses are; who heard it before."""
        before, self.decider.tell = self.decider.tell, tell
        if self.payer is not None:
            self.payer.tell = tell
        return before

    def work(self) -> int:
        """Do every duty that can be done now; how many. The first that is refused ends it."""
        return sum(duty() or 0 for _, duty in self.duties())

    def duties(self) -> Iterator[Duty]:
        """What a round consists of, in order.

        Whoever was erased is forgotten before anything else is done with what is known.
        """
        node, incoming = self.node, self.incoming
        yield "forget", self.eraser.run
        yield "rewrap", self._rewrap
        if self.keeper is not None:
            yield "open", self.keeper.run
        if incoming is not None:
            yield "collect", lambda: collect(node, incoming, "sandbox", sandbox=True)
        yield "finish", lambda: finish(node)
        yield "admit", lambda: admit_ready(node)
        yield "decide", self.decider.run
        yield "log", self.logger.run
        if self.payer is not None:
            yield "pay", self.payer.run

    def forget(self) -> None:
        """Forget whoever was erased, now."""
        self.eraser.run()

    def log_uses(self) -> None:
        """Bring uses to the record now."""
        self.logger.run()

    def pay_again(self, subject: str) -> int:
        """Order again what the bank has refused this payee for good; how many orders.

        Errors   as `effects.payer.Payer.retry_refused`.
        """
        if self.payer is None:
            return 0
        with self.node.reading() as (_, state):
            debts = [d["debt"] for _, d in state.range("duty", "pay/")]
        return sum(self.payer.retry_refused(debt, subject) for debt in debts)

    def _rewrap(self) -> None:
        Renewer(self.node).run(AT_ONCE)  # not counted: nothing follows from it


def join(
    store: Store,
    identity: Identity,
    clock: Clock = system_clock,
    rail: Rail | None = None,
    *,
    incoming: Incoming | None = None,
    files: ScheduleFiles | None = None,
    spread: Spread = alone,
    erasures: List | None = None,
    orderer: Orderer | None = None,
    keeper: Callable[[Node], Keeper] | None = None,
    certify: Certify | None = None,
) -> Member:
    """A member over any store, put together here and nowhere else; without a rail it settles and
    does not pay; `incoming` tells what came in at the bank.

    `files` keep the columns of books, `spread` lets a mass use every core, `erasures` outlive
    backups. With others in a record: `orderer` orders its acts, a `keeper` opens what they have
    decided, `certify` gives the certificate of a height.
    """
    node = Node(store, identity, clock, os.urandom, orderer)
    keeps = None if keeper is None else keeper(node)
    decider = Decider(node, keeps, files=files, spread=spread, settle_many=Reading())
    payer = Payer(node, rail, keeps, spread=spread, ahead=True) if rail else None
    eraser = Eraser(node, decider.schedules, erasures)
    return Member(
        store, node, decider, payer, eraser, Logger(node), keeps, certify, incoming=incoming
    )


@dataclass(frozen=True)
class Kept:
    """What a member has on its machine beside its keys: in `folder`, and its bank by address."""

    folder: Path
    bank: str | None = None

    @contextmanager
    def opened(self) -> Iterator[dict[str, Any]]:
        """As `join` takes it; worker processes end with the context."""
        workers = Workers(min(WORKERS_MAX, os.cpu_count() or 1))
        rail = BankRail(self.bank, BANK_SECONDS) if self.bank else None
        try:
            yield {
                "rail": rail,
                "incoming": rail,
                "files": Files(self.folder / "schedule"),
                "spread": workers,
                "erasures": ErasureFile(self.folder),
            }
        finally:
            workers.close()


def in_memory(identity: Identity, clock: Clock = system_clock) -> Member:
    """A member in memory, for what-if runs: nothing is kept and no money moves."""
    return join(MemoryStore(), identity, clock)


@contextmanager
def open_member(
    folder: Path,
    dsn: str | None = None,
    *,
    bank: str | None = None,
    clock: Clock | None = None,
    accept_clock: bool = False,
) -> Iterator[Member]:
    """A member with its keys in `folder`, over the database at `dsn`.

    Without `dsn` a server of our own is used under `folder`/postgres: it is started where it does
    not run, and left running (`miaopei` stops what it started). `bank` is the address of a rail.
    Without `clock` it is this machine's, doubted; `accept_clock`: a person says that it is right.
    It goes by the suite of those keys, or of the one in use where it makes them.
    Errors   Refused postgres.*, keys.*, suite.*; OutsideFault.
    """
    suites.use(suite_at(folder / "keys.json"))
    address = dsn or LocalPostgres(folder / "postgres").start()
    vault = master_key.vault(folder, in_use=lambda: holds_persons(address))
    migrate(address, vault)
    store = PostgresStore(address, vault)
    try:
        identity = load_or_make(folder / "keys.json", MEMBER)
        at = clock or doubted(store, accepted=accept_clock)
        with Kept(folder, bank).opened() as kept:
            yield join(store, identity, at, **kept)
    finally:
        store.close()
