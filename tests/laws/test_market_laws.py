"""Laws of division: parts sum to the whole, both readings agree, the line says all."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from miaopei.market.allocation import allocate, allocate_columns, share_of
from miaopei.market.allotment import Household, WeightRule, Work, allot
from miaopei.market.placement import WHOLE_PPM, Placement, Share
from miaopei.measures.money import divide_fairly

SIZES = st.sampled_from([3, 1_000, 10**6, 10**10, 2**47])
GROSS = SIZES.flatmap(lambda top: st.lists(st.integers(0, top), max_size=60))


@given(GROSS, st.integers(0, 2**53))
def test_allocation_sums_to_the_cap_or_the_total_and_both_readings_agree(
    gross: list[int], cap: int
) -> None:
    net, line = allocate(gross, cap % (sum(gross) * 2 + 2))
    columns, same_line = allocate_columns(
        np.array(gross, dtype=np.int64), cap % (sum(gross) * 2 + 2)
    )
    assert (columns.tolist(), same_line) == (net, line)
    assert sum(net) == line.payable_fen == min(cap % (sum(gross) * 2 + 2), sum(gross))
    for index, (g, n) in enumerate(zip(gross, net, strict=True)):
        assert 0 <= n <= g
        assert share_of(g, index, line) == n
        assert abs(Fraction(g * line.payable_fen, line.total_fen or 1) - n) < 1


@given(GROSS.filter(any), st.integers(0, 2**53))
def test_allocation_is_the_house_rule_of_fair_division(gross: list[int], cap: int) -> None:
    cap %= sum(gross) + 1
    assert allocate(gross, cap)[0] == divide_fairly(cap, gross)


@given(GROSS.filter(any), st.integers(0, 2**53))
def test_a_larger_claim_never_gets_less(gross: list[int], cap: int) -> None:
    net, _ = allocate(gross, cap % (sum(gross) + 1))
    most: dict[int, int] = {}
    least: dict[int, int] = {}
    for g, n in zip(gross, net, strict=True):
        most[g], least[g] = max(n, most.get(g, n)), min(n, least.get(g, n))
    sizes = sorted(most)
    for smaller, larger in pairwise(sizes):
        assert most[smaller] <= least[larger]


@given(
    st.integers(-(10**13), 10**13),
    st.lists(st.integers(1, 10**6), min_size=1, max_size=12),
)
def test_a_split_sums_to_the_fen_and_is_within_a_fen_of_its_share(
    amount: int, weights: list[int]
) -> None:
    ppm = [1 + fen for fen in divide_fairly(WHOLE_PPM - len(weights), weights)]
    placement = Placement(tuple(Share(f"c{i}", p) for i, p in enumerate(ppm)), illustrative=True)
    parts = placement.split(amount)
    assert sum(parts.values()) == amount
    for share in placement.shares:
        assert abs(parts[share.carrier] * WHOLE_PPM - amount * share.ppm) < WHOLE_PPM


@given(
    st.integers(0, 10**11),
    st.lists(st.tuples(st.sampled_from(list(Work)), st.integers(1, 9)), min_size=1, max_size=80),
    st.integers(1, 100),
    st.integers(1, 100),
)
def test_an_allotment_sums_to_the_payout_and_weighs_by_class(
    payout: int, rows: list[tuple[Work, int]], rebuilt: int, repaired: int
) -> None:
    rule = WeightRule("r", {Work.REBUILT: rebuilt, Work.REPAIRED: repaired}, illustrative=True)
    households = [Household(f"h{i}", work, weight) for i, (work, weight) in enumerate(rows)]
    lines = allot(payout, households, rule).lines
    assert sum(line.amount_fen for line in lines) == payout
    whole = sum(rule.weights[work] * weight for work, weight in rows)
    for line in lines:
        exact = Fraction(payout * rule.weights[line.work] * line.weight, whole)
        assert abs(exact - line.amount_fen) < 1
