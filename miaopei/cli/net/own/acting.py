"""What one member on a machine of its own does by its own word: wants a newcomer, or what others
want, goes by other keys or addresses, and takes up what others hand to it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from ....acts.envelope import Act, from_json
from ....acts.seats import KEYS
from ....adapters.keys import load_or_make
from ....adapters.peers.certificate import pem_of
from ....errors import OutsideFault
from ....measures.suites import public_hex
from ....wiring import system_clock
from ....wiring.consortium import KEYS_FILE, TLS_FILE
from ....wiring.machine import NODE_FILE, Machine
from .. import control
from ..keyed import changing
from ..life import deciding, going, rotating, telling, voting
from ..life.rotating import Rotated
from ..life.voting import Voted
from ..make import write_plan
from ..plan import Net, no
from . import making, seat_file
from .seat_file import SeatFile

STEP_SECONDS, LOOK_SECONDS = 90.0, 0.2
UNSEAT = "unseat_member"
Json = dict[str, Any]


def me(net: Net) -> str:
    """The member whose folder this is."""
    assert net.own is not None, "a member's own folder"
    return net.own.member


def admit(net: Net, file: SeatFile) -> Voted:
    """Want the seat of a newcomer; who is an operator names it on the record first, or where its
    roles weigh all want it named first.

    Errors   Refused net.not_named where it is not on the record and we cannot name it,
             net.other_key where the record knows it by another key, and what the record says.
    """
    ours = me(net)
    entry = control.call(net.at(ours), "entry", member=file.id)
    if entry is None:
        operates = "operator" in voting.seats(net).get(ours, {"roles": []})["roles"]
        if not operates and not voting.weighs(net, ours, file.member):
            raise no("not_named", member=file.id)
        named = voting.put_named(net, ours, file.member)
        if not named.done:
            return named
    else:
        _check_key(file, entry)
    voted = voting.want(net, "seat_member", file.wish)
    _learn(net, file, seated=file.id in voting.seats(net))
    return voted


def meet(net: Net, file: SeatFile) -> None:
    """Take up a newer seat file of a member: where it is reached now, by which keys.

    Errors   Refused net.not_named, net.other_key, net.seat_file_older.
    """
    kept = net.seat_file(file.id)
    known = seat_file.read(kept) if kept.exists() else None
    if file.id == me(net):
        raise no("seat_file_own", member=file.id)
    if known is not None and file.time < known.time:
        raise no("seat_file_older", member=file.id)
    try:
        entry = control.call(net.at(me(net)), "entry", member=file.id)
    except OutsideFault:
        entry = None if known is None else known.member
    if entry is None:
        raise no("not_named", member=file.id)
    _check_key(file, entry)
    _learn(net, file, seated=True)


def wishes(net: Net, **asked: Any) -> list[Json]:
    """What members have wanted and lacks votes, and who; or all whose names `begin` so, `done` too,
    with the height.

    Errors   Refused net.is_down where this member is not up.
    """
    control.need(net.folder, me(net))
    found: list[Json] = control.call(net.at(me(net)), "wishes", **asked)
    return found


def agree(net: Net, name: str) -> tuple[Json, Voted]:
    """Want what another has wanted; a member that has lost its seat by it is forgotten.

    `name` is the digest of the whole body, or its first digits.
    Errors   Refused net.no_such_wish, net.say_digest, and what the record says.
    """
    found = wishes(net, begin=name, done=True)
    if len(found) != 1 or len(name) < 4:
        raise no("no_such_wish", name=name[:64], digits=deciding.DIGITS)
    if not deciding.by_digest(found, name):
        command = "member wishes DIR"
        raise no("say_digest", what=name[:64], digits=deciding.DIGITS, command=command)
    (wish,) = found
    voted = voting.want(net, wish["kind"], wish["body"])
    gone = wish["body"].get("member")
    if voted.done and wish["kind"] == UNSEAT and gone != me(net) and gone in net.members:
        going.end(net, gone)
    return wish, voted


def rotate(net: Net, which: Sequence[str]) -> tuple[Rotated, Path]:
    """Put new keys into our seat and go by them; the seat file to hand to the others.

    Errors   as `rotating.rotate`.
    """
    if set(which) == {changing.ACT} and _signed_by_earlier(net):  # it was cut short before the end
        changed = Rotated([changing.ACT], changing.stands(net, me(net))["sources"])
    else:
        changed = rotating.rotate(net, me(net), which)
    return changed, renew(net)


def ask_for_key(net: Net) -> tuple[list[str] | None, Path]:
    """What the others are asked to say so that we have another key for our acts, in a file; or once
    they have, the sources to be registered anew, and our seat file anew.

    Errors   OutsideFault (retry) where we do not run.
    """
    ours = me(net)
    path = net.folder / f"{ours}.key.json"
    if (sources := changing.given(net, ours)) is not None or _signed_by_earlier(net):
        path.unlink(missing_ok=True)
        return sources or [], renew(net)
    changing.wish(net, ours, path)
    return None, path


def _signed_by_earlier(net: Net) -> bool:
    """Whether our seat file is of before our key for acts changed, and the record has ours now."""
    ours = me(net)
    identity = load_or_make(net.at(ours) / KEYS_FILE, ours)
    if seat_file.read(net.seat_file(ours)).key == public_hex(identity.acts) or identity.next:
        return False
    return bool(changing.stands(net, ours)["in_force"])


def renew(net: Net) -> Path:
    """Our seat file anew: for our seat as the record has it, where we run and have one.

    Errors   OutsideFault (retry) where our node does not come up.
    """
    ours = me(net)
    seat: Json = seat_file.read(net.seat_file(ours)).seat
    if control.there(net.folder):
        control.until_there(net.at(ours), STEP_SECONDS)
        on_record = voting.seats(net).get(ours, seat)
        seat = {name: on_record[name] for name in ("member", "power", *KEYS)}
    return write(net, seat)


def move(net: Net, change: Callable[[Net], Net]) -> Path:
    """Be reached, or listen, elsewhere; the member is stopped for it. Our new seat file.

    Errors   Refused net.bad_address, net.node_file.
    """
    ours, at = me(net), net.at(me(net))
    told = Machine.of(at) if (at / NODE_FILE).exists() else None
    moved = change(net)
    seat = moved.seat(ours)
    for address in (seat.engine, seat.blobs, *moved.listens(ours)):
        seat_file.check_address(address)
    up = control.there(net.folder)
    with control.stopped(net.folder, ours, STEP_SECONDS) if up else nullcontext():
        write_plan(moved)
        if told is not None:
            replace(told, blobs=moved.listens(ours)[1]).write(at)
            telling.engine(moved, ours, told.peers)
    return renew(moved)


def write(net: Net, seat: Json) -> Path:
    """Our seat file anew, for this seat, signed; where it lies."""
    ours, at = me(net), net.at(me(net))
    path = at / TLS_FILE
    before, identity = seat_file.read(net.seat_file(ours)), load_or_make(at / KEYS_FILE, ours)
    key = {"key": public_hex(identity.acts), "since": 0, "until": None}
    shown = pem_of(path.read_text("ascii")) if path.exists() else before.certificate
    member = {**before.member, "keys": [key]}
    made = seat_file.of(member, seat, net.seat(ours), shown, system_clock())
    making.keep(net, made.signed(identity))
    return making.hand_out(net)


def carry(net: Net, file: Path) -> Json:
    """Send an act that another member has signed, in one form or several; the act.

    Errors   Refused net.no_act_there, act.malformed, and what the record says.
    """
    try:
        given = json.loads(file.read_text("utf-8"))
    except ValueError:
        raise no("no_act_there", path=file.name) from None
    acts = [from_json(act) for act in (given if isinstance(given, list) else [given])]
    if not acts or any(_wish(act) != _wish(acts[0]) for act in acts):
        raise no("no_act_there", path=file.name)
    made = [act.as_json() for act in acts]
    control.call(net.at(me(net)), "carry", acts=made, seconds=STEP_SECONDS)
    return made[0]


def _wish(act: Act) -> tuple[str, str, Json]:
    """What an act wants, in whatever form it is given."""
    return act.by, act.kind, act.body


def _check_key(file: SeatFile, entry: Json) -> None:
    """Errors   Refused net.other_key."""
    if file.key not in [each["key"] for each in entry["keys"] if each["until"] is None]:
        raise no("other_key", member=file.id, key=file.key[:16])


def _learn(net: Net, file: SeatFile, *, seated: bool) -> None:
    """Keep a member's seat file, and go by it; who has no seat yet gets no connection by it."""
    others = tuple(seat for seat in net.seats if seat.id != file.id)
    grown = replace(net, seats=(*others, file.place))
    making.keep(net, file)
    write_plan(grown)
    telling.tell(grown, me(net), file.known, seated=seated)
