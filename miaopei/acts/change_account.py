"""`change_account`: what is owed to a policyholder goes to another account from this block on.

Body: {policy, listing, number, commitments{account, name}, asked, person, reason}. The account
stays with the member that sends this; the record holds salted commitments to it. `asked` is
`holder` (who showed to be the policyholder; no person, no reason) or `operator` (with both).
`number` counts the changes that this member made of the policy, from 1. Source:
docs/specs/policies.md, section 6.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..policies.row import HEX_32
from .base import Moment, Outcome, fields, known, refuse
from .blobs import is_digest
from .consents import check_not_erased
from .envelope import Act
from .state import State

KIND = "change_account"
ROLES = frozenset({"operator", "carrier", "channel", "payer"})
SINCE = 4  # the rule set from which the record is bound to accounts
HOLDER, OPERATOR = "holder", "operator"
BOUND = ("account", "name")  # what makes an account, of all that is known of a person
TEXT = (str, type(None))


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused for another number than the next, and for a sold policy of another listing.

    The record knows no numbers of policies that were brought in, so of those any may stand here.
    """
    policy, listing, number, commitments, asked, person, reason = fields(
        act.body,
        policy=str,
        listing=str,
        number=int,
        commitments=dict,
        asked=str,
        person=TEXT,
        reason=TEXT,
    )
    if not HEX_32.fullmatch(policy):
        raise refuse("act.bad_body", field="policy", why="needs 32 hex digits")
    known(state, "listing", listing, "act.listing_not_known")
    sold = state.get("application", policy)
    if sold is not None and (sold["listing"] != listing or sold["state"] == "refused"):
        raise refuse("act.policy_not_known", id=policy)
    for name, value in zip(BOUND, fields(commitments, account=str, name=str), strict=True):
        if not is_digest(value):
            raise refuse("act.bad_body", field=name, why="needs a digest of 64 hex digits")
    _check_asked(asked, person, reason)
    check_not_erased(state, f"policy/{policy}")
    following = next_number(state, policy, act.by)
    if number != following:
        raise refuse("act.account_number", policy=policy, number=number, next=following)
    bind(state, policy, act, now, commitments, number)
    return Outcome()


def bind(
    state: State, policy: str, act: Act, now: Moment, said: Mapping[str, str], number: int = 0
) -> None:
    """From now on the sender's payments for a policy go to the account that is committed to."""
    if set(BOUND) <= set(said):
        commitments = {name: said[name] for name in BOUND}
        value = {"number": number, "commitments": commitments, "at": now.time, "act": act.id}
        state.put("account", _key(policy, act.by), value)


def bound_to(state: State, policy: str, member: str) -> dict[str, Any] | None:
    """What a member last said of a policy's account on the record: {number, commitments, ..}."""
    found: dict[str, Any] | None = state.get("account", _key(policy, member))
    return found


def next_number(state: State, policy: str, member: str) -> int:
    """The number of a member's next change of a policy's account."""
    last = bound_to(state, policy, member)
    return 1 if last is None else int(last["number"]) + 1


def _check_asked(asked: str, person: str | None, reason: str | None) -> None:
    if asked not in (HOLDER, OPERATOR):
        raise refuse("act.bad_body", field="asked", why=f"is {HOLDER} or {OPERATOR}")
    given = [bool(text and text.strip()) and len(text or "") <= 200 for text in (person, reason)]
    if asked == OPERATOR and not all(given):
        raise refuse("act.bad_body", field="person", why="needs a person and a reason")
    if asked == HOLDER and (person, reason) != (None, None):
        raise refuse("act.bad_body", field="person", why="is null where the holder asked")


def _key(policy: str, member: str) -> str:
    return f"{policy}/{member}"
