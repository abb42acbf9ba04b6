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

from collections.abc import Collection
from dataclasses import replace

from ..errors import Fact, Refusal
from ..measures.instant import DAY, utc_text
from . import wishes
from .base import Moment, Outcome, has_role, refuse
from .envelope import Act
from .seats import TABLE as SEAT
from .seats import weight
from .state import State
from .wishes import AGAIN_SINCE, Wish

Facts = dict[str, Fact]
LONGEST = 90 * DAY  # seconds that something may wait for approvals
RESERVED_SINCE = 5  # the rule set from which nobody alone speaks over what waits for votes


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


def approve(state: State, act: Act, now: Moment, after: str | None = None) -> tuple[str, ...]:
    """Note that a member wants what this body says; where that is enough, the acts that said so.

    `after`: where words hold only as long as something stands, what does; those of before are over.
    Errors   Refused act.no_vote, act.approved_before (by this member), act.approval_done.
    """
    check_vote(state, act.by)
    wish = wishes.read(state, act.kind, act.body) or Wish(act.kind, act.body)
    if after is not None and wish.after != after:
        wish = Wish(act.kind, act.body, after=after)
    if wish.done is not None:
        raise refuse("act.approval_done", height=wish.done)
    said = _say(state, act, now, wish)
    return () if said.done is None else tuple(said.by.values())


def approve_anew(state: State, act: Act, now: Moment) -> tuple[list[str], Outcome]:
    """As `approve`, for a body that speaks of no end; and what its sender is told where it waits.

    Errors   Refused act.no_vote, act.approved_before.
    """
    check_vote(state, act.by)
    return _told(state, _say(state, act, now, _begun(state, act, now)))


def agree(
    state: State, act: Act, now: Moment, needs: Collection[str], *, votes: bool = False
) -> tuple[list[str], Outcome]:
    """Note that a member agrees to be bound so, each of `needs` being asked; as `approve_anew`.

    With `votes` more than two thirds of them must want it beside.
    Errors   Refused act.approved_before.
    """
    wish = _begun(state, act, now)
    wish = replace(wish, needs=tuple(sorted(needs)), votes=votes or wish.votes)
    return _told(state, _say(state, act, now, wish))


def withdraw(state: State, name: str, word: str, member: str, now: Moment) -> None:
    """Take back a member's word (an act's id) for what stands under this name; nothing of it is
    left here. A later word for the same is another.

    An end never moves while a word stands: else one vote, taken back and said again, could keep the
    words of others waiting for ever.
    Errors   Refused act.no_approval, act.approval_done, act.approval_over.
    """
    wish = wishes.named(state, name)
    if wish is None or wish.by.get(member) != word:
        raise refuse("act.no_approval", by=member, approval=ascii(name)[1:17])
    if wish.done is not None:
        raise refuse("act.approval_done", height=wish.done)
    if not wish.is_open(state, now.time, now.height):
        raise refuse("act.approval_over", approval=name[:16])
    if by := {other: word for other, word in wish.by.items() if other != member}:
        wishes.write(state, replace(wish, by=by))
    else:
        wishes.forget(state, wish.kind, wish.body)


def _begun(state: State, act: Act, now: Moment) -> Wish:
    """What stands of a body that speaks of no end; anew where that was done, or its end is past."""
    wish = wishes.read(state, act.kind, act.body)
    if wish is None or wish.done is not None or (wish.ends or 0) <= now.time:
        return Wish(act.kind, act.body, ends=now.time + LONGEST)
    return wish


def _say(state: State, act: Act, now: Moment, wish: Wish) -> Wish:
    said = replace(wish, by={**wish.by, act.by: act.id})
    enough = said.is_enough(state)
    if act.by in wish.by and not (enough and now.rules >= AGAIN_SINCE):
        raise refuse("act.approved_before", by=act.by)
    said = replace(said, done=now.height if enough else None)
    wishes.write(state, said)
    return said


def _told(state: State, said: Wish) -> tuple[list[str], Outcome]:
    """The acts that have brought it about; or where it waits none, and what its sender is told."""
    if said.done is not None:
        return list(said.by.values()), Outcome()
    told: Facts = {"until": utc_text(said.ends or 0)}
    if lacks := [name for name in said.needs or () if name not in said.by]:
        return [], Outcome(notes=[Refusal("act.waits_for", {"who": ", ".join(lacks), **told})])
    votes, total = weight(state, said.by)
    return [], Outcome(notes=[Refusal("act.waits_votes", {"votes": votes, "total": total, **told})])
