"""Laws of money, instants and identity, each against another library or plain arithmetic."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal, localcontext
from zoneinfo import ZoneInfo

import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from miaopei.measures import instant
from miaopei.measures.identity import LARGEST, canonical, content_id, read_canonical
from miaopei.measures.money import Rounding, divide, divide_fairly

AMOUNTS = st.integers(-(10**18), 10**18)
TEXTS = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs"))).map(
    lambda text: unicodedata.normalize("NFC", text)
)
PLAIN = st.text(st.characters(codec="ascii"))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-LARGEST, LARGEST) | TEXTS | PLAIN,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(codec="ascii"), min_size=1), inner, max_size=4)
    ),
    max_leaves=20,
)
MOMENTS = st.integers(instant.FIRST_FIXED_OFFSET, 4_000_000_000)


@given(AMOUNTS, AMOUNTS.filter(bool))
def test_division_is_decimals_by_the_named_rounding(numerator: int, denominator: int) -> None:
    with localcontext() as context:
        context.prec = 60
        quotient = Decimal(numerator) / Decimal(denominator)
        for ours, theirs in ((Rounding.HALF_UP, ROUND_HALF_UP), (Rounding.DOWN, ROUND_DOWN)):
            exact = int(quotient.quantize(Decimal(1), rounding=theirs))
            assert divide(numerator, denominator, ours) == exact


@given(st.integers(0, 10**15), st.lists(st.integers(0, 10**9), min_size=1, max_size=30))
def test_parts_sum_to_the_whole_and_each_is_within_one_of_its_share(
    total: int, weights: list[int]
) -> None:
    weights[0] += 1
    parts = divide_fairly(total, weights)
    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part * sum(weights) - total * weight) < sum(weights)
        assert weight or not part


@given(VALUES)
def test_canonical_bytes_are_rfc_8785_and_read_back(value: object) -> None:
    data = canonical(value)
    assert data == rfc8785.dumps(value)
    assert canonical(read_canonical(data)) == data
    assert content_id("a", value) != content_id("b", value)


@given(MOMENTS)
def test_beijing_and_utc_texts_read_back_and_agree_with_the_tz_tables(seconds: int) -> None:
    assert instant.from_beijing(instant.beijing_text(seconds)) == seconds
    assert instant.from_utc_text(instant.utc_text(seconds)) == seconds
    shanghai = datetime.fromtimestamp(seconds, UTC).astimezone(ZoneInfo("Asia/Shanghai"))
    assert instant.beijing_day(seconds) == shanghai.date().isoformat()


@given(MOMENTS, MOMENTS)
def test_policy_years_never_go_back_and_turn_within_366_days(start: int, moment: int) -> None:
    index = instant.period_index(moment, start)
    assert (index >= 0) == (moment >= start)
    assert instant.period_index(moment + 366 * instant.DAY, start) >= index + 1
    assert instant.period_index(moment + 365 * instant.DAY, start) <= index + 1
