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
from psycopg import sql
from psycopg.conninfo import make_conninfo

from ...adapters.engine import home, wires
from ...adapters.keys import load_or_make
from ...adapters.peers.certificate import certificate, private_pem
from ...adapters.postgres.connection import connect, faults
from ...measures.identity import canonical
from ...node.order.convening import Founding, read
from ...node.order.founding import Founder, consortium_genesis
from ...node.ports import Identity
from ...wiring.consortium import GENESIS_FILE, KEYS_FILE, NODE_FILE, TLS_FILE
from .plan import GENESIS, HOST, PAYER, PLAN, SOURCE, Net, Part, Seat, database, no, parts, ports

ENGINE = "engine"


@dataclass(frozen=True)
class Keys:
    """All private keys of a new member."""

    identity: Identity
    engine: Ed25519PrivateKey
    node: Ed25519PrivateKey
    peer: Ed25519PrivateKey


def make(
    folder: Path, count: int, *, clock: str, time: int, origin: str | None, apart: bool = False
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
    folder = folder.expanduser().resolve()
    if folder.exists() and any(folder.iterdir()):
        raise no("there", folder=str(folder))
    if apart:
        wires.need()
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o711)  # a server started by root runs under another account
    (folder / ".gitignore").write_text("*\n", "utf-8")
    where = _apart(len(chosen)) if apart else _together(len(chosen))
    seats = tuple(Seat(p.id, p.zh, p.en, *at) for p, at in zip(chosen, where, strict=True))
    return Net(folder, seats, apart, payer), chosen


def lay(net: Net, keys: Mapping[str, Keys], founding: Founding, address: str, time: int) -> None:
    """The genesis file, and each member's folder with its engine's home and what it is told."""
    data = canonical(founding.file)
    (net.folder / GENESIS).write_bytes(data)
    shown = {member: certificate(member, held.peer) for member, held in keys.items()}
    given = founding.file["seats"]
    validators = tuple((seat["member"], seat["engine"], seat["power"]) for seat in given)
    for seat in net.seats:
        at, held = net.at(seat.id), keys[seat.id]
        others = [other for other in net.seats if other != seat]
        (at / GENESIS_FILE).write_bytes(data)
        home.write(
            at / ENGINE,
            home.Home(
                name=seat.id,
                chain=founding.chain,
                time=time,
                validators=validators,
                listens=seat.engine,
                neighbours=_neighbours(others, keys),
                validator=held.engine,
                connection=held.node,
                quick=founding.genesis["clock"] == "replay",
                first=founding.height + 1,
            ),
        )
        write_told(at, _told(seat, others, make_conninfo(address, dbname=database(seat.id)), shown))
        _secret(at / TLS_FILE, private_pem(held.peer) + shown[seat.id].encode("ascii"))


def write_plan(net: Net) -> None:
    """Who the members are and where; with it the net can be brought up."""
    value = {
        "v": 1,
        "apart": net.apart,
        "payer": net.payer,
        "seats": [vars(seat) for seat in net.seats],
    }
    (net.folder / PLAN).write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", "utf-8")


def _together(count: int) -> list[tuple[str, str]]:
    """Where engine and blobs of each are served: ports of this machine."""
    free = list(ports(2 * count))
    return [(f"{HOST}:{free[2 * i]}", f"{HOST}:{free[2 * i + 1]}") for i in range(count)]


def _apart(count: int) -> list[tuple[str, str]]:
    """The same on wires of the net's own: an address each."""
    own = [wires.address(place) for place in range(count)]
    return [(f"{at}:{wires.ENGINE_PORT}", f"{at}:{wires.BLOBS_PORT}") for at in own]


def write_told(at: Path, told: Mapping[str, object]) -> None:
    """What a member is told of its machine."""
    (at / NODE_FILE).write_text(json.dumps(told, ensure_ascii=False, indent=2) + "\n", "utf-8")


def _told(
    seat: Seat, others: Sequence[Seat], address: str, shown: Mapping[str, str]
) -> dict[str, object]:
    return {
        "member": seat.id,
        "database": address,
        "blobs": seat.blobs,
        "bank": None,
        "peers": {o.id: {"blobs": o.blobs, "certificate": shown[o.id]} for o in others},
    }


def new_keys(net: Net, part: Part) -> Keys:
    """A member's folder with its keys: those of the node that lie there, else new ones."""
    at = net.at(part.id)
    at.mkdir(parents=True, mode=0o700, exist_ok=True)
    fresh = Ed25519PrivateKey.generate
    return Keys(load_or_make(at / KEYS_FILE, part.id), fresh(), fresh(), fresh())


def founder(part: Part, keys: Keys) -> Founder:
    """A part with its public keys."""
    me = keys.identity
    return Founder(
        id=part.id,
        name={"zh": part.zh, "en": part.en},
        roles=part.roles,
        acts=home.raw(me.acts),
        engine=home.raw(keys.engine),
        node=home.raw(keys.node),
        peer=home.raw(keys.peer),
        log=home.raw(me.log),
        box=me.box.public_key().public_bytes_raw().hex(),
    )


def _neighbours(others: Sequence[Seat], keys: Mapping[str, Keys]) -> tuple[home.Neighbour, ...]:
    return tuple(
        home.Neighbour(home.address(home.raw(keys[other.id].node)), other.engine)
        for other in others
    )


def databases(net: Net) -> str:
    """One database a member on the server of this folder, started for it; the server's address."""
    address = net.postgres.start()
    make_databases(net, address)
    net.postgres.stop()
    return address


def make_databases(net: Net, address: str) -> None:
    """An empty database for each member, which only its owner may open."""
    with connect(make_conninfo(address, dbname="postgres")) as server, faults():
        server.autocommit = True
        for member in net.members:
            name = sql.Identifier(database(member))
            server.execute(
                sql.SQL("create database {} template template0 encoding 'UTF8'").format(name)
            )
            server.execute(sql.SQL("revoke connect on database {} from public").format(name))


def _secret(path: Path, data: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
