"""Instants against Python's own calendar and time zone tables."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from miaopei.errors import Refused
from miaopei.measures import instant

SHANGHAI = ZoneInfo("Asia/Shanghai")


def code(call, *args: object) -> str:
    with pytest.raises(Refused) as refused:
        call(*args)
    return refused.value.refusals[0].code


def test_a_catalogue_time_is_beijing_time_with_or_without_leading_zeros() -> None:
    expected = int(datetime(2021, 5, 21, 21, 48, 35, tzinfo=SHANGHAI).timestamp())
    assert instant.from_beijing("2021-05-21 21:48:35") == expected
    assert instant.from_beijing("2021-5-21 21:48:35") == expected
    assert instant.from_beijing("2021/5/21 21:48:35") == expected


def test_a_utc_time_keeps_whole_seconds_and_needs_a_zone() -> None:
    expected = int(datetime(2021, 5, 21, 13, 48, 37, tzinfo=UTC).timestamp())
    assert instant.from_utc_text("2021-05-21T13:48:37.312Z") == expected
    assert instant.from_utc_text("2021-05-21T21:48:37+08:00") == expected
    assert code(instant.from_utc_text, "2021-05-21T13:48:37") == "instant.no_zone"


@pytest.mark.parametrize("text", ["", "yesterday", "2021-13-01 00:00:00", "2021-05-21 25:00:00"])
def test_what_is_no_time_is_refused(text) -> None:
    assert code(instant.from_beijing, text) == "instant.not_a_time"


def test_times_with_daylight_saving_are_refused_and_later_ones_agree_with_the_tz_tables() -> None:
    assert code(instant.from_beijing, "1991-09-14 12:00:00") == "instant.before_fixed_offset"
    for year in range(1992, 2026):
        moment = datetime(year, 7, 1, 12, tzinfo=SHANGHAI)
        assert instant.from_beijing(f"{year}-07-01 12:00:00") == int(moment.timestamp())


def test_three_of_the_paid_events_fall_on_another_day_in_utc() -> None:
    for text, utc_day in [
        ("2016-05-18 00:48:48", "2016-05-17"),
        ("2017-03-27 07:55:01", "2017-03-26"),
        ("2018-08-13 01:44:24", "2018-08-12"),
    ]:
        seconds = instant.from_beijing(text)
        assert instant.beijing_day(seconds) == text[:10]
        assert instant.utc_text(seconds)[:10] == utc_day


def test_policy_years_turn_on_the_beijing_anniversary() -> None:
    start = instant.from_beijing("2015-08-20")
    assert instant.period_index(start, start) == 0
    assert instant.period_index(instant.from_beijing("2016-08-19 23:59:59"), start) == 0
    assert instant.period_index(instant.from_beijing("2016-08-20 00:00:00"), start) == 1
    assert instant.period_index(start - 1, start) == -1


def test_a_leap_day_has_its_anniversary_on_the_28th() -> None:
    start = instant.from_beijing("2016-02-29")
    assert instant.period_index(instant.from_beijing("2017-02-27 23:59:59"), start) == 0
    assert instant.period_index(instant.from_beijing("2017-02-28 00:00:00"), start) == 1
    assert instant.period_index(instant.from_beijing("2020-02-28 23:59:59"), start) == 3
    assert instant.period_index(instant.from_beijing("2020-02-29 00:00:00"), start) == 4


@pytest.mark.parametrize(
    "text",
    ["2021-05-21 21:48:35:07", "２０21-05-21 21:48:35", "2_021-05-21", "2021-05-21 2１:48:35"],
)
def test_only_plain_digits_make_a_time(text):
    with pytest.raises(Refused):
        instant.from_beijing(text)


@pytest.mark.parametrize("seconds", [10**12, 2**53 - 1, 1 - 2**53])
def test_what_no_calendar_knows_is_refused(seconds: int) -> None:
    """Python's own would raise OverflowError, which no one expects of a time."""
    for call in (instant.utc_text, instant.beijing_text, instant.beijing_day):
        assert code(call, seconds) == "instant.out_of_range"
    assert code(instant.period_of, seconds, 0) == "instant.out_of_range"
    assert code(instant.period_of, 0, seconds) == "instant.out_of_range"
    assert code(instant.years_after, 253_300_000_000, 9_000) == "instant.out_of_range"
