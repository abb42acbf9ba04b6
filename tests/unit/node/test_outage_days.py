"""Odd days of the outage line: two outages at once, midnight, a leap day, a plan that is split."""

from __future__ import annotations

import pytest

from miaopei.acts.rule_sets import RULES
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
    """Two outages of two feeders at once are one loss, and paid once; one after it has what is left
    of the year, and the next nothing.
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
    assert amounts == [10_000_000, 0]
    for number, day, end in (("P-3", "20", "2021-06-02"), ("P-4", "21", "2021-06-03")):
        month = "04" if number == "P-3" else "06"
        last = end if number == "P-3" else "2021-08-03"
        said = plan(
            town, ["a"], number=number, published=f"2021-{month}-14 09:00:00",
            off=f"2021-{month}-{day} 08:00:00", on=f"2021-{month}-{day} 09:00:00",
        )  # fmt: skip
        good(town.tell(said, at=f"2021-{month}-14 09:00:00"))
        both(town, {"a": f"{last} 12:00:00"}, at=f"{last} 12:05:00", number=number,
             off=f"2021-{month}-{day} 08:00:00")  # fmt: skip
        town.work()
        assert paid(town, listing) == {policies["a"]: 20_000_000}


NIGHT, NOON = "2021-06-01 19:30:00", "2021-06-01 21:30:00"  # two and four started hours late


def twice(
    first: dict[str, str], second: dict[str, str], *, off: str = "2021-06-01 08:00:00", rules: int
) -> tuple[Town, str, dict[str, str]]:
    """Outages under two numbers and two texts of the feeder, reported one after the other."""
    town, listing = grid_town(rules=rules)
    policies = insure(town, listing, sorted({*first, *second}))
    town.at("2021-05-31 08:00:00")
    told = [("P-1", first, "2021-06-01 08:00:00"), ("P-2", second, off)]
    for number, who, begins in told:
        said = plan(town, sorted(who), number=number, off=begins, feeder=f"10kV feeder {number}")
        good(town.tell(said))
    for number, who, begins in told:
        both(town, who, at="2021-06-02 12:00:00", number=number, off=begins)
        town.work()
    return town, listing, policies


@pytest.mark.parametrize(
    ("first", "second", "each"),
    [
        (NIGHT, NIGHT, [10_000, 0]),
        (NIGHT, NOON, [10_000, 10_000]),  # the second is owed 20,000: what is missing of it
        (NOON, NIGHT, [20_000, 0]),
    ],
)
def test_one_customer_without_power_under_two_feeder_names_is_paid_once(
    first: str, second: str, each: list[int]
) -> None:
    town, listing, policies = twice({"a": first, "b": first}, {"a": second}, rules=RULES)
    amounts = [
        {claim.policy: claim for claim in town.claims(s["trigger"])}[policies["a"]]
        for s in town.settlements(listing)
    ]
    assert [claim.pay_fen for claim in amounts] == each
    assert [claim.state for claim in amounts] == ["paid", "paid"]
    assert amounts[1].settled_fen == min(amounts[0].pay_fen, amounts[1].owed_fen)
    assert paid(town, listing)[policies["b"]] == amounts[0].pay_fen
    assert town.cases(listing, "delay")[1]["state"] == "settled", "nobody waits for a person"
    town.balance()


def test_before_rule_set_4_both_are_paid_as_they_were() -> None:
    town, listing, policies = twice({"a": NIGHT}, {"a": NIGHT}, rules=3)
    assert paid(town, listing) == {policies["a"]: 20_000}


def test_outages_in_one_time_that_are_none_for_this_customer_are_two() -> None:
    """Power came back to `a` under the first before it was cut under the second."""
    begins = "2021-06-01 20:00:00"
    town, listing = grid_town()
    policies = insure(town, listing, ["a", "b"])
    town.at("2021-05-31 08:00:00")
    good(town.tell(plan(town, ["a", "b"], number="P-1", feeder="one")))
    good(town.tell(plan(town, ["a", "b"], number="P-2", off=begins, on="2021-06-01 21:00:00",
                        feeder="other")))  # fmt: skip
    when = "2021-06-02 12:00:00"
    both(town, {"a": NIGHT, "b": NOON}, at=when, number="P-1")
    both(town, {"a": "2021-06-01 22:30:00", "b": "2021-06-01 22:30:00"}, at=when, number="P-2",
         off=begins)  # fmt: skip
    town.work()
    assert paid(town, listing) == {policies["a"]: 20_000, policies["b"]: 20_000}


def test_a_revision_of_the_first_counts_what_the_second_has_paid() -> None:
    town, listing, policies = twice({"a": NIGHT}, {"a": NOON}, rules=RULES)
    assert paid(town, listing) == {policies["a"]: 20_000}
    later = "2021-06-01 23:30:00"  # six started hours: 4 at 50 yuan, 2 at 80
    for source in (COMMAND, METERS):
        good(town.tell(back(town, {"a": later}, source=source, number="P-1", revision=1)))
    town.work()
    assert paid(town, listing) == {policies["a"]: 36_000}


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
