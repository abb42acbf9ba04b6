"""The book 保单簿: the rows of one listing in record order, and what is in force at an instant.

The tree over the rows' commitments is the ledger's RFC 6962 tree; this module knows which row
counts, not how it is stored. Source: docs/specs/record.md, section 5.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..measures.instant import period_of
from .row import PolicyRow, Transaction


@dataclass(frozen=True)
class Recorded:
    """A row with its place in the book and the block time at which it came in force."""

    position: int
    recorded_at: int
    row: PolicyRow


@dataclass(frozen=True)
class Effective:
    """The version of one policy that counts at an instant: the last recorded, perhaps a cancel.

    `first` is the place of the policy's first row, which orders claims; `late` says that this
    version was recorded after the instant. `in_time` is the version that stood at the instant,
    None where there was none or it was a cancellation.
    """

    first: int
    chosen: Recorded
    in_time: Recorded | None
    late: bool


def effective(
    rows: Iterable[Recorded], instant: int, size: int, *, arrears: bool = False
) -> Sequence[Effective]:
    """The policies in force at `instant`, as recorded by book size `size`, in book order.

    Of several rows of a policy that span the instant the last recorded one counts; a cancelled
    policy is left out, but not where the cancellation was recorded after the instant: one who
    knows the loss cannot undo the cover. With `arrears` no version is late.
    """
    first: dict[str, int] = {}
    chosen: dict[str, Recorded] = {}
    in_time: dict[str, Recorded] = {}
    for recorded in sorted(rows, key=lambda r: r.position):
        row = recorded.row
        if recorded.position >= size:
            continue
        first.setdefault(row.policy, recorded.position)
        if not row.since <= instant < row.until:
            continue
        chosen[row.policy] = recorded
        if recorded.recorded_at <= instant:
            in_time[row.policy] = recorded
    found = []
    for policy, recorded in sorted(chosen.items(), key=lambda item: first[item[0]]):
        late = recorded.recorded_at > instant and not arrears
        stood = in_time.get(policy)
        if stood is not None and stood.row.transaction is Transaction.CANCEL:
            stood = None
        if recorded.row.transaction is not Transaction.CANCEL or (late and stood is not None):
            found.append(Effective(first[policy], recorded, stood, late))
    return found


FOR_EVER = 253_402_300_800  # the year 10000: what nothing ends


def steady(rows: Iterable[Recorded], instant: int) -> tuple[int, int]:
    """[first, end) around an instant in which `effective` and all policy years stay as they are.

    It ends where a row begins, ends, was recorded or has its anniversary.
    """
    edges, years = set[int](), set[int]()
    for recorded in rows:
        edges.update((recorded.row.since, recorded.row.until, recorded.recorded_at))
        years.add(recorded.row.year_from)
    for start in years:
        edges.update(period_of(instant, start))
    first = max((edge for edge in edges if edge <= instant), default=0)
    return max(first, 0), min((edge for edge in edges if edge > instant), default=FOR_EVER)
