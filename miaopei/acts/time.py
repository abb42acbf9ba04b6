"""`time`: the replay source says what time it is. Only in a record with `clock: replay`.

Body: {time}. The node takes the block's time from it before anything of the block is applied.
"""

from __future__ import annotations

from .base import Moment, Outcome, fields, refuse
from .envelope import Act
from .state import State

KIND = "time"
ROLES = frozenset({"clock"})


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused in a live record, from anyone but the replay source, and backwards."""
    genesis = state.need("genesis", "it")
    (time,) = fields(act.body, time=int)
    if genesis["clock"] != "replay":
        raise refuse("act.clock_is_live")
    if act.by != genesis["replay_source"]:
        raise refuse("act.not_the_replay_source", by=act.by, source=genesis["replay_source"])
    if time > now.time:
        raise refuse("act.time_not_taken", time=time, block=now.time)
    if time < now.time:
        raise refuse("act.time_backwards", time=time, block=now.time)
    return Outcome()
