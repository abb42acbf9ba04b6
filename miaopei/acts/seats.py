"""Seats: the members that hold the record together, each with the keys of its machines.

A seat is {member, engine, power, node, peer, log, box}: the engine's validator key and its weight
(0: reads along and does not vote), the engine's connection key, the key of the connections between
members, the key that signs this member's checkpoints, the key that opens its blobs. All are raw
public keys in lower-case hex; the last two are of the record's suite, the others Ed25519 in every
suite, as the engine and TLS want them. A solo record has none. A key that has stood in a seat comes
back in none, so that no engine signs under a key whose guard is lost.
Source: docs/specs/consortium.md, sections 2 and 13.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..measures import suites
from ..measures.identity import content_id
from ..measures.instant import DAY
from ..measures.suites import in_use, is_hex
from .base import POINTS_SINCE, Made, Moment, Outcome, check_id, fields, refuse
from .state import State

TABLE = "seat"
LEARNS = DAY  # seconds for which a seat's earlier connection may still bring it its blocks
SPENT = "spent_key"  # key -> whose it was, as what, until when
KEYS = ("engine", "node", "peer", "log", "box")
POWER_MAX = 1_000_000
SEATS_MAX = 100  # as many as the engine tells of a set at once


def put_seat(state: State, value: dict[str, Any], rules: int) -> None:
    """Check and write one seat of the genesis.

    Errors   Refused act.bad_seat for a member not known, a key that is none or that another seat
             has, a power out of range.
    """
    check(state, value, rules)
    if state.has(TABLE, value["member"]):
        raise _bad(value["member"], "it has one already")
    state.put(TABLE, value["member"], value)


def check(state: State, value: Mapping[str, Any], rules: int) -> None:
    """Whether a seat may stand so, where it is new or takes the place of the member's own; from
    rule set 4 on its keys are tried as points.

    Errors   as `put_seat`.
    """
    member, power, *keys = fields(value, member=str, power=int, **dict.fromkeys(KEYS, str))
    check_id("member", member)
    if not state.has("member", member):
        raise _bad(member, "no such member")
    if not 0 <= power <= POWER_MAX:
        raise _bad(member, f"power {power}")
    sizes = (32, 32, 32, in_use.suite.public_bytes, in_use.suite.box_bytes)
    fit = all(is_hex(key, size) for key, size in zip(keys, sizes, strict=True))
    if not fit or len(set(keys)) < len(keys):
        shapes = ", ".join(str(2 * size) for size in sizes)
        raise _bad(member, f"needs different keys of {shapes} digits")
    suite = in_use.suite
    uses = (*[suites.INTL.signs] * 3, suite.signs, suite.seals)
    if rules >= POINTS_SINCE:
        for name, key, fits in zip(KEYS, keys, uses, strict=True):
            if not fits(bytes.fromhex(key)):
                raise _bad(member, f"the {name} key is no point that serves as one")
    for other, seat in seats(state):
        if other != member and (taken := [name for name in KEYS if seat[name] in keys]):
            raise _bad(member, f"{taken[0]} key of {other}")
    own = state.get(TABLE, member) or {}
    for name, key in zip(KEYS, keys, strict=True):
        if own.get(name) != key and (state.has(SPENT, key) or key in own.values()):
            raise _bad(member, f"the {name} key has stood in a seat before")


def check_votes(state: State, member: str, power: int) -> None:
    """Whether the votes may stand so that a member has these: no one seat may halt the record that
    could not before.

    Errors   Refused act.bad_seat for too many, act.too_few_votes.
    """
    before = {other: int(seat["power"]) for other, seat in seats(state)}
    after = {**before, member: power}
    if len(after) > SEATS_MAX:
        raise _bad(member, f"more than {SEATS_MAX} seats")
    halts = 3 * max(after.values()) >= sum(after.values())
    if not any(after.values()) or (halts and 3 * max(before.values()) < sum(before.values())):
        facts = {"largest": max(after.values()), "total": sum(after.values())}
        raise refuse("act.too_few_votes", member=member, **facts)


def change(
    state: State, now: Moment, member: str, value: dict[str, Any] | None, because: Iterable[str]
) -> Outcome:
    """Seat a member so, or with None take its seat away; the record that it makes."""
    before = state.get(TABLE, member)
    for name in KEYS:
        if before is not None and (value is None or value[name] != before[name]):
            state.put(SPENT, before[name], {"member": member, "what": name, "until": now.time})
    if value is None:
        state.delete(TABLE, member)
    else:
        state.put(TABLE, member, value)
    made = {"v": 1, "member": member, "height": now.height, "seat": value}
    return Outcome([Made("seat", content_id("seat", made), made, tuple(because))])


def seats(state: State) -> Iterator[tuple[str, dict[str, Any]]]:
    """Members that have a seat, in byte order of their ids."""
    return state.range(TABLE, "")


def seated(state: State) -> bool:
    """Whether members have seats in this record: several order it, and there are others to ask."""
    return next(state.raw(TABLE), None) is not None


def boxes_of(state: State, seat: Mapping[str, Any]) -> list[str]:
    """The key that opens a member's blobs, then those that did before it."""
    spent = [
        key
        for key, value in state.range(SPENT, "")
        if (value["member"], value["what"]) == (seat["member"], "box")
    ]
    return [seat["box"], *spent]


def connections(state: State, time: int, told: Iterable[str] = ()) -> set[str]:
    """Connection keys of the engines that may connect, where the last block's time is this one.

    Those of seats; those that we were told of and have not yet read of; those that the last block
    has put out of force, since their engines still vote on the next one: without them a record that
    counts on each vote would never come to that next block. And for a day the one that a seat has
    changed: a member that was down while its change was decided learns of it by that connection.
    """
    spent = dict(state.range(SPENT, ""))
    seated = {member: seat["node"] for member, seat in seats(state)}
    late = {key for key, of in spent.items() if of["until"] >= time}
    changed = {
        key
        for key, of in spent.items()
        if of["what"] == "node" and of["member"] in seated and of["until"] + LEARNS >= time
    }
    return {*seated.values(), *(set(told) - set(spent)), *late, *changed}


def powers(state: State) -> dict[str, int]:
    """Votes by engine key, of those that have any: what the engine counts by."""
    return {seat["engine"]: int(seat["power"]) for _, seat in seats(state) if seat["power"]}


def weight(state: State, members: Iterable[str]) -> tuple[int, int]:
    """The votes of those of these members that have a seat, and all votes."""
    votes = {member: int(seat["power"]) for member, seat in seats(state)}
    return sum(votes.get(member, 0) for member in set(members)), sum(votes.values())


def _bad(member: str, why: str) -> Exception:
    return refuse("act.bad_seat", member=member[:60], why=why)
