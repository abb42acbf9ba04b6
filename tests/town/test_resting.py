"""On what a member's work rests, condition by condition: each that is left out is seen here."""

from __future__ import annotations

from dataclasses import replace

import pytest

from miaopei.acts.blobs import CLAIMS, TRACE
from miaopei.adapters.memory_store import MemoryBlock
from miaopei.evidence.kinds import LIST
from miaopei.measures.identity import canonical
from miaopei.node.fetching.missing import LACKING, Missing
from miaopei.node.proof.inspect import inspect
from miaopei.node.proof.named.references import Named
from miaopei.node.proof.named.resting import Resting
from miaopei.node.vault.sealing import reader_of
from tests.unit.cli.test_soundness import flipped

from .court import Court
from .test_restored import MADE_UP, Edit, handed_on, outage, paid, progress, restored, told

LACKED = progress(LACKING, canonical([Missing(MADE_UP, "miaopei/lines/1", "cloud").as_json()]))


def codes(court: Court, debt: str, *edits: Edit) -> set[str]:
    """What is told of a debt that the insurer pays, after a restore."""
    insurer = court.by["insurer"]
    with restored(insurer, *edits).reading() as reading:
        return {f.code for f in inspect(reading, insurer.node) if f.facts.get("debt") == debt}


def test_claims_are_rested_on_as_the_decision_on_their_own_trigger_alone() -> None:
    """Not where some other act of an equal decider names them, or its word on another trigger."""
    court = Court()
    paid(court)
    key, said = min(court.table("decision").items())
    trigger, _, by = key.split("/")
    act = {"kind": "decide", "by": by, "body": {"trigger": trigger}}
    named = Named(0, act, {"blob": said["claims"]["blob"], "media": CLAIMS})
    other_kind = replace(named, act={**act, "kind": "show_difference"})
    other_trigger = replace(named, act={**act, "body": {"trigger": MADE_UP}})
    agent = court.by["agent"]
    with agent.disk.reading() as reading:
        resting = Resting(reading, agent.node.identity)
        assert resting.rests(named, set())
        assert not resting.rests(other_kind, set())
        assert not resting.rests(other_trigger, set())


def test_a_list_is_rested_on_under_its_own_name_alone() -> None:
    one = outage(settled=True)
    agent = one.court.by["agent"]
    act = {"kind": "show_difference", "by": "cloud", "body": {}}
    with agent.disk.reading() as reading:
        resting = Resting(reading, agent.node.identity)
        assert resting.rests(Named(0, act, {"blob": one.blob, "media": LIST}), set())
        assert not resting.rests(Named(0, act, {"blob": one.blob, "media": TRACE}), set())


def test_an_order_that_lies_here_was_made_though_nothing_says_how_far_its_debt_had_come() -> None:
    court, debt = handed_on()
    row = {"payout": MADE_UP, "number": 1, "state": "sent"}

    def an_order(block: MemoryBlock) -> None:
        block.put_instructions(debt, [row])

    assert codes(court, debt) == {"inspect.unfit_list"}
    assert codes(court, debt, an_order) == {"inspect.orders_unreadable"}
    insurer = court.by["insurer"]
    assert told(insurer, restored(insurer), MADE_UP) == {"inspect.unfit_missing"}
    assert told(insurer, restored(insurer, an_order), MADE_UP) == {"inspect.blob_missing"}


@pytest.mark.parametrize(
    ("by", "there", "asked"),
    [
        ("cloud", "inspect.unfit_list", "inspect.unfit_list"),
        ("insurer", "inspect.orders_unreadable", "inspect.waits_orders"),
    ],
)
def test_a_list_that_cannot_be_read_is_told_by_who_fixed_it(
    by: str, there: str, asked: str
) -> None:
    """Another's is its own to answer for, also while it is asked for; ours is damage but then."""
    court, debt = handed_on(by=by)
    assert codes(court, debt) == {there}
    assert codes(court, debt, LACKED) == {asked}


def test_a_wrong_word_about_the_length_stays_one_where_our_key_is_damaged_beside_it() -> None:
    rows = str(min(Court().table("batch").values(), key=str)["rows"]["blob"])
    court, _ = handed_on(blob=rows)
    insurer = court.by["insurer"]
    box = reader_of(insurer.node.identity.box)

    def spoilt(block: MemoryBlock) -> None:
        block.put_wrap(rows, box, flipped(block.wrapped(rows, box) or b""))

    wrong = "inspect.unfit_length"
    assert wrong in told(insurer, restored(insurer), rows)
    found = told(insurer, restored(insurer, spoilt), rows)
    assert "inspect.blob_sealed" in found
    assert wrong in found
    assert "inspect.blob_length" not in found
