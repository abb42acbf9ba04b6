"""`use_grant`: a member says that it uses what was granted to it of a book, before it reads.

Body: {holder, purpose, listing, number, settlements}: under which grant, numbered from 1 by the
member that sends the act, how many settlements of the listing it makes again. Nobody is named by
it. With rule set 4. Source: docs/specs/consortium.md, section 6.
"""

from __future__ import annotations

from .base import KNOWN_ROLES, Moment, Outcome, fields, refuse
from .envelope import Act
from .readers import grants_on, why_not
from .state import State

KIND = "use_grant"
ROLES = KNOWN_ROLES  # whoever a book was granted to
TABLE, LAST = "grant_use", "grant_uses"


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused where no such grant of the book is in force, for a number that is not the next."""
    holder, purpose, listing, number, settlements = fields(
        act.body, holder=str, purpose=str, listing=str, number=int, settlements=int
    )
    wanted = (holder, act.by, purpose)
    if not any(
        (grant.holder, grant.grantee, grant.purpose) == wanted and grant.holds(now.time)
        for grant in grants_on(state, listing)
    ):
        no = why_not(state, listing, act.by, now.time, purpose)
        raise refuse(no.code, **no.facts)
    if number != last_use(state, act.by) + 1:
        raise refuse("act.uses_not_next", first=number, next=last_use(state, act.by) + 1)
    if settlements < 1:
        raise refuse("act.bad_body", field="settlements", why="is below one")
    said = {"holder": holder, "purpose": purpose, "listing": listing}
    said |= {"settlements": settlements, "at": now.time, "act": act.id}
    state.put(TABLE, f"{act.by}/{number:012d}", said)
    state.put(LAST, act.by, number)
    return Outcome()


def last_use(state: State, member: str) -> int:
    """The number of a member's last use of a grant that stands on the record."""
    return int(state.get(LAST, member) or 0)
