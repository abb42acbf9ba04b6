"""Reliability indices: the definitions of IEEE 1366 counted by hand, and against `statistics`."""

from __future__ import annotations

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miaopei.errors import Refused
from miaopei.measures.instant import DAY, HOUR, from_beijing
from miaopei.reports.reliability import (
    Interruption,
    by_day,
    felt,
    indices,
    major_days,
    threshold,
)

NOON = from_beijing("2026-05-20 12:00:00")


def test_the_indices_of_two_outages_by_hand() -> None:
    # 1,000 served. 200 off for 90 minutes, 300 for 30: SAIFI 0.5, SAIDI 18 + 9 = 27 minutes,
    # CAIDI 54 minutes.
    outages = [
        felt("a", NOON, [(NOON, NOON + 90 * 60)], 200),
        felt("b", NOON + DAY, [(NOON + DAY, NOON + DAY + 30 * 60)], 300),
    ]
    found = indices(outages, 1_000)
    assert (found.saifi, found.saidi, found.caidi) == ("0.500", "27.000", "54.000")
    assert found.as_json()["customers_interrupted"] == 500


def test_five_minutes_and_less_are_momentary() -> None:
    spans = [(NOON, NOON + 300), (NOON, NOON + 301)]
    found = felt("a", NOON, spans)
    assert (found.customers, found.customer_seconds, found.momentary) == (1, 301, 1)


def test_an_outage_over_midnight_stands_whole_on_the_day_on_which_it_began() -> None:
    late = from_beijing("2026-05-20 23:30:00")
    outage = felt("a", late, [(late, late + 2 * HOUR)])
    assert by_day([outage]) == {"2026-05-20": 2 * HOUR}


def test_no_outage_has_no_caidi_and_nobody_served_has_nothing() -> None:
    assert indices([], 10).as_json()["caidi_minutes"] is None
    assert indices([], 10).saidi == "0.000"
    with pytest.raises(Refused, match="nobody_served"):
        indices([], 0)


@given(st.lists(st.integers(301, 10**7), min_size=2, max_size=60))
def test_the_threshold_is_that_of_the_logarithms(seconds: list[int]) -> None:
    served = 500
    outages = [Interruption(str(i), NOON + i * DAY, 1, s) for i, s in enumerate(seconds)]
    limit = threshold(by_day(outages), served)
    assert limit is not None
    logs = [math.log(s / 60 / served) for s in seconds]
    assert limit.alpha == pytest.approx(statistics.mean(logs))
    assert limit.beta == pytest.approx(statistics.stdev(logs), abs=1e-9)
    assert limit.minutes == pytest.approx(math.exp(limit.alpha + 2.5 * limit.beta))


def test_a_storm_among_ordinary_days_is_a_major_day() -> None:
    ordinary = [Interruption(str(i), NOON + i * DAY, 10, 36_000 + 600 * (i % 7)) for i in range(90)]
    storm = Interruption("storm", NOON + 90 * DAY, 900, 40_000_000)
    days = by_day([*ordinary, storm])
    limit = threshold(by_day(ordinary), 1_000)
    assert major_days(days, 1_000, limit) == (storm.day,)
    assert threshold({"2026-05-20": 5}, 1) is None
    assert major_days(days, 1_000, None) == ()
