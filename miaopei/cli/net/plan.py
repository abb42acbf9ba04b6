"""The folder of a net: who its members are, where each listens, what lies where."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...acts.state import State
from ...adapters.postgres.starter import LocalPostgres
from ...errors import Fact, Refusal, Refused
from ...errors.texts import say
from ...measures import suites
from ...measures.identity import read_canonical
from ...node.order.convening import Founding
from ...node.order.convening import read as read_founding
from ...node.order.founding import entry
from ...settings import Language
from ..place import NET

PLAN, GENESIS = NET, "genesis.json"
NODE_LOG = "node.log"  # in a member's folder
SEATS = "seats"  # the seat files of all members that this one knows of, where each has its machine
HELD, HELD_LOOK = "supervisor.lock", 0.05
HOST = "127.0.0.1"
SANDBOX = "sandbox"  # the bank that the supervisor brings up


@dataclass(frozen=True)
class Part:
    """A member's part by default: its id, names, and the roles that it plays in the record."""

    id: str
    zh: str
    en: str
    roles: tuple[str, ...]

    def entry(self, key: str | None) -> dict[str, Any]:
        """As the record names it, by the key of its acts; none where it has no key yet."""
        return entry(self.id, {"zh": self.zh, "en": self.en}, set(self.roles), key)


# Who joins a line of business that pays for outages and disasters. Any may read along without a
# vote; here all vote. A seventh and later ones are further carriers that decide.
PARTS = (
    Part("insurer", "保险公司", "Insurer", ("carrier", "decider", "payer", "channel")),
    Part("cloud", "政务云", "Government cloud", ("operator", "gateway", "clock")),
    Part("regulator", "监管机构", "Regulator", ("regulator", "decider")),
    Part("notary", "公证处", "Notary", ("notary", "decider")),
    Part("utility", "电力公司", "Utility", ("data_provider", "gateway", "operator")),
    Part("agent", "客户代理", "Customers' agent", ("channel", "decider")),
)
DECIDERS, K, PAYER = ("insurer", "regulator", "notary"), 2, "insurer"
SOURCE, ISSUER = "cloud", "insurer"
FEWEST, MOST = 4, 20


def parts(count: int) -> tuple[Part, ...]:
    """The first parts, and further carriers where more are wanted.

    Errors   Refused net.members for a number that cannot be.
    """
    if not FEWEST <= count <= MOST:
        raise no("members", count=count, fewest=FEWEST, most=MOST)
    more = (
        Part(f"carrier{i}", f"承保人{i}", f"Carrier {i}", ("carrier", "decider"))
        for i in range(1, count - len(PARTS) + 1)
    )
    return (*PARTS[:count], *more)


@dataclass(frozen=True)
class Seat:
    """One member in the plan: its id, names, and where its engine and its blobs are served.

    One that has left keeps its place, so that nobody else gets its wires.
    """

    id: str
    zh: str
    en: str
    engine: str
    blobs: str
    left: bool = False


@dataclass(frozen=True)
class Own:
    """The one member whose folder this is, where the others have machines of their own.

    It listens at `engine` and `blobs`; where the others reach it stands in its seat. `server` is a
    PostgreSQL server of the operator's, `bank` an address or `SANDBOX`.
    """

    member: str
    engine: str
    blobs: str
    server: str | None = None
    bank: str | None = None


@dataclass(frozen=True)
class GivenServer:
    """A database server that somebody else runs: it is there, and stays."""

    dsn: str

    def start(self) -> str:
        """Its address."""
        return self.dsn

    def stop(self) -> None:
        """It is not ours to stop."""

    def running(self) -> bool:
        """Not ours: nobody waits until it is gone."""
        return False


@dataclass(frozen=True)
class Net:
    """A net's folder, or that of one member of it (`own`)."""

    folder: Path
    seats: tuple[Seat, ...]
    apart: bool = False  # each member in a network namespace of its own
    payer: str = PAYER  # who has the bank
    own: Own | None = None
    standbys: tuple[str, ...] = ()  # who has it as well, to take over

    @classmethod
    def of(cls, folder: Path) -> Net:
        """The net in a folder.

        Errors   Refused net.none.
        """
        path = folder.expanduser().resolve()
        try:
            value = json.loads((path / PLAN).read_text("utf-8"))
            seats = tuple(Seat(**seat) for seat in value["seats"])
            payer = str(value.get("payer", PAYER))
            own = Own(**value["own"]) if "own" in value else None
            apart, standbys = bool(value.get("apart", False)), tuple(value.get("standbys", ()))
            return cls(path, seats, apart, payer, own, standbys)
        except (OSError, ValueError, KeyError, TypeError):
            raise no("none", folder=str(path)) from None

    @classmethod
    def entered(cls, folder: Path) -> Net:
        """As `of`; this process then goes by the suite of its record."""
        net = cls.of(folder)
        suites.use(suites.of_genesis(net.genesis))
        return net

    @property
    def genesis(self) -> dict[str, Any]:
        """The genesis of the record, with those that are members and have seats at its begin.

        Errors   Refused net.not_founded for a member that is in no record yet.
        """
        path = self.folder / GENESIS
        if self.own is not None and not path.exists():
            raise no("not_founded", folder=str(self.folder))
        return founding(path.read_bytes()).view

    @property
    def present(self) -> tuple[Seat, ...]:
        """Those that have not left."""
        return tuple(seat for seat in self.seats if not seat.left)

    @property
    def members(self) -> list[str]:
        """Ids of those that have not left, in their order."""
        return [seat.id for seat in self.present]

    @property
    def here(self) -> list[str]:
        """Those that run from this folder: all, or the one whose folder it is."""
        return self.members if self.own is None else [self.own.member]

    @property
    def banked(self) -> tuple[str, ...]:
        """Who has the bank: the payer, and those that may take over from it."""
        return (self.payer, *(member for member in self.standbys if member in self.members))

    @property
    def postgres(self) -> LocalPostgres | GivenServer:
        """The server with a database for each member that runs from here."""
        if self.own is not None and self.own.server is not None:
            return GivenServer(self.own.server)
        return LocalPostgres(self.folder / "postgres")

    def at(self, member: str) -> Path:
        """A member's folder.

        Errors   Refused net.no_member, net.elsewhere.
        """
        if member not in self.members:
            raise no("no_member", member=member[:40], members=", ".join(self.members))
        if member not in self.here:
            raise no("elsewhere", member=member, here=", ".join(self.here))
        return self.folder / "members" / member

    def listens(self, member: str) -> tuple[str, str]:
        """Where a member's engine and its blobs listen, which others may reach otherwise."""
        if self.own is not None and self.own.member == member:
            return self.own.engine, self.own.blobs
        seat = self.seat(member)
        return seat.engine, seat.blobs

    def seat(self, member: str) -> Seat:
        """A member in the plan.

        Errors   Refused net.no_member.
        """
        found = next((seat for seat in self.present if seat.id == member), None)
        if found is None:
            raise no("no_member", member=member[:40], members=", ".join(self.members))
        return found

    def seat_file(self, member: str) -> Path:
        """What a member on a machine of its own has handed over."""
        return self.folder / SEATS / f"{member}.seat.json"


@contextmanager
def held(net: Net, seconds: float = 0.0) -> Iterator[None]:
    """Inside, nobody but this process supervises the net, or stops its database. The kernel frees
    it, whatever ends the process.

    Errors   Refused net.is_up where another holds it for so many seconds.
    """
    end = time.monotonic() + seconds
    handle = os.open(net.folder / HELD, os.O_RDWR | os.O_CREAT, 0o600)  # nobody else may take it
    with os.fdopen(handle) as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= end:
                    raise no("is_up", folder=str(net.folder)) from None
            time.sleep(HELD_LOOK)
        yield


def put_away(net: Net) -> None:
    """Stop the database, unless somebody supervises the net by now."""
    with suppress(Refused), held(net):
        net.postgres.stop()


def founding(data: bytes) -> Founding:
    """What a genesis file says.

    Errors   Refused act.bad_founding.
    """
    return read_founding(read_canonical(data))


def database(member: str) -> str:
    """The name of a member's database."""
    return f"miaopei_{member}"


def ports(count: int) -> Iterator[int]:
    """Ports of this machine that nobody listens on."""
    with ExitStack() as held:
        for _ in range(count):
            probe = held.enter_context(socket.socket())
            probe.bind((HOST, 0))
            yield int(probe.getsockname()[1])


def no(code: str, /, **facts: Fact) -> Refused:
    """A refusal of these commands."""
    return Refused(Refusal(f"net.{code}", facts))


def no_listing(state: State, listing: str) -> Refused:
    """That there is no such listing, and which there are."""
    known = ", ".join(name for name, _ in state.range("listing", ""))
    return no("no_listing", listing=listing[:60], known=known or "—")


def sentence(name: str, language: Language, /, **facts: Fact) -> str:
    """A sentence of these commands."""
    return say(Refusal(f"net.{name}", facts), language)


def roles(genesis: Mapping[str, Any]) -> dict[str, list[str]]:
    """The roles of the founding members, by the genesis."""
    return {entry["id"]: list(entry["roles"]) for entry in genesis["members"]}
