"""Allotment: one payout handed on to a list of households by class and weight, to the last fen.

Households are named by tokens, never by name or number; who they are stays with the policyholder.
The rule of the Yunnan scheme is not printed (ambiguity A-06), so a rule is data and says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from ..accounts.shape import read
from ..errors import Refusal, Refused
from ..measures.identity import content_id
from ..measures.money import divide_fairly


class Work(StrEnum):
    """What a household's dwelling needs."""

    REBUILT = "rebuilt"  # 重建
    REPAIRED = "repaired"  # 修缮


@dataclass(frozen=True)
class WeightRule:
    """How much a household of one class counts against one of another.

    Errors   Refused market.weight_bad for a weight below 1 or a class left out.
    """

    id: str
    weights: Mapping[Work, int]
    illustrative: bool

    def __post_init__(self) -> None:
        for work in Work:
            weight = self.weights.get(work, 0)
            if type(weight) is not int or weight < 1:
                facts = {"of": str(work), "weight": str(weight)[:40]}
                raise Refused(Refusal("market.weight_bad", facts))

    def as_json(self) -> dict[str, Any]:
        """The form that is recorded with the allotment."""
        return {
            "id": self.id,
            "weights": {str(work): self.weights[work] for work in Work},
            "illustrative": self.illustrative,
        }

    @classmethod
    def from_json(cls, value: object) -> Self:
        """Errors   Refused market.bad_field, market.weight_bad."""
        key, weights, illustrative = read(
            value, "market.bad_field", id=str, weights=dict, illustrative=bool
        )
        rebuilt, repaired = read(weights, "market.bad_field", rebuilt=int, repaired=int)
        return cls(key, {Work.REBUILT: rebuilt, Work.REPAIRED: repaired}, illustrative)


@dataclass(frozen=True)
class Household:
    """One beneficiary by token; `weight` counts within its class (1 where all count alike)."""

    token: str
    work: Work
    weight: int = 1


@dataclass(frozen=True)
class AllotmentLine:
    """What one household gets. `number` runs from 1 in the order of the list; amount in fen."""

    number: int
    token: str
    work: Work
    weight: int
    amount_fen: int

    def as_json(self) -> dict[str, Any]:
        """The form that the digest covers."""
        return {
            "number": self.number,
            "token": self.token,
            "work": str(self.work),
            "weight": self.weight,
            "amount_fen": self.amount_fen,
        }

    @classmethod
    def from_json(cls, value: object) -> Self:
        """Errors   Refused market.bad_field."""
        number, token, work, weight, fen = read(
            value, "market.bad_field", number=int, token=str, work=str, weight=int, amount_fen=int
        )
        return cls(number, token, _work(work), weight, fen)


@dataclass(frozen=True)
class Allotment:
    """The fixed list. Its digest is recorded before the first household is paid."""

    payout_fen: int
    rule: WeightRule
    lines: tuple[AllotmentLine, ...]

    @property
    def digest(self) -> str:
        """Content id over the lines; it changes with any token, class, weight, amount or order."""
        return content_id("allotment", [line.as_json() for line in self.lines])

    def totals(self) -> dict[Work, tuple[int, int]]:
        """Class -> how many households, and their sum in fen."""
        counts = Counter(line.work for line in self.lines)
        return {
            work: (counts[work], sum(ln.amount_fen for ln in self.lines if ln.work is work))
            for work in Work
        }

    def as_json(self) -> dict[str, Any]:
        """The whole list; it speaks of households, so it travels sealed."""
        return {
            "payout_fen": self.payout_fen,
            "rule": self.rule.as_json(),
            "lines": [line.as_json() for line in self.lines],
        }


def allot(payout_fen: int, households: Sequence[Household], rule: WeightRule) -> Allotment:
    """Divide a payout over the list by largest remainder; the lines sum to the payout.

    A household counts its class's weight times its own. Ties go to the line that stands earlier.
    Errors   Refused market.payout_negative, market.no_households, market.household_twice,
             market.weight_bad; all faults at once.
    """
    faults = _faults(payout_fen, households)
    if faults:
        raise Refused(*faults)
    parts = divide_fairly(payout_fen, [rule.weights[h.work] * h.weight for h in households])
    lines = (
        AllotmentLine(number, h.token, h.work, h.weight, fen)
        for number, (h, fen) in enumerate(zip(households, parts, strict=True), 1)
    )
    return Allotment(payout_fen, rule, tuple(lines))


def allotment_from_json(value: object) -> Allotment:
    """Read a fixed list back, and divide again: a list that its own rule does not give is refused.

    Errors   Refused market.bad_field, market.allotment_differs and those of `allot`.
    """
    payout_fen, rule, rows = read(value, "market.bad_field", payout_fen=int, rule=dict, lines=list)
    lines = tuple(AllotmentLine.from_json(row) for row in rows)
    households = [Household(line.token, line.work, line.weight) for line in lines]
    again = allot(payout_fen, households, WeightRule.from_json(rule))
    for kept, line in zip(lines, again.lines, strict=True):
        if kept != line:
            facts = {"number": line.number, "stated": kept.amount_fen, "due": line.amount_fen}
            raise Refused(Refusal("market.allotment_differs", facts))
    return again


def _faults(payout_fen: int, households: Sequence[Household]) -> list[Refusal]:
    faults = []
    if payout_fen < 0:
        faults.append(Refusal("market.payout_negative", {"payout_fen": payout_fen}))
    if not households:
        faults.append(Refusal("market.no_households", {"payout_fen": payout_fen}))
    counts = Counter(h.token for h in households)
    for token, count in counts.items():
        if count > 1 or not token:
            faults.append(Refusal("market.household_twice", {"token": token, "count": count}))
    for household in households:
        if type(household.weight) is not int or household.weight < 1:
            facts = {"of": household.token, "weight": str(household.weight)[:40]}
            faults.append(Refusal("market.weight_bad", facts))
    return faults


def _work(name: str) -> Work:
    try:
        return Work(name)
    except ValueError:
        facts = {"field": "work", "why": f"'{name[:40]}' is neither rebuilt nor repaired"}
        raise Refused(Refusal("market.bad_field", facts)) from None
