"""May these data of this person be used for this, by this member, now? Asked in every data call.

A consent speaks of one subject, purpose and grantee; a grant of one holder, grantee, role and
purpose. The last word counts. Source: docs/specs/persons.md, section 3.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from ..errors import Fact, Refusal
from ..measures.instant import utc_text
from .base import check_id, refuse
from .state import State

# Who may hold data of persons, and so bring their consents and say who may read.
HOLDERS = frozenset({"operator", "carrier", "channel", "payer", "gateway", "data_provider"})
SCOPES_MAX = 20
_SUBJECT = re.compile(r"[0-9a-f]{64}|(?:policy|household|application)/[0-9A-Za-z._-]{1,64}")


def allowed(
    state: State, subject: str, purpose: str, grantee: str, at: int, scope: Collection[str] = ()
) -> Refusal | None:
    """Whether a person has consented that a member uses their data, as a refusal or nothing.

    Without `scope` any consent for the purpose is enough; else it must cover all of it.
    Units   at: UTC seconds, the block's or the caller's own time.
    """
    about = {"subject": subject[:80], "purpose": purpose[:60], "grantee": grantee[:60]}
    if gone := state.get("erased", subject):
        return _no("consent.erased", about, at=utc_text(gone["at"]))
    said = state.get("consent", consent_key(subject, purpose, grantee))
    if said is None:
        return _no("consent.none", about)
    if said["revoked"] is not None and said["revoked"] <= at:
        return _no("consent.revoked", about, at=utc_text(said["revoked"]))
    if at < said["since"]:
        return _no("consent.not_yet", about, since=utc_text(said["since"]))
    if at >= said["until"]:
        return _no("consent.expired", about, until=utc_text(said["until"]))
    if beyond := sorted(set(scope) - set(said["scope"])):
        return _no("consent.out_of_scope", about, scope=beyond[0][:60])
    return None


def granted(
    state: State,
    holder: str,
    grantee: str,
    role: str,
    purpose: str,
    at: int,
    scope: Collection[str] = (),
) -> Refusal | None:
    """Whether a holder lets people of a role at a member use its personal data for a purpose.

    Units   at: UTC seconds.
    """
    about = {"holder": holder[:60], "role": role[:60], "purpose": purpose[:60]}
    about["grantee"] = grantee[:60]
    said = state.get("grant", grant_key(holder, grantee, role, purpose))
    if said is None:
        return _no("grant.none", about)
    if said["ended"] is not None and said["ended"] <= at:
        return _no("grant.ended", about, at=utc_text(said["ended"]))
    if at >= said["until"]:
        return _no("grant.expired", about, until=utc_text(said["until"]))
    if beyond := sorted(set(scope) - set(said["scope"])):
        return _no("grant.out_of_scope", about, scope=beyond[0][:60])
    return None


def consent_key(subject: str, purpose: str, grantee: str) -> str:
    """Where the last word of a person about a purpose and a grantee stands."""
    return f"{subject}/{purpose}/{grantee}"


def grant_key(holder: str, grantee: str, role: str, purpose: str) -> str:
    """Where a holder's last word about a role and a purpose stands."""
    return f"{holder}/{grantee}/{role}/{purpose}"


def check_subject(subject: str) -> None:
    """A subject token, or the name of what is paid: nothing else may name a person on the record.

    Errors   Refused consent.bad_subject; what was given is not repeated, it may be personal.
    """
    if not _SUBJECT.fullmatch(subject):
        raise refuse("consent.bad_subject", length=len(subject))


def check_not_erased(state: State, subject: str) -> None:
    """Errors   Refused persons.erased."""
    if state.has("erased", subject):
        raise refuse("persons.erased", person=subject)


def check_scope(scope: list[Any], field: str = "scope") -> None:
    """Names (of data classes or fields, of purposes), each once, in order.

    Errors   Refused act.bad_body.
    """
    if not 0 < len(scope) <= SCOPES_MAX or not all(type(name) is str for name in scope):
        raise refuse("act.bad_body", field=field, why=f"needs 1 to {SCOPES_MAX} names")
    for name in scope:
        check_id(field, name)
    if scope != sorted(set(scope)):
        raise refuse("act.bad_body", field=field, why="is not sorted, or a name stands twice")


def check_span(since: int, until: int, now: int) -> None:
    """Errors   Refused act.bad_body for a time that ends before it starts, or is over already."""
    if not 0 <= since < until:
        raise refuse("act.bad_body", field="until", why="ends before it starts")
    if until <= now:
        raise refuse("act.bad_body", field="until", why=f"is over at {utc_text(now)}")


def _no(code: str, about: dict[str, str], **more: Fact) -> Refusal:
    return Refusal(code, {**about, **more})
