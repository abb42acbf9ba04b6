"""Laws of a policy's stack: any order of recording, the same cover and money in the end."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from miaopei.errors import Refused
from miaopei.measures.instant import DAY, from_beijing, period_of
from miaopei.policies.book import Recorded, effective
from miaopei.policies.row import PolicyRow, Transaction
from miaopei.policies.stack import (
    Change,
    Segment,
    at_instant,
    charged,
    check_change,
    in_effect,
    overlay,
)

SINCE = from_beijing("2026-02-01")
FIRST, SECOND = period_of(SINCE, SINCE)[1], period_of(SINCE + 366 * DAY, SINCE)[1]
ISSUE = Change("issue", Transaction.ISSUE, SINCE, 0, FIRST, {"limit": 1_000, "deductible": 0})


def rows_of(parts: list[Segment], number: int) -> list[PolicyRow]:
    """Rows as they would enter a book."""
    return [
        PolicyRow(
            "book", "0" * 32, part.transaction, number + i, part.since, part.until, SINCE, 0,
            "0" * 64, None, part.declared,
        )
        for i, part in enumerate(parts)
    ]  # fmt: skip


def price(segment: Segment) -> int:
    return 7 * segment.declared["limit"] - 3 * segment.declared["deductible"] + 12_345


@st.composite
def endorsements(draw: st.DrawFn) -> list[Change]:
    """Changes with different instants of effect, perhaps a renewal and a cancellation."""
    days = draw(st.lists(st.integers(0, 729), unique=True, min_size=1, max_size=7))
    found = []
    for n, day in enumerate(days):
        names = draw(st.sets(st.sampled_from(["limit", "deductible"]), min_size=1))
        figures = {name: draw(st.integers(0, 900)) for name in sorted(names)}
        found.append(Change(f"c{n}", Transaction.ENDORSE, SINCE + day * DAY, n, 0, figures))
    if draw(st.booleans()):
        found.append(Change("renew", Transaction.RENEW, FIRST, 90, SECOND))
    if draw(st.booleans()):
        day = draw(st.integers(0, 729).filter(lambda d: d not in days))
        found.append(Change("cancel", Transaction.CANCEL, SINCE + day * DAY, 91))
    return found


def recorded_one_by_one(order: list[Change]) -> tuple[list[Change], list[PolicyRow]]:
    """What stands when they are recorded in this order, those left out that find nothing."""
    changes, rows = [ISSUE], rows_of(overlay([], in_effect([ISSUE])), 1)
    for n, change in enumerate(order, 1):
        numbered = replace(change, recorded=n)
        try:
            after = check_change(changes, numbered)
        except Refused:
            continue
        rows += rows_of(overlay(in_effect(changes), after), len(rows) + 1)
        changes.append(numbered)
    return changes, rows


@given(endorsements(), st.randoms(use_true_random=False))
def test_out_of_sequence_gives_in_the_end_what_in_order_gives(changes, random) -> None:
    """Reverse, apply, re-apply: the rows of a book say at every instant what the order of effect
    gives, whatever the order of recording was; and it costs the same."""
    shuffled = list(changes)
    random.shuffle(shuffled)
    kept, rows = recorded_one_by_one(shuffled)
    told = in_effect(kept)
    in_order = sorted(kept[1:], key=lambda c: c.at)
    straight, straight_rows = recorded_one_by_one(in_order)
    books = [[Recorded(n, 0, row) for n, row in enumerate(each)] for each in (rows, straight_rows)]
    edges = sorted({e for row in (*rows, *straight_rows) for e in (row.since, row.until)})
    for instant in [at for a, b in pairwise(edges) for at in (a, b - 1)]:
        meant = at_instant(told, instant)
        said = [effective(book, instant, 10**6, arrears=True) for book in books]
        figures = [[dict(e.chosen.row.declared) for e in each] for each in said]
        assert figures[0] == figures[1] == ([] if meant is None else [dict(meant.declared)])
    assert charged(told, SINCE, price) == charged(in_effect(straight), SINCE, price)


@given(endorsements())
def test_each_row_says_something_new_and_numbers_and_spans_are_sound(changes) -> None:
    _, rows = recorded_one_by_one(changes)
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    assert all(row.since < row.until for row in rows)
    assert [row.transaction for row in rows].count(Transaction.ISSUE) == 1


@given(st.integers(0, 364), st.integers(0, 10_000), st.integers(0, 10_000))
def test_pro_rata_by_days_keeps_and_gives_back_the_whole_premium(
    day: int, limit: int, deductible: int
) -> None:
    """What is kept and what is given back differ from exact shares by at most half a fen."""
    whole = replace(ISSUE, declared={"limit": limit, "deductible": deductible % 100})
    before = charged(in_effect([whole]), SINCE, price)
    cancel = Change("x", Transaction.CANCEL, SINCE + day * DAY, 1)
    kept = charged(in_effect([whole, cancel]), SINCE, price)
    assert before == price(in_effect([whole])[0])
    assert abs(2 * (kept * 365 - before * day)) <= 365


def test_a_reinstatement_lasts_to_the_end_of_its_policy_year() -> None:
    changes = [
        replace(ISSUE, until=SECOND, declared={"limit": 5, "reinstated": 0}),
        Change("r1", Transaction.REINSTATE, SINCE + 10 * DAY, 1, 0, {"reinstated": 100}),
        Change("r2", Transaction.REINSTATE, SINCE + 20 * DAY, 2, 0, {"reinstated": 30}),
    ]
    told = [(s.since, s.declared["reinstated"]) for s in in_effect(changes)]
    assert told == [
        *((SINCE, 0), (SINCE + 10 * DAY, 100), (SINCE + 20 * DAY, 130), (FIRST, 0)),
    ]
