"""A listing: a product put on the exchange, with who carries it, who decides and who pays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from ..accounts.shape import OPTIONAL_INTEGER, OPTIONAL_TEXT, read
from ..errors import Refusal, Refused
from ..measures.instant import DAY
from .placement import Placement

CONSORTIUM_DECIDERS = 3
TIMES = ("takeover_seconds", "decide_seconds", "hold_seconds")  # in recorded form where given
# The most that a listing may name; without a bound a deadline could be beyond what can be written.
MOST = dict(zip(TIMES, (366 * DAY, 31 * DAY, 92 * DAY), strict=True))


class Overpaid(StrEnum):
    """What becomes of money that a later revision shows to have been too much."""

    KEPT = "kept"
    RECEIVABLE = "receivable"


@dataclass(frozen=True)
class Listing:
    """One product line, one placement, one book, one set of deciders.

    `deciders` are member ids, `k` how many equal decisions settle, `kept_or_receivable` what a
    negative difference becomes, `occurrence_cap_fen` the most that one occurrence pays over the
    whole book (None: no cap), `solo` whether one operator decides alone,
    `takeover_seconds` how long after a settlement the standby may take over its open debt (None:
    never), `decide_seconds` how long the deciding carrier is waited for, `hold_seconds` how long
    after that the others are (None: as long as the rules say). What is None of the three stands in
    no recorded form.
    """

    id: str
    product: str
    book: str
    placement: Placement
    payer: str
    standby_payer: str | None
    deciders: tuple[str, ...]
    k: int
    kept_or_receivable: Overpaid
    occurrence_cap_fen: int | None
    solo: bool
    takeover_seconds: int | None = None
    decide_seconds: int | None = None
    hold_seconds: int | None = None

    def check(self, operators: Mapping[str, str]) -> list[Refusal]:
        """Every reason why this listing may not stand; none where it may.

        `operators`: member -> the organisation that runs it, for every admitted member.
        """
        faults = [
            Refusal("market.listing_empty", {"id": self.id, "field": name})
            for name in ("id", "product", "book", "payer")
            if not getattr(self, name)
        ]
        if self.standby_payer == self.payer:
            faults.append(Refusal("market.standby_is_payer", {"payer": self.payer}))
        after = self.takeover_seconds
        if after is not None and (after <= 0 or self.standby_payer is None):
            facts = {"seconds": after, "standby": self.standby_payer}
            faults.append(Refusal("market.bad_takeover", facts))
        for name in TIMES[1:]:
            seconds = getattr(self, name)
            if seconds is not None and (self.solo or seconds <= 0):
                faults.append(Refusal("market.bad_round", {"field": name, "seconds": seconds}))
        cap = self.occurrence_cap_fen
        if cap is not None and cap <= 0:
            faults.append(Refusal("market.cap_not_positive", {"cap_fen": cap}))
        faults += [
            Refusal("market.member_unknown", {"part": part, "member": member})
            for part, member in self._named()
            if member not in operators
        ]
        return faults + self._check_deciders(operators)

    def check_times(self) -> list[Refusal]:
        """The times that are longer than a listing may name, from rule set 4 on."""
        named = {name: getattr(self, name) for name in TIMES}
        return [
            Refusal("market.too_long", {"field": name, "seconds": seconds, "limit": MOST[name]})
            for name, seconds in named.items()
            if seconds is not None and seconds > MOST[name]
        ]

    def _named(self) -> list[tuple[str, str]]:
        """Every member that the listing names, with the part it plays."""
        standby = () if self.standby_payer is None else (self.standby_payer,)
        return [
            *(("carrier", share.carrier) for share in self.placement.shares),
            *(("payer", member) for member in (self.payer, *standby) if member),
            *(("decider", member) for member in self.deciders),
        ]

    def _check_deciders(self, operators: Mapping[str, str]) -> list[Refusal]:
        n = len(self.deciders)
        faults: list[Refusal] = []
        if len(set(self.deciders)) != n:
            faults.append(Refusal("market.decider_twice", {"id": self.id}))
        if not 1 <= self.k <= n:
            faults.append(Refusal("market.k_out_of_range", {"k": self.k, "deciders": n}))
        if self.solo:
            if (n, self.k) != (1, 1):
                faults.append(Refusal("market.solo_decides_alone", {"k": self.k, "deciders": n}))
            return faults
        if n < CONSORTIUM_DECIDERS:
            limit = {"deciders": n, "least": CONSORTIUM_DECIDERS}
            faults.append(Refusal("market.too_few_deciders", limit))
        if 2 * self.k <= n:
            faults.append(Refusal("market.k_no_majority", {"k": self.k, "deciders": n}))
        held: dict[str, str] = {}
        for member in dict.fromkeys(self.deciders):
            operator = operators.get(member)
            if operator is not None and (other := held.setdefault(operator, member)) != member:
                facts = {"operator": operator, "one": other, "other": member}
                faults.append(Refusal("market.same_operator", facts))
        return faults

    def as_json(self) -> dict[str, Any]:
        """The form that stands in the record."""
        times = {name: getattr(self, name) for name in TIMES}
        named = {name: seconds for name, seconds in times.items() if seconds is not None}
        return {
            **named,
            "id": self.id,
            "product": self.product,
            "book": self.book,
            "placement": self.placement.as_json(),
            "payer": self.payer,
            "standby_payer": self.standby_payer,
            "deciders": list(self.deciders),
            "k": self.k,
            "kept_or_receivable": str(self.kept_or_receivable),
            "occurrence_cap_fen": self.occurrence_cap_fen,
            "solo": self.solo,
        }

    @classmethod
    def from_json(cls, value: object) -> Self:
        """Reads the form; whether the listing may stand is asked of `check`.

        Errors   Refused market.bad_field, market.share_*.
        """
        given = dict(value) if isinstance(value, Mapping) else {}
        times = {name: given.pop(name, None) for name in TIMES}
        for name, seconds in times.items():
            if type(seconds) not in (int, type(None)):
                facts = {"field": name, "why": f"is {type(seconds).__name__}"}
                raise Refused(Refusal("market.bad_field", facts))
        key, product, book, placement, payer, standby, deciders, k, overpaid, cap, solo = read(
            given or value,
            "market.bad_field",
            id=str,
            product=str,
            book=str,
            placement=dict,
            payer=str,
            standby_payer=OPTIONAL_TEXT,
            deciders=list,
            k=int,
            kept_or_receivable=str,
            occurrence_cap_fen=OPTIONAL_INTEGER,
            solo=bool,
        )
        if any(type(member) is not str for member in deciders):
            raise Refused(Refusal("market.bad_field", {"field": "deciders", "why": "not text"}))
        if overpaid not in {str(choice) for choice in Overpaid}:
            why = f"'{overpaid[:40]}' is neither kept nor receivable"
            facts = {"field": "kept_or_receivable", "why": why}
            raise Refused(Refusal("market.bad_field", facts))
        return cls(
            key,
            product,
            book,
            Placement.from_json(placement),
            payer,
            standby,
            tuple(deciders),
            k,
            Overpaid(overpaid),
            cap,
            solo,
            **times,
        )
