"""Approvals: what several must want, each saying so by an act of its own with the same body.

The act that brings enough of them together has the effect, in its own block: more than two thirds
of the votes, as the seats stand at that moment, or each of those that a listing would bind. What is
wanted stands until its end, of which the body speaks, or else `LONGEST` after its first word, and
is done once; a body that speaks of no end may be wanted anew afterwards. In a record without seats
one word is enough. A seat that is lost may leave enough votes with no word to come: from rule set 6
on one that has spoken says so again, and from 7 on whoever has changed its mind takes its word back
before that. Source: docs/specs/consortium.md, section 13.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from ..errors import Fact, Refusal
from ..measures.identity import content_id
from ..measures.instant import DAY, utc_text
from . import raise_rules
from .base import Moment, Outcome, has_role, refuse
from .envelope import Act
from .seats import TABLE as SEAT
from .seats import seats, weight
from .state import State

Facts = dict[str, Fact]
TABLE = "approval"
LONGEST = 90 * DAY  # seconds that something may wait for approvals
RESERVED_SINCE = 5  # the rule set from which nobody alone speaks over what waits for votes
AGAIN_SINCE = 6  # the rule set from which a word said again brings about what has enough votes


@dataclass(frozen=True)
class Waiting:
    """What waits for more to say that they want it: who has, who has not yet, until when (UTC
    seconds; None where its body names a height). `all` of them are needed, or two thirds of votes.
    With `again` enough have, and one of those that it lacks has to say it once more.
    """

    kind: str
    body: dict[str, Any]
    by: tuple[str, ...]
    lacks: tuple[str, ...]
    until: int | None
    all: bool
    again: bool

    @property
    def what(self) -> str:
        """What it is about, by its own name."""
        named = (self.body.get("listing") or self.body).get("id")
        return str(named or self.body.get("member") or self.body.get("rules") or "")

    def as_json(self) -> dict[str, Any]:
        """For a status: without the body, whose name stands in the state."""
        named = {"kind": self.kind, "what": self.what, "all": self.all, "until": self.until}
        return {**named, "by": list(self.by), "lacks": list(self.lacks), "again": self.again}


def check_until(until: int, now: Moment) -> None:
    """Errors   Refused act.approval_until for an end that has passed or is too far away."""
    if not now.time < until <= now.time + LONGEST:
        raise refuse("act.approval_until", until=until, now=now.time, limit=LONGEST)


def check_vote(state: State, member: str) -> None:
    """Errors   Refused act.no_vote for who has no seat, or one that reads along."""
    if not (state.get(SEAT, member) or {"power": 0})["power"]:
        raise refuse("act.no_vote", by=member)


def check_role(state: State, act: Act, roles: Collection[str]) -> None:
    """Errors   Refused act.role_missing: here one word is enough, and it is that of these roles."""
    if not has_role(state, act.by, roles):
        raise refuse("act.role_missing", by=act.by, kind=act.kind)


def seated(state: State) -> bool:
    """Whether members have seats in this record, so that there are others to ask."""
    return next(seats(state), None) is not None


def name_of(kind: str, body: dict[str, Any]) -> str:
    """Where it stands who has wanted something."""
    return content_id("approval", {"kind": kind, "body": body})


def approve(state: State, act: Act, now: Moment, after: str | None = None) -> tuple[str, ...]:
    """Note that a member wants what this body says; where that is enough, the acts that said so.

    `after`: where words hold only as long as something stands, what does; those of before are over.
    Errors   Refused act.no_vote, act.approved_before (by this member), act.approval_done.
    """
    check_vote(state, act.by)
    value = state.get(TABLE, name_of(act.kind, act.body)) or _new(act)
    if after is not None and value.get("after") != after:
        value = {**_new(act), "after": after}
    if value["done"] is not None:
        raise refuse("act.approval_done", height=value["done"])
    return _say(state, act, now, value)


def approve_anew(state: State, act: Act, now: Moment) -> tuple[list[str], Outcome]:
    """As `approve`, for a body that speaks of no end; and what its sender is told where it waits.

    Errors   Refused act.no_vote, act.approved_before.
    """
    check_vote(state, act.by)
    because = list(_say(state, act, now, _begun(state, act, now)))
    value = state.need(TABLE, name_of(act.kind, act.body))
    votes, total = weight(state, value["by"])
    told: Facts = {"votes": votes, "total": total, "until": utc_text(value["until"])}
    return because, Outcome(notes=[] if because else [Refusal("act.waits_votes", told)])


def agree(
    state: State, act: Act, now: Moment, needs: Collection[str], *, votes: bool = False
) -> tuple[list[str], Outcome]:
    """Note that a member agrees to be bound so, each of `needs` being asked; as `approve_anew`.

    With `votes` more than two thirds of them must want it beside.
    Errors   Refused act.approved_before.
    """
    value = {
        **_begun(state, act, now),
        "needs": sorted(needs),
        **({"votes": True} if votes else {}),
    }
    because = list(_say(state, act, now, value))
    value = state.need(TABLE, name_of(act.kind, act.body))
    lacks = ", ".join(name for name in value["needs"] if name not in value["by"])
    told: Facts = {"until": utc_text(value["until"])}
    if lacks:
        waits = Refusal("act.waits_for", {"who": lacks, **told})
    else:
        voted, total = weight(state, value["by"])
        waits = Refusal("act.waits_votes", {"votes": voted, "total": total, **told})
    return because, Outcome(notes=[] if because else [waits])


def withdraw(state: State, name: str, word: str, member: str, now: Moment) -> None:
    """Take back a member's word (an act's id) for what stands under this name; nothing of it is
    left here. A later word for the same is another.

    An end never moves while a word stands: else one vote, taken back and said again, could keep the
    words of others waiting for ever.
    Errors   Refused act.no_approval, act.approval_done, act.approval_over.
    """
    value = state.get(TABLE, name)
    if value is None or value["by"].get(member) != word:
        raise refuse("act.no_approval", by=member, approval=ascii(name)[1:17])
    if value["done"] is not None:
        raise refuse("act.approval_done", height=value["done"])
    if not is_open(state, value, now.time, now.height):
        raise refuse("act.approval_over", approval=name[:16])
    if by := {other: word for other, word in value["by"].items() if other != member}:
        state.put(TABLE, name, {**value, "by": by})
    else:
        state.delete(TABLE, name)


def forget(state: State, kind: str, body: dict[str, Any]) -> None:
    """What was done by these words is so no more: it may be wanted anew."""
    state.delete(TABLE, name_of(kind, body))


def waiting(state: State, time: int, height: int) -> Iterator[Waiting]:
    """What waits for approvals after the block of this time and height."""
    for _, value in state.range(TABLE, ""):
        if is_open(state, value, time, height):
            by, lacks = tuple(value["by"]), lacking(state, value, height)
            every, until = "needs" in value and not value.get("votes"), _until(value)
            again = once_more(state, value, height)
            yield Waiting(value["kind"], value["body"], by, lacks, until, every, again)


def is_open(state: State, value: dict[str, Any], time: int, height: int) -> bool:
    """Whether something wanted can still come about after the block of this time and height. Of
    rule set 7 a law: what cannot is taken back by nobody.
    """
    if value["kind"] == raise_rules.KIND and not raise_rules.possible(state, value, height):
        return False
    until = _until(value)
    over = value["body"].get("height", height + 1) <= height if until is None else until <= time
    return value["done"] is None and not over


def is_enough(state: State, value: dict[str, Any]) -> bool:
    """Whether enough have said so, as the seats stand."""
    if "needs" in value and not set(value["needs"]) <= set(value["by"]):
        return False
    votes, total = weight(state, value["by"])
    return 3 * votes > 2 * total or ("needs" in value and not value.get("votes"))


def once_more(state: State, value: dict[str, Any], height: int) -> bool:
    """Whether one of those asked brings it about in the block after this height by its word alone,
    be it said a second time.
    """
    return is_enough(state, value) and raise_rules.rules_at(state, height + 1) >= AGAIN_SINCE


def lacking(state: State, value: dict[str, Any], height: int) -> tuple[str, ...]:
    """Who has been asked and has not said so, whom it binds and each that has a vote; all of them
    where a word is wanted once more.
    """
    votes = [member for member, seat in seats(state) if seat["power"]]
    needs = value.get("needs")
    asked = dict.fromkeys([*(needs or ()), *(votes if not needs or value.get("votes") else ())])
    again = once_more(state, value, height)
    return tuple(name for name in asked if again or name not in value["by"])


def _until(value: dict[str, Any]) -> int | None:
    until: int | None = value.get("until", value["body"].get("until"))
    return until


def _new(act: Act) -> dict[str, Any]:
    return {"kind": act.kind, "body": act.body, "by": {}, "done": None}


def _begun(state: State, act: Act, now: Moment) -> dict[str, Any]:
    """What stands of a body that speaks of no end; anew where that was done, or its end is past."""
    value: dict[str, Any] | None = state.get(TABLE, name_of(act.kind, act.body))
    if value is None or value["done"] is not None or value["until"] <= now.time:
        return {**_new(act), "until": now.time + LONGEST}
    return value


def _say(state: State, act: Act, now: Moment, value: dict[str, Any]) -> tuple[str, ...]:
    said = {**value, "by": {**value["by"], act.by: act.id}}
    enough = is_enough(state, said)
    if act.by in value["by"] and not (enough and now.rules >= AGAIN_SINCE):
        raise refuse("act.approved_before", by=act.by)
    state.put(TABLE, name_of(act.kind, act.body), {**said, "done": now.height if enough else None})
    return tuple(said["by"].values()) if enough else ()
