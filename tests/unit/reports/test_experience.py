"""Premium by time: earned and unearned are the written, to the fen, at every moment."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miaopei.cli.main import main
from miaopei.cli.place import Place
from miaopei.measures.instant import DAY, from_beijing
from miaopei.policies.row import PolicyRow, erased_row
from miaopei.reports.experience import Line, Returned, Told, experience
from tests.support.products import hills
from tests.support.town import Town

SINCE, UNTIL = from_beijing("2016-02-29"), from_beijing("2017-02-28")  # 365 days


SAMPLE = Town().policy("hills")


def row(fen: int, since: int = SINCE, until: int = UNTIL) -> PolicyRow:
    """A policy of the made-up cover."""
    return replace(SAMPLE, premium_fen=fen, since=since, until=until)


def line(at: int, *rows: PolicyRow, returned: tuple[Returned, ...] = ()) -> Line:
    (found,) = experience([Told("hills", hills(), rows, (), returned)], at)
    return found


@pytest.mark.parametrize(
    ("day", "earned"),
    [
        ("2016-02-29", 0),
        ("2016-03-01", 100),  # one of 365 days of 365.00 yuan
        ("2016-08-29", 18_200),
        ("2017-02-27", 36_400),
        ("2017-02-28", 36_500),
        ("2030-01-01", 36_500),
        ("2010-01-01", 0),
    ],
)
def test_a_day_earns_a_day(day: str, earned: int) -> None:
    found = line(from_beijing(day), row(36_500))
    assert (found.earned_fen, found.unearned_fen) == (earned, 36_500 - earned)


def test_a_broken_fen_stays_unearned_transaction_by_transaction() -> None:
    """100 fen over 365 days: 0.27 a day, nothing until the fourth; two policies are not one."""
    days = [line(SINCE + n * DAY, row(100), row(100)).earned_fen for n in range(9)]
    assert days == [0, 0, 0, 0, 2, 2, 2, 2, 4]


def test_what_is_given_back_is_neither_earned_nor_unearned() -> None:
    half = SINCE + 100 * DAY
    back = Returned(half, UNTIL, 26_500)
    for at in (half, half + 10 * DAY, UNTIL):
        found = line(at, row(36_500), returned=(back,))
        assert (found.written_fen, found.earned_fen, found.unearned_fen) == (10_000, 10_000, 0)


def test_the_row_of_an_erased_person_says_nothing_any_more() -> None:
    gone = erased_row("hills", "aa" * 16, "bb" * 32)
    assert line(UNTIL, row(500), gone).as_json() == line(UNTIL, row(500)).as_json()
    assert experience([Told("hills", hills(), [gone])], UNTIL) == []


@given(
    st.lists(
        st.tuples(st.integers(0, 10**12), st.integers(0, 10**9), st.integers(1, 10**9)),
        min_size=1, max_size=5,
    ),
    st.lists(st.integers(0, 2 * 10**9), min_size=2, max_size=6),
)  # fmt: skip
def test_earned_never_falls_and_is_the_exact_part_less_than_a_fen_a_row(
    terms: list[tuple[int, int, int]], moments: list[int]
) -> None:
    rows = [row(fen, since, since + length) for fen, since, length in terms]
    before = 0
    for at in sorted(moments):
        found = experience([Told("hills", hills(), rows)], at)
        earned = sum(each.earned_fen for each in found)
        assert sum(each.unearned_fen for each in found) + earned == sum(r.premium_fen for r in rows)
        exact = sum(
            Fraction(
                r.premium_fen * min(max(at - r.since, 0), r.until - r.since), r.until - r.since
            )
            for r in rows
        )
        assert before <= earned <= exact < earned + len(rows)
        before = earned


def test_the_command_gives_it_for_a_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    town = Town().set_up()
    listing = town.list_product(hills())
    town.issue([town.policy(listing, "2016-02-29", "2017-02-28", premium_fen=36_500)])

    @contextmanager
    def record(*_: Any) -> Iterator[Any]:
        yield SimpleNamespace(node=town.node)

    monkeypatch.setattr(Place, "record", record)
    asked = ["report", "unearned", "--on", "2016-03-01", "--data", str(tmp_path)]
    assert main([*asked, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["at"] == "2016-03-01 00:00:00"
    assert told["total"] == {"written_fen": 36_500, "earned_fen": 100, "unearned_fen": 36_400}
    assert main([*asked, "--lang", "zh"]) == 0
    assert "未赚" in (shown := capsys.readouterr().out)
    assert "364.00" in shown
    assert main([*asked[:2], "--on", "2016-02-30", "--data", str(tmp_path)]) == 1
