"""`log_uses`: what a holder's personal data were used for, many uses together.

Body: {first, uses: blob reference, purposes [{purpose, uses}]}. Uses are numbered from 1 without a
gap by the holder that sends the act; each is a row of the sealed blob (`miaopei/uses/1`) and is
proved by the root. Nothing of them is public but how many and for what.
Source: docs/specs/persons.md, section 4.
"""

from __future__ import annotations

from .base import Moment, Outcome, check_id, fields, parts_of, refuse
from .blobs import USES, check_reference
from .consents import HOLDERS
from .envelope import Act
from .state import State

KIND = "log_uses"
ROLES = HOLDERS


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused for numbers that do not follow the last, and counts that differ."""
    first, uses, purposes = fields(act.body, first=int, uses=dict, purposes=list)
    check_reference(uses, USES)
    last = logged(state, act.by)
    if first != last + 1:
        raise refuse("act.uses_not_next", first=first, next=last + 1)
    counts = {name: count for name, (count,) in parts_of(purposes, "purpose", "uses").items()}
    for name in counts:
        check_id("purpose", name)
    if not uses["count"] or sum(counts.values()) != uses["count"]:
        raise refuse("act.totals_differ", what="uses", total=uses["count"])
    state.put("uses", act.by, last + uses["count"])
    said = {"act": act.id, "uses": uses, "purposes": counts, "at": now.time}
    state.put("used", f"{act.by}/{first:012d}", said)
    return Outcome()


def logged(state: State, holder: str) -> int:
    """The number of a holder's last use that stands on the record."""
    return int(state.get("uses", holder) or 0)
