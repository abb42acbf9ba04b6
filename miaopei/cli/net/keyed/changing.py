"""`net rotate --key act`, `member rotate --key act`: a member signs its acts with another key.

The new key is on the disk beside the old one before any word of it goes out, and the member signs
with it from the block on in which the record gives it to the member, without being stopped; after a
start as well. Only then is the old one forgotten. So the same command, said again after whatever
has cut it short, goes on with the same key.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ....acts.base import fields
from ....acts.change_key import KIND
from ....acts.rule_sets import since
from ....adapters.keys import go_by_next, load_or_make, make_next
from ....adapters.whole_files import write_whole
from ....errors import Refused
from ....wiring.consortium import KEYS_FILE
from .. import control
from ..life import voting
from ..life.voting import Voted
from ..plan import Net, no

ACT = "act"  # what the key for acts is called beside those of a seat
WISH, LOOK_SECONDS = "key.json", 0.1
LARGEST = 2_000  # bytes of a file that asks for votes
Json = dict[str, Any]


def check_alone(which: Sequence[str]) -> None:
    """Errors   Refused net.votes_for_act: of the other keys votes speak by a seat."""
    if set(which) != {ACT}:
        raise no("votes_for_act", key=", ".join(which) or "-")


def change(net: Net, member: str) -> list[str]:
    """By its own word; the sources that are to be registered anew with the new key.

    Errors   Refused net.key_not_yet for a record that goes by older rules, act.key_changed where
             somebody else has changed the key (then `wish`); OutsideFault (retry).
    """
    status = voting.ask(net)
    if (rules := int(status["rules"])) < (wanted := since(KIND)):
        raise no("key_not_yet", rules=rules, wanted=wanted)
    make_next(net.at(member) / KEYS_FILE)
    until = voting.until(int(status["time"]))
    said: Json = control.call(net.at(member), "change_key", seconds=voting.ACT_SECONDS, until=until)
    go_by_next(net.at(member) / KEYS_FILE)
    return list(said["sources"])


def stands(net: Net, member: str) -> Json:
    """Whether the record has given a member a key that it has, by its own copy."""
    said: Json = control.call(net.at(member), "key_stands", seconds=voting.ASK_SECONDS)
    return said


def given(net: Net, member: str) -> list[str] | None:
    """Where a key that stands ready is the member's by now, go by it: its sources as `change`.
    None where none does, or not yet.
    """
    path = net.at(member) / KEYS_FILE
    if load_or_make(path, member).next is None:
        return None
    said = stands(net, member)
    if said["next"] is not None or not said["in_force"]:
        return None
    go_by_next(path)
    return list(said["sources"])


def wish(net: Net, member: str, path: Path) -> Json:
    """What the others are asked to say, in a file: the same until its end has come.

    Errors   OutsideFault (retry) where the member does not run.
    """
    make_next(net.at(member) / KEYS_FILE)
    now = int(voting.ask(net)["time"])
    until = voting.until(now)
    if path.exists() and now < (before := read(path))["until"]:
        until = before["until"]
    body: Json = control.call(net.at(member), "key_wish", seconds=voting.ASK_SECONDS, until=until)
    write_whole(path, (json.dumps(body, indent=2) + "\n").encode("ascii"))
    return body


def by_votes(net: Net, member: str, by: Sequence[str] = ()) -> tuple[Voted, list[str]]:
    """On one machine: have the others say it, all that have a vote or those that are named; and
    once it is done the sources as `change`.

    Errors   as `wish`, and what the record says.
    """
    path = net.at(member) / WISH
    body = wish(net, member, path)
    others = [m for m, seat in voting.seats(net).items() if seat["power"] and m != member]
    voted = voting.want(net, KIND, body, list(by) or others)
    if not voted.done:
        return voted, []
    why = "the member has not that block yet; say it again"
    found = list[list[str]]()

    def has() -> bool:
        found.extend([] if (sources := given(net, member)) is None else [sources])
        return bool(found)

    control.until(has, voting.ACT_SECONDS, why)
    path.unlink(missing_ok=True)
    return voted, found[0]


def approve(net: Net, path: Path) -> tuple[Json, Voted]:
    """On a machine of its own: this member wants that another has the key of this file.

    Errors   Refused net.key_file, and what the record says.
    """
    body = read(path)
    return body, voting.want(net, KIND, body)


def asks(path: Path) -> bool:
    """Whether a file asks for a key, and is no seat file."""
    try:
        read(path)
    except Refused:
        return False
    return True


def read(path: Path) -> Json:
    """The body that a file holds.

    Errors   Refused net.key_file.
    """
    try:
        with path.open("rb") as file:
            body = json.loads(file.read(LARGEST + 1))
        fields(body, member=str, key=str, until=int, proof=str)
    except (OSError, ValueError, RecursionError, AttributeError, TypeError, Refused):
        raise no("key_file", path=path.name) from None
    return dict(body)
