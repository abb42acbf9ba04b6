"""A policy as the stack of its transactions: what stands when all of them are told in order.

Transactions are recorded in any order and take effect at stated instants. One that takes effect
before a recorded one is put in its place: the later ones are reversed, it is applied, they are
applied again. Rows of a book then say so by overlay: of several rows that span an instant the last
recorded counts. Source: docs/specs/policies.md, section 4.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from ..errors import Refusal, Refused
from ..measures.instant import beijing_text, period_of
from ..measures.money import Rounding, divide
from .row import Transaction

Price = Callable[["Segment"], int]  # fen of a whole policy year on the figures of a segment


@dataclass(frozen=True)
class Change:
    """One transaction as it was recorded; `recorded` is its place in the order of recording.

    `declared`: all figures (issue), those that change (endorse, renew), or what is added
    (reinstate). `until` ends the term of an issue or renewal, else 0. `fen` is what it was charged,
    below zero what it gave back; `extra_fen` the part that does not follow from figures and time.
    """

    id: str
    transaction: Transaction
    at: int
    recorded: int
    until: int = 0
    declared: Mapping[str, int] = field(default_factory=dict)
    fen: int = 0
    extra_fen: int = 0

    def as_json(self) -> dict[str, Any]:
        """The form that stands in the state."""
        return {
            "id": self.id,
            "transaction": str(self.transaction),
            "at": self.at,
            "recorded": self.recorded,
            "until": self.until,
            "declared": dict(self.declared),
            "fen": self.fen,
            "extra_fen": self.extra_fen,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Change:
        """A change as this member wrote it."""
        kept = {name: value[name] for name in cls.__dataclass_fields__}
        return cls(**{**kept, "transaction": Transaction(value["transaction"])})


@dataclass(frozen=True)
class Segment:
    """Figures that stand over [since, until); `term` is the issue or renewal it belongs to, `by`
    the change that made it what it is, None `declared` that nothing is in force.
    """

    since: int
    until: int
    declared: Mapping[str, int]
    term: str
    by: str
    transaction: Transaction
    in_force: bool = True

    def same(self, other: Segment | None) -> bool:
        """Whether a policyholder would see no difference."""
        if other is None:
            return False
        return self.in_force == other.in_force and (
            not self.in_force or dict(self.declared) == dict(other.declared)
        )


def in_effect(changes: Iterable[Change]) -> tuple[Segment, ...]:
    """What stands, by time: every change applied in the order of its effect.

    Of two at one instant the earlier recorded comes first. A change that finds nothing in force has
    no effect. Cancelled time stands as a segment that is not in force.
    """
    segments: list[Segment] = []
    for change in sorted(changes, key=lambda c: (c.at, c.recorded)):
        match change.transaction:
            case Transaction.ISSUE:
                segments.append(_begun(change, change.declared))
            case Transaction.RENEW:
                if segments and segments[-1].in_force and segments[-1].until == change.at:
                    figures = {**segments[-1].declared, **change.declared}
                    segments.append(_begun(change, figures))
            case Transaction.CANCEL:
                segments = _from(segments, change, change.at, None, _ended)
            case Transaction.ENDORSE:
                segments = _from(segments, change, change.at, None, _changed)
            case Transaction.REINSTATE:
                segments = _from(segments, change, change.at, _year_end(segments, change), _added)
    return tuple(segments)


def at_instant(segments: Iterable[Segment], instant: int) -> Segment | None:
    """The segment in force at an instant."""
    found = (s for s in segments if s.since <= instant < s.until and s.in_force)
    return next(found, None)


def overlay(before: Sequence[Segment], after: Sequence[Segment]) -> list[Segment]:
    """What rows must say so that `after` stands where `before` stood, in order of time.

    Neighbours that say the same for the same reason are one. Time that ended stays covered by what
    was said of it.
    """
    edges = sorted({e for s in (*before, *after) for e in (s.since, s.until)})
    found: list[Segment] = []
    for since, until in pairwise(edges):
        old, new = _spanning(before, since), _spanning(after, since)
        if new is None and old is not None and old.in_force:  # a renewal that lost its ground
            new = replace(old, in_force=False, transaction=Transaction.CANCEL)
        if new is None or new.same(old) or (old is None and not new.in_force):
            continue
        part = replace(new, since=since, until=until)
        if found and found[-1].until == since and _joins(found[-1], part):
            part = replace(part, since=found.pop().since)
        found.append(part)
    return found


def charged(segments: Iterable[Segment], year_from: int, price: Price) -> int:
    """The premium of what stands, in fen: each policy year pro rata by days, rounded half up once.

    `price` is that of a whole year. Days are those of the policy year, 365 or 366.
    """
    shares: dict[tuple[int, int], int] = {}
    for segment in segments:
        if not segment.in_force:
            continue
        at = segment.since
        while at < segment.until:
            year = period_of(at, year_from)
            end = min(year[1], segment.until)
            shares[year] = shares.get(year, 0) + price(segment) * (end - at)
            at = end
    return sum(divide(fen, last - first, Rounding.HALF_UP) for (first, last), fen in shares.items())


def check_change(changes: Sequence[Change], change: Change) -> tuple[Segment, ...]:
    """What would stand with one more change.

    Errors   Refused policies.not_in_force where it finds nothing to change, policies.no_change
             where nothing differs, policies.bad_renewal.
    """
    before = in_effect(changes)
    if change.transaction is Transaction.RENEW:
        last = before[-1] if before else None
        if last is None or not last.in_force or last.until != change.at:
            ends = "—" if last is None else beijing_text(last.until)
            facts = {"at": beijing_text(change.at), "ends": ends}
            raise Refused(Refusal("policies.bad_renewal", facts))
    elif at_instant(before, change.at) is None:
        facts = {"at": beijing_text(change.at), "transaction": str(change.transaction)}
        raise Refused(Refusal("policies.not_in_force", facts))
    after = in_effect([*changes, change])
    if not overlay(before, after):
        facts = {"at": beijing_text(change.at), "transaction": str(change.transaction)}
        raise Refused(Refusal("policies.no_change", facts))
    return after


def _begun(change: Change, declared: Mapping[str, int]) -> Segment:
    by = change.id
    return Segment(change.at, change.until, dict(declared), by, by, change.transaction)


def _from(
    segments: Sequence[Segment],
    change: Change,
    since: int,
    until: int | None,
    make: Callable[[Segment, Change], Segment],
) -> list[Segment]:
    """Every part in force of [since, until) made new; None is no end."""
    found: list[Segment] = []
    for segment in segments:
        first = max(segment.since, since)
        last = segment.until if until is None else min(segment.until, until)
        if not segment.in_force or first >= last:
            found.append(segment)
            continue
        if segment.since < first:
            found.append(replace(segment, until=first))
        found.append(make(replace(segment, since=first, until=last), change))
        if last < segment.until:
            found.append(replace(segment, since=last))
    return found


def _changed(segment: Segment, change: Change) -> Segment:
    figures = {**segment.declared, **change.declared}
    return replace(segment, declared=figures, by=change.id, transaction=change.transaction)


def _added(segment: Segment, change: Change) -> Segment:
    figures = dict(segment.declared)
    for name, more in change.declared.items():
        figures[name] = figures.get(name, 0) + more
    return replace(segment, declared=figures, by=change.id, transaction=change.transaction)


def _ended(segment: Segment, change: Change) -> Segment:
    return replace(segment, in_force=False, by=change.id, transaction=change.transaction)


def _year_end(segments: Sequence[Segment], change: Change) -> int:
    """A reinstatement lasts to the end of the policy year that it falls in."""
    return period_of(change.at, segments[0].since)[1] if segments else change.at


def _spanning(segments: Sequence[Segment], instant: int) -> Segment | None:
    return next((s for s in segments if s.since <= instant < s.until), None)


def _joins(one: Segment, other: Segment) -> bool:
    return one.same(other) and (one.by, one.term) == (other.by, other.term)
