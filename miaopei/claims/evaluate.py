"""What a whole book is owed for one trigger: by columns, capped, and confirmed exactly.

Source: docs/specs/record.md, sections 5 and 7.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ReadingsDisagree
from ..market.allocation import CapLine, allocate_columns
from ..market.listing import Listing
from ..measures.identity import LARGEST, digest
from ..policies.schedule import InForce, Schedule
from ..terms import exact
from ..terms.bounds import bounds
from ..terms.columnar import SettleMany, settle_many, steps
from ..terms.words import Spent, Terms, walk
from .claim import STATES
from .confirm import Spread, alone, confirm
from .leaves import CLAIM, Claims

Int64Array = NDArray[np.int64]
Given = Mapping[str, int | Int64Array]  # one for all, or one a policy in their order
PAID, CUT, EXHAUSTED, HELD, *_ = range(len(STATES))
DECLINED = STATES.index("declined")


@dataclass(frozen=True)
class History:
    """What each policy in force has been settled for one benefit. Shapes   (k,). Units   fen.

    `elsewhere` counts other occurrences of the same policy year, `here` earlier revisions of this.
    `beside`: what was paid for the same loss under another occurrence; it is in neither.
    """

    elsewhere: Int64Array
    here: Int64Array
    beside: Int64Array | None = None


@dataclass(frozen=True)
class Evaluated:
    """The claims of one trigger in book order, and where an occurrence cap drew its line.

    The salts are still those of the rows: `leaves.salted` makes those of the leaves.
    """

    claims: Claims
    cap: CapLine | None = None


@dataclass(frozen=True)
class Mass:
    """One reading of a book: the terms and facts of a trigger, and how to read columns."""

    terms: Terms
    benefit: str
    observed: Given
    schedule: Schedule
    settle_many: SettleMany = settle_many
    spread: Spread = alone
    confirmed: set[str] = field(default_factory=set)  # digests of columns that have been confirmed
    tell: Callable[[int, int], None] = lambda _done, _of: None  # different policies confirmed

    def read(
        self, rows: Int64Array, spent: Int64Array, places: Int64Array | None = None
    ) -> tuple[Int64Array, Int64Array]:
        """Net (with what is spent) and gross of rows, read twice; a cancellation gives nothing.

        `places`: which policies these are, where they are not all.
        Errors   ReadingsDisagree (alarm); Refused where the terms refuse the facts.
        """
        declared = {n: c[rows] for n, c in self.schedule.declared.items()}
        none = np.zeros(len(rows), np.int64)
        seen = self.observed if places is None else _at(self.observed, places)
        gross = net = self._twice(rows, seen, declared, none)
        if spent.any():
            net = self._twice(rows, seen, declared, spent)
        stands = self.schedule.cancels[rows] == 0
        return np.where(stands, net, 0), np.where(stands, gross, 0)

    def _twice(
        self,
        rows: Int64Array,
        seen: Given,
        declared: Mapping[str, NDArray[Any]],
        spent: Int64Array,
    ) -> Int64Array:
        amounts = self.settle_many(self.terms, self.benefit, seen, declared, spent)
        parts = (*seen.values(), *declared.values(), spent, amounts)
        mark = digest(b"".join(np.asarray(part, np.int64).tobytes() for part in parts))
        if mark in self.confirmed:
            return amounts
        salt = int(mark[:16], 16)  # of the facts and all that was read by them
        given = (self.terms, self.benefit, seen, declared, spent, amounts)
        found = confirm(*given, self.spread, self.tell, salt)
        if found is not None:
            row = found.row
            own = {name: int(column[row]) for name, column in declared.items()}
            told = of_one(seen, row)
            raise ReadingsDisagree(
                "columnar and exact reading differ",
                policy=self.schedule.policy[rows[row]].tobytes().hex(),
                columnar=found.columnar,
                exact=found.exact,
                inputs=_said({**told, **own, "spent": int(spent[row])}.items()),
                **self._traces(told, own, int(spent[row])),
            )
        self.confirmed.add(mark)
        return amounts

    def _traces(
        self, observed: Mapping[str, int], declared: Mapping[str, int], spent: int
    ) -> dict[str, str | int]:
        """Step by step what both readings make of one policy, for whoever looks for the fault.

        `columnar_alone` is what the reading that was used gives for this policy by itself.
        """
        before = {self.benefit: spent}
        trace = exact.settle(self.terms, self.benefit, observed, declared, before).trace
        columns = {name: np.array([value], np.int64) for name, value in declared.items()}
        used = self.settle_many(
            self.terms, self.benefit, observed, columns, np.array([spent], np.int64)
        )
        plain = steps(self.terms, self.benefit, observed, declared, spent)
        return {
            "exact_trace": _said(_named(trace)),
            "columnar_trace": _said(plain),
            "columnar_alone": int(used[0]),
        }


def evaluate(
    mass: Mass,
    policies: InForce,
    history: History,
    listing: Listing,
    unknown: Mapping[int, Collection[str]] | None = None,
    released: Mapping[int, str] | None = None,
) -> Evaluated:
    """Claims of all policies in force, in book order; plain zeros are left out.

    A policy whose amount a version recorded after the instant would change, either way, is held,
    at the version that gives more, until a person has released it (`released`: place of the policy
    -> reserved, other or nothing: what of its two amounts is owed). So is one of which an input is
    not known (`unknown`: place -> names), at the most that its terms can come to, until it is.
    Errors   ReadingsDisagree (alarm) names the first differing policy and both amounts;
             Refused where the terms refuse the facts.
    """
    if not len(policies):
        return Evaluated(np.zeros(0, CLAIM))
    chosen = policies.chosen.copy()
    spent = np.minimum(history.elsewhere, spent_at_most(mass.terms, mass.benefit))
    net, gross = mass.read(chosen, spent)
    held, declined = _judged(mass, policies, chosen, (net, gross), spent, released or {})
    for at, (most_net, most_gross) in _unknown(mass, chosen, spent, unknown).items():
        held[at], net[at], gross[at] = True, most_net, most_gross
    listed = np.flatnonzero((gross != 0) | (history.here != 0))
    settled = history.here[listed]
    owed, line = _capped(net[listed], settled, listing)
    if history.beside is not None:  # one loss is paid once: the more of what it is owed
        settled = settled + np.minimum(history.beside[listed], np.maximum(0, owed - settled))
    state = _states(gross[listed], owed, settled, held[listed], listing)
    state[(state == EXHAUSTED) & declined[listed]] = DECLINED
    claims = np.zeros(len(listed), CLAIM)
    rows = chosen[listed]
    claims["first"], claims["position"] = policies.first[listed], rows
    claims["gross_fen"], claims["spent_fen"] = gross[listed], spent[listed]
    claims["terms_fen"], claims["owed_fen"], claims["settled_fen"] = net[listed], owed, settled
    claims["pay_fen"] = np.where(state == HELD, 0, np.maximum(0, owed - settled))
    claims["policy"], claims["salt"] = mass.schedule.policy[rows], mass.schedule.salt[rows]
    claims["state"] = state
    return Evaluated(claims, line)


def _judged(
    mass: Mass,
    policies: InForce,
    chosen: Int64Array,
    read: tuple[Int64Array, Int64Array],
    spent: Int64Array,
    released: Mapping[int, str],
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which of the claims of two versions are held, and which a person has declined.

    `chosen` and what was `read` become those of the version that counts: the one that gives more,
    or the other where a person has said so and it gives anything.
    """
    (net, gross), places = read, np.flatnonzero(policies.late)
    held, declined = (np.zeros(len(chosen), np.bool_) for _ in range(2))
    if not len(places):
        return held, declined
    stood = policies.stood[places]
    before = _in_time(mass, stood, spent[places], places)
    now = net[places], gross[places]
    differs = (before[0] != now[0]) | (before[1] != now[1])
    more = (before[0] > now[0]) | ((before[0] == now[0]) & (before[1] > now[1]))
    how = np.array([released.get(place, "") for place in places.tolist()])
    less = np.where(more, now[1], before[1])  # gross; where it is nothing, net is
    other = (how == "other") & (less > 0)
    turned = differs & (more != other) & (stood >= 0)
    at = places[turned]
    chosen[at], net[at], gross[at] = stood[turned], before[0][turned], before[1][turned]
    held[places] = differs & (how == "")
    declined[places] = differs & ((how == "nothing") | ((how == "other") & ~other))
    net[declined] = 0
    return held, declined


def columns_of(observed: Mapping[str, int | Sequence[int]]) -> Given:
    """Inputs of a trigger: one for all, or a column of one a policy."""
    return {n: v if isinstance(v, int) else np.array(v, np.int64) for n, v in observed.items()}


def of_one(given: Mapping[str, int | Sequence[int] | Int64Array], place: int) -> dict[str, int]:
    """The inputs of one policy."""
    return {n: v if isinstance(v, int) else int(v[place]) for n, v in given.items()}


def _at(given: Given, places: Int64Array) -> Given:
    return {n: v if isinstance(v, int) else v[places] for n, v in given.items()}


def _unknown(
    mass: Mass,
    chosen: Int64Array,
    spent: Int64Array,
    unknown: Mapping[int, Collection[str]] | None,
) -> dict[int, tuple[int, int]]:
    """Where an input that is not known could change the amount: the most of net and of gross."""
    found = {}
    for at, names in (unknown or {}).items():
        row = int(chosen[at])
        known = {n: v for n, v in of_one(mass.observed, at).items() if n not in names}
        own = {n: int(column[row]) for n, column in mass.schedule.declared.items()}
        gross, net = (
            bounds(mass.terms, mass.benefit, known, own, {mass.benefit: before})
            for before in (0, int(spent[at]))
        )
        if gross.least < gross.most and not mass.schedule.cancels[row]:
            found[at] = net.most, gross.most
    return found


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


def _in_time(
    mass: Mass, stood: Int64Array, spent: Int64Array, places: Int64Array
) -> tuple[Int64Array, Int64Array]:
    """Net and gross of the versions that stood at the instant; nothing where none did."""
    net, gross = np.zeros(len(stood), np.int64), np.zeros(len(stood), np.int64)
    there = np.flatnonzero(stood >= 0)
    if len(there):
        net[there], gross[there] = mass.read(stood[there], spent[there], places[there])
    return net, gross


def _capped(
    net: Int64Array, settled: Int64Array, listing: Listing
) -> tuple[Int64Array, CapLine | None]:
    """Divide the listing's cap on an occurrence, if it has one.

    What is settled above its new amount is taken from the cap first; held claims keep their share.
    """
    if listing.occurrence_cap_fen is None:
        return net, None
    above = int(np.maximum(0, settled - net).sum())
    return allocate_columns(net, max(0, listing.occurrence_cap_fen - above))


def _states(
    gross: Int64Array, owed: Int64Array, settled: Int64Array, held: Any, listing: Listing
) -> NDArray[np.uint8]:
    state = np.where(owed < gross, CUT, PAID)
    state = np.where((gross != 0) & (owed == 0), EXHAUSTED, state)
    state = np.where(owed < settled, STATES.index(str(listing.kept_or_receivable)), state)
    return np.where(held, HELD, state).astype(np.uint8)


def _named(node: exact.Node) -> list[tuple[str, int]]:
    """The named steps of a trace, each once, from the inside out."""
    found = [step for child in node.children for step in _named(child)]
    if node.name:
        found.append((f"spent {node.name}" if node.word == "spent" else node.name, node.value))
    return list(dict.fromkeys(found))


def _said(values: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{name}={value}" for name, value in values)
