"""Having members of a net want something: each sends the same act; enough votes have the effect.

On one machine one command speaks for all of them, or for those that are named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ....errors import OutsideFault, Refused
from ....measures.instant import DAY
from .. import control
from ..plan import Net, no

ASK_SECONDS, ACT_SECONDS = 10.0, 90.0
ENOUGH, SAID = "act.approval_done", "act.approved_before"
UNTIL_SECONDS = 30 * DAY  # how long what is wanted may wait for approvals
Json = dict[str, Any]


@dataclass(frozen=True)
class Voted:
    """Who has wanted it, with how many of the votes; `done` where it has its effect."""

    by: tuple[str, ...]
    votes: int
    total: int
    done: bool
    silent: tuple[str, ...] = ()

    def as_json(self) -> Json:
        """For --json."""
        return {**asdict(self), "by": list(self.by), "silent": list(self.silent)}


def ask(net: Net) -> Json:
    """What the member that has come furthest says of the record.

    Errors   OutsideFault (retry) where none answers.
    """
    found: list[Json] = []
    for member in net.here:
        try:
            found.append(control.call(net.at(member), "status", seconds=ASK_SECONDS))
        except OutsideFault:
            continue
    if not found:
        raise OutsideFault("no member answers; bring the net up first", retry=True)
    return max(found, key=lambda status: int(status["height"]))


def need_votes(net: Net, powers: Mapping[str, int]) -> None:
    """Whether enough are up for a block to come, as far as it is seen from here: with fewer what
    somebody says would lie in a queue, and be on the record at a time that nobody has chosen.

    Errors   Refused net.too_few_up.
    """
    voters = [member for member, power in powers.items() if power]
    ours = [member for member in voters if member in net.here]
    silent = _unheard(net, voters) if net.own else [m for m in ours if not _answers(net, m)]
    total, away = sum(powers.values()), sum(powers[member] for member in silent)
    if 3 * (total - away) <= 2 * total:
        raise no("too_few_up", votes=total - away, total=total, members=", ".join(silent))


def need_block(net: Net) -> None:
    """Whether a block can come now, before one member is asked to sign what needs no votes.

    Errors   Refused net.too_few_up; OutsideFault (retry) where no member answers.
    """
    need_votes(net, {member: int(seat["power"]) for member, seat in seats(net).items()})


def votes_of_one(powers: Mapping[str, int], member: str) -> None:
    """Whether the record could go on without a member of so many votes.

    Errors   Refused net.votes_of_one.
    """
    votes, total = powers[member], sum(powers.values())
    if 3 * votes >= total:
        raise no("votes_of_one", member=member, votes=votes, total=total)


def _unheard(net: Net, voters: Sequence[str]) -> list[str]:
    """The voters whom our own member knows how to reach, and does not reach."""
    (ours,) = net.here
    heard: Json = control.call(net.at(ours), "others", height=None, seconds=2 * ASK_SECONDS)
    return [member for member in voters if heard.get(member, heard) is None]


def _answers(net: Net, member: str) -> bool:
    try:
        control.call(net.at(member), "status", seconds=ASK_SECONDS)
    except OutsideFault:
        return False
    return True


def seats(net: Net) -> dict[str, Json]:
    """The seats of the record by member, each with roles and keys."""
    return {seat["member"]: seat for seat in ask(net)["seats"]}


def want(net: Net, kind: str, body: Json, by: Sequence[str] = ()) -> Voted:
    """Have members say that they want it, until it is done: those that are named, else all that
    have a vote.

    Errors   Refused for what cannot be wanted, net.no_member for a name that is none, and
             net.too_few_up.
    """
    powers = {member: int(seat["power"]) for member, seat in seats(net).items()}
    for member in by:
        net.at(member)
    need_votes(net, powers)
    asked = list(by) or (net.here if net.own else [m for m, power in powers.items() if power])
    silent, last = list[str](), ""
    for member in asked:
        if last and approval(net, last, kind, body)["done"] is not None:
            break
        try:
            control.call(net.at(member), "word", seconds=ACT_SECONDS, kind=kind, body=body)
            last = member
        except OutsideFault:
            silent.append(member)
        except Refused as refused:
            if {refusal.code for refusal in refused.refusals} - {ENOUGH, SAID}:
                raise
            last = member
    if not last:
        raise OutsideFault("no member that has a vote answers", retry=True)
    found = approval(net, last, kind, body)
    votes = sum(powers.get(member, 0) for member in found["by"])
    done = found["done"] is not None
    return Voted(tuple(found["by"]), votes, sum(powers.values()), done, tuple(silent))


def name(net: Net, body: Json, by: Sequence[str] = ()) -> Voted:
    """Have a member named on the record: by one operator, or by votes where its roles weigh.

    Errors   Refused net.no_operator, and what the record says.
    """
    who = operator(net)
    if named(net, who, body["id"]):
        return Voted((), 0, 0, done=True)
    return put_named(net, who, body, by)


def put_named(net: Net, who: str, body: Json, by: Sequence[str] = ()) -> Voted:
    """Have a member named that is not on the record yet: by the word of `who`, and where that has
    to wait for votes by all that are asked.
    """
    if not weighs(net, who, body):
        ref = f"member-{body['keys'][0]['key'][:24]}"
        act(net, who, "admit_member", ref, body)
        if named(net, who, body["id"]):
            return Voted((who,), 0, 0, done=True)
    return want(net, "admit_member", body, by)


def named(net: Net, member: str, other: str) -> bool:
    """Whether another member is on the record of this one."""
    return bool(control.call(net.at(member), "entry", member=other, seconds=ASK_SECONDS))


def weighs(net: Net, member: str, body: Json) -> bool:
    """Whether a member is named by votes, and by no operator alone, as the record of `member` has
    it now: for its roles, or for an id about which votes are asked.
    """
    return bool(control.call(net.at(member), "by_votes", seconds=ASK_SECONDS, body=body))


def until(now: int) -> int:
    """The end of a wish: whole days, so that the same command on one day wants the same."""
    return (now // DAY + 1) * DAY + UNTIL_SECONDS


def approval(net: Net, member: str, kind: str, body: Json) -> Json:
    """Who has wanted it, by one member's own copy of the record."""
    asked: Json = {"kind": kind, "body": body}
    return dict(control.call(net.at(member), "approval", seconds=ASK_SECONDS, **asked))


def act(net: Net, member: str, kind: str, ref: str, body: Json) -> Json:
    """Have a member sign and send an act; final when this returns.

    Errors   Refused with what the record says against it, OutsideFault (retry).
    """
    asked: Json = {"kind": kind, "ref": ref, "body": body}
    made: Json = control.call(net.at(member), "act", seconds=ACT_SECONDS, **asked)
    return made


def other_up(net: Net, member: str) -> str:
    """The first other member that runs from here. Errors   OutsideFault (retry)."""
    for other in net.here:
        if other != member and control.there(net.at(other)):
            return other
    raise OutsideFault("no other member is up; bring the net up first", retry=True)


def operator(net: Net) -> str:
    """A member that has a seat and may name others.

    Errors   Refused net.no_operator.
    """
    for member, seat in seats(net).items():
        if "operator" in seat["roles"] and member in net.here:
            return member
    raise no("no_operator")
