"""The shipped offer: whom it takes, for how much, every reason at once. O-17, A-17, A-23."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.resources import files
from typing import Any

import pytest

from miaopei.errors import Refused
from miaopei.errors.texts import say
from miaopei.measures.instant import DAY, from_beijing, period_of
from miaopei.measures.money import yuan
from miaopei.underwriting.answer import answer
from miaopei.underwriting.asked import Asked, Connection, Known, Span, Verdict
from miaopei.underwriting.offer import Offer

NOW = from_beijing("2026-03-01 10:00:00")
SINCE = from_beijing("2026-04-01")
FILE = files("miaopei") / "data" / "offers" / "planned_outage.json"
GOOD = {"supply": "dedicated_transformer", "region": "330281", "use": "industrial"}


def form() -> dict[str, Any]:
    return json.loads(FILE.read_bytes())


@pytest.fixture(name="offer")
def an_offer() -> Offer:
    return Offer.from_json(form())


def asked(**changes: Any) -> Asked:
    return replace(
        Asked(
            since=SINCE,
            until=period_of(SINCE, SINCE)[1],
            facts=GOOD,
            declared={"deductible": 0, "occurrence_limit": yuan(5_000)},
            holder="a" * 64,
            feeder="F1",
        ),
        **changes,
    )


def codes(found: Any) -> list[str]:
    return [reason.refusal.code.removeprefix("underwriting.") for reason in found.reasons]


def test_an_eligible_customer_is_accepted_at_the_premium_of_the_tariff(offer: Offer) -> None:
    """5,000 yuan at 24 per mille, factor one for no deductible and for industry: 120 yuan."""
    found = answer(offer, asked(), Known(NOW))
    assert (found.verdict, found.reasons, found.premium_fen) == ("accepted", (), yuan(120))


def test_o17_a_residential_account_is_refused_with_that_reason_until_a_version_says_otherwise(
    offer: Offer,
) -> None:
    home = asked(facts={**GOOD, "supply": "residential"})
    found = answer(offer, home, Known(NOW))
    assert (found.verdict, codes(found)) == (Verdict.REFUSED, ["supply_not_covered"])
    assert found.reasons[0].refusal.facts["value"] == "residential"
    later = form()
    later["number"] = 2
    later["rules"][0]["among"].append("residential")
    assert answer(Offer.from_json(later), home, Known(NOW)).verdict is Verdict.ACCEPTED


def test_another_region_is_refused(offer: Offer) -> None:
    found = answer(offer, asked(facts={**GOOD, "region": "330282"}), Known(NOW))
    assert (found.verdict, codes(found)) == (Verdict.REFUSED, ["region_not_covered"])


def test_a23_every_reason_is_said_at_once_in_both_languages_and_the_gravest_decides(
    offer: Offer,
) -> None:
    wrong = asked(
        since=SINCE - 40 * DAY + 60,
        until=SINCE,
        facts={"supply": "residential", "region": "330282", "use": "continuous"},
        declared={"deductible": 31, "occurrence_limit": yuan(30_000)},
        feeder="F9",
    )
    year = Span(SINCE - 60 * DAY, SINCE + 300 * DAY)
    known = Known(
        NOW,
        covered=[year],
        nearby=[replace(year, fen=yuan(2_980_000))],
        sanctions=["id", "name"],
        silent=["grid.meter"],
        connection=Connection.DIFFERS,
    )
    found = answer(offer, wrong, known)
    assert found.verdict is Verdict.REFUSED
    assert codes(found) == [
        *("supply_not_covered", "region_not_covered", "fact_not_covered", "starts_too_soon"),
        *("not_midnight", "term_not_offered", "declared_not_offered", "declared_not_offered"),
        *("covered_already", "sanctions_id", "sanctions_name", "accumulation_full"),
        *("feeder_differs", "source_silent"),
    ]
    for reason in found.reasons:
        assert say(reason.refusal, "zh") != say(reason.refusal, "en")


@pytest.mark.parametrize(
    ("changes", "known", "code"),
    [
        ({"facts": {**GOOD, "use": "continuous"}}, Known(NOW), "fact_not_covered"),
        ({}, Known(NOW, sanctions=["name"]), "sanctions_name"),
        ({}, Known(NOW, connection=Connection.UNKNOWN), "feeder_unknown"),
        ({}, Known(NOW, nearby=[Span(SINCE, SINCE + DAY, yuan(1_999_000))]), "accumulation_high"),
    ],
)
def test_what_a_person_must_look_at_is_referred(
    offer: Offer, changes: Any, known: Known, code: str
) -> None:
    found = answer(offer, asked(**changes), known)
    assert (found.verdict, codes(found)) == (Verdict.REFERRED, [code])


def test_accumulation_counts_only_cover_that_overlaps_and_up_to_the_limit(offer: Offer) -> None:
    """1,995,000 yuan beside 5,000 is 2,000,000, the limit above which a person looks."""
    limit = Span(SINCE, SINCE + DAY, yuan(1_995_000))
    past = Span(SINCE - DAY, SINCE, yuan(9_000_000))
    assert answer(offer, asked(), Known(NOW, nearby=[limit, past])).verdict is Verdict.ACCEPTED
    more = Known(NOW, nearby=[replace(limit, fen=limit.fen + 1), past])
    assert codes(answer(offer, asked(), more)) == ["accumulation_high"]


def test_two_policies_of_one_holder_may_follow_each_other_and_not_overlap(offer: Offer) -> None:
    before = Span(SINCE - 365 * DAY, SINCE)
    assert answer(offer, asked(), Known(NOW, covered=[before])).verdict is Verdict.ACCEPTED
    overlap = Known(NOW, covered=[replace(before, until=SINCE + 1)])
    assert codes(answer(offer, asked(), overlap)) == ["covered_already"]


def test_the_premium_is_told_step_by_step_in_whole_fen(offer: Offer) -> None:
    """3,000 yuan x 24/1000 = 72; x 0.85 for an hour = 61.20; x 1.1 for commerce = 67.32 -> 67."""
    shop = asked(
        facts={**GOOD, "use": "commercial"},
        declared={"deductible": 60, "occurrence_limit": yuan(3_000)},
    )
    found = answer(offer, shop, Known(NOW))
    assert [(s.name, s.fen) for s in found.steps] == [
        *(("rate", 7_200), ("deductible", 6_120), ("use", 6_732), ("rounded", 6_700)),
    ]


def test_a_deductible_between_two_rows_takes_no_discount_that_it_has_not_earned(
    offer: Offer,
) -> None:
    prices = {0: 120, 30: 120, 60: 102, 90: 102, 120: 84, 150: 84, 180: 84, 210: 84, 240: 60}
    for deductible, price in prices.items():
        chosen = asked(declared={"deductible": deductible, "occurrence_limit": yuan(5_000)})
        assert answer(offer, chosen, Known(NOW)).premium_fen == yuan(price)


def test_a_small_cover_costs_the_least_premium(offer: Offer) -> None:
    small = asked(declared={"deductible": 240, "occurrence_limit": yuan(1_000)})
    assert answer(offer, small, Known(NOW)).premium_fen == yuan(30)


def test_what_cannot_be_read_is_refused_by_name_and_not_answered(offer: Offer) -> None:
    odd = asked(facts={"supply": "steam", "colour": "red"}, declared={"deductible": 0})
    with pytest.raises(Refused) as error:
        answer(offer, odd, Known(NOW))
    assert sorted(r.code.removeprefix("underwriting.") for r in error.value.refusals) == [
        *("unknown_choice", "unknown_declared"),
        *("unknown_fact", "unknown_fact", "unknown_fact"),
    ]


def test_an_offer_reads_back_as_it_was_filed_and_a_change_changes_its_hash(offer: Offer) -> None:
    assert Offer.from_json(offer.as_json()) == offer
    assert replace(offer, least_policies=1).hash != offer.hash


@pytest.mark.parametrize("name", ["requires", "compulsory", "only_with", "tied"])
@pytest.mark.parametrize("place", ["offer", "related"])
def test_a17_an_offer_that_ties_another_cover_to_it_is_refused(name: str, place: str) -> None:
    tied = form()
    if place == "offer":
        tied[name] = ["household"]
    else:
        tied["related"] = [{"listing": "household", name: True}]
    with pytest.raises(Refused) as error:
        Offer.from_json(tied)
    assert [r.code for r in error.value.refusals] == ["underwriting.tied_sale"]


@pytest.mark.parametrize(
    ("way", "value", "code"),
    [
        (("rules", 0, "rule"), "horoscope", "unknown_rule"),
        (("rules", 0, "otherwise"), "accepted", "bad_field"),
        (("rules", 0, "reason"), "because", "bad_field"),
        (("rules", 0, "fact"), "colour", "bad_field"),
        (("tariff", "rate_ppm"), -1, "bad_field"),
        (("tariff", "unit_fen"), 0, "bad_field"),
        (("tariff", "tables", 0, "rows", 1, 0), 0, "bad_field"),
        (("tariff", "tables", 0, "by"), "colour", "bad_field"),
        (("changes", "cancel"), "never", "bad_field"),
        (("channels", 0, "id"), "offline", "bad_field"),
        (("channels", 0, "way"), "by pigeon", "bad_field"),
        (("related",), ["planned_outage"], "bad_field"),
        (("number",), 0, "bad_field"),
    ],
)
def test_a_wrong_offer_is_refused_by_the_field(way: Any, value: Any, code: str) -> None:
    wrong: Any = form()
    place = wrong
    for step in way[:-1]:
        place = place[step]
    place[way[-1]] = value
    with pytest.raises(Refused) as error:
        Offer.from_json(wrong)
    assert [r.code for r in error.value.refusals] == [f"underwriting.{code}"]
