"""`reopen`: a person puts a case that could not be decided into its book's line again.

Body: {listing, occurrence, benefit, reason, person}. A new trigger is made at once, with the facts
and the book as they stand now: after a corrected batch, or where the deciders can read it now.
"""

from __future__ import annotations

from .base import Moment, Outcome, fields, known, refuse
from .cannot_decide import HELD
from .cases import reassess
from .envelope import Act
from .on_file import OnFile
from .state import State

KIND = "reopen"
ROLES = frozenset({"operator", "regulator"})


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused for a case that is not held as undecided, and where no trigger can be made."""
    listing, occurrence, benefit, reason, person = fields(
        act.body, listing=str, occurrence=str, benefit=str, reason=str, person=str
    )
    known(state, "listing", listing, "act.listing_not_known")
    key = f"{listing}/{occurrence}/{benefit}"
    case = state.get("case", key)
    if case is None or case["state"] != HELD:
        raise refuse("act.not_undecided", case=key[:200])
    if not reason.strip() or not person.strip():
        raise refuse("act.bad_body", field="person", why="a name and a reason are needed")
    outcome = Outcome()
    reassess(OnFile(state), outcome, listing, case["at"], now, benefit, anew=True)
    if state.need("case", key)["trigger"] == case["trigger"]:
        raise refuse("act.still_waiting", case=key[:200])
    return outcome
