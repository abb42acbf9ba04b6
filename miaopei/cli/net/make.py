"""`miaopei net init`: genesis, keys and settings of all members, each in a folder of its own.

On one machine one command makes them all. Members on machines of their own each make their keys,
hand over the public halves, and agree on the genesis (docs/operations/consortium.md).
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from psycopg.conninfo import make_conninfo

from ...acts.rule_sets import RULES
from ...adapters.engine import home, wires
from ...adapters.keys import load_or_make
from ...adapters.peers.certificate import certificate, private_pem
from ...adapters.postgres.schema import administering, create_database, migrate
from ...adapters.whole_files import write_whole
from ...measures.identity import canonical
from ...measures.suites import public_hex
from ...node.order.convening import Founding, read
from ...node.order.founding import Founder, consortium_genesis
from ...node.ports import Identity
from ...wiring.consortium import GENESIS_FILE, KEYS_FILE, TLS_FILE
from ...wiring.machine import Machine
from .plan import (
    GENESIS,
    HOST,
    PAYER,
    PLAN,
    SANDBOX,
    SOURCE,
    Net,
    Part,
    Seat,
    database,
    no,
    parts,
    ports,
)


@dataclass(frozen=True)
class Keys:
    """All private keys of a new member."""

    identity: Identity
    engine: Ed25519PrivateKey
    node: Ed25519PrivateKey
    peer: Ed25519PrivateKey

    @property
    def public(self) -> dict[str, str]:
        """The public halves, as a seat names them."""
        log, box = self.identity.log, public_hex(self.identity.box)
        named = {"engine": self.engine, "node": self.node, "peer": self.peer, "log": log}
        return {**{name: public_hex(key) for name, key in named.items()}, "box": box}


@dataclass(frozen=True)
class Known:
    """Another member as this one is told of it: where it listens, and by which keys it is known."""

    member: str
    engine: str  # host:port
    blobs: str  # host:port
    node: str  # its engine's connection key, raw, in hex
    certificate: str

    @property
    def neighbour(self) -> home.Neighbour:
        """As its engine is told."""
        return home.Neighbour(home.address(self.node), self.engine)

    @property
    def told(self) -> dict[str, str]:
        """As its node is told."""
        names = ("engine", "blobs", "node", "certificate")
        return {name: getattr(self, name) for name in names}


def make(
    folder: Path,
    count: int,
    *,
    clock: str,
    time: int,
    origin: str | None,
    apart: bool = False,
    rules: int = RULES,
) -> Net:
    """Make a net that has never run; `apart`: with wires of its own (see `wires`).

    Errors   Refused net.there where the folder holds something, net.members, net.no_namespaces.
    """
    net, chosen = begin(folder, parts(count), apart=apart)
    keys = {part.id: new_keys(net, part) for part in chosen}
    genesis = consortium_genesis(
        "miaopei net",
        [founder(part, keys[part.id]) for part in chosen],
        clock=clock,
        time=time,
        origin=origin or f"miaopei.invalid/net/{os.urandom(6).hex()}",
        replay_source=SOURCE if clock == "replay" else None,
        rules=rules,
    )
    lay(net, keys, read(genesis), databases(net), time)
    write_plan(net)
    return net


def begin(
    folder: Path, chosen: Sequence[Part], *, apart: bool, payer: str = PAYER
) -> tuple[Net, Sequence[Part]]:
    """An empty folder for a net of these parts, each with a place to listen at.

    Errors   Refused net.there, net.no_namespaces.
    """
    if apart:
        wires.need()
    folder = empty(folder)
    where = _apart(len(chosen)) if apart else _together(len(chosen))
    seats = tuple(Seat(p.id, p.zh, p.en, *at) for p, at in zip(chosen, where, strict=True))
    return Net(folder, seats, apart, payer), chosen


def empty(folder: Path) -> Path:
    """A folder that holds nothing yet, made where it is missing; its path.

    Errors   Refused net.there.
    """
    folder = folder.expanduser().resolve()
    if folder.exists() and any(folder.iterdir()):
        raise no("there", folder=str(folder))
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o711)  # a server started by root runs under another account
    (folder / ".gitignore").write_text("*\n", "utf-8")
    return folder


def lay(net: Net, keys: Mapping[str, Keys], founding: Founding, address: str, time: int) -> None:
    """The genesis file, and each member's folder with its engine's home and what it is told."""
    (net.folder / GENESIS).write_bytes(canonical(founding.file))
    known = {
        seat.id: Known(
            seat.id,
            seat.engine,
            seat.blobs,
            public_hex(keys[seat.id].node),
            certificate(seat.id, keys[seat.id].peer),
        )
        for seat in net.seats
    }
    for seat in net.seats:
        others = [each for each in known.values() if each.member != seat.id]
        shown = known[seat.id].certificate
        furnish(net, seat, keys[seat.id], shown, others, founding, address, time)


def furnish(
    net: Net,
    seat: Seat,
    keys: Keys,
    shown: str,
    others: Sequence[Known],
    founding: Founding,
    address: str,
    time: int,
) -> None:
    """A member's folder beside its keys: its engine's home, and what it is told of the others.

    `shown` is its certificate, `address` that of the database server, `time` that at which its
    engine's record begins.
    """
    at, given = net.at(seat.id), founding.file["seats"]
    engine, blobs = net.listens(seat.id)
    bank = None if net.own is None or net.own.bank == SANDBOX else net.own.bank
    (at / GENESIS_FILE).write_bytes(canonical(founding.file))
    home.write(
        at / home.ENGINE,
        home.Home(
            name=seat.id,
            chain=founding.chain,
            time=time,
            validators=tuple((s["member"], s["engine"], s["power"]) for s in given),
            listens=engine,
            reached=seat.engine,
            neighbours=tuple(other.neighbour for other in others),
            validator=keys.engine,
            connection=keys.node,
            quick=founding.genesis["clock"] == "replay",
            first=founding.height + 1,
        ),
    )
    peers = {other.member: other.told for other in others}
    Machine(seat.id, make_conninfo(address, dbname=database(seat.id)), blobs, bank, peers).write(at)
    write_whole(at / TLS_FILE, private_pem(keys.peer) + shown.encode("ascii"))


def write_plan(net: Net) -> None:
    """Who the members are and where; with it the net can be brought up."""
    value = {
        "v": 1,
        "apart": net.apart,
        "payer": net.payer,
        "standbys": list(net.standbys),
        "seats": [vars(seat) for seat in net.seats],
    }
    if net.own is not None:
        value["own"] = vars(net.own)
    text = json.dumps(value, ensure_ascii=False, indent=2) + "\n"
    write_whole(net.folder / PLAN, text.encode("utf-8"))  # a server's address may hold a password


def _together(count: int) -> list[tuple[str, str]]:
    """Where engine and blobs of each are served: ports of this machine."""
    free = list(ports(2 * count))
    return [(f"{HOST}:{free[2 * i]}", f"{HOST}:{free[2 * i + 1]}") for i in range(count)]


def _apart(count: int) -> list[tuple[str, str]]:
    """The same on wires of the net's own: an address each."""
    own = [wires.address(place) for place in range(count)]
    return [(f"{at}:{wires.ENGINE_PORT}", f"{at}:{wires.BLOBS_PORT}") for at in own]


def new_keys(net: Net, part: Part) -> Keys:
    """A member's folder with its keys: those of the node that lie there, else new ones."""
    at = net.at(part.id)
    at.mkdir(parents=True, mode=0o700, exist_ok=True)
    fresh = Ed25519PrivateKey.generate
    return Keys(load_or_make(at / KEYS_FILE, part.id), fresh(), fresh(), fresh())


def founder(part: Part, keys: Keys) -> Founder:
    """A part with its public keys."""
    public = keys.public
    return Founder(
        id=part.id,
        name={"zh": part.zh, "en": part.en},
        roles=part.roles,
        acts=public_hex(keys.identity.acts),
        engine=public["engine"],
        node=public["node"],
        peer=public["peer"],
        log=public["log"],
        box=public["box"],
    )


def databases(net: Net) -> str:
    """One database a member on the server of this folder, started for it; the server's address."""
    address = net.postgres.start()
    make_databases(net, address)
    net.postgres.stop()
    return address


def make_databases(net: Net, address: str, only: str | None = None) -> None:
    """A database for each member, or for one, which only its owner may open.

    The first has our empty tables, and the others are copies of it: making tables takes a second of
    processor. One that is added later makes its own when its node starts.
    """
    model: str | None = None
    with administering(address) as server:
        for member in net.members if only is None else [only]:
            known = "select 1 from pg_database where datname = %s"
            if server.execute(known, [database(member)]).fetchone():
                continue  # an earlier run came so far
            create_database(server, database(member), model=model or "template0")
            if model is None and only is None:
                migrate(make_conninfo(address, dbname=database(member)))
                model = database(member)
