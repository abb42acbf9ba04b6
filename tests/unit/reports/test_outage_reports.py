"""Reports of the outage line, from a record: reliability, complaints and experience."""

from __future__ import annotations

import pytest

from miaopei.acts.state import State
from miaopei.errors import Refused
from miaopei.measures.instant import HOUR, beijing_text, from_beijing
from miaopei.node.reporting import Reporting
from miaopei.reports.complaints import compare
from miaopei.reports.experience import experience
from miaopei.reports.reliability import indices
from tests.support.grid import METERS, OFF, back, complained, grid_town, insure, plan
from tests.support.town import Town, good

LATE, IN_TIME = "2021-06-01 19:30:00", "2021-06-01 17:30:00"
YEAR = from_beijing("2021-01-01"), from_beijing("2022-01-01")


def an_outage() -> tuple[Town, str]:
    """Four in scope: a and b insured and late, c insured and in time, d not insured and late."""
    town, listing = grid_town()
    insure(town, listing, ["a", "b", "c"])
    town.at("2021-05-31 08:00:00")
    good(town.tell(plan(town, ["a", "b", "c", "d"])))
    times = {"a": LATE, "b": LATE, "c": IN_TIME, "d": LATE}
    good(town.tell(back(town, times), back(town, times, source=METERS), at="2021-06-01 19:35:00"))
    town.work()
    return town, listing


def reporting(town: Town, reading: object) -> Reporting:
    return Reporting(reading, State(reading), town.me)  # type: ignore[arg-type]


def test_reliability_from_each_customers_own_times() -> None:
    town, _ = an_outage()
    with town.store.reading() as reading:
        outages = reporting(town, reading).interruptions(*YEAR)
        nothing = reporting(town, reading).interruptions(0, from_beijing(OFF))
    found = indices(outages, 40)
    # three off for 11.5 hours and one for 9.5: 44 hours over 40 served are 66 minutes
    assert found.customer_seconds == 44 * HOUR
    assert (found.saifi, found.saidi, found.caidi) == ("0.100", "66.000", "660.000")
    assert nothing == []


def test_tickets_of_the_paid_beside_those_of_the_unpaid() -> None:
    town, _ = an_outage()
    good(town.tell(complained(town, {"a": 1, "d": 1}), at="2021-06-02 09:00:00"))
    later = {"a": 1, "d": 3, "x": 2}  # takes the place of the first count; x was not in scope
    good(town.tell(complained(town, later, revision=1), at="2021-06-03 09:00:00"))
    with town.store.reading() as reading:
        (found,) = reporting(town, reading).complaints()
    assert found.as_json() == {
        "outage": "YY-20210601-001",
        "paid": {
            "customers": 2, "complaining": 1, "tickets": 1, "tickets_per_hundred": "50.00",
        },
        "unpaid": {
            "customers": 2, "complaining": 1, "tickets": 3, "tickets_per_hundred": "150.00",
        },
        "tickets_outside_the_scope": 2,
    }  # fmt: skip


def test_tickets_alone_open_no_case_and_change_none() -> None:
    town, listing = an_outage()
    before = town.case(listing, "delay")
    good(town.tell(complained(town, {"a": 1}), at="2021-06-02 09:00:00"))
    good(town.tell(complained(town, {"a": 1}, number="YY-unknown"), at="2021-06-02 09:01:00"))
    town.work()
    assert town.case(listing, "delay") == before
    assert len(town.settlements(listing)) == 1


def test_premium_claims_and_loss_ratio_by_version() -> None:
    town, listing = an_outage()
    with town.store.reading() as reading:
        (line,) = experience(reporting(town, reading).experience(), YEAR[1])
    assert (line.listing, line.version, line.policies) == (listing, 1, 3)
    assert (line.settled_fen, line.payouts, line.reserved_fen) == (20_000, 2, 0)
    assert line.written_fen == line.earned_fen > 0
    half = (YEAR[0] + YEAR[1]) // 2
    with town.store.reading() as reading:
        (line,) = experience(reporting(town, reading).experience(), half)
    assert line.earned_fen * 2 == line.written_fen


def test_nobody_in_a_group_has_no_rate() -> None:
    assert compare("o", [], {}, []).paid.per_hundred is None
    assert beijing_text(YEAR[0])[:4] == "2021"
    with pytest.raises(Refused):
        indices([], 0)
