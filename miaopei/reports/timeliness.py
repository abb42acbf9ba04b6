"""How long a payout took: hours, and Chinese working days. Rows E-06 of the mission.

A working day counts with its 24 hours, a day of rest or a public holiday not at all, so that parts
of a day can be told (the source prints "1.3 working days"). Days are Beijing days.
"""

from __future__ import annotations

from datetime import date

import chinese_calendar  # type: ignore[import-untyped]  # the package ships no types

from ..errors import Refusal, Refused
from ..measures.instant import DAY, HOUR, beijing_day, from_beijing
from ..measures.money import Rounding, divide


def hours(start: int, end: int) -> str:
    """From one instant to another in hours, two decimals, half up: (0, 79_200) -> '22.00'."""
    return _hundredths(end - start, HOUR)


def working_days(start: int, end: int) -> str:
    """The same in working days, two decimals, half up.

    Errors   Refused register.year_not_in_calendar where the calendar of public holidays does not
             reach: no guess is made.
    """
    return _hundredths(working_seconds(start, end), DAY)


def working_seconds(start: int, end: int) -> int:
    """The seconds between two instants that lie on working days. Errors   as `working_days`."""
    total, day = 0, from_beijing(beijing_day(start))
    while day < end:
        if is_working_day(beijing_day(day)):
            total += min(end, day + DAY) - max(start, day)
        day += DAY
    return total


def is_working_day(day: str) -> bool:
    """Whether a Beijing day ('2021-05-21') is worked in mainland China, moved days included."""
    try:
        return bool(chinese_calendar.is_workday(date.fromisoformat(day)))
    except NotImplementedError:
        raise Refused(Refusal("register.year_not_in_calendar", {"year": int(day[:4])})) from None


def _hundredths(part: int, whole: int) -> str:
    size = divide(part * 100, whole, Rounding.HALF_UP)
    return f"{size // 100}.{size % 100:02d}"
