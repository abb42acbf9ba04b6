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
from ..measures.identity import content_id
from ..policies.book import Effective, Recorded
from ..terms import exact
from ..terms.columnar import settle_many
from ..terms.words import Terms

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


def evaluate(
    terms: Terms,
    benefit: str,
    trigger: str,
    observed: Mapping[str, int],
    policies: Sequence[Effective],
    history: Mapping[str, History],
) -> list[ClaimLeaf]:
    """Claims of all policies in force, in book order; plain zeros are left out.

    Errors   ReadingsDisagree (alarm) names the first differing policy and both amounts;
             Refused where the terms refuse the facts.
    """
    if not policies:
        return []
    chosen = [p.chosen for p in policies]
    none = np.zeros(len(chosen), dtype=np.int64)
    spent = np.array([history.get(r.row.policy, History()).elsewhere for r in chosen], np.int64)
    gross = _columns(terms, benefit, observed, chosen, none)
    owed = _columns(terms, benefit, observed, chosen, spent)
    _confirm(terms, benefit, observed, chosen, (none, gross), (spent, owed))
    limit = _in_time(terms, benefit, observed, policies)
    claims = []
    for index, policy in enumerate(policies):
        row, past = policy.chosen.row, history.get(policy.chosen.row.policy, History())
        if not gross[index] and not past.here:
            continue
        late = policy.late and int(gross[index]) > limit.get(row.policy, 0)
        claims.append(_leaf(trigger, policy, int(gross[index]), int(owed[index]), past, held=late))
    return claims


def _leaf(
    trigger: str, policy: Effective, gross: int, owed: int, past: History, *, held: bool
) -> ClaimLeaf:
    pay = max(0, owed - past.here)
    if held:
        state, pay = "held", 0
    elif owed < past.here:
        state = "kept"
    elif gross and not owed:
        state = "exhausted"
    else:
        state = "cut" if owed < gross else "paid"
    row = policy.chosen.row
    return ClaimLeaf(
        trigger=trigger,
        policy=row.policy,
        position=policy.chosen.position,
        gross_fen=gross,
        spent_fen=past.elsewhere,
        owed_fen=owed,
        settled_fen=past.here,
        pay_fen=pay,
        state=state,
        salt=claim_salt(row.salt, trigger),
    )


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
    *runs: tuple[NDArray[np.int64], NDArray[np.int64]],
) -> None:
    for spent, amounts in runs:
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
        if p.late and p.in_time is not None
    }
