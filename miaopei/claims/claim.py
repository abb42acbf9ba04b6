"""Claims: what each policy of a book is owed for one trigger, evaluated twice.

The columnar reading decides the mass; the exact reading confirms every amount that is not zero and
a sample of the zeros. A difference is an alarm: no money moves. Source: record.md, section 7.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ReadingsDisagree
from ..market.allocation import CapLine, allocate
from ..market.listing import Listing
from ..measures.identity import LARGEST, content_id
from ..policies.book import Effective, Recorded
from ..policies.row import Transaction
from ..terms import exact
from ..terms.bounds import Bounds, bounds
from ..terms.columnar import settle_many
from ..terms.words import Spent, Terms, walk

Amounts = NDArray[np.int64]  # fen, one a policy
Observed = Mapping[str, int | Sequence[int]]  # one for all, or one a policy in their order
Given = Mapping[str, int | Amounts]
ZERO_SAMPLE = 97  # every 97th zero is confirmed by the exact reading as well


@dataclass(frozen=True)
class History:
    """What one policy has been settled for one benefit, in fen.

    `elsewhere` counts other occurrences of the same policy year, `here` earlier revisions of this.
    """

    elsewhere: int = 0
    here: int = 0


@dataclass(frozen=True)
class ClaimLeaf:
    """One policy's claim: fen, whole for the occurrence; `pay_fen` is what to move."""

    trigger: str
    policy: str
    position: int
    gross_fen: int
    spent_fen: int
    terms_fen: int
    owed_fen: int
    settled_fen: int
    pay_fen: int
    state: str
    salt: str

    def as_json(self) -> dict[str, Any]:
        """The form that is committed to."""
        return {
            "v": 1,
            "trigger": self.trigger,
            "policy": self.policy,
            "position": self.position,
            "gross_fen": self.gross_fen,
            "spent_fen": self.spent_fen,
            "terms_fen": self.terms_fen,
            "owed_fen": self.owed_fen,
            "settled_fen": self.settled_fen,
            "pay_fen": self.pay_fen,
            "state": self.state,
            "salt": self.salt,
        }

    def commitment(self) -> bytes:
        """32 bytes that stand in the sub-tree of claims."""
        return bytes.fromhex(content_id("claim", self.as_json()))


def claim_from_json(value: Mapping[str, Any]) -> ClaimLeaf:
    """A claim leaf from its JSON form (KeyError where a field is missing)."""
    return ClaimLeaf(**{name: value[name] for name in ClaimLeaf.__dataclass_fields__})


def claim_salt(row_salt: str, trigger: str) -> str:
    """A salt that every holder of the row derives alike and no neighbour can guess."""
    message = b"miaopei/v1/claim\0" + bytes.fromhex(trigger)
    return hmac.new(bytes.fromhex(row_salt), message, hashlib.sha256).hexdigest()


@dataclass(frozen=True)
class Evaluated:
    """The claims of one trigger in book order, and where an occurrence cap drew its line."""

    claims: tuple[ClaimLeaf, ...]
    cap: CapLine | None = None


def evaluate(
    terms: Terms,
    benefit: str,
    trigger: str,
    observed: Observed,
    policies: Sequence[Effective],
    history: Mapping[str, History],
    listing: Listing,
    unknown: Mapping[int, Collection[str]] | None = None,
) -> Evaluated:
    """Claims of all policies in force, in book order; plain zeros are left out.

    A policy whose amount a version recorded after the instant would change, either way, is held,
    at the version that gives more. So is one of which an input is not known (`unknown`: place of
    the policy -> names), at the most that its terms can come to.
    Errors   ReadingsDisagree (alarm) names the first differing policy and both amounts;
             Refused where the terms refuse the facts.
    """
    if not policies:
        return Evaluated(())
    chosen = [p.chosen for p in policies]
    past = [history.get(r.row.policy, History()) for r in chosen]
    yearly = spent_at_most(terms, benefit)
    spent = np.array([min(p.elsewhere, yearly) for p in past], np.int64)
    given = _given(observed)
    net, gross = _read(terms, benefit, given, chosen, spent)
    held: set[int] = set()
    for i, (recorded, before) in _in_time(terms, benefit, given, policies, spent).items():
        now = (int(net[i]), int(gross[i]))
        if before == now:
            continue
        held.add(i)
        if before > now and recorded is not None:
            chosen[i], (net[i], gross[i]) = recorded, before
    reserved = _unknown(terms, benefit, given, chosen, spent, unknown)
    held |= set(reserved)
    for i, most in reserved.items():
        net[i], gross[i] = most
    listed = [i for i in range(len(chosen)) if gross[i] or past[i].here]
    owed, line = _capped([int(net[i]) for i in listed], [past[i].here for i in listed], listing)
    claims = []
    for i, amount in zip(listed, owed, strict=True):
        row, here = chosen[i].row, past[i].here
        state = _state(int(gross[i]), amount, here, listing, held=i in held)
        claims.append(
            ClaimLeaf(
                trigger=trigger,
                policy=row.policy,
                position=chosen[i].position,
                gross_fen=int(gross[i]),
                spent_fen=int(spent[i]),
                terms_fen=int(net[i]),
                owed_fen=amount,
                settled_fen=here,
                pay_fen=0 if state == "held" else max(0, amount - here),
                state=state,
                salt=claim_salt(row.salt, trigger),
            )
        )
    return Evaluated(tuple(claims), line)


def _unknown(
    terms: Terms,
    benefit: str,
    given: Given,
    chosen: Sequence[Recorded],
    spent: Amounts,
    unknown: Mapping[int, Collection[str]] | None,
) -> dict[int, tuple[int, int]]:
    """Where an input that is not known could change the amount: the most of net and of gross."""
    found = {}
    for i, names in (unknown or {}).items():
        row = chosen[i].row
        known = {n: v for n, v in _of_one(given, i).items() if n not in names}
        gross, net = (can_be(terms, benefit, known, row.declared, s) for s in (0, int(spent[i])))
        if gross.least < gross.most and row.transaction is not Transaction.CANCEL:
            found[i] = net.most, gross.most
    return found


def can_be(
    terms: Terms, benefit: str, known: Mapping[str, int], declared: Mapping[str, int], spent: int
) -> Bounds:
    """What one policy can come to while some inputs are not known: least and most, in fen."""
    return bounds(terms, benefit, known, declared, {benefit: spent})


def spent_at_most(terms: Terms, benefit: str) -> int:
    """The yearly limit that these terms read what is spent against.

    Another version in force earlier in the year may have paid more: then nothing is left.
    """
    limits = (
        word.high.value
        for word in walk(terms.benefit(benefit))
        if isinstance(word, Spent) and word.benefit == benefit
    )
    return min(limits, default=LARGEST)


def _capped(
    net: Sequence[int], settled: Sequence[int], listing: Listing
) -> tuple[list[int], CapLine | None]:
    """Divide the listing's cap on an occurrence, if it has one.

    What is settled above its new amount is taken from the cap first; held claims keep their share.
    """
    if listing.occurrence_cap_fen is None:
        return list(net), None
    above = sum(max(0, before - now) for before, now in zip(settled, net, strict=True))
    return allocate(net, max(0, listing.occurrence_cap_fen - above))


def _state(gross: int, owed: int, settled: int, listing: Listing, *, held: bool) -> str:
    if held:
        return "held"
    if owed < settled:
        return str(listing.kept_or_receivable)
    if gross and not owed:
        return "exhausted"
    return "cut" if owed < gross else "paid"


def _given(observed: Observed) -> Given:
    return {n: v if isinstance(v, int) else np.array(v, np.int64) for n, v in observed.items()}


def _at(given: Given, places: Sequence[int]) -> Given:
    return {n: v if isinstance(v, int) else v[list(places)] for n, v in given.items()}


def _of_one(given: Given, place: int) -> dict[str, int]:
    return {n: v if isinstance(v, int) else int(v[place]) for n, v in given.items()}


def _in_time(
    terms: Terms,
    benefit: str,
    observed: Given,
    policies: Sequence[Effective],
    spent: Amounts,
) -> dict[int, tuple[Recorded | None, tuple[int, int]]]:
    """For versions recorded late, by place: the version that stood, and its net and gross."""
    late = [i for i, p in enumerate(policies) if p.late]
    stood = [(i, p) for i in late if (p := policies[i].in_time) is not None]
    found: dict[int, tuple[Recorded | None, tuple[int, int]]]
    found = dict.fromkeys(late, (None, (0, 0)))
    if stood:
        places, rows = [i for i, _ in stood], [p for _, p in stood]
        net, gross = _read(terms, benefit, _at(observed, places), rows, spent[places])
        for n, (i, p) in enumerate(stood):
            found[i] = (p, (int(net[n]), int(gross[n])))
    return found


def _read(
    terms: Terms,
    benefit: str,
    observed: Given,
    rows: Sequence[Recorded],
    spent: Amounts,
) -> tuple[Amounts, Amounts]:
    """Net (with what is spent) and gross of each row, read twice; a cancellation gives nothing."""
    none = np.zeros(len(rows), dtype=np.int64)
    gross = _columns(terms, benefit, observed, rows, none)
    net = _columns(terms, benefit, observed, rows, spent)
    _confirm(terms, benefit, observed, rows, none, gross)
    if spent.any():
        _confirm(terms, benefit, observed, rows, spent, net)
    stands = np.array([r.row.transaction is not Transaction.CANCEL for r in rows])
    return np.where(stands, net, 0), np.where(stands, gross, 0)


def _columns(
    terms: Terms,
    benefit: str,
    observed: Given,
    rows: Sequence[Recorded],
    spent: Amounts,
) -> Amounts:
    names = rows[0].row.declared.keys()
    declared = {n: np.array([r.row.declared[n] for r in rows], dtype=np.int64) for n in names}
    return settle_many(terms, benefit, observed, declared, spent)


def _confirm(
    terms: Terms,
    benefit: str,
    observed: Given,
    rows: Sequence[Recorded],
    spent: Amounts,
    amounts: Amounts,
) -> None:
    for index, recorded in enumerate(rows):
        if not amounts[index] and index % ZERO_SAMPLE:
            continue
        row, before = recorded.row, {benefit: int(spent[index])}
        seen = _of_one(observed, index)
        plain = exact.settle(terms, benefit, seen, row.declared, before).amount_fen
        if plain != int(amounts[index]):
            raise ReadingsDisagree(
                "columnar and exact reading differ",
                policy=row.policy,
                columnar=int(amounts[index]),
                exact=plain,
            )
