"""The data folder: its lock, its database server, its bank and its record, opened and put away.

What this process started it also stops, however it ends; a server that ran before stays.
"""

from __future__ import annotations

import fcntl
import json
import os
import shlex
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from psycopg.conninfo import make_conninfo

from .. import settings
from ..adapters.keys import load_or_make, suite_at
from ..adapters.postgres.connection import connect, faults
from ..adapters.postgres.schema import migrate
from ..adapters.postgres.starter import LocalPostgres
from ..adapters.postgres.store import PostgresStore
from ..adapters.sandbox_bank import starter as sandbox
from ..adapters.sandbox_bank.starter import RunningBank
from ..errors import Fact, OutsideFault, Refusal, Refused
from ..ledger import checkpoint
from ..measures import suites
from ..measures.identity import read_canonical
from ..node.ports import Identity, Reading
from ..wiring import MEMBER, Member, open_member

DATABASE = "miaopei"
NET = "net.json"  # lies in the folder of a net, and of a member on a machine of its own
DEMO_MADE = (
    "bank",
    "grid",
    "day.csv",
    "receipts",
    "log",
    "keys.json",
    "master.key",
    "log.vkey",
    "register.json",
    "record.json",
)


@dataclass(frozen=True)
class Place:
    """A data folder and, where one is named, a database of the user's own."""

    folder: Path
    dsn: str | None = None
    seated = False  # whether it is that of a consortium's member

    @classmethod
    def of(cls, folder: Path | None, dsn: str | None, record: str = "demo") -> Place:
        """What the command names, else the settings; of a consortium's member the place beside it.

        Errors   as `net.beside.place.place_of`.
        """
        chosen = folder.expanduser().resolve() if folder else settings.data_folder(record=record)
        if any((near / NET).exists() for near in (chosen, *list(chosen.parents)[:2])):
            from .net.beside.place import place_of

            if (seated := place_of(chosen, dsn)) is not None:
                return seated
        return cls(chosen, dsn or settings.dsn())

    def solo(self, word: str, instead: str | None = None) -> Place:
        """Ours, for a command that works with a record of one member only: `word` names it.

        `instead` is what does it for a member of a consortium, with DIR and MEMBER.
        Errors   Refused net.not_on_member, net.other_on_member where this is such a member's.
        """
        del word, instead
        return self

    @property
    def said(self) -> str:
        """The option that names this folder, after a space; nothing where it is the usual one."""
        if self.folder == settings.data_folder():
            return ""
        return f" --data {shlex.quote(str(self.folder))}"

    @property
    def checked_by(self) -> str:
        """With what a receipt of this record is checked."""
        return f"--key {self.folder}/log.vkey"

    @property
    def genesis(self) -> bytes | None:
        """The file that pins a record of several members; a record of one has none."""
        return None

    @property
    def receipts(self) -> Path:
        """Where receipts are written."""
        return self.folder / "receipts"

    def keep_receipt(self, name: str, data: bytes) -> Path:
        """Write a receipt there; a receipt opens one policy's row, so the folder is the owner's."""
        self.receipts.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.receipts.chmod(0o700)
        path = self.receipts / f"{name}.json"
        write_whole(path, data)
        return path

    @property
    def log(self) -> Path:
        """Where the log's static files are written."""
        return self.folder / "log"

    def choose(self, suite: str | None) -> None:
        """Go by the suite that was asked for, else by that of the keys that lie here.

        Errors   Refused suite.unknown, suite.not_installed; suite.keys where the keys here are of
                 another.
        """
        path = self.folder / "keys.json"
        if suite is None:
            suites.use(suite_at(path))
            return
        suites.use(suites.named(suite))
        if (there := suite_at(path).name) != suite:
            raise Refused(Refusal("suite.keys", {"path": str(path), "suite": there, "here": suite}))

    def make(self) -> None:
        """Make the folder; in a checkout git leaves it alone.

        Errors   Refused cli.folder_not_ours.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            ignored = self.folder / ".gitignore"
            if settings.checkout() in self.folder.parents and not ignored.exists():
                ignored.write_text("*\n", "utf-8")
            if not os.access(self.folder, os.W_OK | os.X_OK):
                raise PermissionError(13, "not writable")
        except OSError as error:
            raise _no("folder_not_ours", folder=str(self.folder), why=str(error.strerror)) from None

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Only one process works with the record in a folder; the kernel frees the lock.

        Errors   Refused cli.folder_in_use.
        """
        with self._file("miaopei.lock") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise _no("folder_in_use", folder=str(self.folder)) from None
            yield

    @contextmanager
    def database(self) -> Iterator[str]:
        """The address of the record's database, its server started if it was down.

        Whoever is the last to leave stops the server, also one that a killed process left behind.
        """
        if self.dsn:
            yield self.dsn
            return
        server = LocalPostgres(self.folder / "postgres")
        with self._file("postgres.users") as users:
            fcntl.flock(users, fcntl.LOCK_SH)
            try:
                yield make_conninfo(server.start(), dbname=DATABASE)
            finally:
                with suppress(BlockingIOError):
                    fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    server.stop()

    @contextmanager
    def bank(self) -> Iterator[RunningBank]:
        """The sandbox bank as a process of its own, which ends when this one does.

        Errors   OutsideFault.
        """
        try:
            running = sandbox.start(self.folder / "bank")
        except RuntimeError as error:
            raise OutsideFault(f"the sandbox bank does not start: {error}", retry=True) from error
        with running:
            yield running

    @contextmanager
    def member(
        self, address: str, bank: str | None = None, *, accept_clock: bool = False
    ) -> Iterator[Member]:
        """The member whose keys lie here, over the database at `address`."""
        with open_member(self.folder, address, bank=bank, accept_clock=accept_clock) as member:
            yield member

    @contextmanager
    def record(self) -> Iterator[Member]:
        """The member of a record that exists, to read from.

        Errors   Refused cli.no_record.
        """
        if not (self.folder / "keys.json").exists():
            raise _no("no_record", folder=str(self.folder))
        with self.database() as address, self.member(address) as member:
            if member.node.genesis is None:
                raise _no("no_record", folder=str(self.folder))
            yield member

    @contextmanager
    def keys(self, address: str | None = None) -> Iterator[Keys]:
        """The keys and the store of a record, opened without reading it: it may be damaged.

        Errors   Refused cli.no_record, keys.unreadable.
        """
        path = self.folder / "keys.json"
        if not path.exists():
            raise _no("no_record", folder=str(self.folder))
        suites.use(suite_at(path))
        identity = load_or_make(path, MEMBER)
        with ExitStack() as opened:
            store = PostgresStore(address or opened.enter_context(self.database()))
            opened.callback(store.close)
            with store.reading() as reading:
                there = reading.execute("select to_regclass('own.checkpoint')::text")[0][0]
                if there is None or not reading.execute("select 1 from own.checkpoint limit 1"):
                    raise _no("no_record", folder=str(self.folder))
            yield Keys(identity, store)

    def clear(self, address: str) -> None:
        """Take away what an earlier demonstration left here, and give it an empty database.

        A database of the user's own is never emptied.
        Errors   Refused cli.database_not_empty.
        """
        if self.dsn:
            with connect(self.dsn) as connection, faults():
                found = connection.execute("select to_regclass('shared.leaf')").fetchone()
                if found is not None and found[0] is not None:
                    raise _no("database_not_empty", database=connection.info.dbname)
        for name in DEMO_MADE:
            path = self.folder / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        if not self.dsn:
            fresh(address, DATABASE)

    @contextmanager
    def _file(self, name: str) -> Iterator[IO[str]]:
        """A file to hold locks on."""
        try:
            file = (self.folder / name).open("a", encoding="utf-8")
        except OSError as error:
            raise _no("folder_not_ours", folder=str(self.folder), why=str(error.strerror)) from None
        with file:
            yield file


def fresh(address: str, name: str) -> str:
    """A new and empty database beside the one at `address`, in place of any of that name."""
    _tell(address, f"drop database if exists {name} with (force)")
    _tell(address, f"create database {name} template template0 encoding 'UTF8'")
    return make_conninfo(address, dbname=name)


def made(address: str, name: str) -> str:
    """The database of a name beside the one at `address`, made where it is missing."""
    with connect(make_conninfo(address, dbname="postgres")) as server, faults():
        found = server.execute("select 1 from pg_database where datname = %s", [name]).fetchone()
    return make_conninfo(address, dbname=name) if found else fresh(address, name)


def _tell(address: str, command: str) -> None:
    """Run one command in the server's own database, outside any transaction."""
    with connect(make_conninfo(address, dbname="postgres")) as server, faults():
        server.autocommit = True
        server.execute(command.encode())


@contextmanager
def scratch(address: str) -> Iterator[PostgresStore]:
    """An empty store in a database of its own, which is taken away at the end."""
    name = f"miaopei_scratch_{os.getpid()}"
    other = fresh(address, name)
    try:
        migrate(other)
        store = PostgresStore(other)
        try:
            yield store
        finally:
            store.close()
    finally:
        _tell(address, f"drop database if exists {name} with (force)")


def log_vkey(member: Member) -> str:
    """The verifier key of the member's log: what a stranger needs beside a receipt."""
    assert member.node.genesis is not None, "a record that was opened has its genesis"
    return checkpoint.verifier_key(member.node.genesis["origin"], member.node.identity.log)


@dataclass(frozen=True)
class Keys:
    """A member's keys beside its store."""

    identity: Identity
    store: PostgresStore

    @property
    def vkey(self) -> str:
        """The verifier key of our log, by the origin that checkpoint or genesis names.

        Errors   Refused where neither can be read.
        """
        with self.store.reading() as reading:
            try:
                origin = checkpoint.parse(reading.checkpoint()).origin
            except Refused:
                origin = str(read_canonical(reading.leaf(0))["value"]["origin"])
        return checkpoint.verifier_key(origin, self.identity.log)


@dataclass(frozen=True)
class LogSource:
    """The entries of a snapshot, for writing static files of the log."""

    reading: Reading

    @property
    def size(self) -> int:
        """The certified size."""
        return checkpoint.parse(self.checkpoint).size

    @property
    def checkpoint(self) -> str:
        """The signed checkpoint."""
        return self.reading.checkpoint()

    def entries(self, start: int, end: int) -> Iterator[bytes]:
        """Entries [start, end)."""
        return self.reading.leaves(start, end)


def write_whole(path: Path, data: bytes, *, public: bool = False) -> None:
    """Write a file at once or not at all; for its owner alone, unless it is `public`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.writing")
    try:
        handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644 if public else 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        aside.replace(path)
    except OSError as error:
        with suppress(OSError):
            aside.unlink()
        raise _no("not_written", path=str(path), why=str(error.strerror)) from None


def as_lines(value: Any) -> bytes:
    """JSON for people and programs: UTF-8, indented, keys in the order they were given."""
    return (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode("utf-8")


def _no(code: str, /, **facts: Fact) -> Refused:
    return Refused(Refusal(f"cli.{code}", facts))
