"""`erase`: a person is forgotten: every holder destroys the keys of what it has of them.

Body: {subject, kept_until, reason}. `kept_until` is the last date to which the sender's own rows
bind it (0 where none does); what others must keep they have said by `retain`. Nothing is taken
before the last of these, nor, from rule set 4 on, while a policy that the record knows is in force
or something of it is open. Each holder looks at its own rows besides, before it destroys anything.
From set 4 on, where members have seats, whoever can hold nothing of a person says nothing here.
The record itself stays as it is. Source: docs/specs/persons.md, section 5.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import Fact
from ..measures.identity import content_id
from ..measures.instant import utc_text
from .base import Moment, Outcome, check_id, fields, has_role, refuse
from .consents import HOLDERS, check_not_erased, check_subject
from .envelope import Act
from .readers import parties
from .retain import FOR_EVER
from .seats import seated
from .sold import segments_of
from .state import State

KIND = "erase"
ROLES = HOLDERS | {"regulator"}
LOOKS_SINCE = 4  # the rule set from which what the record itself knows to be open is looked at
ENDED = ("settled", "not_covered", "nothing_due", "closed", "refused")  # cases that wait for nobody


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused before everything that must be kept may go, with who keeps it and until when."""
    subject, kept_until, reason = fields(act.body, subject=str, kept_until=int, reason=str)
    check_subject(subject)
    check_id("reason", reason)
    if not 0 <= kept_until < FOR_EVER:
        raise refuse("act.bad_body", field="kept_until", why="is no time")
    check_not_erased(state, subject)
    if now.rules >= LOOKS_SINCE and not _may_hold(state, act.by):
        raise refuse("persons.no_holder", by=act.by, person=subject)
    bound = [(kept_until, act.by, "own_rows")]
    bound += [
        (said["until"], key.removeprefix(f"{subject}/"), said["ground"])
        for key, said in state.range("retained", f"{subject}/")
    ]
    until, who, ground = max(bound)
    if now.time < until:
        raise refuse(
            "persons.retained", person=subject, until=utc_text(until), who=who, ground=ground
        )
    if now.rules >= LOOKS_SINCE:
        for policy in _policies(state, subject):
            _check_ended(state, subject, policy, now.time)
    state.put("erased", subject, {"at": now.time, "by": act.by, "reason": reason, "act": act.id})
    return Outcome()


def _may_hold(state: State, member: str) -> bool:
    """Whether a member may have something of a person: it sells, gives data of its customers, or a
    listing binds it. In a record of one, that one has.
    """
    if not seated(state) or has_role(state, member, ("channel", "data_provider")):
        return True
    return any(member in parties(state, listing) for listing, _ in state.range("listing", ""))


def _policies(state: State, subject: str) -> Iterator[dict[str, Any]]:
    """Policies of a person that were sold on the record: what was brought in batches is sealed."""
    if subject.startswith("policy/"):
        found = state.get("policy", subject.removeprefix("policy/"))
        if found is not None:
            yield found
        return
    for listing, _ in state.range("listing", ""):
        mark = content_id("holder", [listing, subject])  # docs/specs/policies.md, section 2
        for key, _ in state.range("holder", f"{listing}/{mark}/"):
            if (found := state.get("policy", key.rpartition("/")[2])) is not None:
                yield found


def _check_ended(state: State, subject: str, policy: Mapping[str, Any], now: int) -> None:
    """Errors   Refused persons.retained while it is in force, persons.claim_open."""
    listing, spans = policy["listing"], [s for s in segments_of(policy) if s.in_force]
    until = max((span.until for span in spans), default=0)
    if now < until:
        facts: dict[str, Fact] = {"until": utc_text(until), "who": listing, "ground": "in_force"}
        raise refuse("persons.retained", person=subject, **facts)
    for key, case in state.range("case", f"{listing}/"):
        instant = case["instant"]
        met = instant is None or any(span.since <= instant < span.until for span in spans)
        if case["state"] not in ENDED and met:
            raise _open(subject, key, case["state"], case["until"])
    for _, duty in state.range("duty", "pay/"):
        payment = state.need("payment", duty["debt"])
        ours = payment.get("policy") == policy["policy"]
        if payment["kind"] == "settlement":
            settled = state.need("settlement", duty["debt"])["settlement"]
            ours = settled["listing"] == listing
        if ours:
            raise _open(subject, duty["debt"][:16], "unpaid", None)


def _open(subject: str, case: str, why: str, until: int | None) -> Exception:
    end = None if until is None else utc_text(until)
    return refuse("persons.claim_open", person=subject, case=case[:200], state=why, until=end)
