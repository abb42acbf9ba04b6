"""Columns: shapes, refusals row by row, arithmetic at the edge of 64 bits, years of occurrences."""

from __future__ import annotations

import numpy as np
import pytest

from miaopei.errors import Refused
from miaopei.measures.money import Rounding, wan
from miaopei.products.shelf import shelf
from miaopei.terms import bounds
from miaopei.terms import build as b
from miaopei.terms import words as w
from miaopei.terms.columnar import ROWS_AT_ONCE, settle_many
from miaopei.terms.exact import settle
from miaopei.terms.simulation import simulate, totals
from miaopei.terms.words import Counting, Kind

DALI = shelf().find("yunnan_dali").version(1).terms
DELAY = shelf().find("power_restoration").version(1).terms
NONE = np.zeros(4, dtype=np.int64)
OURS = b.source("测试", "test", dated="2026-01-01")


def column(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int64)


def refusals(*args: object) -> list[tuple[str, object]]:
    with pytest.raises(Refused) as caught:
        settle_many(*args)  # type: ignore[arg-type]
    return [(r.code, r.facts.get("row")) for r in caught.value.refusals]


def test_one_number_stands_for_all_rows() -> None:
    spent = column(0, wan(41_999), wan(42_000))
    amounts = settle_many(DALI, "house", {"role": 1, "magnitude": 50}, {}, spent)
    assert amounts.tolist() == [wan(2_800), wan(1), 0]
    assert amounts.dtype == np.int64


def test_each_refused_row_is_named_by_its_first_reason() -> None:
    seen = {
        "role": column(2, 2, 2, 1),
        "magnitude": column(50, 50, 50, 50),
        "loss_area": column(1, 0, 5, 9),
        "loss_total": column(2, 0, 4, 0),  # the last row is inside: its report is not asked for
    }
    assert refusals(DALI, "house", seen, {}, NONE) == [
        ("terms.whole_is_zero", 1),
        ("terms.part_exceeds_whole", 2),
    ]
    sound = {name: values[[0, 3]] for name, values in seen.items()}
    assert settle_many(DALI, "house", sound, {}, NONE[:2]).tolist() == [wan(1_400), wan(2_800)]


def test_a_branch_that_no_row_takes_asks_for_nothing() -> None:
    seen = {"role": column(1, 0, 1, 0), "magnitude": 50}
    assert settle_many(DALI, "house", seen, {}, NONE).tolist() == [wan(2_800), 0, wan(2_800), 0]
    seen["role"] = column(1, 0, 2, 0)
    assert refusals(DALI, "house", seen, {}, NONE) == [("terms.missing_input", 2)]


def test_rows_of_the_second_part_are_numbered_from_the_start() -> None:
    spent = np.zeros(ROWS_AT_ONCE + 10, dtype=np.int64)
    spent[-1] = -1
    found = refusals(DALI, "house", {"role": 1, "magnitude": 50}, {}, spent)
    assert found == [("terms.out_of_range", ROWS_AT_ONCE + 9)]


@pytest.mark.parametrize(
    "spent",
    [
        np.array([0.0, 1.0]),
        np.array([True, False]),
        np.array([2**63 + 5], dtype=np.uint64),
        np.array(["0"]),
        np.zeros((2, 2), dtype=np.int64),
        np.array([None]),
        0.5,
        True,
    ],
)
def test_what_is_no_whole_number_is_refused_not_converted(spent: object) -> None:
    assert refusals(DALI, "house", {"role": 0}, {}, {"house": spent}) == [("terms.not_whole", None)]


def test_columns_of_unlike_length_are_refused() -> None:
    seen = {"role": column(1, 1), "magnitude": 50}
    assert refusals(DALI, "house", seen, {}, NONE) == [("terms.ragged_columns", None)]


def test_smaller_integers_and_lone_ones_are_welcome() -> None:
    seen = {"role": np.int64(1), "magnitude": np.array(50, dtype=np.int32)}
    spent = np.zeros(2, dtype=np.uint8)
    assert settle_many(DALI, "house", seen, {}, spent).tolist() == [wan(2_800)] * 2


def test_the_largest_shares_do_not_overflow() -> None:
    """4.2e10 fen times 2e8 units is 8.4e18, just below 2**63: equal to plain integers."""
    most = 200_000_000
    areas = [most, most - 1, most // 3, 1, 0]
    seen = {
        "role": 2,
        "magnitude": 70,
        "loss_area": column(*areas),
        "loss_total": column(*[most] * 5),
    }
    spent = np.zeros(5, dtype=np.int64)
    amounts = settle_many(DALI, "house", seen, {}, spent)
    for area, amount in zip(areas, amounts.tolist(), strict=True):
        tens, rest = divmod(wan(42_000) * area, most * 1_000)
        assert amount == (tens + (2 * rest >= most * 1_000)) * 1_000
    assert not bounds.prove(DALI, "house").faults


def test_many_policies_of_the_delay_cover_agree_with_single_ones() -> None:
    random = np.random.default_rng(20_200_901)
    rows = 400
    planned = 26_000_000
    seen = {"planned_restoration": planned, "actual_restoration": planned + 700, "outage_cause": 1}
    own = {
        "deductible": random.integers(0, 48 * 60 + 1, rows),
        "occurrence_limit": random.integers(0, 10_000_001, rows),
    }
    spent = random.integers(0, 20_000_001, rows)
    amounts = settle_many(DELAY, "delay", seen, own, spent)
    for row in range(rows):
        declared = {name: int(values[row]) for name, values in own.items()}
        single = settle(DELAY, "delay", seen, declared, {"delay": int(spent[row])})
        assert single.amount_fen == amounts[row]


def test_years_of_occurrences_share_a_limit_in_their_order() -> None:
    periods = column(2016, 2015, 2016, 2016, 2015, 2016)
    magnitude = column(65, 50, 69, 55, 70, 50)
    seen = {"role": 1, "magnitude": magnitude}
    amounts = simulate(DALI, "house", seen, {}, periods)
    by_hand: dict[int, int] = {}
    for row, (period, tenths) in enumerate(zip(periods.tolist(), magnitude.tolist(), strict=True)):
        facts = {"role": 1, "magnitude": tenths}
        spent = by_hand.get(period, 0)
        amount = settle(DALI, "house", facts, {}, {"house": spent}).amount_fen
        assert amounts[row] == amount
        by_hand[period] = spent + amount
    years, sums = totals(amounts, periods)
    assert dict(zip(years.tolist(), sums.tolist(), strict=True)) == by_hand
    assert by_hand == {2015: wan(42_000), 2016: wan(42_000)}


def test_no_occurrence_no_amount() -> None:
    empty = np.zeros(0, dtype=np.int64)
    assert simulate(DALI, "house", {"role": 1, "magnitude": 50}, {}, empty).tolist() == []
    assert settle_many(DALI, "house", {"role": 1, "magnitude": 50}, {}, empty).tolist() == []


def made_up(body: w.Word) -> w.Terms:
    return b.terms("made_up", 1, b.clause("cover", body, zh="测", en="test"))


def test_a_row_that_is_decided_asks_no_further() -> None:
    """Of three rows two are decided by the first test; only the other needs the second."""
    first = b.declared("first", Kind.COUNT, low=0, high=9, zh="一", en="first")
    second = b.declared("second", Kind.COUNT, low=0, high=9, zh="二", en="second")
    one = b.whole(Kind.COUNT)
    tests = b.at_least(first, one), b.at_least(second, one)
    paid, none = b.figure("paid", 7, Kind.MONEY, zh="付", en="paid", source=OURS), b.nothing()
    for choose, decided, open_ in ((b.any_of, 1, 0), (b.every, 0, 1)):
        promised = made_up(b.either(choose(*tests), paid, none))
        own = {"first": column(decided, decided, open_), "second": column(99, 99, 1)}
        amounts = settle_many(promised, "cover", {}, own, {})
        assert amounts.tolist() == [7 * decided, 7 * decided, 7]
        own = {"first": column(decided, open_, open_), "second": column(99, 99, 1)}
        assert refusals(promised, "cover", {}, own, {}) == [("terms.out_of_range", 1)]


def test_one_value_with_rows_refused_above_it() -> None:
    """A number that is the same for all rows, though some of the rows are refused."""
    loss = b.declared("loss", Kind.LOSS, low=0, high=0, zh="损", en="loss")
    table = b.bands(b.most(loss, b.nothing(Kind.LOSS)), (0, 5), source=OURS)
    assert settle_many(made_up(table), "cover", {}, {"loss": column(0, 0)}, {}).tolist() == [5, 5]
    found = refusals(made_up(table), "cover", {}, {"loss": column(0, 1)}, {})
    assert found == [("terms.out_of_range", 1)]


@pytest.mark.parametrize(
    ("counting", "size", "paid"),
    [
        (Counting.STARTED, 60, [0, 1, 1, 2, 2]),
        (Counting.FULL, 60, [0, 0, 1, 1, 2]),
        (Counting.EXACT, 1, [0, 1, 60, 61, 120]),
    ],
)
def test_units_are_counted_as_named(counting: Counting, size: int, paid: list[int]) -> None:
    late = b.declared("late", Kind.MINUTES, low=0, high=999, zh="迟", en="late")
    promised = made_up(b.tiers(late, (0, 1), counting=counting, size=size, source=OURS))
    minutes = [0, 1, 60, 61, 120]
    amounts = settle_many(promised, "cover", {}, {"late": column(*minutes)}, {})
    assert amounts.tolist() == paid
    for value, amount in zip(minutes, paid, strict=True):
        assert settle(promised, "cover", {}, {"late": value}, {}).amount_fen == amount
        assert settle_many(promised, "cover", {}, {"late": value}, {}).tolist() == [amount]


@pytest.mark.parametrize(
    ("rounding", "paid"), [(Rounding.HALF_UP, [0, 10, 10, 20]), (Rounding.DOWN, [0, 0, 10, 10])]
)
def test_a_share_is_rounded_once_as_named(rounding: Rounding, paid: list[int]) -> None:
    """Shares of 20 fen by twentieths, to whole tens: 4, 5, 14 and 15 fen."""
    part = b.declared("part", Kind.COUNT, low=0, high=20, zh="份", en="part")
    whole = b.figure("whole", 20, Kind.COUNT, zh="全", en="whole", source=OURS)
    amount = b.figure("amount", 20, Kind.MONEY, zh="额", en="amount", source=OURS)
    promised = made_up(b.pro_rata(amount, part, whole, unit_fen=10, rounding=rounding))
    parts = [4, 5, 14, 15]
    assert settle_many(promised, "cover", {}, {"part": column(*parts)}, {}).tolist() == paid
    for value, fen in zip(parts, paid, strict=True):
        assert settle(promised, "cover", {}, {"part": value}, {}).amount_fen == fen
