"""Working days by the holiday calendars that the State Council published, known from outside."""

from __future__ import annotations

import pytest

from miaopei.errors import Refused
from miaopei.errors.texts import say
from miaopei.measures.instant import from_beijing
from miaopei.reports.timeliness import hours, is_working_day, working_days

# (day, worked). Sources: 国办发明电 for 2015, 2016, 2018, 2020, 2021.
KNOWN = [
    ("2015-10-01", False),  # national day
    ("2015-10-10", True),  # a Saturday worked in its place
    ("2016-05-18", True),  # Wednesday, the Yunlong earthquake
    ("2018-09-22", False),  # mid-autumn, 22 to 24 September
    ("2018-09-24", False),
    ("2018-09-29", True),  # Saturday and Sunday worked for national day
    ("2018-09-30", True),
    ("2020-01-31", False),  # the spring festival that was made longer
    ("2021-05-01", False),
    ("2021-05-08", True),  # Saturday worked for labour day
]


@pytest.mark.parametrize(("day", "worked"), KNOWN)
def test_known_days(day: str, worked: bool) -> None:
    assert is_working_day(day) is worked


def test_parts_of_days_count_and_rest_does_not() -> None:
    start, end = from_beijing("2018-09-28 12:00:00"), from_beijing("2018-09-30 12:00:00")
    assert working_days(start, end) == "2.00"  # half Friday, Saturday, half Sunday: all worked
    saturday, monday = from_beijing("2018-09-01 08:00:00"), from_beijing("2018-09-03 06:00:00")
    assert working_days(saturday, monday) == "0.25"  # six hours of Monday
    assert hours(saturday, monday) == "46.00"


def test_the_printed_times_of_the_paper_are_within_reach() -> None:
    """2021: 22 h after Friday 21:48 is Saturday, so one working day is two hours and a bit."""
    origin = from_beijing("2021-05-21 21:48:35")
    assert hours(origin, origin + 22 * 3600) == "22.00"
    assert working_days(origin, origin + 22 * 3600) == "0.09"


def test_a_year_that_the_calendar_does_not_know_is_said_and_not_guessed() -> None:
    start = from_beijing("2099-03-02 10:00:00")
    with pytest.raises(Refused) as refused:
        working_days(start, start + 3600)
    (refusal,) = refused.value.refusals
    assert refusal.code == "register.year_not_in_calendar"
    assert "2099" in say(refusal, "zh")
    assert "2099" in say(refusal, "en")
