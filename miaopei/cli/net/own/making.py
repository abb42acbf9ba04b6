"""`miaopei member init, found, join`: keys made here, public halves handed over, one genesis.

Whoever founds with the same seat files makes the same bytes: what they are is compared by a digest.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ....acts.apply import begin
from ....acts.rule_sets import RULES
from ....acts.state import State
from ....adapters.engine import home
from ....adapters.engine.install import need
from ....adapters.keys import load_or_make, suite_at
from ....adapters.memory_store import MemoryStore
from ....adapters.peers.certificate import certificate
from ....adapters.whole_files import write_whole
from ....measures import suites
from ....measures.identity import canonical, content_id
from ....measures.suites import public_hex
from ....node.order.convening import Founding
from ....node.order.founding import consortium_genesis
from ....wiring import system_clock
from ....wiring.consortium import KEYS_FILE
from .. import make, plan
from ..life.voting import votes_of_one
from ..make import Keys
from ..plan import FEWEST, GENESIS, MOST, Net, Own, Part, Seat, no
from . import seat_file
from .seat_file import SeatFile

MACHINE = "machine_keys.json"  # private keys of engine and connections, until their files are there
AHEAD_SECONDS = 10  # that the clock of whoever made a seat file may be before ours


@dataclass(frozen=True)
class Where:
    """Where a member is reached, where it listens, and what it uses: see `plan.Own`."""

    engine: str
    blobs: str
    listen_engine: str | None = None
    listen_blobs: str | None = None
    server: str | None = None
    bank: str | None = None


def init(folder: Path, part: Part, power: int, where: Where) -> Path:
    """Make a member's folder and keys; the seat file that it hands to the others.

    Errors   Refused net.there, net.bad_address, net.same_address, act.* for a name or role that
             cannot be.
    """
    listens = (where.listen_engine or where.engine, where.listen_blobs or where.blobs)
    for address in (where.engine, where.blobs, *listens):
        seat_file.check_address(address)
    for one, other in ((where.engine, where.blobs), listens):
        if one == other:
            raise no("same_address", address=one)
    seat_file.check_entry(part.entry(None))
    own = Own(part.id, *listens, where.server, where.bank)
    seat = Seat(part.id, part.zh, part.en, where.engine, where.blobs)
    net = Net(make.empty(folder), (seat,), payer=part.id, own=own)
    keys = make.new_keys(net, part)
    at = net.at(part.id)
    machine = {name: getattr(keys, name) for name in ("engine", "node", "peer")}
    kept = {name: key.private_bytes_raw().hex() for name, key in machine.items()}
    write_whole(at / MACHINE, json.dumps(kept).encode("ascii"))
    wish = {"member": part.id, "power": power, **keys.public}
    shown = certificate(part.id, keys.peer)
    made = seat_file.of(
        part.entry(public_hex(keys.identity.acts)), wish, seat, shown, system_clock()
    )
    keep(net, made.signed(keys.identity))
    make.write_plan(net)
    return hand_out(net)


def keep(net: Net, made: SeatFile) -> None:
    """Keep a member's seat file among those of all."""
    path = net.seat_file(made.id)
    path.parent.mkdir(exist_ok=True)
    new = path.with_suffix(".new")
    new.write_bytes(made.to_bytes())
    new.rename(path)


def hand_out(net: Net) -> Path:
    """Our own seat file, where it is found to be handed over; its path."""
    assert net.own is not None, "a member's own folder"
    path = net.folder / f"{net.own.member}.seat.json"
    shutil.copyfile(net.seat_file(net.own.member), path)
    return path


def of(folder: Path) -> Net:
    """The folder of one member, whose suite is that of its keys.

    Errors   Refused net.no_own, net.not_own for the folder of a whole net.
    """
    if not (folder.expanduser() / plan.PLAN).exists():
        raise no("no_own", folder=str(folder.expanduser().resolve()))
    net = Net.of(folder)
    if net.own is None:
        raise no("not_own", folder=str(net.folder))
    suites.use(suite_at(net.at(net.own.member) / KEYS_FILE))
    return net


def found(
    net: Net, files: Sequence[Path], origin: str | None, rules: int | None = None
) -> Founding:
    """Begin a record with the members of these seat files, ours among them: each does so by itself,
    and all make the same genesis.

    `rules`: the rule set it begins with where a person has said one; else the newest of this
    software. A seat file never lowers it: one of its members would so decide for all.

    Errors   Refused net.seat_file*, net.not_among, net.members,
             net.no_operator, net.votes_of_one, net.seat_file_rules, act.bad_seat for two with one
             key, net.founded_already.
    """
    ours = _ours(net)
    given = sorted(_read(files), key=lambda each: each.id)
    _addresses(given)
    if ours not in given:
        raise no("not_among", member=ours.id)
    if not FEWEST <= len(given) <= MOST:
        raise no("members", count=len(given), fewest=FEWEST, most=MOST)
    if all("operator" not in each.member["roles"] for each in given):
        raise no("no_operator_among")
    powers = {each.id: int(each.seat["power"]) for each in given}
    votes_of_one(powers, max(powers, key=lambda member: powers[member]))
    wanted = rules or RULES
    for each in given:
        if each.rules < wanted:
            raise no("seat_file_rules", member=each.id, rules=each.rules, wanted=wanted)
    value = consortium_genesis(
        "miaopei net",
        [each.founder for each in given],
        clock="live",
        time=max(each.time for each in given),
        origin=origin or _origin(given),
        rules=wanted,
    )
    with MemoryStore().writing() as block:
        begin(State(block), value)
    made = Founding(value)
    _enter(net, made, given)
    return made


def _addresses(given: Sequence[SeatFile]) -> None:
    """Errors   Refused net.seat_file_address where two are to be reached at one address."""
    taken: dict[str, str] = {}
    for each in given:
        for address in (each.place.engine, each.place.blobs):
            other = taken.setdefault(address, each.id)
            if other != each.id:
                raise no("seat_file_address", member=each.id, other=other, address=address)


def join(net: Net, genesis: Path, files: Sequence[Path]) -> Founding:
    """Make ready to run in a record that others have begun; they must still want our seat.

    Errors   Refused act.bad_founding, net.seat_file*, net.seat_file_suite, net.founded_already.
    """
    made = plan.founding(genesis.read_bytes())
    suites.demand(made.genesis.get("suite"))
    given = [each for each in _read(files) if each.id != _ours(net).id]
    if not given:
        raise no("nobody_to_join")
    _addresses([_ours(net), *given])
    _enter(net, made, [_ours(net), *given])
    return made


def need_genesis(net: Net) -> None:
    """Errors   Refused net.not_founded for a member that is in no record yet."""
    if not (net.folder / GENESIS).exists():
        raise no("not_founded", folder=str(net.folder))


def digest(made: Founding) -> str:
    """What the members compare: the content id of the genesis file, in fours of digits."""
    text = content_id("chain", made.file)
    return " ".join(text[i : i + 4] for i in range(0, len(text), 4))


def _read(files: Sequence[Path]) -> Iterator[SeatFile]:
    """Errors   Refused net.seat_file_twice."""
    seen = set[str]()
    for path in files:
        each = seat_file.read(path)
        if each.id in seen:
            raise no("seat_file_twice", member=each.id, path=path.name)
        if each.time > system_clock() + AHEAD_SECONDS:
            raise no("seat_file_ahead", member=each.id, seconds=each.time - system_clock())
        seen.add(each.id)
        yield each


def _ours(net: Net) -> SeatFile:
    assert net.own is not None, "a member's own folder"
    return seat_file.read(net.seat_file(net.own.member))


def _origin(given: Sequence[SeatFile]) -> str:
    """A name for the log that follows from who begins it, and when."""
    return f"miaopei.invalid/net/{sha256(canonical([vars(e) for e in given])).hexdigest()[:12]}"


def _enter(net: Net, made: Founding, given: Sequence[SeatFile]) -> None:
    """All that this member needs to run; the genesis file comes last and says that it is there.

    Errors   Refused net.founded_already.
    """
    assert net.own is not None, "a member's own folder"
    need()
    me, path, data = net.own.member, net.folder / GENESIS, canonical(made.file)
    machine = net.at(me) / MACHINE
    if path.exists():
        if path.read_bytes() != data:
            raise no("founded_already", digest=digest(plan.founding(path.read_bytes())))
        machine.unlink(missing_ok=True)
        return
    seats = sorted((each.place for each in given), key=lambda seat: seat.id)
    whole = replace(net, seats=tuple(seats))
    for each in given:
        keep(whole, each)
    kept = json.loads(machine.read_bytes())
    private = {n: Ed25519PrivateKey.from_private_bytes(bytes.fromhex(kept[n])) for n in kept}
    keys = Keys(load_or_make(net.at(me) / KEYS_FILE, me), **private)
    shutil.rmtree(net.at(me) / home.ENGINE, ignore_errors=True)  # it has never run
    address = whole.postgres.start()
    try:
        make.make_databases(whole, address, me)
        others = [each.known for each in given if each.id != me]
        shown = certificate(me, keys.peer)
        begins = int(made.file["time"])
        make.furnish(whole, whole.seat(me), keys, shown, others, made, address, begins)
    finally:
        whole.postgres.stop()
    make.write_plan(whole)
    path.write_bytes(data)
    machine.unlink()
