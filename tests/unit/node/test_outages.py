"""The outage line through the real acts: who is in scope, whose plan counts, both systems."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from miaopei.errors import RecordDamaged
from miaopei.evidence.outage.lists import SCOPE
from miaopei.evidence.outage.plans import (
    LAST_PUBLISHED,
    LAST_RECORDED,
    NoPlan,
    counts_by,
    plan_of,
)
from miaopei.evidence.shocks import Fact
from miaopei.measures.instant import DAY, HOUR, beijing_text, from_beijing
from miaopei.node.effects.listed import open_list
from miaopei.node.granted.verdict import EQUAL, made_again
from miaopei.products.planned_outage import PRODUCT
from tests.support.grid import (
    COMMAND,
    METERS,
    NUMBER,
    OFF,
    ON,
    PUBLISHED,
    back,
    grid_town,
    insure,
    plan,
    register,
)
from tests.support.town import Town, codes, good

LATE = "2021-06-01 19:30:00"  # ninety minutes: two started hours at 50 yuan
DUE = 10_000


def paid(town: Town, listing: str) -> dict[str, int]:
    """Policy -> fen to pay over all settlements; each comes out the same when made again."""
    found: dict[str, int] = {}
    for settlement in town.settlements(listing):
        with town.node.reading() as (reading, state):
            again = made_again(town.node, reading, state, settlement["id"])
        assert again.result == EQUAL, again
        for claim in town.claims(settlement["trigger"]):
            found[claim.policy] = found.get(claim.policy, 0) + claim.pay_fen
    return {policy: fen for policy, fen in found.items() if fen}


def an_outage(customers: list[str], **more: str) -> tuple[Town, str, dict[str, str]]:
    """A town with those customers insured and in scope, a day before the outage."""
    town, listing = grid_town()
    policies = insure(town, listing, customers)
    town.at("2021-05-31 08:00:00")
    good(town.tell(plan(town, customers)))
    return town, listing, policies


def test_four_customers_one_payout() -> None:
    """O-01: in scope and insured, in scope and not, out of scope and insured, expired."""
    town, listing = grid_town()
    policies = insure(town, listing, ["a", "c"])
    insure(town, listing, ["d"], "2020-09-01", "2021-06-01")
    town.at("2021-05-31 08:00:00")
    good(town.tell(plan(town, ["a", "b", "d"])))
    times = {"a": LATE, "b": LATE, "d": LATE}
    good(town.tell(back(town, times), at="2021-06-01 19:35:00"))
    good(town.tell(back(town, times, source=METERS)))
    town.work()
    assert town.case(listing, "delay")["state"] == "settled"
    assert paid(town, listing) == {policies["a"]: DUE}


@pytest.mark.parametrize("when", [ON, "2021-06-01 17:00:00"])
def test_back_in_time_is_no_claim(when: str) -> None:
    town, listing, _ = an_outage(["a"])
    town.at("2021-06-01 20:00:00")
    good(town.tell(back(town, {"a": when}), back(town, {"a": when}, source=METERS)))
    town.work()
    assert paid(town, listing) == {}


def test_power_comes_back_in_steps() -> None:
    town, listing, policies = an_outage(["a", "b", "c"])
    times = {"a": "2021-06-01 18:00:59", "b": "2021-06-01 18:01:00", "c": LATE}
    town.at("2021-06-01 20:00:00")
    good(town.tell(back(town, times), back(town, times, source=METERS)))
    town.work()
    assert paid(town, listing) == {policies["b"]: 5_000, policies["c"]: DUE}


def test_one_system_silent_waits_for_the_freeze_then_the_other_settles() -> None:
    town, listing, policies = an_outage(["a"])
    good(town.tell(back(town, {"a": LATE}), at="2021-06-01 19:35:00"))
    town.work()
    case = town.case(listing, "delay")
    frozen = from_beijing("2021-06-01 19:35:00") + DAY
    assert (case["state"], case["reason"]) == ("awaiting_quorum", "too_few_operators")
    assert case["until"] == frozen
    town.at(frozen - 1)
    assert town.case(listing, "delay")["state"] == "awaiting_quorum"
    town.at(frozen)
    town.work()
    assert paid(town, listing) == {policies["a"]: DUE}


def test_systems_that_disagree_are_held_with_both_values() -> None:
    town, listing, _ = an_outage(["a"])
    other = "2021-06-01 19:36:00"
    times = ((LATE, COMMAND), (other, METERS))
    good(town.tell(*(back(town, {"a": t}, source=s) for t, s in times), at="2021-06-01 19:40:00"))
    town.at(from_beijing("2021-06-01 19:40:00") + DAY)
    case = town.case(listing, "delay")
    assert (case["state"], case["reason"]) == ("held_conflict", "sources_disagree")
    minutes = [from_beijing(t) // 60 for t, _ in times]
    assert [each["value"] for each in case["facts"]["held"]["values"]] == minutes
    good([town.send(town.act("resolve", {
        "listing": listing, "occurrence": case["occurrence"], "input": "actual_restoration",
        "value": minutes[1], "reason": "meter log read by hand", "person": "值班员",
    }))])  # fmt: skip
    town.work()
    assert sum(paid(town, listing).values()) == DUE


def test_one_customer_in_conflict_holds_up_nobody_else() -> None:
    town, listing, policies = an_outage(["a", "b"])
    town.at("2021-06-01 20:00:00")
    good(town.tell(
        back(town, {"a": LATE, "b": LATE}),
        back(town, {"a": LATE, "b": "2021-06-01 18:40:00"}, source=METERS),
    ))  # fmt: skip
    town.work()
    (settlement,) = town.settlements(listing)
    claims = {c.policy: c for c in town.claims(settlement["trigger"])}
    held = claims[policies["b"]]
    assert (held.state, held.pay_fen, held.owed_fen) == ("held", 0, 10_000_000)
    assert paid(town, listing) == {policies["a"]: DUE}
    # The meters are corrected: an adjustment pays what was held.
    corrected = back(town, {"a": LATE, "b": LATE}, source=METERS, revision=1)
    good(town.tell(corrected, at="2021-06-02 09:00:00"))
    town.work()
    assert paid(town, listing) == {policies["a"]: DUE, policies["b"]: DUE}


def test_late_data_after_the_freeze_adjusts() -> None:
    town, listing, policies = an_outage(["a"])
    good(town.tell(back(town, {"a": LATE}), at="2021-06-01 19:35:00"))
    town.at(from_beijing("2021-06-01 19:35:00") + DAY)
    town.work()
    later = "2021-06-01 20:30:00"  # 150 minutes: three started hours
    both = [back(town, {"a": later}, source=s, revision=1) for s in (COMMAND, METERS)]
    good(town.tell(*both, at="2021-06-03 08:00:00"))
    town.work()
    assert paid(town, listing) == {policies["a"]: 15_000}
    assert len(town.settlements(listing)) == 2


def test_a_system_that_settled_alone_and_corrects_itself_is_paid_the_difference() -> None:
    town, listing, policies = an_outage(["a"])
    good(town.tell(back(town, {"a": LATE}, source=METERS), at="2021-06-01 19:35:00"))
    town.at(from_beijing("2021-06-01 19:35:00") + DAY)
    town.work()
    assert paid(town, listing) == {policies["a"]: DUE}
    corrected = back(town, {"a": "2021-06-01 20:30:00"}, source=METERS, revision=1)
    good(town.tell(corrected, at="2021-06-03 08:00:00"))
    town.work()
    assert paid(town, listing) == {policies["a"]: 15_000}


def test_corrections_do_not_put_the_freeze_off() -> None:
    town, listing, policies = an_outage(["a"])
    first = from_beijing("2021-06-01 19:35:00")
    good(town.tell(back(town, {"a": LATE}, source=METERS), at=beijing_text(first)))
    corrected = back(town, {"a": "2021-06-01 20:30:00"}, source=METERS, revision=1)
    good(town.tell(corrected, at=beijing_text(first + 20 * HOUR)))
    town.at(first + DAY)
    town.work()
    assert paid(town, listing) == {policies["a"]: 15_000}


@pytest.mark.parametrize("word", ["person", "corrected", "withdrawn"])
def test_what_contradicts_a_settled_outage_is_held_for_a_person(word: str) -> None:
    """One system settled alone; the other's first report is an hour apart."""
    town, listing, policies = an_outage(["a"])
    good(town.tell(back(town, {"a": LATE}, source=METERS), at="2021-06-01 19:35:00"))
    town.at(from_beijing("2021-06-01 19:35:00") + DAY)
    town.work()
    later = "2021-06-01 20:30:00"
    good(town.tell(back(town, {"a": later}), at="2021-06-03 08:00:00"))
    town.work()
    case = town.case(listing, "delay")
    assert (case["state"], case["owner"]) == ("held_conflict", "operator")
    assert paid(town, listing) == {policies["a"]: DUE}
    if word == "withdrawn":  # the other system comes round to what was paid
        good(town.tell(back(town, {"a": LATE}, revision=1), at="2021-06-03 09:00:00"))
        town.work()
        assert town.case(listing, "delay")["state"] == "settled"
        assert paid(town, listing) == {policies["a"]: DUE}
        return
    if word == "corrected":
        agreed = back(town, {"a": later}, source=METERS, revision=1)
        good(town.tell(agreed, at="2021-06-03 09:00:00"))
    else:
        good([town.send(town.act("resolve", {
            "listing": listing, "occurrence": case["occurrence"], "input": "actual_restoration",
            "value": from_beijing(later) // 60, "reason": "read by hand", "person": "值班员",
        }))])  # fmt: skip
    town.work()
    assert town.case(listing, "delay")["state"] == "settled"
    assert paid(town, listing) == {policies["a"]: 15_000}


def test_the_plan_last_published_before_the_start_counts() -> None:
    town, listing, policies = an_outage(["a", "b"])
    sooner = plan(
        town, ["a", "b"], revision=1, on="2021-06-01 17:00:00", published="2021-05-31 20:00:00"
    )
    too_late = plan(
        town, ["a", "b"], revision=2, on="2021-06-01 23:00:00", published="2021-06-01 12:00:00"
    )
    good(town.tell(sooner, at="2021-05-31 20:00:00"))
    good(town.tell(too_late, at="2021-06-01 12:00:00"))
    times = {"a": "2021-06-01 17:20:00", "b": "2021-06-01 17:00:00"}
    good(town.tell(back(town, times), back(town, times, source=METERS), at="2021-06-01 17:30:00"))
    town.work()
    assert paid(town, listing) == {policies["a"]: 5_000}


def test_an_outage_that_starts_early_fixes_the_plan_of_that_moment() -> None:
    town, listing, policies = an_outage(["a"])
    revised = plan(
        town, ["a"], revision=1, on="2021-06-01 23:00:00", published="2021-06-01 07:45:00"
    )
    good(town.tell(revised, at="2021-06-01 07:45:00"))
    early = {"off": "2021-06-01 07:30:00"}
    both = [back(town, {"a": LATE}, source=s, **early) for s in (COMMAND, METERS)]
    good(town.tell(*both, at="2021-06-01 19:35:00"))
    town.work()
    assert paid(town, listing) == {policies["a"]: DUE}


def test_cancelled_before_it_began_and_cancelled_while_running() -> None:
    for published, pays in (("2021-06-01 07:00:00", False), ("2021-06-01 09:00:00", True)):
        town, listing, policies = an_outage(["a"])
        gone = plan(town, ["a"], revision=1, state="cancelled", published=published)
        good(town.tell(gone, at=published))
        times = {"a": LATE}
        both = [back(town, times, source=s) for s in (COMMAND, METERS)]
        good(town.tell(*both, at="2021-06-01 19:35:00"))
        town.work()
        case = town.case(listing, "delay")
        if pays:
            assert paid(town, listing) == {policies["a"]: DUE}
        else:
            assert (case["state"], case["reason"]) == ("not_covered", "outage_cancelled")
            assert paid(town, listing) == {}


def test_merged_plans_pay_once_under_the_one_that_replaces() -> None:
    town, listing, policies = an_outage(["a", "b"])
    merged = plan(
        town, ["a", "b"], number="YY-20210601-002", replaces=[NUMBER],
        published="2021-05-31 10:00:00", on="2021-06-01 19:00:00",
    )  # fmt: skip
    good(town.tell(merged, at="2021-05-31 10:00:00"))
    for number in (NUMBER, "YY-20210601-002"):
        times = {"a": LATE, "b": LATE}
        both = [back(town, times, source=s, number=number) for s in (COMMAND, METERS)]
        good(town.tell(*both, at="2021-06-01 19:35:00"))
    town.work()
    assert paid(town, listing) == {policies["a"]: 5_000, policies["b"]: 5_000}
    reasons = {c["reason"] for c in town.cases(listing, "delay")}
    assert reasons == {"outage_replaced", "equal_decisions"}


SECOND = "YY-20210601-002"


def two_outages(**second: Any) -> tuple[Town, str, dict[str, str]]:
    """The same customer under two numbers; the second plan as is said, both back late."""
    town, listing, policies = an_outage(["a"])
    good(town.tell(plan(town, ["a"], number=SECOND, published="2021-05-31 10:00:00", **second),
                   at="2021-05-31 10:00:00"))  # fmt: skip
    for number in (SECOND, NUMBER):
        off = second.get("off", OFF) if number == SECOND else OFF
        back_at = {"a": "2021-06-02 10:30:00"} if off != OFF else {"a": LATE}
        both = [back(town, back_at, source=s, number=number, off=off) for s in (COMMAND, METERS)]
        good(town.tell(*both, at="2021-06-02 12:00:00"))
    town.work()
    return town, listing, policies


@pytest.mark.parametrize(("word", "fen"), [(0, DUE), (1, 2 * DUE)])
def test_one_outage_under_two_numbers_is_paid_once_unless_a_person_says_they_are_two(
    word: int, fen: int
) -> None:
    town, listing, policies = two_outages()
    assert paid(town, listing) == {policies["a"]: DUE}
    (held,) = [c for c in town.cases(listing, "delay") if c["state"] == "held_person"]
    assert (held["reason"], held["facts"]["held"]["other"]) == ("outage_overlaps", NUMBER)
    good([town.send(town.act("resolve", {
        "listing": listing, "occurrence": held["occurrence"], "input": "in_scope",
        "value": word, "reason": "log of the switching room", "person": "值班员",
    }))])  # fmt: skip
    town.work()
    assert paid(town, listing) == {policies["a"]: fen}


def test_outages_one_after_the_other_are_two() -> None:
    later = {"off": "2021-06-02 08:00:00", "on": "2021-06-02 09:00:00"}
    town, listing, policies = two_outages(**later)
    assert paid(town, listing) == {policies["a"]: 2 * DUE}


def test_a_moved_plan_stays_one_outage() -> None:
    town, listing, policies = an_outage(["a"])
    moved = plan(
        town, ["a"], revision=1, published="2021-05-31 20:00:00",
        off="2021-06-09 08:00:00", on="2021-06-09 18:00:00",
    )  # fmt: skip
    good(town.tell(moved, at="2021-05-31 20:00:00"))
    times, off = {"a": "2021-06-10 00:10:00"}, "2021-06-09 08:00:00"
    both = [back(town, times, source=s, off=off) for s in (COMMAND, METERS)]
    good(town.tell(*both, at="2021-06-10 00:20:00"))
    town.work()
    assert len(town.cases(listing, "delay")) == 1
    assert paid(town, listing) == {policies["a"]: 4 * 5_000 + 3 * 8_000}  # seven started hours


@pytest.mark.parametrize(
    "late",
    [
        {"on": "2021-06-01 23:00:00"},
        {"state": "cancelled"},
        {"number": "YY-20210601-002", "replaces": [NUMBER], "revision": 0},
    ],
)
def test_what_the_record_hears_after_the_cut_moves_no_money(late: dict[str, Any]) -> None:
    """A-04: a revision, cancellation or replacement that says it was published before the cut."""
    for heard in (OFF, "2021-06-01 19:32:00"):  # at the very start, and when all were back
        town, listing, policies = an_outage(["a"])
        town.at(heard)
        said = plan(town, ["a"], **{"revision": 1, "published": "2021-06-01 07:59:59", **late})
        good(town.tell(said))
        both = [back(town, {"a": LATE}, source=s) for s in (COMMAND, METERS)]
        good(town.tell(*both, at="2021-06-01 19:35:00"))
        town.work()
        assert paid(town, listing) == {policies["a"]: DUE}


def test_a_revision_heard_a_second_before_the_cut_counts() -> None:
    town, listing, policies = an_outage(["a"])
    before = "2021-06-01 07:59:59"
    said = plan(town, ["a"], revision=1, published=before, on="2021-06-01 19:00:00")
    good(town.tell(said, at=before))
    both = [back(town, {"a": LATE}, source=s) for s in (COMMAND, METERS)]
    good(town.tell(*both, at="2021-06-01 19:35:00"))
    town.work()
    assert paid(town, listing) == {policies["a"]: 5_000}


def test_a_start_that_nobody_reports_is_not_moved_afterwards() -> None:
    """The cut was planned for 8:00; at noon a revision says that it is planned for 13:00."""
    town, listing, policies = an_outage(["a"])
    noon, moved = "2021-06-01 12:00:00", {"off": "2021-06-01 13:00:00", "on": "2021-06-01 23:00:00"}
    good(town.tell(plan(town, ["a"], revision=1, published=noon, **moved), at=noon))
    for source in (COMMAND, METERS):
        report = back(town, {"a": LATE}, source=source)
        values = {**report.observation.values, "first_off": None}
        silent = replace(report, observation=replace(report.observation, values=values))
        good(town.tell(silent, at="2021-06-01 19:35:00"))
    town.work()
    assert paid(town, listing) == {policies["a"]: DUE}


def late_plan() -> tuple[Town, str, dict[str, str], dict[str, Any]]:
    """A plan that the record has only when power is back, published before by its own word."""
    town, listing = grid_town()
    policies = insure(town, listing, ["a", "c"])
    both = [back(town, {"a": LATE}, source=s) for s in (COMMAND, METERS)]
    good(town.tell(*both, at="2021-06-01 19:35:00"))
    town.work()
    assert town.cases(listing, "delay") == []
    good(town.tell(plan(town, ["a"])))
    town.work()
    return town, listing, policies, town.case(listing, "delay")


@pytest.mark.parametrize(("word", "pays"), [(1, True), (0, False)])
def test_a_plan_that_comes_after_the_cut_is_for_a_person(word: int, pays: bool) -> None:
    town, listing, policies, case = late_plan()
    assert (case["state"], case["reason"]) == ("held_person", "plan_recorded_late")
    held = case["facts"]["held"]
    assert (held["published"], held["began"]) == (from_beijing(PUBLISHED), from_beijing(OFF))
    assert held["recorded"] > held["began"]
    good([town.send(town.act("resolve", {
        "listing": listing, "occurrence": case["occurrence"], "input": "in_scope",
        "value": word, "reason": "texts of the utility's own gateway", "person": "值班员",
    }))])  # fmt: skip
    town.work()
    assert paid(town, listing) == ({policies["a"]: DUE} if pays else {})


def test_a_contract_that_goes_by_publication_is_read_as_before() -> None:
    """A filing without the choice, as those that stand on records already."""
    grouping = {"kind": "outage"}
    assert counts_by(grouping) == LAST_PUBLISHED
    town = Town().set_up(())
    register(town)
    listing = town.list_product(replace(PRODUCT, grouping=grouping))
    policies = insure(town, listing, ["a"])
    both = [back(town, {"a": LATE}, source=s) for s in (COMMAND, METERS)]
    good(town.tell(*both, at="2021-06-01 19:35:00"))
    good(town.tell(plan(town, ["a"])))
    town.work()
    assert paid(town, listing) == {policies["a"]: DUE}


def test_a_plan_published_at_the_very_start_came_too_late() -> None:
    for by in (LAST_PUBLISHED, LAST_RECORDED):
        town = Town()
        (said,) = (plan(town.set_up(()), ["a"], published=OFF).observation,)
        fact = Fact(said, from_beijing(PUBLISHED), 1, "grid", True)
        found = plan_of([fact], NUMBER, [COMMAND], by)
        assert isinstance(found, NoPlan)
        assert found.reason == "published_too_late"


def test_restored_before_it_was_off_is_refused_by_name() -> None:
    town, _, _ = an_outage(["a"])
    wrong = back(town, {"a": "2021-06-01 07:00:00"}, published="2021-06-01 19:00:00")
    (result,) = town.tell(wrong, at="2021-06-01 20:00:00")
    assert set(codes(result)) == {"evidence.wrong_order"}


def test_outages_of_a_year_share_its_limit() -> None:
    """Each is ninety-nine hours late: 4 x 50 + 8 x 80 + 87 x 120 = 11,280 yuan."""
    town, listing = grid_town()
    policies = insure(town, listing, ["a"])
    start = from_beijing("2021-02-01 08:00:00")
    for number in range(19):
        name, off = f"YY-{number:03d}", beijing_text(start)
        planned, real = beijing_text(start + HOUR), beijing_text(start + 100 * HOUR)
        published = beijing_text(start - DAY)
        town.at(start - DAY)
        good(town.tell(plan(town, ["a"], number=name, published=published, off=off, on=planned)))
        both = [back(town, {"a": real}, source=s, number=name, off=off) for s in (COMMAND, METERS)]
        good(town.tell(*both, at=start + 101 * HOUR))
        town.work()
        start += 10 * DAY
    amounts = [s["totals"]["pay_fen"] for s in town.settlements(listing)]
    assert amounts == [1_128_000] * 17 + [20_000_000 - 17 * 1_128_000, 0]
    assert paid(town, listing) == {policies["a"]: 20_000_000}


def test_a_damaged_list_is_an_alarm_and_no_decision() -> None:
    town, listing, _ = an_outage(["a"])
    row = back(town, {"a": LATE})
    name = row.observation.values["list"]["blob"]
    both = [row, back(town, {"a": LATE}, source=METERS)]
    good(town.tell(*both, at="2021-06-01 19:35:00"))
    with town.store.writing() as block:
        block._put("blob", name, b"spoilt")  # type: ignore[attr-defined]
    with pytest.raises(RecordDamaged):
        town.work()
    assert town.settlements(listing) == []


@pytest.mark.parametrize("change", [{"root": "0" * 64}, {"count": 2}])
def test_a_list_that_is_not_under_the_root_that_was_said_is_not_read(
    change: dict[str, Any],
) -> None:
    town, _, _ = an_outage(["a"])
    reference = plan(town, ["a"]).observation.values["list"]
    with town.store.reading() as reading:
        assert len(open_list(reading, town.me, reference, SCOPE)) == 1
        with pytest.raises(RecordDamaged):
            open_list(reading, town.me, {**reference, **change}, SCOPE)


@pytest.mark.parametrize(
    ("since", "until", "covered"),
    [("2021-01-01", OFF, False), (OFF, "2022-01-01", True), ("2021-01-01", LATE, True)],
)
def test_cover_holds_at_the_second_it_begins_and_not_at_the_second_it_ends(
    since: str, until: str, covered: bool
) -> None:
    """The outage begins at that very second."""
    town, listing = grid_town()
    policies = insure(town, listing, ["a"], since, until)
    good(town.tell(plan(town, ["a"]), at="2021-05-31 08:00:00"))
    both = [back(town, {"a": LATE}, source=s) for s in (COMMAND, METERS)]
    good(town.tell(*both, at="2021-06-01 19:35:00"))
    town.work()
    assert paid(town, listing) == ({policies["a"]: DUE} if covered else {})
