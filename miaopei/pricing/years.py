"""Years of occurrences through the terms that pay: what each year costs, annual limits counted.

`settle_years` is one pure function over a block of years. One process, threads and other machines
run it unchanged, and blocks put together give what one block gives, to the byte of the root.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import Fact, ReadingsDisagree, Refusal, Refused
from ..ledger.merkle import Frontier, leaf_hash
from ..terms import exact
from ..terms import words as w
from ..terms.bounds import INT64_MOST, prove
from ..terms.columnar import SettleMany, settle_many
from ..terms.simulation import simulate
from ..terms.uncut import uncut
from .events import Occurrences, Touched

Int64Array = NDArray[np.int64]
Columns = Mapping[str, Int64Array]
LEAF = b"miaopei.pricing.year/1\n"
POLICY_LEAF = b"miaopei.pricing.policy/1\n"
COLUMNS = ("total", "before", "largest")
PAIRS_EXACT = 4_096  # pairs of a run that are read exactly as well
PAIRS_AT_ONCE = 1 << 20  # pairs of an occurrence and a policy that a block holds, about


@dataclass(frozen=True)
class Book:
    """So many policies, and what each declares: a column by policy.

    Errors   Refused pricing.bad_book where a column has another length.
    """

    policies: int
    declared: Columns

    def __post_init__(self) -> None:
        """Refuses columns that are not of one value a policy."""
        for name, column in self.declared.items():
            if len(column) != self.policies:
                facts: dict[str, Fact] = {"name": name, "rows": len(column)}
                facts["expected"] = self.policies
                raise Refused(Refusal("pricing.bad_book", facts))


class YearsReading(Protocol):
    """What each occurrence costs the whole book: owed, and uncut (before what its year has spent).

    Shapes   year_starts: (years + 1,), where the occurrences of each year begin; event_starts:
             (occurrences + 1,), where the pairs of each begin; policy: (pairs,); observed:
             (occurrences,), or (pairs,) where named in `per_pair`; declared: by policy; results
             (occurrences,).
    """

    def __call__(
        self,
        terms: w.Terms,
        benefit: str,
        year_starts: Int64Array,
        event_starts: Int64Array,
        policy: NDArray[np.int32],
        observed: Columns,
        declared: Columns,
        per_pair: Collection[str] = (),
        /,
    ) -> tuple[Int64Array, Int64Array]:
        """The two columns, in fen."""
        ...


def columnar_years(
    terms: w.Terms,
    benefit: str,
    year_starts: Int64Array,
    event_starts: Int64Array,
    policy: NDArray[np.int32],
    observed: Columns,
    declared: Columns,
    per_pair: Collection[str] = (),
) -> tuple[Int64Array, Int64Array]:
    """The columnar reading of years: see `YearsReading`.

    Errors   as terms.columnar.settle_many.
    Same as  exact.settle one occurrence after another, `spent` the sum of the policy's year so far.
    """
    events, pairs = len(event_starts) - 1, len(policy)
    owed, whole = np.zeros(events, dtype=np.int64), np.zeros(events, dtype=np.int64)
    if not pairs:
        return owed, whole
    at = np.repeat(np.arange(events), np.diff(event_starts))
    seen = {n: c if n in per_pair else c[at] for n, c in observed.items()}
    own = {name: column[policy] for name, column in declared.items()}
    nothing = np.zeros(pairs, dtype=np.int64)
    np.add.at(whole, at, settle_many(uncut(terms, benefit), benefit, seen, own, nothing))
    year = np.repeat(np.arange(len(year_starts) - 1), np.diff(year_starts))
    period = year[at] * (int(policy.max()) + 1) + policy
    np.add.at(owed, at, simulate(terms, benefit, seen, own, period))
    return owed, whole


def exact_years(
    terms: w.Terms,
    benefit: str,
    year_starts: Int64Array,
    event_starts: Int64Array,
    policy: NDArray[np.int32],
    observed: Columns,
    declared: Columns,
    per_pair: Collection[str] = (),
) -> tuple[Int64Array, Int64Array]:
    """The exact reading of years, pair by pair: see `YearsReading`. Errors   as exact.settle."""
    owed, whole = np.zeros((2, len(event_starts) - 1), dtype=np.int64)
    bare = uncut(terms, benefit)
    for first, last in pairwise(year_starts.tolist()):
        spent = Counter[int]()
        for event in range(first, last):
            for pair in range(int(event_starts[event]), int(event_starts[event + 1])):
                at = {n: pair if n in per_pair else event for n in observed}
                seen = {n: int(c[at[n]]) for n, c in observed.items()}
                who = int(policy[pair])
                own = {n: int(c[who]) for n, c in declared.items()}
                paid = exact.settle(terms, benefit, seen, own, {benefit: spent[who]}).amount_fen
                spent[who] += paid
                owed[event] += paid
                whole[event] += exact.settle(bare, benefit, seen, own, {}).amount_fen
    return owed, whole


@dataclass(frozen=True)
class YearLosses:
    """What each year of a block costs, from year `first` on.

    Shapes   (k,) each. Units   fen.
    `total`: what is owed. `before`: the sum of the occurrences, uncut: before the limits of the
    year. `largest`: the largest of those.
    """

    first: int
    total: Int64Array
    before: Int64Array
    largest: Int64Array

    def leaves(self) -> Iterator[bytes]:
        """Each year as bytes: its number and its three figures, big-endian, 8 bytes each."""
        numbers = np.arange(self.first, self.first + len(self.total), dtype=np.int64)
        table = np.stack([numbers, *(getattr(self, name) for name in COLUMNS)], axis=1)
        return (LEAF + row.tobytes() for row in table.astype(">i8"))


def settle_years(
    terms: w.Terms,
    benefit: str,
    events: Occurrences,
    book: Book,
    years: tuple[int, int],
    reading: YearsReading = columnar_years,
) -> YearLosses:
    """What the years from the first up to the last (not included) cost.

    Errors   as the reading; Refused pricing.too_large where a sum might leave 64 bits.
    """
    first, last = years
    starts = np.searchsorted(events.year, np.arange(first, last + 1)).astype(np.int64)
    event_starts, policy, observed = _pairs(events, book, int(starts[0]), int(starts[-1]))
    if len(policy) * prove(uncut(terms, benefit), benefit).most > INT64_MOST:
        raise Refused(Refusal("pricing.too_large", {"pairs": len(policy)}))
    year_starts = starts - starts[0]
    per_pair = () if events.touched is None else tuple(sorted(events.touched.observed))
    given = (year_starts, event_starts, policy, observed, book.declared, per_pair)
    owed, whole = reading(terms, benefit, *given)
    year = np.repeat(np.arange(last - first), np.diff(year_starts))
    sums = {name: np.zeros(last - first, dtype=np.int64) for name in COLUMNS}
    np.add.at(sums["total"], year, owed)
    np.add.at(sums["before"], year, whole)
    np.maximum.at(sums["largest"], year, whole)
    return YearLosses(first, **sums)


def read_again(
    terms: w.Terms, benefit: str, events: Occurrences, book: Book, losses: YearLosses
) -> int:
    """Read some years exactly, the dearest first, up to `PAIRS_EXACT` pairs; how many years.

    Errors   ReadingsDisagree (alarm) where a year differs.
    """
    starts = np.searchsorted(events.year, np.arange(events.years + 1))
    touched = events.touched
    pairs = np.diff(starts * book.policies if touched is None else touched.first[starts])
    dearest = np.argsort(-losses.total, kind="stable")
    dearest = dearest[pairs[dearest] <= PAIRS_EXACT]
    years = dearest[np.cumsum(pairs[dearest]) <= PAIRS_EXACT].tolist()
    for year in years:
        cut = (year, year + 1)
        found = settle_years(terms, benefit, part_of(events, cut), book, cut, exact_years)
        for name in COLUMNS:
            fast, plain = int(getattr(losses, name)[year]), int(getattr(found, name)[0])
            if fast != plain:
                raise ReadingsDisagree("a year differs", year=year, columnar=fast, exact=plain)
    return len(years)


def blocks(events: Occurrences, book: Book, at_once: int = PAIRS_AT_ONCE) -> list[tuple[int, int]]:
    """The years cut into blocks of about so many pairs; a year is never cut."""
    starts = np.searchsorted(events.year, np.arange(events.years + 1))
    touched = events.touched
    pairs = starts * book.policies if touched is None else touched.first[starts]
    cuts, first = [], 0
    while first < events.years:
        last = int(np.searchsorted(pairs, pairs[first] + at_once, side="right")) - 1
        last = min(max(last, first + 1), events.years)
        cuts.append((first, last))
        first = last
    return cuts


def put_together(parts: Iterable[YearLosses]) -> YearLosses:
    """Blocks in the order of their years as one. Errors   Refused pricing.years_missing."""
    ordered = sorted(parts, key=lambda part: part.first)
    at = ordered[0].first
    for part in ordered:
        if part.first != at:
            raise Refused(Refusal("pricing.years_missing", {"from": at, "to": part.first}))
        at += len(part.total)
    whole = {name: np.concatenate([getattr(p, name) for p in ordered]) for name in COLUMNS}
    return YearLosses(ordered[0].first, **whole)


def root(losses: YearLosses) -> str:
    """The RFC 6962 root over the years' leaves, in hexadecimal digits."""
    return Frontier().extend(map(leaf_hash, losses.leaves())).root().hex()


def part_of(events: Occurrences, years: tuple[int, int]) -> Occurrences:
    """A block's own occurrences, numbered as in the whole: what is sent to another process."""
    start, end = events.first_of(years[0]), events.first_of(years[1])
    touched = events.touched
    if touched is not None:
        first, last = int(touched.first[start]), int(touched.first[end])
        own = {name: column[first:last] for name, column in touched.observed.items()}
        starts = touched.first[start : end + 1] - first
        touched = Touched(starts, touched.policy[first:last], own)
    observed = {name: column[start:end] for name, column in events.observed.items()}
    return Occurrences(events.years, events.year[start:end], observed, touched)


@dataclass(frozen=True)
class PolicyLosses:
    """What one occurrence costs each policy of a block, from row `first` of the book on.

    Shapes   amounts: (k,). Units   fen.
    """

    first: int
    amounts: Int64Array

    def leaves(self) -> Iterator[bytes]:
        """Each policy that is paid, as bytes: its row and its amount, big-endian, 8 bytes each."""
        rows = np.flatnonzero(self.amounts)
        table = np.stack([rows + self.first, self.amounts[rows]], axis=1).astype(">i8")
        return (POLICY_LEAF + row.tobytes() for row in table)


def settle_policies(
    terms: w.Terms,
    benefit: str,
    observed: Mapping[str, int],
    book: Book,
    first: int,
    settle: SettleMany = settle_many,
) -> PolicyLosses:
    """What one occurrence, the first of its year, costs a block of policies.

    Errors   as the reading. Same as  exact.settle on every policy.
    """
    nothing = np.zeros(book.policies, dtype=np.int64)
    return PolicyLosses(first, settle(terms, benefit, observed, book.declared, nothing))


def policies_root(parts: Iterable[PolicyLosses]) -> str:
    """The RFC 6962 root over the policies that are paid, blocks in the order of their rows."""
    tree = Frontier()
    for part in sorted(parts, key=lambda part: part.first):
        tree = tree.extend(map(leaf_hash, part.leaves()))
    return tree.root().hex()


def _pairs(
    events: Occurrences, book: Book, start: int, end: int
) -> tuple[Int64Array, NDArray[np.int32], Columns]:
    """Of some occurrences: where the pairs of each begin, their policies, what is observed."""
    observed = {name: column[start:end] for name, column in events.observed.items()}
    touched = events.touched
    if touched is None:
        starts = np.arange(end - start + 1, dtype=np.int64) * book.policies
        return starts, np.tile(np.arange(book.policies, dtype=np.int32), end - start), observed
    part = slice(int(touched.first[start]), int(touched.first[end]))
    own = {name: column[part] for name, column in touched.observed.items()}
    policy = touched.policy[part].astype(np.int32, copy=False)
    return touched.first[start : end + 1] - part.start, policy, observed | own
