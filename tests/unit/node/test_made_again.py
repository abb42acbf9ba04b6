"""Settlements made again by the exact reading alone: equal, or the first policy with both sides."""

from __future__ import annotations

import pytest

from miaopei.cli.net.granting.doing import lines
from miaopei.node.granted.verdict import DIFFERS, EQUAL, ERASED, made_again
from miaopei.node.mass.run import Reads, as_filed
from miaopei.wiring.lying import Less
from tests.support import histories
from tests.support.facts import quake
from tests.support.town import Town
from tests.unit.persons.test_erasing import LI, NIGHT, READ, a_town, erase


def verdicts(town: Town, reads: Reads = as_filed):
    with town.node.reading() as (reading, state):
        return [
            made_again(town.node, reading, state, settlement, reads)
            for _, settlement in state.range("settled", "")
        ]


@pytest.mark.parametrize("seed", [3, 38])
def test_every_settlement_of_a_history_comes_out_the_same(seed: int) -> None:
    """Revisions, caps, releases and money paid back among them."""
    town = histories.make(seed, 90)
    found = verdicts(town)
    assert len(found) > 5
    assert [v for v in found if v.result != EQUAL] == []
    assert any(v.pay_fen for v in found)
    assert {v.settlement for v in found} == set(town.table("settlement"))


def test_terms_read_otherwise_are_told_with_the_first_policy_and_both_traces() -> None:
    town = histories.make(3, 60)
    found = verdicts(town, Less(1))
    for verdict in found:
        if verdict.result == EQUAL:  # nothing was due, or a cap gives the same
            continue
        assert verdict.result == DIFFERS
        if verdict.policy is None:
            assert verdict.totals
            continue
        assert verdict.ours is not None
        assert verdict.settled is not None
        ours, settled = verdict.ours, verdict.settled
        assert ours.claim != settled.claim
        assert ours.trace is not None
        if settled.trace is not None:
            assert settled.claim is not None
            assert settled.trace["amount_fen"] == settled.claim["terms_fen"]
        for language in ("zh", "en"):
            said = "\n".join(lines(verdict.as_json(), language))
            assert verdict.policy in said
    assert any(v.settled and v.settled.trace for v in found)


def test_of_a_settlement_that_counted_an_erased_row_the_rest_is_compared() -> None:
    town = a_town()
    town.tell(quake(NIGHT, "5.6"), at=READ)
    town.work()
    assert [v.result for v in verdicts(town)] == [EQUAL]
    erase(town, LI)
    (gone,) = verdicts(town)
    assert (gone.result, gone.erased) == (ERASED, 1)
    assert "1" in next(lines(gone.as_json(), "en"))
    (wrong,) = verdicts(town, Less(1))
    assert (wrong.result, wrong.policy is not None) == (DIFFERS, True)
    town.tell(quake("2018-05-18 00:48:48", "5.6"), at="2018-05-18 01:00:00")
    town.work()
    assert sorted(v.result for v in verdicts(town)) == [EQUAL, ERASED]


@pytest.mark.parametrize("cap", [10**12, 10**6])
def test_a_cap_and_an_erased_row_hide_nobodys_wrong_amount(cap: int) -> None:
    """What the cap leaves to each hangs on the row that is gone; what is due before it does not."""
    town = a_town(cap_fen=cap)
    town.tell(quake(NIGHT, "5.6"), at=READ)
    town.work()
    assert [v.result for v in verdicts(town)] == [EQUAL]
    erase(town, LI)
    assert [v.result for v in verdicts(town)] == [ERASED]
    (wrong,) = verdicts(town, Less(1))
    assert wrong.result == DIFFERS
    assert wrong.ours is not None
    assert wrong.settled is not None
    assert wrong.ours.claim is not None
    assert wrong.settled.claim is not None
    assert wrong.ours.claim["terms_fen"] != wrong.settled.claim["terms_fen"]
