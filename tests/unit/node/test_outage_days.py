"""Odd days of the outage line: two outages at once, midnight, a leap day, a plan that is split."""

from __future__ import annotations

import pytest

from miaopei.measures.instant import beijing_text, from_beijing
from tests.support.grid import COMMAND, METERS, NUMBER, back, grid_town, insure, plan
from tests.support.town import Town, good
from tests.unit.node.test_outages import LATE, an_outage, paid


def both(town: Town, times: dict[str, str], *, at: str, **more: str) -> None:
    """Both systems' reports, on the record at a time."""
    reports = [back(town, dict(times), source=s, **more) for s in (COMMAND, METERS)]  # type: ignore[arg-type]
    good(town.tell(*reports, at=at))


@pytest.mark.parametrize("first", [0, 1])
def test_two_outages_at_once_share_one_customers_yearly_limit(first: int) -> None:
    """Two overlapping outages of two feeders, each beyond half the limit alone, are decided one
    after the other; together they come to the limit, whichever is reported first.
    """
    town, listing = grid_town()
    policies = insure(town, listing, ["a"])
    off, due = "2021-03-01 08:00:00", "2021-03-01 09:00:00"
    ends = ["2021-04-12 09:00:00", "2021-04-13 09:00:00"]  # 42 and 43 days late
    town.at("2021-02-28 08:00:00")
    for number in ("P-1", "P-2"):
        said = plan(
            town, ["a"], number=number, published="2021-02-28 08:00:00", off=off, on=due,
            feeder=f"feeder of {number}",
        )  # fmt: skip
        good(town.tell(said))
    town.at("2021-04-14 08:00:00")
    for which in (first, 1 - first):
        times = {"a": ends[which]}
        both(town, times, at="2021-04-14 08:00:00", number=f"P-{which + 1}", off=off)
    town.work()
    amounts = [s["totals"]["pay_fen"] for s in town.settlements(listing)]
    # an occurrence is limited to 100,000 yuan by the policy, the year to 200,000
    assert amounts == [10_000_000, 10_000_000]
    assert paid(town, listing) == {policies["a"]: 20_000_000}
    third = plan(
        town, ["a"], number="P-3", published="2021-04-14 09:00:00",
        off="2021-04-20 08:00:00", on="2021-04-20 09:00:00",
    )  # fmt: skip
    good(town.tell(third, at="2021-04-14 09:00:00"))
    both(town, {"a": "2021-04-20 12:00:00"}, at="2021-04-20 12:05:00", number="P-3",
         off="2021-04-20 08:00:00")  # fmt: skip
    town.work()
    assert paid(town, listing) == {policies["a"]: 20_000_000}


@pytest.mark.parametrize(
    ("published", "off", "on", "real", "minutes"),
    [
        # over midnight; over a leap day; into March where there is none; over the new year
        ("2021-06-01 09:00:00", "2021-06-02 22:00:00", "2021-06-02 23:50:00",
         "2021-06-03 00:20:00", 30),
        ("2024-02-27 09:00:00", "2024-02-28 20:00:00", "2024-02-28 23:00:00",
         "2024-03-01 01:00:00", 26 * 60),
        ("2023-02-27 09:00:00", "2023-02-28 20:00:00", "2023-02-28 23:00:00",
         "2023-03-01 01:00:00", 2 * 60),
        ("2021-12-30 09:00:00", "2021-12-31 20:00:00", "2021-12-31 23:59:00",
         "2022-01-01 00:01:00", 2),
    ],
)  # fmt: skip
def test_midnight_leap_day_and_new_year_are_minutes_like_others(
    published: str, off: str, on: str, real: str, minutes: int
) -> None:
    town, listing = grid_town()
    policies = insure(town, listing, ["a"], "2021-01-01", "2026-01-01")
    good(town.tell(plan(town, ["a"], published=published, off=off, on=on), at=published))
    both(town, {"a": real}, at=beijing_text(from_beijing(real) + 60), off=off)
    town.work()
    hours = range(-(-minutes // 60))
    due = sum(5_000 if h < 4 else 8_000 if h < 12 else 12_000 for h in hours)
    assert paid(town, listing) == {policies["a"]: due}


def test_a_plan_split_in_two_pays_each_customer_under_their_own_part() -> None:
    town, listing, policies = an_outage(["a", "b"])
    for number, who, on in (
        ("YY-1", "a", "2021-06-01 18:00:00"),
        ("YY-2", "b", "2021-06-01 19:00:00"),
    ):
        part = plan(
            town, [who], number=number, replaces=[NUMBER], published="2021-05-31 10:00:00", on=on
        )
        good(town.tell(part, at="2021-05-31 10:00:00"))
    for number, who in (("YY-1", "a"), ("YY-2", "b")):
        both(town, {who: LATE}, at="2021-06-01 19:35:00", number=number)
    both(town, {"a": LATE, "b": LATE}, at="2021-06-01 19:35:00")
    town.work()
    assert paid(town, listing) == {policies["a"]: 10_000, policies["b"]: 5_000}
    reasons = sorted(c["reason"] for c in town.cases(listing, "delay"))
    assert reasons == ["equal_decisions", "equal_decisions", "outage_replaced"]
