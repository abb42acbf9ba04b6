"""Claims: what each policy of a book is owed for one trigger, evaluated twice.

The columnar reading decides the mass; the exact reading confirms every amount that is not zero and
a sample of the zeros. A difference is an alarm: no money moves. Source: record.md, section 7.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
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
from ..terms.columnar import settle_many
from ..terms.words import Spent, Terms, walk

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
    observed: Mapping[str, int],
    policies: Sequence[Effective],
    history: Mapping[str, History],
    listing: Listing,
) -> Evaluated:
    """Claims of all policies in force, in book order; plain zeros are left out.

    Errors   ReadingsDisagree (alarm) names the first differing policy and both amounts;
             Refused where the terms refuse the facts.
    """
    if not policies:
        return Evaluated(())
    chosen = [p.chosen for p in policies]
    none = np.zeros(len(chosen), dtype=np.int64)
    most = spent_at_most(terms, benefit)
    elsewhere = [history.get(r.row.policy, History()).elsewhere for r in chosen]
    spent = np.array([min(fen, most) for fen in elsewhere], np.int64)
    gross = _columns(terms, benefit, observed, chosen, none)
    net = _columns(terms, benefit, observed, chosen, spent)
    _confirm(terms, benefit, observed, chosen, none, gross)
    if spent.any():
        _confirm(terms, benefit, observed, chosen, spent, net)
    past = [history.get(r.row.policy, History()) for r in chosen]
    listed = [i for i in range(len(chosen)) if gross[i] or past[i].here]
    owed, line = _capped([int(net[i]) for i in listed], [past[i].here for i in listed], listing)
    before = _in_time(terms, benefit, observed, policies)
    claims = []
    for i, amount in zip(listed, owed, strict=True):
        row = chosen[i].row
        state = _state(
            int(gross[i]),
            amount,
            past[i].here,
            listing,
            held=policies[i].late and int(gross[i]) > before.get(row.policy, 0),
        )
        claims.append(
            ClaimLeaf(
                trigger=trigger,
                policy=row.policy,
                position=chosen[i].position,
                gross_fen=int(gross[i]),
                spent_fen=int(spent[i]),
                terms_fen=int(net[i]),
                owed_fen=amount,
                settled_fen=past[i].here,
                pay_fen=0 if state == "held" else max(0, amount - past[i].here),
                state=state,
                salt=claim_salt(row.salt, trigger),
            )
        )
    return Evaluated(tuple(claims), line)


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


def _columns(
    terms: Terms,
    benefit: str,
    observed: Mapping[str, int],
    rows: Sequence[Recorded],
    spent: NDArray[np.int64],
) -> NDArray[np.int64]:
    names = rows[0].row.declared.keys()
    declared = {n: np.array([r.row.declared[n] for r in rows], dtype=np.int64) for n in names}
    return settle_many(terms, benefit, observed, declared, spent)


def _confirm(
    terms: Terms,
    benefit: str,
    observed: Mapping[str, int],
    rows: Sequence[Recorded],
    spent: NDArray[np.int64],
    amounts: NDArray[np.int64],
) -> None:
    for index, recorded in enumerate(rows):
        if not amounts[index] and index % ZERO_SAMPLE:
            continue
        row, before = recorded.row, {benefit: int(spent[index])}
        plain = exact.settle(terms, benefit, observed, row.declared, before).amount_fen
        if plain != int(amounts[index]):
            raise ReadingsDisagree(
                "columnar and exact reading differ",
                policy=row.policy,
                columnar=int(amounts[index]),
                exact=plain,
            )


def _in_time(
    terms: Terms, benefit: str, observed: Mapping[str, int], policies: Sequence[Effective]
) -> dict[str, int]:
    """For versions recorded late: what the version that stood before would have given."""
    return {
        p.chosen.row.policy: exact.settle(
            terms, benefit, observed, p.in_time.row.declared, {benefit: 0}
        ).amount_fen
        for p in policies
        if p.late and p.in_time is not None and p.in_time.row.transaction is not Transaction.CANCEL
    }
