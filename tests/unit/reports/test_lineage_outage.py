"""Lineage of the outage line: facts that differ by customer, sealed lists, plans and reports.

Row C-01 and O-09: from any payout id back to what was said of its own customer, in one call.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from miaopei.errors.texts import table
from miaopei.evidence import kinds
from miaopei.measures.identity import content_id
from miaopei.measures.instant import from_beijing
from miaopei.node.effects.payer import Payer
from miaopei.node.proof.trail import StoreTrail
from miaopei.reports.lineage import Step, caused, why
from tests.support.grid import COMMAND, METERS, NUMBER, back, plan
from tests.support.rails import PaperBank
from tests.support.town import Town, good, identity
from tests.unit.node.test_outages import DUE, LATE, an_outage

Settled = tuple[Town, str, dict[str, str]]  # the town, its listing, policies by customer
STEPS = {"a": LATE, "b": "2021-06-01 18:01:00"}  # two started hours, and one


@contextmanager
def trail(town: Town, *, reader: str = "") -> Iterator[StoreTrail]:
    """The record as the town's own member reads it, or as one without keys to its lists."""
    who = identity(reader) if reader else town.node.identity
    with town.node.reading() as (reading, state):
        yield StoreTrail(reading, state, who)


def steps(tree: Step) -> Iterator[Step]:
    yield tree
    for parent in tree.because:
        yield from steps(parent)


def told(tree: Any) -> tuple[str, str]:
    """zh and en; every sentence has all its facts."""
    both = "\n".join(tree.text("zh")), "\n".join(tree.text("en"))
    assert not any(sign in text for text in both for sign in ("{", "None", "verify.", "evidence."))
    return both


@pytest.fixture(scope="module")
def settled() -> Settled:
    """Two customers late by different times; a first report of the meters that was corrected."""
    town, listing, policies = an_outage(["a", "b"])
    town.at("2021-06-01 20:00:00")
    first = back(town, {"a": LATE, "b": None}, source=METERS)
    again = back(town, STEPS, source=METERS, revision=1)
    good(town.tell(first))
    good(town.tell(back(town, STEPS), again))
    town.payer = Payer(town.node, PaperBank())
    known = {policy: f"6200-{policy[:4]}" for policy in policies.values()}
    town.accounts(known | {f"carrier/{carrier}": "C" for carrier in town.table("member")})
    town.work()
    return town, listing, policies


def test_a_payout_leads_to_its_own_customers_time(
    settled: Settled,
) -> None:
    town, listing, policies = settled
    (settlement,) = [s["id"] for s in town.settlements(listing)]
    with trail(town) as read:
        orders = read.instructions(settlement)
        for customer, clock, fen in (("a", "19:30", DUE), ("b", "18:01", 5_000)):
            mine = [row for row in orders if row["policy"] == policies[customer]]
            tree = why(read, mine[-1]["payout"])
            (terms,) = [s for s in steps(tree) if s.what == "terms"]
            assert terms.facts["amount_fen"] == fen == sum(row["amount_fen"] for row in mine)
            own = [s for s in steps(terms) if s.what == "fact_here"]
            assert any(clock in s.sentence("zh") and clock in s.sentence("en") for s in own)
            names = {s.what for s in steps(tree)}
            assert {"observation_outage", "observation_restoration", "attestation"} <= names
            assert {"fact_plan", "fact_restoration_listed", "fact_plan_listed"} <= names
            assert all(NUMBER in text for text in told(tree))


def test_every_kind_of_id_is_told_and_leads_forward(
    settled: Settled,
) -> None:
    town, listing, policies = settled
    (settlement,) = town.settlements(listing)
    with trail(town) as read:
        trigger = settlement["trigger"]
        claims = read.claims(trigger)
        (case,) = [value for _, value in read.range("case", f"{listing}/")]
        plans = [
            k for k, v in read.range("observation", "") if v["observation"]["kind"] == "outage"
        ]
        wanted = {
            settlement["id"]: "settlement",
            trigger: "trigger",
            content_id("claim", claims[0]): "claim_paid",
            policies["a"]: "policy",
            content_id("case", case): "case",
            case["occurrence"]: "occurrence",
            NUMBER: "occurrence",
            "2021-06-01": "occurrence",
            plans[0]: "observation_outage",
            METERS: "source_counted",
        }
        for id, what in wanted.items():
            tree = why(read, id)
            assert tree.what == what
            told(tree)
            assert tree.as_json()["what"] == what
            due = (
                DUE if id == policies["a"] else claims[0]["pay_fen"] if what == "claim_paid" else 0
            )
            assert caused(read, id).sums()["pay_fen"] == (due or DUE + 5_000)
        assert any(s.what == "not_counted_superseded" for s in steps(why(read, trigger)))


def test_a_member_without_the_lists_is_told_so(settled: Settled) -> None:
    town, listing, _ = settled
    (settlement,) = [s["id"] for s in town.settlements(listing)]
    with trail(town, reader="stranger") as read:
        tree = why(read, settlement)
        names = [s.what for s in steps(tree)]
        assert "fact_here_sealed" in names
        assert "terms" not in names
        assert not any("19:30" in text and "fact_here" in names for text in told(tree))


def test_a_customer_of_whom_sources_differ_is_told_as_held() -> None:
    town, _, policies = an_outage(["a", "b"])
    town.at("2021-06-01 20:00:00")
    apart = {"a": LATE, "b": "2021-06-01 18:40:00"}
    good(town.tell(back(town, {"a": LATE, "b": LATE}), back(town, apart, source=METERS)))
    town.work()
    with trail(town) as read:
        tree = why(read, policies["b"])
        names = [s.what for s in steps(tree)]
        assert "claim_held_unknown" in names
        assert "fact_here_unknown" in names
        zh, en = told(tree)
        assert "待人工确认" in zh
        assert "100,000 yuan at most is held for a person" in en


@pytest.mark.parametrize("published", ["2021-06-01 07:00:00", "2021-06-01 09:00:00"])
def test_a_plan_called_off_is_told_whether_it_counted_or_not(published: str) -> None:
    town, listing, _ = an_outage(["a"])
    gone = plan(town, ["a"], revision=1, state="cancelled", published=published)
    good(town.tell(gone, at=published))
    both = [back(town, {"a": LATE}, source=s) for s in (COMMAND, METERS)]
    good(town.tell(*both, at="2021-06-01 19:35:00"))
    town.work()
    with trail(town) as read:
        tree = why(read, NUMBER)
        told(tree)
        (case,) = [value for _, value in read.range("case", f"{listing}/")]
        covered = from_beijing(published) > from_beijing("2021-06-01 08:00:00")
        assert (case["state"] == "settled") is covered
        assert any(s.what == "not_counted_after_start" for s in steps(tree)) is covered


def test_power_that_is_not_back_is_told_as_waiting() -> None:
    town, _, _ = an_outage(["a", "b"])
    good(town.tell(back(town, {"a": LATE, "b": None}), at="2021-06-01 19:35:00"))
    with trail(town) as read:
        zh, en = told(why(read, NUMBER))
        assert "2021-06-01" in zh
        assert "2021-06-01" in en
        (report,) = [
            k for k, v in read.range("observation", "") if v["observation"]["kind"] == "restoration"
        ]
        assert why(read, report).what == "observation_restoration_part"
        told(why(read, report))


def test_every_kind_of_observation_that_a_record_may_hold_has_its_sentence() -> None:
    names = {*kinds.GROUPED, *kinds.ATTACHED, *kinds.KEYED}
    assert {f"observation_{name}" for name in names} <= set(table("lineage"))
