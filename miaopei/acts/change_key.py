"""`change_key`: from its place in the record on a member signs its acts with another key.

Body: {member, key, until, proof}. Said by the member itself under a key in force it has its effect
at once, though once a day only, for each change stays in the member's entry and in receipts; said
by others that have votes, once more than two thirds of them have said the same before `until`: the
way back after a theft or a loss. `proof` is the new key's own signature, so that no member is given
a key that it has not. Every other key of the member ends: acts before this one count, acts after it
under an earlier key are refused, in the same block too. By its own word a member takes no key that
stands for anything else; votes look at its own earlier keys alone, for else a thief could put the
key that they name into some other place and so keep it from the member.
Source: docs/specs/consortium.md, section 13.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import Fact, Refusal, Refused
from ..measures.identity import canonical
from ..measures.instant import DAY, utc_text
from ..measures.suites import SigningKey, in_use, public_hex
from . import approvals, seats, wishes
from .base import CHANGED, KNOWN_ROLES, Moment, Outcome, check_points, check_public, fields, refuse
from .envelope import Act
from .state import State

KIND = "change_key"
ROLES = KNOWN_ROLES  # the member itself, or whoever has a vote
DOMAIN = b"miaopei/v1/key\0"


def body_of(key: SigningKey, chain: str, member: str, until: int) -> dict[str, Any]:
    """What gives a member this key, with the key's own word for it."""
    public = public_hex(key)
    said = {"member": member, "key": public, "until": until}
    return {**said, "proof": key.sign(message(chain, said)).hex()}


def message(chain: str, said: Mapping[str, Any]) -> bytes:
    """What the new key signs: the record, whose it is to be, and until when."""
    named = {name: said[name] for name in ("member", "key", "until")}
    return DOMAIN + canonical({"chain": chain, **named})


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused for no proof, an end that has passed, a key that is none or has stood where it must
    not, a member that has none for acts, and for another's word where it has no vote.
    """
    name, key, until, proof = fields(act.body, member=str, key=str, until=int, proof=str)
    approvals.check_until(until, now)
    member = state.get("member", name)
    if member is None or not member["keys"]:
        raise _bad(name, "no member that sends acts")
    done = act.by == name or bool(approvals.approve(state, act, now))
    check_public("key", key)
    check_points("key", [{"key": key}], now.rules)
    places = _stood(state, key) if act.by == name else _stood_for(member, key)
    if (whose := next(places, None)) is not None:
        raise _bad(name, f"the key has stood before: {whose}")
    if not _possessed(act.chain, act.body, key, proof):
        raise _bad(name, "the new key has not signed for it")
    again = max(each["since"] for each in member["keys"]) + DAY
    if act.by == name and member.get(CHANGED) and now.time < again:
        raise refuse("act.key_changed_lately", by=name, next=utc_text(again))
    if not done:
        return Outcome(notes=[_waits(state, act)])
    _change(state, member, key, now)
    return Outcome()


def _change(state: State, member: dict[str, Any], key: str, now: Moment) -> None:
    ended = [
        {**each, "until": now.time if each["until"] is None else min(each["until"], now.time)}
        for each in member["keys"]
    ]
    changed = {**{each["key"]: now.height for each in ended}, **member.get(CHANGED, {})}
    keys = [*ended, {"key": key, "since": now.time, "until": None}]
    state.put("member", member["id"], {**member, "keys": keys, CHANGED: changed})


def _possessed(chain: str, body: Mapping[str, Any], key: str, proof: str) -> bool:
    try:
        public, signature = bytes.fromhex(key), bytes.fromhex(proof)
    except ValueError:
        return False
    held = in_use.suite.verify(public, signature, message(chain, body))
    return held and proof == signature.hex()


def _stood(state: State, key: str) -> Iterator[str]:
    """Where a key stands or stood: for acts, in a seat, or of a source."""
    for _, member in state.range("member", ""):
        yield from _stood_for(member, key)
    for name, seat in seats.seats(state):
        if key in [seat[what] for what in seats.KEYS]:
            yield f"in the seat of {name}"
    if spent := state.get(seats.SPENT, key):
        yield f"in the seat of {spent['member']}"
    for name, source in state.range("source", ""):
        if any(each["key"] == key for each in source["keys"]):
            yield f"of the source {name}"


def _stood_for(member: Mapping[str, Any], key: str) -> Iterator[str]:
    if any(each["key"] == key for each in member["keys"]):
        yield f"for acts of {member['id']}"


def _waits(state: State, act: Act) -> Refusal:
    wish = wishes.read(state, act.kind, act.body)
    votes, total = seats.weight(state, () if wish is None else wish.by)
    told: dict[str, Fact] = {"votes": votes, "total": total, "until": utc_text(act.body["until"])}
    return Refusal("act.waits_votes", told)


def _bad(member: str, why: str) -> Refused:
    return refuse("act.unfit_key", member=member[:60], why=why)
