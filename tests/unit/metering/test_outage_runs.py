"""Runs on sealed lists: whose data are read, how many entries, and a recount that bounds both."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from miaopei.acts.apply import ActResult
from miaopei.measures.identity import content_id
from miaopei.node import metering
from miaopei.products.planned_outage import PRODUCT
from miaopei.reports.metering import Counted, recount
from miaopei.terms import canonical
from tests.support.facts import row
from tests.support.grid import METERS, back, grid_town, insure, plan, token
from tests.support.town import CARRIERS, ONE_CARRIER, good

PROVIDER, CARRIER = "utility", CARRIERS[0]
LATE, OTHER = "2021-06-01 19:30:00", "2021-06-01 18:40:00"
ABOUT = {"provider": PROVIDER, "purpose": "claims", "caller": "claims-desk"}


class Day:
    """a and b are insured and in scope, of b's time the systems differ; c is insured elsewhere; of
    d's policy the year was over a day before; e is in scope and not insured."""

    def __init__(self, scope: str = "abde", *, shared: bool = False) -> None:
        """`shared`: both systems' reports name one list, with one time for b."""
        self.town, self.listing = grid_town(placement=ONE_CARRIER)
        insure(self.town, self.listing, ["a", "b", "c"])
        insure(self.town, self.listing, ["d"], "2020-06-01", "2021-05-31")
        self.town.admit(PROVIDER, "data_provider")
        self.town.at("2021-05-31 08:00:00")
        good(self.town.tell(plan(self.town, [*scope])))
        times = dict.fromkeys(scope, LATE)
        self.town.at("2021-06-01 20:00:00")
        first = back(self.town, times)
        apart = times if shared or "b" not in times else times | {"b": OTHER}
        other = back(self.town, apart, source=METERS)
        if shared:
            listed = {**other.observation.values, "list": first.observation.values["list"]}
            other = row(replace(other.observation, values=listed))
        good(self.town.tell(first, other))
        self.town.work()
        (self.trigger,) = self.town.table("trigger")
        until = {"since": 0, "until": self.town.now + 10**7, "document": None}
        about = {"scope": [PRODUCT.peril], "purpose": "claims", "grantee": CARRIER}
        for each in "abcde":
            assert self.send("consent", {**about, **until, "subject": token(each)}).ok
        rates = {"user_fen": 12, "record_fen": 3, "rent_fen": 500_000, "since": "2021-06"}
        whose = {"listing": self.listing, "carrier": CARRIER, "provider": PROVIDER}
        act = self.town.act_of(PROVIDER, "agree_rates", {**whose, **rates}, "rates")
        assert self.town.send(act).ok

    def send(self, kind: str, body: dict[str, Any]) -> ActResult:
        return self.town.send(self.town.act(kind, body, content_id("body", body)))

    def file(self, version: int) -> str:
        terms = PRODUCT.versions[-1].terms
        body = {"listing": self.listing, "carrier": CARRIER, "id": "delay", "version": version}
        body |= {"benefit": terms.benefits[0].name, "terms": canonical.as_json(terms)}
        result = self.send("file_claim_model", body)
        assert result.ok, result.refusals
        return str(result.made[0].id)

    def run(self, version: int = 1) -> metering.Run:
        return metering.run(self.town.node, self.file(version), self.trigger, **ABOUT)

    def counted(self) -> Counted:
        """The recount of the month of the run."""
        self.town.at("2021-07-01 00:00:00")
        body = {"listing": self.listing, "carrier": CARRIER, "month": "2021-06"}
        assert self.town.send(self.town.act_of(PROVIDER, "issue_invoice", body, "june")).ok
        with self.town.store.reading() as reading:
            (found,) = recount(reading.leaves(0, reading.head().size)).values()
        return found


def test_c11_only_policies_in_force_and_their_entries_are_billed() -> None:
    """d's year was over; of a, b and c, two stand on each of the three lists; two facts have none.

    b's time is not known, for the systems differ. c is on no list of times and not in scope:
    nothing of c's is unknown.
    """
    day = Day()
    ran = day.run()
    assert (ran.users, ran.records) == (3, 3 * 2 + 2)
    measure = ran.body["measure"]
    assert measure == {"policies": 3, "above": 1, "unknown": 1, "refused": 0, "total_fen": 10_000}
    assert day.counted().over == []


def test_c11_a_list_that_two_facts_name_is_billed_once() -> None:
    day = Day(shared=True)
    ran = day.run()
    assert (ran.users, ran.records) == (3, 2 * 2 + 2)
    assert ran.body["measure"]["unknown"] == 0
    assert day.counted().over == []


@pytest.mark.parametrize(("shared", "most"), [(False, 3 * 3 + 2), (True, 2 * 3 + 2)])
def test_c11_a_run_billed_for_more_records_than_the_lists_can_have_is_named(
    monkeypatch: pytest.MonkeyPatch, shared: bool, most: int
) -> None:
    """Three persons are in the log of uses: each stands on a list once."""
    day, real = Day(shared=shared), metering._measured
    told = {"records": most}
    monkeypatch.setattr(metering, "_measured", lambda *given: {**real(*given), **told})
    day.run()
    told["records"] += 1
    lie = day.run(2).body["run"]
    counted = day.counted()
    assert [vars(each) for each in counted.over] == [
        {"run": lie, "what": "records", "billed": most + 1, "most": most}
    ]
    assert len(counted.runs) == 2


def test_c11_no_more_entries_than_a_list_has(monkeypatch: pytest.MonkeyPatch) -> None:
    """A list shorter than the persons that were read bounds what can have been read of it."""
    day, real = Day(scope="ae"), metering._measured
    told = {"records": 3 * 2 + 2}
    monkeypatch.setattr(metering, "_measured", lambda *given: {**real(*given), **told})
    day.run()
    told["records"] += 1
    lie = day.run(2).body["run"]
    assert [(each.run, each.most) for each in day.counted().over] == [(lie, 8)]
