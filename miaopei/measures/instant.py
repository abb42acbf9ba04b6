"""Instants are whole UTC seconds. Policy days are days in a named zone; only Asia/Shanghai is used.

Mainland China has kept UTC+8 without daylight saving since 1991-09-15, so a fixed offset is exact
for every instant from then on; earlier local times are refused by `from_beijing`.
"""

from __future__ import annotations

from datetime import MAXYEAR, MINYEAR, UTC, datetime, timedelta, timezone

from ..errors import Refusal, Refused

BEIJING = timezone(timedelta(hours=8), "Asia/Shanghai")
HOUR, DAY = 3600, 86_400
FIRST_FIXED_OFFSET = 684_867_600  # 1991-09-15T01:00+08:00, the end of the last daylight saving


def from_utc_text(text: str) -> int:
    """'2021-05-21T13:48:35Z' (or with an offset) -> UTC seconds; fractions of a second are cut."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise Refused(Refusal("instant.not_a_time", {"value": text[:40]})) from None
    if moment.tzinfo is None:
        raise Refused(Refusal("instant.no_zone", {"value": text[:40]}))
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)


def from_beijing(text: str) -> int:
    """'2021-05-21 21:48:35' or '2021-5-21 21:48:35', Beijing time -> UTC seconds."""
    day, _, clock = text.strip().replace("T", " ").partition(" ")
    try:
        year, month, dom = (_digits(part) for part in day.replace("/", "-").split("-"))
        parts = [_digits(part) for part in (clock or "0").split(":")]
        hour, minute, second = parts + [0] * (3 - len(parts))
        moment = datetime(year, month, dom, hour, minute, second, tzinfo=BEIJING)
    except ValueError:
        raise Refused(Refusal("instant.not_a_time", {"value": text[:40]})) from None
    seconds = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)
    if seconds < FIRST_FIXED_OFFSET:
        raise Refused(Refusal("instant.before_fixed_offset", {"value": text[:40]}))
    return seconds


def _digits(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError(text)  # int() would also take full-width digits, signs and underscores
    return int(text)


def utc_text(seconds: int) -> str:
    """UTC seconds -> '2021-05-21T13:48:35Z'.

    Errors   Refused instant.out_of_range, as of all that follows.
    """
    return _moment(seconds).isoformat() + "Z"


def beijing_text(seconds: int) -> str:
    """UTC seconds -> '2021-05-21 21:48:35' Beijing time."""
    return _moment(seconds + 8 * HOUR).isoformat(" ")


def beijing_day(seconds: int) -> str:
    """UTC seconds -> '2021-05-21', the day in Asia/Shanghai."""
    return beijing_text(seconds)[:10]


def period_index(seconds: int, start: int) -> int:
    """Which policy year (0, 1, ...) from `start` an instant is in; anniversaries by Beijing date.

    A start on 29 February has its anniversaries on 28 February in common years. Negative before
    the start.
    """
    first, now = _moment(start + 8 * HOUR), _moment(seconds + 8 * HOUR)
    years = now.year - first.year
    return years if now >= _anniversary(first, years) else years - 1


def period_of(seconds: int, start: int) -> tuple[int, int]:
    """[first, end) in UTC seconds of the policy year from `start` that an instant is in."""
    years = period_index(seconds, start)
    return years_after(start, years), years_after(start, years + 1)


def years_after(seconds: int, years: int) -> int:
    """The instant so many years later by Beijing date; 29 February becomes the 28th."""
    begin = _moment(seconds + 8 * HOUR)
    return (_anniversary(begin, years) - datetime(1970, 1, 1)) // timedelta(seconds=1) - 8 * HOUR


def _moment(seconds: int) -> datetime:
    """What the calendar says of so many seconds; it knows the years 1 to 9999."""
    try:
        return datetime(1970, 1, 1) + timedelta(seconds=seconds)
    except OverflowError:
        raise _out_of_range(seconds) from None


def _anniversary(first: datetime, years: int) -> datetime:
    year = first.year + years
    if not MINYEAR <= year <= MAXYEAR:
        raise _out_of_range(f"year {year}")
    try:
        return first.replace(year=year)
    except ValueError:
        return first.replace(year=year, day=28)


def _out_of_range(value: int | str) -> Refused:
    return Refused(Refusal("instant.out_of_range", {"value": value}))
