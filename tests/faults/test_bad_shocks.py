"""Bad days of the evidence: magnitudes that are odd, revised or too late, shocks in sequences.

Each goes through the real acts; asserted is the named state and the money.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from miaopei.market.listing import Overpaid
from miaopei.measures.instant import HOUR, beijing_text, from_beijing
from miaopei.measures.money import wan
from miaopei.terms.filing import Revision
from tests.support.facts import catalogue, changed, quake
from tests.support.products import STEPS, hills
from tests.support.town import Town, codes, good

NIGHT = "2016-05-18 00:48:48"
READ = "2016-05-18 01:00:00"


def a_town(policies: int = 1, **product: Any) -> tuple[Town, str]:
    """A town with one listing of made-up covers, one carrier's fen easy to follow."""
    town = Town().set_up()
    overpaid = product.pop("overpaid", Overpaid.KEPT)
    listing = town.list_product(hills(**product), overpaid=overpaid)
    town.issue([town.policy(listing) for _ in range(policies)])
    return town, listing


# Magnitudes ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "tenths", "paid"),
    [("4.94", 49, 0), ("4.95", 50, 100), ("5.44", 54, 100), ("5.45", 55, 300), ("5.5", 55, 300)],
)
def test_two_decimals_are_rounded_half_up_from_the_text(raw: str, tenths: int, paid: int) -> None:
    town, listing = a_town()
    town.tell(quake(NIGHT, raw), at=READ)
    town.work()
    if paid:
        case = town.case(listing)
        assert case["state"] == "settled"
        assert case["facts"]["magnitude"]["value"] == tenths
    else:
        assert town.cases(listing) == []  # below the threshold no sequence opens
    assert town.paid_fen(listing) == wan(paid)


def test_a_magnitude_whose_tenths_are_not_those_of_its_text_is_refused() -> None:
    town, listing = a_town()
    (result,) = town.tell(changed(quake(NIGHT, "4.94"), magnitude_tenths=50), at=READ)
    assert codes(result) == ["evidence.bad_value"]
    assert not result.ok
    assert town.cases(listing) == []


def test_a_revised_magnitude_before_the_freeze_is_the_one_that_settles() -> None:
    """The catalogue waits for the rapid report; its revision before the deadline counts."""
    town, listing = a_town()
    town.tell(catalogue(NIGHT, "5.2", key="c1"), at=READ)
    case = town.case(listing)
    assert (case["state"], case["owner"]) == ("awaiting_rapid_report", "cenc.rapid")
    assert case["until"] == from_beijing(NIGHT) + 12 * HOUR
    town.tell(catalogue(NIGHT, "5.6", key="c1", revision=1), at="2016-05-18 06:00:00")
    assert town.case(listing)["state"] == "awaiting_rapid_report"
    town.at("2016-05-18 12:48:48")
    town.work()
    assert town.case(listing)["facts"]["magnitude"]["how"] == "fallback"
    assert town.paid_fen(listing) == wan(300)


def test_a_revised_magnitude_after_the_settlement_is_shown_and_moves_no_money() -> None:
    town, listing = a_town()
    town.tell(quake(NIGHT, "5.2", key="r1"), at=READ)
    town.work()
    town.tell(quake(NIGHT, "6.6", key="r1", revision=1), at="2016-05-18 03:00:00")
    town.tell(catalogue(NIGHT, "6.5"), at="2016-05-18 07:00:00")
    town.at("2016-05-19 00:00:00")
    town.work()
    case = town.case(listing)
    assert (case["state"], case["revision"], town.paid_fen(listing)) == ("settled", 1, wan(100))
    assert len(town.table("observation")) == 3


@pytest.mark.parametrize("overpaid", list(Overpaid))
def test_a_revision_that_counts_pays_the_difference_or_asks_it_back(overpaid: Overpaid) -> None:
    town, listing = a_town(revision=Revision.REVISION_COUNTS, overpaid=overpaid)
    for revision, raw in enumerate(("5.2", "6.1", "5.6", "5.0", "6.6")):
        town.tell(quake(NIGHT, raw, key="r1", revision=revision), at=from_beijing(READ) + revision)
        town.work()
    totals = [s["totals"] for s in town.settlements(listing)]
    assert [t["owed_fen"] for t in totals] == [wan(n) for n in (100, 600, 300, 100, 1_000)]
    assert [t["pay_fen"] for t in totals] == [wan(n) for n in (100, 500, 0, 0, 400)]
    back = [wan(n) for n in (0, 0, 300, 500, 0)]
    kept, asked = (back, [0] * 5) if overpaid is Overpaid.KEPT else ([0] * 5, back)
    assert [t["kept_fen"] for t in totals] == kept
    assert [t["receivable_fen"] for t in totals] == asked
    states = [town.claims(s["trigger"])[0].state for s in town.settlements(listing)]
    word = str(overpaid)
    assert states == ["paid", "paid", word, word, "paid"]
    town.balance()


# Sequences --------------------------------------------------------------------------------------


def test_a_larger_shock_of_a_settled_sequence_pays_the_difference() -> None:
    town, listing = a_town()
    town.tell(quake(NIGHT, "5.6"), at=READ)
    town.work()
    town.tell(quake("2016-05-20 10:00:00", "6.4"), at="2016-05-20 10:10:00")
    town.work()
    first, second = town.settlements(listing)
    assert (first["totals"]["pay_fen"], second["totals"]["pay_fen"]) == (wan(300), wan(300))
    (claim,) = town.claims(second["trigger"])
    assert (claim.owed_fen, claim.settled_fen, claim.spent_fen) == (wan(600), wan(300), 0)
    assert town.case(listing)["revision"] == 2


def test_a_larger_shock_that_is_revised_down_is_kept_or_asked_back() -> None:
    """Under a product in which revisions count: 300 settled, 600 by the M6.4, then M5.2 is left."""
    for overpaid in Overpaid:
        town, listing = a_town(revision=Revision.REVISION_COUNTS, overpaid=overpaid)
        town.tell(quake(NIGHT, "5.6", key="first"), at=READ)
        town.work()
        for revision, raw in enumerate(("6.4", "5.2")):
            larger = quake("2016-05-20 10:00:00", raw, key="larger", revision=revision)
            town.tell(larger, at=f"2016-05-20 1{revision}:30:00")
            town.work()
        totals = [s["totals"] for s in town.settlements(listing)]
        assert [t["pay_fen"] for t in totals] == [wan(300), wan(300), 0]
        assert [t["owed_fen"] for t in totals] == [wan(300), wan(600), wan(300)]
        assert totals[-1][f"{overpaid}_fen"] == wan(300)
        town.balance()


def test_a_smaller_shock_of_a_settled_sequence_changes_nothing() -> None:
    town, listing = a_town()
    town.tell(quake(NIGHT, "5.6"), at=READ)
    town.work()
    town.tell(quake("2016-05-18 09:00:00", "5.1"), at="2016-05-18 09:10:00")
    town.work()
    assert town.case(listing)["revision"] == 1
    assert town.paid_fen(listing) == wan(300)


@pytest.mark.parametrize(
    ("when", "spot", "cases"),
    [
        ("2016-05-21 00:48:48", ("25.70", "99.90", "云南漾濞"), 1),  # 72 h to the second
        ("2016-05-21 00:48:49", ("25.70", "99.90", "云南漾濞"), 2),
        ("2016-05-19 00:00:00", ("25.26", "99.90", "云南永平"), 1),  # 48.9 km
        ("2016-05-19 00:00:00", ("25.24", "99.90", "云南南涧"), 2),  # 51.1 km
    ],
)
def test_later_or_farther_than_a_sequence_reaches_is_its_own_occurrence(
    when: str, spot: tuple[str, str, str], cases: int
) -> None:
    town, listing = a_town()
    town.tell(quake(NIGHT, "5.6"), at=READ)
    town.work()
    town.tell(quake(when, "6.1", spot), at="2016-05-21 01:00:00")
    town.work()
    found = town.cases(listing)
    assert len(found) == cases
    paid = [s["totals"]["pay_fen"] for s in town.settlements(listing)]
    assert paid == [wan(300), wan(300) if cases == 1 else wan(600)]


def test_hundreds_of_aftershocks_do_not_keep_a_larger_shock_from_paying() -> None:
    """Their values would not fit into one entry of the log; they settle nothing and stay out."""
    town, listing = a_town()
    town.tell(quake(NIGHT, "5.6"), at=READ)
    began = from_beijing(NIGHT)
    small = [catalogue(beijing_text(began + 90 * n), "3.4", key=f"{n}") for n in range(1, 330)]
    town.at("2016-05-19 00:00:00")
    for start in range(0, len(small), 60):
        good(town.tell(*small[start : start + 60]))
    town.work()
    town.at("2016-05-20 00:00:00")  # past every deadline: each has its value
    good(town.tell(quake("2016-05-20 00:48:48", "6.4"), at="2016-05-20 01:00:00"))
    town.work()
    assert town.paid_fen(listing) == wan(600)
    assert max(len(leaf) for leaf in town.leaves()) <= 65_535


def test_an_earlier_shock_recorded_late_takes_an_unsettled_sequence_into_its_own() -> None:
    """What waits under the later shock's name is closed with a reason, and the money moves once."""
    town, listing = a_town()
    town.tell(catalogue("2016-05-18 10:00:00", "5.7"), at="2016-05-18 10:30:00")
    (waiting,) = town.cases(listing)
    town.tell(catalogue(NIGHT, "5.2"), at="2016-05-18 10:40:00")
    first, second = town.cases(listing)
    assert (first["state"], second["state"]) == ("awaiting_rapid_report", "not_covered")
    assert second["occurrence"] == waiting["occurrence"]
    assert second["reason"] == "part_of_an_earlier_sequence"
    town.tell(quake(NIGHT, "5.2"), quake("2016-05-18 10:00:00", "5.7"), at="2016-05-18 10:50:00")
    town.work()
    assert town.paid_fen(listing) == wan(300)
    assert [c["state"] for c in town.cases(listing)] == ["settled", "not_covered"]


def test_another_source_with_a_slightly_other_time_does_not_disturb_what_waits() -> None:
    """The catalogue's origin is three seconds earlier than the rapid report's: one occurrence."""
    town, listing = a_town(sources=("other.rapid",))
    town.tell(quake(NIGHT, "5.6"), at=READ)
    occurrence = town.case(listing)["occurrence"]
    town.tell(catalogue(NIGHT, "5.5", seconds=-3), at="2016-05-18 02:00:00")
    case = town.case(listing)
    assert (case["state"], case["occurrence"]) == ("awaiting_rapid_report", occurrence)
    states = [m["value"]["state"] for m in made(town, "case")]
    assert set(states) == {"awaiting_rapid_report"}
    assert len(town.table("occurrence")) == 1


def test_another_source_while_a_trigger_is_open_does_not_disturb_it() -> None:
    town, listing = a_town()
    town.tell(quake(NIGHT, "5.6"), at=READ)
    assert town.case(listing)["state"] == "deciding"
    good(town.tell(catalogue(NIGHT, "5.5", seconds=-3), at="2016-05-18 02:00:00"))
    assert town.case(listing)["state"] == "deciding"
    town.work()
    assert (town.case(listing)["state"], town.paid_fen(listing)) == ("settled", wan(300))
    good(town.tell(quake("2016-05-18 05:00:00", "6.2"), at="2016-05-18 05:10:00"))
    town.work()
    assert town.paid_fen(listing) == wan(600)


def test_an_earlier_shock_while_a_trigger_is_open_joins_it_and_nothing_is_paid_twice() -> None:
    town, listing = a_town()
    town.tell(quake("2016-05-18 10:00:00", "5.7"), at="2016-05-18 10:30:00")
    assert town.case(listing)["state"] == "deciding"
    good(town.tell(quake(NIGHT, "5.2"), at="2016-05-18 10:40:00"))
    town.work()
    assert [c["state"] for c in town.cases(listing)] == ["settled"]
    assert town.paid_fen(listing) == wan(300)


# Terms that leave it open -----------------------------------------------------------------------


def test_a_band_that_the_version_leaves_unset_is_refused_and_never_invented() -> None:
    town, listing = a_town(steps=(*STEPS[:3], (60, None), (65, wan(1_000))))
    town.tell(quake(NIGHT, "6.2"), at=READ)
    town.work()
    case = town.case(listing)
    assert (case["state"], case["reason"], case["owner"]) == (
        "refused",
        "terms.band_unset",
        "operator",
    )
    assert (case["facts"]["refusal"]["facts"]["low"], town.settlements(listing)) == (60, [])
    town.tell(quake("2016-05-18 20:00:00", "6.6"), at="2016-05-18 20:10:00")
    town.work()
    assert (town.case(listing)["state"], town.paid_fen(listing)) == ("settled", wan(1_000))


def test_an_unset_band_after_a_settlement_leaves_what_is_settled() -> None:
    """The larger shock falls where the version says nothing: no number, no stop, others go on."""
    town, listing = a_town(steps=(*STEPS[:3], (60, None), (65, wan(1_000))))
    town.tell(quake(NIGHT, "5.6"), at=READ)
    town.work()
    town.tell(quake("2016-05-18 20:00:00", "6.2"), at="2016-05-18 20:10:00")
    town.work()
    assert (town.case(listing)["state"], town.paid_fen(listing)) == ("settled", wan(300))
    town.tell(quake("2016-07-01 20:00:00", "5.1"), at="2016-07-01 20:10:00")
    town.work()
    assert town.paid_fen(listing) == wan(400)


def test_an_instant_at_which_no_version_is_in_force_is_not_covered() -> None:
    town, listing = a_town(until=from_beijing("2016-05-18"))
    town.tell(quake(NIGHT, "5.6"), at=READ)
    case = town.case(listing)
    assert (case["state"], case["reason"]) == ("not_covered", "no_terms_in_force")


def made(town: Town, what: str) -> list[dict[str, Any]]:
    """The made leaves of one kind."""
    leaves = [json.loads(leaf) for leaf in town.leaves()]
    return [leaf for leaf in leaves if leaf["leaf"] == "made" and leaf["what"] == what]
