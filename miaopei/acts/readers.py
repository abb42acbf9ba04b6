"""Who may read a listing's book: whoever decides or pays it, and whom one of them grants it.

A grant of a book is a `grant` in the role `book_reader` whose scope names listings; it counts where
its holder pays the listing, or decides it as a carrier. Source: docs/specs/consortium.md, 6.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from ..errors import Fact, Refusal
from ..measures.instant import utc_text
from .base import has_role
from .consents import grant_key
from .state import State

READER = "book_reader"  # the role in which a grant speaks of books


class BookGrant(NamedTuple):
    """A grant of books: of whom, to whom, for what, which listings, until when; ended or not."""

    holder: str
    grantee: str
    purpose: str
    scope: tuple[str, ...]
    until: int
    ended: int | None

    def holds(self, at: int) -> bool:
        """Whether it is in force at a time (UTC seconds)."""
        return at < self.until and (self.ended is None or at < self.ended)


def parties(state: State, listing: str) -> tuple[str, ...]:
    """Who reads a listing's book without any grant: its deciders, its payer, its standby payer.

    Nobody where there is no such listing.
    """
    entry = state.shared("listing", listing)
    if entry is None:
        return ()
    terms = entry["listing"]
    named = (*terms["deciders"], terms["payer"], terms["standby_payer"])
    return tuple(dict.fromkeys(member for member in named if member is not None))


def holders(state: State, listing: str) -> tuple[str, ...]:
    """Who may grant others a listing's book: who pays it, and its deciders that are carriers."""
    entry = state.get("listing", listing)
    if entry is None:
        return ()
    pays = (entry["listing"]["payer"], entry["listing"]["standby_payer"])
    return tuple(
        member
        for member in parties(state, listing)
        if member in pays or has_role(state, member, ("carrier",))
    )


def grants_of(state: State, holder: str) -> Iterator[BookGrant]:
    """All that a holder has ever granted of books, each as last said."""
    for key, said in state.range("grant", f"{holder}/"):
        _, grantee, role, purpose = key.split("/")
        if role == READER:
            yield _grant(holder, grantee, purpose, said)


def grants_on(state: State, listing: str) -> Iterator[BookGrant]:
    """The grants of a listing's book that count, in force or not any more."""
    for holder in holders(state, listing):
        yield from (grant for grant in grants_of(state, holder) if listing in grant.scope)


def grantees(state: State, listing: str, at: int) -> list[str]:
    """Who reads a listing's book by a grant that is in force at a time, each once."""
    found = (grant.grantee for grant in grants_on(state, listing) if grant.holds(at))
    return list(dict.fromkeys(found))


def grant_for(state: State, listing: str, member: str, at: int, purpose: str = "") -> BookGrant:
    """The grant by which a member reads a listing's book at a time, for a purpose or for any.

    Errors   LookupError where there is none: `why_not` says it.
    """
    for grant in grants_on(state, listing):
        if grant.grantee == member and grant.holds(at) and purpose in ("", grant.purpose):
            return grant
    raise LookupError(f"no grant of {listing} for {member}")


def why_not(state: State, listing: str, member: str, at: int, purpose: str = "") -> Refusal:
    """Why a member may not read a listing's book for a purpose, and who could let it."""
    facts: dict[str, Fact] = {"member": member[:60], "listing": listing[:60]}
    facts["holders"] = ", ".join(holders(state, listing))
    past = [grant for grant in grants_on(state, listing) if grant.grantee == member]
    asked = [grant for grant in past if purpose in ("", grant.purpose)]
    if not asked and past:
        purposes = ", ".join(sorted({grant.purpose for grant in past if grant.holds(at)}))
        if purposes:
            return Refusal("grant.book_purpose", {**facts, "purpose": purpose, "for": purposes})
    if not asked:
        return Refusal("grant.book_none", facts)
    last = max(asked, key=_end)
    code = "grant.book_expired" if last.until <= _end(last) else "grant.book_ended"
    return Refusal(code, {**facts, "holder": last.holder, "at": utc_text(_end(last))})


def standing(state: State, holder: str, grantee: str, purpose: str) -> BookGrant | None:
    """What a holder has last granted a member for a purpose."""
    said = state.get("grant", grant_key(holder, grantee, READER, purpose))
    return None if said is None else _grant(holder, grantee, purpose, said)


def _end(grant: BookGrant) -> int:
    return grant.until if grant.ended is None else min(grant.until, grant.ended)


def _grant(holder: str, grantee: str, purpose: str, said: dict[str, Any]) -> BookGrant:
    return BookGrant(holder, grantee, purpose, tuple(said["scope"]), said["until"], said["ended"])
