"""`net join`: one more member, made ready, named on the record, and seated once votes want it.

Its folder, keys and database are made first and its public halves lie in `seat.json`; so it can be
approved at once or later, by all or by some. Until it has its seat the others refuse it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ....acts.seats import KEYS
from ....adapters.engine import wires
from ....adapters.peers.certificate import certificate
from ....adapters.whole_files import write_whole
from ....errors import OutsideFault
from ....measures.suites import public_hex
from .. import control
from ..keep import restoring
from ..make import furnish, make_databases, new_keys, write_plan
from ..own.seat_file import check_entry
from ..plan import GENESIS, HOST, MOST, Net, Part, Seat, founding, no, ports
from . import telling, voting
from .voting import Voted

WISH = "seat.json"  # the body of `seat_member`, public
NAMED = "member.json"  # that of `admit_member`
CAUGHT_UP_SECONDS = 120.0
Json = dict[str, Any]


def join(net: Net, who: Part, power: int, by: Sequence[str] = ()) -> Voted:
    """Make a member ready, name it on the record, run it, and have it wanted with so many votes (0
    reads along).

    Where one member had begun the record no engine can hand over all of it: the newcomer is given
    the leaves by another member, checked against the certified root.
    All that can be refused is refused before anything of it is made.
    Errors   Refused net.member_taken, net.members, net.votes_of_one, net.too_few_up, and what the
             record says.
    """
    status = voting.ask(net)
    seats = {seat["member"]: seat for seat in status["seats"]}
    _check(net, who, power, {member: int(seat["power"]) for member, seat in seats.items()})
    taken = {seat.id for seat in net.seats}
    if who.id in taken or (net.folder / "members" / who.id).exists():
        raise no("member_taken", member=who.id)
    if len(net.seats) >= MOST:
        raise no("members", count=len(net.seats) + 1, fewest=1, most=MOST)
    voting.operator(net)
    others = [telling.known(net, seats, m) for m in net.members if m in seats]
    seat = _place(net, who)
    grown = replace(net, seats=(*net.seats, seat))
    keys = new_keys(grown, who)
    named = who.entry(public_hex(keys.identity.acts))
    shown = certificate(who.id, keys.peer)
    address = net.postgres.start()
    make_databases(grown, address, who.id)
    begins = founding((net.folder / GENESIS).read_bytes())
    began = begins.file["time"]  # where an engine began, in either kind of record
    furnish(grown, seat, keys, shown, others, begins, address, began)
    if begins.continues:
        restoring.give(grown, who.id)
    end = voting.until(status["time"])
    wish = {"member": who.id, "power": power, **keys.public, "until": end}
    for file, body in ((NAMED, named), (WISH, wish)):
        write_whole(grown.at(who.id) / file, (json.dumps(body, indent=2) + "\n").encode("utf-8"))
    write_plan(grown)
    voted = approve(grown, who.id, by)
    control.call(net.folder, "add", member=who.id)
    return voted


def approve(net: Net, member: str, by: Sequence[str] = ()) -> Voted:
    """Have members want the newcomer; once it is seated the others are told of it.

    Errors   Refused net.no_wish for one that has none, and what the record says.
    """
    try:
        wish = json.loads((net.at(member) / WISH).read_text("utf-8"))
    except OSError:
        raise no("no_wish", member=member) from None
    named = net.at(member) / NAMED
    if named.is_file():  # one of an earlier version is on the record already
        voted = voting.name(net, json.loads(named.read_text("utf-8")), by)
        if not voted.done:
            return voted
    voted = voting.want(net, "seat_member", wish, by)
    if member in voting.seats(net):
        telling.tell_others(net, member)
        # Its engine, refused till now, waits longer and longer: a new one asks at once.
        running = {one["member"] for one in control.call(net.folder, "status")["members"]}
        if member in running:
            control.call(net.folder, "kill", members=[member], stay=False)
    return voted


def weigh(net: Net, member: str, power: int, by: Sequence[str] = ()) -> Voted:
    """Have a member's votes changed, its keys as they are; nothing where it has these.

    Errors   Refused net.no_seat_there, and what the record says.
    """
    status = voting.ask(net)
    found = next((seat for seat in status["seats"] if seat["member"] == member), None)
    if found is None:
        raise no("no_seat_there", member=member)
    if found["power"] == power:
        return Voted((), 0, 0, done=True)
    keys = {name: found[name] for name in KEYS}
    wish = {"member": member, "power": power, **keys, "until": voting.until(status["time"])}
    while voting.approval(net, status["member"], "seat_member", wish)["done"] is not None:
        wish["until"] += 1  # the same was done before today and undone since: another wish
    return voting.want(net, "seat_member", wish, by)


def wait(net: Net, member: str) -> None:
    """Until a newcomer has every block.

    Errors   OutsideFault (retry): it goes on catching up by itself.
    """

    def has() -> bool:
        try:
            here = control.call(net.at(member), "status", seconds=voting.ASK_SECONDS)
            return bool(here["height"] and here["height"] >= voting.ask(net)["height"] - 1)
        except OutsideFault:
            return False

    why = f"{member} is still catching up; see `miaopei net status`"
    control.until(has, CAUGHT_UP_SECONDS, why)


def _check(net: Net, who: Part, power: int, powers: dict[str, int]) -> None:
    """Whether the record could take it, and go on.

    Errors   Refused act.* for a name or role that cannot be, net.votes_of_one, net.too_few_up.
    """
    check_entry(who.entry(None))
    if power:
        voting.votes_of_one({**powers, who.id: power}, who.id)
    voting.need_votes(net, powers)


def _place(net: Net, who: Part) -> Seat:
    """Where its engine and its blobs are served."""
    if net.apart:
        own = wires.address(len(net.seats))
        return Seat(
            who.id, who.zh, who.en, f"{own}:{wires.ENGINE_PORT}", f"{own}:{wires.BLOBS_PORT}"
        )
    engine, blobs = ports(2)
    return Seat(who.id, who.zh, who.en, f"{HOST}:{engine}", f"{HOST}:{blobs}")
