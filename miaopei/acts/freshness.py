"""How long a signed act may be taken: up to the end that its sender has signed with it.

In a live record that several members order, whoever holds a signed act could else keep it back for
years and put it on the record when that suits him. There every act names its end, not far away, and
nowhere else does one: who orders a record alone takes what it likes when it likes, and the time of
a replay leaps over years between two acts. Rule set 5. Source: docs/decisions/0018-ends-of-acts.md.
"""

from __future__ import annotations

from ..measures.instant import DAY
from .base import Moment, refuse
from .convene import convened
from .envelope import Act
from .state import State

SINCE = 5  # the rule set from which on acts name their ends; before it nothing reads one that does
LONGEST = 7 * DAY  # from the block's time to an act's end
USUAL = DAY  # how far away an end is that a member names, by its own clock
BY_HAND = LONGEST - DAY // 24  # and of what people carry: clocks may differ by an hour
# What its sender answers by signing the same act again, with another end.
ENDED = TOO_LATE, TOO_FAR, NO_END = "act.too_late", "act.end_too_far", "act.no_end"


def ends(state: State) -> bool:
    """Whether this record is one whose acts name their ends, as soon as its rules say so.

    Same as   `seats.seated` of a live record, by two keys: each act asks.
    """
    genesis = state.shared("genesis", "it")
    begun = genesis["log_key"] is None or convened(state) is not None
    return bool(genesis["clock"] == "live" and begun)


def check(state: State, act: Act, now: Moment, latest: int) -> None:
    """Whether an act is to be taken in a block whose time lies between that of `now` and `latest`.

    Errors   Refused act.no_end, act.end_not_asked, act.too_late, act.end_too_far.
    """
    if now.rules < SINCE or not ends(state):
        if act.until is not None:
            raise refuse("act.end_not_asked", until=act.until, since=SINCE)
        return
    if act.until is None:
        raise refuse(NO_END, time=now.time, limit=LONGEST)
    if act.until < now.time:
        raise refuse(TOO_LATE, until=act.until, time=now.time)
    if act.until > latest + LONGEST:
        raise refuse(TOO_FAR, until=act.until, time=latest, limit=LONGEST)
