"""Wishes: what several must want before it is so, as the state keeps it: what, by whom, until when.

Read and written here alone; what acts do with one is in `approvals`. Of the value {kind, body, by,
done} and, where they are so, {until, needs, votes, after} no field may change its meaning: blocks
hold its bytes. Source: docs/specs/consortium.md, section 13.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..measures.identity import content_id
from . import raise_rules
from .seats import seats, weight
from .state import State

TABLE = "approval"
NOT_DONE = b'"done":null'  # in canonical bytes, where also a body may say so
AGAIN_SINCE = 6  # the rule set from which a word said again brings about what has enough votes


@dataclass(frozen=True)
class Wish:
    """What is wanted: a kind and body that each says by an act of its own.

    `by`        who has said so -> its act
    `done`      at which height it had its effect (None: not yet)
    `ends`      until when it stands (UTC seconds), where its body does not say so
    `needs`     each that a listing would bind; None where votes alone decide
    `votes`     with `needs`: whether more than two thirds of the votes must want it beside
    `after`     the raise of rules after which these words were said, where they hold only so long
    """

    kind: str
    body: dict[str, Any]
    by: Mapping[str, str] = field(default_factory=dict)
    done: int | None = None
    ends: int | None = None
    needs: tuple[str, ...] | None = None
    votes: bool = False
    after: str | None = None

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Wish:
        """As the state has it."""
        needs = value.get("needs")
        return Wish(
            value["kind"],
            value["body"],
            value["by"],
            value["done"],
            value.get("until"),
            None if needs is None else tuple(needs),
            value.get("votes", False),
            value.get("after"),
        )

    def as_json(self) -> dict[str, Any]:
        """For the state: what is not so stands in no field."""
        value = {"kind": self.kind, "body": self.body, "by": dict(self.by), "done": self.done}
        needs = None if self.needs is None else list(self.needs)
        more = {
            "until": self.ends,
            "needs": needs,
            "votes": self.votes or None,
            "after": self.after,
        }
        return value | {name: given for name, given in more.items() if given is not None}

    @property
    def name(self) -> str:
        """Where it stands, and what a word for it is taken back by."""
        return name_of(self.kind, self.body)

    @property
    def what(self) -> str:
        """What it is about, by its own name."""
        named = (self.body.get("listing") or self.body).get("id")
        return str(named or self.body.get("member") or self.body.get("rules") or "")

    @property
    def until(self) -> int | None:
        """Its end (UTC seconds); None where its body names a height."""
        until: int | None = self.body.get("until") if self.ends is None else self.ends
        return until

    @property
    def all(self) -> bool:
        """Whether each of those that it would bind is needed, and no votes."""
        return self.needs is not None and not self.votes

    def is_open(self, state: State, time: int, height: int) -> bool:
        """Whether it can still come about after the block of this time and height. Of rule set 7 a
        law: what cannot is taken back by nobody.
        """
        rules = self.body.get("rules", 0)
        raises = self.kind == raise_rules.KIND
        if raises and not raise_rules.possible(state, rules, self.after, height):
            return False
        until = self.until
        over = self.body.get("height", height + 1) <= height if until is None else until <= time
        return self.done is None and not over

    def is_enough(self, state: State) -> bool:
        """Whether enough have said so, as the seats stand."""
        if self.needs is not None and not set(self.needs) <= set(self.by):
            return False
        votes, total = weight(state, self.by)
        return 3 * votes > 2 * total or self.all

    def once_more(self, state: State, height: int) -> bool:
        """Whether one of those asked brings it about in the block after this height by its word
        alone, be it said a second time.
        """
        return self.is_enough(state) and raise_rules.rules_at(state, height + 1) >= AGAIN_SINCE

    def lacking(self, state: State, height: int) -> tuple[str, ...]:
        """Who has been asked and has not said so, whom it binds and each that has a vote; all of
        them where a word is wanted once more.
        """
        votes = [] if self.all else [member for member, seat in seats(state) if seat["power"]]
        again = self.once_more(state, height)
        asked = dict.fromkeys([*(self.needs or ()), *votes])
        return tuple(name for name in asked if again or name not in self.by)


@dataclass(frozen=True)
class Waiting:
    """A wish that waits for more to say so, and whose word it lacks; with `again` enough have said
    so, and one of these has to say it once more.
    """

    wish: Wish
    lacks: tuple[str, ...]
    again: bool

    def as_json(self) -> dict[str, Any]:
        """For a status: without the body, whose name stands in the state."""
        wish = self.wish
        named = {"kind": wish.kind, "what": wish.what, "all": wish.all, "until": wish.until}
        return {**named, "by": list(wish.by), "lacks": list(self.lacks), "again": self.again}


def name_of(kind: str, body: dict[str, Any]) -> str:
    """Where it stands who has wanted something."""
    return content_id("approval", {"kind": kind, "body": body})


def read(state: State, kind: str, body: dict[str, Any]) -> Wish | None:
    """What stands of a wish; None where nobody has said so."""
    return named(state, name_of(kind, body))


def named(state: State, name: str) -> Wish | None:
    """The wish that stands under a name."""
    value = state.get(TABLE, name)
    return None if value is None else Wish.from_json(value)


def write(state: State, wish: Wish) -> None:
    """Have it stand so."""
    state.put(TABLE, wish.name, wish.as_json())


def forget(state: State, kind: str, body: dict[str, Any]) -> None:
    """Nothing of it stands any more: it may be wanted anew."""
    state.delete(TABLE, name_of(kind, body))


def every(state: State, begin: str = "", *, done: bool = True) -> Iterator[Wish]:
    """All that stand whose names begin so; or without those that are done, which are not read: they
    stand for ever.
    """
    for _, value in state.raw(TABLE, begin):
        if done or NOT_DONE in value:
            yield Wish.from_json(json.loads(value))


def waiting(state: State, time: int, height: int, begin: str = "") -> Iterator[Waiting]:
    """What waits for approvals after the block of this time and height, by names that begin so."""
    for wish in every(state, begin, done=False):
        if wish.is_open(state, time, height):
            yield Waiting(wish, wish.lacking(state, height), wish.once_more(state, height))
