"""Bad days of loss reports and death notices: nothing yet, nothing for us, nonsense, a correction.

The Dali cover itself, and a shock in Baoshan, which borders on it: its house cover needs a report.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import pytest

from miaopei.measures.instant import DAY, beijing_day, from_beijing
from miaopei.measures.money import wan
from miaopei.products.yunnan_dali import PRODUCT
from miaopei.terms import exact
from tests.support.facts import CHANGNING, deaths, losses, quake
from tests.support.town import Town, good

SHOCK, READ = "2015-10-30 19:26:39", "2015-10-30 19:36:39"
DAYS = "2015-10-30"
AREAS = ("532900", *PRODUCT.area["surrounding"], "532600")
DALI, BAOSHAN = "532900", "530500"
TOTAL = 166_419  # 16,641.9 万元, inferred from the printed payout
PRINTED = 7_537_600 * 100  # 753.760 万元, in fen


def share(part: int) -> int:
    """2,800 万元 times the share, half up to 10 yuan, by fractions."""
    yuan = Decimal(28_000_000) * part / TOTAL
    return int((yuan / 10).quantize(Decimal(1), ROUND_HALF_UP)) * 1_000


def a_town(magnitude: str = "5.1", spot: tuple[str, str, str] = CHANGNING) -> tuple[Town, str]:
    """One policy of the prefecture, and the shock on file."""
    town = Town().set_up(AREAS)
    listing = town.list_product(PRODUCT)
    town.issue([town.policy(listing, "2015-08-20", "2022-08-20")])
    good(town.tell(quake(SHOCK, magnitude, spot), at=READ))
    town.work()
    return town, listing


def states(town: Town, listing: str, benefit: str = "house") -> tuple[str, str]:
    case = town.case(listing, benefit)
    return case["state"], case["reason"]


def test_without_a_report_the_claim_waits_by_name_and_is_not_zero() -> None:
    town, listing = a_town()
    case = town.case(listing)
    assert (case["state"], case["reason"]) == ("awaiting_report", "no_report")
    assert case["owner"] == "loss.national"
    assert case["until"] == from_beijing(SHOCK) + 180 * DAY
    assert case["facts"]["magnitude"]["value"] == 51
    assert town.settlements(listing) == []


def test_a_report_settles_by_its_share_as_the_source_prints() -> None:
    """Table 2 of the source, first row: 753.760 万元."""
    town, listing = a_town()
    good(town.tell(losses(DAYS, {DALI: 44_800, BAOSHAN: 121_618}, TOTAL), at="2015-11-08"))
    town.work()
    assert town.paid_fen(listing) == PRINTED


def test_a_report_that_does_not_name_the_area_waits_closes_and_is_reopened() -> None:
    town, listing = a_town()
    good(town.tell(losses(DAYS, {BAOSHAN: 121_618}, TOTAL), at="2015-11-08"))
    town.work()
    assert states(town, listing) == ("awaiting_report", "area_not_named")
    end = from_beijing(SHOCK) + 180 * DAY
    town.at(end - 1)
    assert states(town, listing) == ("awaiting_report", "area_not_named")
    town.at(end)
    case = town.case(listing)
    assert (case["state"], case["reason"]) == ("closed", "no_assessed_loss_reported")
    assert case["facts"]["closed"]["last"] == "area_not_named"
    good(
        town.tell(
            losses(DAYS, {DALI: 44_800, BAOSHAN: 121_618}, TOTAL, version=2),
            at=beijing_day(end + 5 * DAY),
        )
    )
    town.work()
    assert states(town, listing)[0] == "settled"
    assert town.paid_fen(listing) == PRINTED


def test_an_area_with_a_zero_is_not_an_area_that_is_missing() -> None:
    town, listing = a_town()
    good(town.tell(losses(DAYS, {DALI: 0, BAOSHAN: 121_618}, TOTAL), at="2015-11-08"))
    town.work()
    assert states(town, listing) == ("nothing_due", "terms_give_zero")


@pytest.mark.parametrize(
    ("total", "reason"), [(0, "total_zero"), (None, "total_missing"), (44_799, "total_below_part")]
)
def test_a_total_that_cannot_be_divided_by_waits_for_a_corrected_report(
    total: int | None, reason: str
) -> None:
    town, listing = a_town()
    good(town.tell(losses(DAYS, {DALI: 44_800}, total), at="2015-11-08"))
    town.work()
    assert states(town, listing) == ("awaiting_report", reason)
    assert town.settlements(listing) == []
    good(town.tell(losses(DAYS, {DALI: 44_800}, TOTAL, version=2), at="2015-11-12"))
    town.work()
    assert states(town, listing)[0] == "settled"


def test_a_revised_report_makes_an_adjustment_and_never_an_overwrite() -> None:
    """More is paid at once; less is kept, for this listing takes nothing back."""
    town, listing = a_town()
    for version, part in enumerate((44_800, 60_000, 30_000), 1):
        report = losses(DAYS, {DALI: part}, TOTAL, version=version)
        good(town.tell(report, at=f"2015-11-{8 + version:02d}"))
        town.work()
    first, second, third = (s["totals"] for s in town.settlements(listing))
    owed = [t["owed_fen"] for t in (first, second, third)]
    assert owed == [PRINTED, share(60_000), share(30_000)]
    assert [t["pay_fen"] for t in (first, second, third)] == [owed[0], owed[1] - owed[0], 0]
    assert third["kept_fen"] == owed[1] - owed[2]
    assert town.case(listing)["revision"] == 3
    assert len(town.table("observation")) == 4


def test_an_older_version_that_arrives_late_changes_nothing() -> None:
    town, listing = a_town()
    for version, part in ((2, 60_000), (1, 44_800)):
        good(town.tell(losses(DAYS, {DALI: part}, TOTAL, version=version)))
        town.work()
    assert town.case(listing)["revision"] == 1
    assert town.paid_fen(listing) == share(60_000)


def test_a_report_of_another_event_of_the_day_is_not_taken() -> None:
    town, listing = a_town()
    good(town.tell(losses(DAYS, {DALI: 44_800}, TOTAL, name="文山州富宁县"), at="2015-11-08"))
    town.work()
    assert states(town, listing)[0] == "awaiting_report"


# Deaths -----------------------------------------------------------------------------------------


def test_deaths_without_a_notice_wait_and_close_at_the_deadline() -> None:
    town, listing = a_town()
    assert states(town, listing, "deaths") == ("awaiting_death_notice", "no_death_notice")
    town.at(from_beijing(SHOCK) + 180 * DAY)
    assert states(town, listing, "deaths") == ("closed", "no_deaths_reported")


@pytest.mark.parametrize(("count", "owed"), [(1, 10), (800, 8_000)])
def test_each_death_is_paid(count: int, owed: int) -> None:
    town, listing = a_town()
    good(town.tell(deaths(DAYS, count), at="2015-11-01"))
    town.work()
    (settlement,) = town.settlements(listing)
    (claim,) = town.claims(settlement["trigger"])
    assert (claim.state, claim.owed_fen) == ("paid", wan(owed))


def test_801_deaths_of_8000_show_the_shortfall() -> None:
    """10 万元 a person, 8,000 万元 a year: the last person's 10 万元 are the shortfall."""
    town, listing = a_town()
    good(town.tell(deaths(DAYS, 801), at="2015-11-01"))
    town.work()
    (settlement,) = town.settlements(listing)
    (claim,) = town.claims(settlement["trigger"])
    assert claim.owed_fen == claim.pay_fen == wan(8_000)
    trigger = town.table("trigger", settlement["trigger"])[settlement["trigger"]]
    observed = {name: fact["value"] for name, fact in trigger["facts"].items()}
    again = exact.settle(PRODUCT.version(1).terms, "deaths", observed, {}, {"deaths": 0})
    assert (again.uncut_fen, again.amount_fen) == (wan(8_010), wan(8_000))
    assert again.shortfall_fen == wan(10)
    assert [(n.left_before_fen, n.left_after_fen) for n in again.limits] == [(wan(8_000), 0)]


def test_deaths_of_several_events_add_up_in_the_insurance_year_and_start_anew() -> None:
    town, listing = a_town()
    good(town.tell(deaths(DAYS, 500), at="2015-11-01"))
    town.work()
    for day in ("2016-05-18", "2016-08-10", "2016-08-25"):
        good(town.tell(quake(f"{day} 01:00:00", "5.4", CHANGNING), at=f"{day} 02:00:00"))
        good(town.tell(deaths(day, 400), at=f"{day} 20:00:00"))
        town.work()
    found = [town.claims(s["trigger"])[0] for s in town.settlements(listing)]
    assert [(c.state, c.spent_fen, c.owed_fen) for c in found] == [
        ("paid", 0, wan(5_000)),
        ("cut", wan(5_000), wan(3_000)),
        ("exhausted", wan(8_000), 0),
        ("paid", 0, wan(4_000)),
    ]


def test_a_revised_notice_of_deaths_makes_an_adjustment() -> None:
    town, listing = a_town()
    for version, count in enumerate((3, 5), 1):
        good(town.tell(deaths(DAYS, count, version=version), at=f"2015-11-{version:02d}"))
        town.work()
    assert [s["totals"]["pay_fen"] for s in town.settlements(listing)] == [wan(30), wan(20)]
