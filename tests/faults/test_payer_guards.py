"""What stands between a payment order and the bank: each guard alone, for money goes out there."""

from __future__ import annotations

from typing import Any

import pytest

from miaopei.accounts.rail import Instruction, Outcome, OutcomeState
from miaopei.acts.state import State
from miaopei.errors import Alarm
from miaopei.ledger import checkpoint
from tests.faults.test_edited_tables import town_with_a_debt
from tests.support.rails import PaperBank
from tests.support.town import Town


def bank(town: Town) -> PaperBank:
    assert town.payer is not None
    rail = town.payer.rail
    assert isinstance(rail, PaperBank)
    return rail


def alter(town: Town, debt: str, **changes: Any) -> str:
    """One of two orders changed behind the member's back."""
    row = town.instructions(debt)[0]
    with town.store.writing() as block:
        block.mark_instructions([{**row, **changes}])
    return str(row["payout"])


@pytest.mark.parametrize(
    "changes",
    [
        {"creditor": "policy/" + "0" * 32},
        {"debtor": "carrier/another"},
        {"payer": "another"},
        {"amount_fen": 1},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_an_order_changed_in_any_field_is_not_sent_and_the_other_is(
    changes: dict[str, Any],
) -> None:
    town, debt = town_with_a_debt(paid=False)
    altered = alter(town, debt, **changes)
    with pytest.raises(Alarm, match="not what the record owes"):
        town.work()
    sent = {instruction.partition("-")[0] for instruction in bank(town).held}
    assert altered not in sent
    assert len(sent) == 1


def test_nothing_is_ordered_before_the_log_is_certified_so_far() -> None:
    """With several members a checkpoint comes after the block: until then nobody may pay."""
    town, debt = town_with_a_debt(paid=False)
    assert town.payer is not None
    with town.store.reading() as reading:
        place, head = reading.place(debt), reading.head()
    assert place is not None

    class UpTo:
        """The store as it is, its checkpoint as of an earlier size."""

        def __init__(self, size: int) -> None:
            self._text = checkpoint.sign("example.org/town", size, head.root, town.me.log)

        def checkpoint(self) -> str:
            return self._text

        def place(self, name: str) -> int | None:
            return place if name == debt else None

    with town.node.reading() as (_, state):
        for size, may in ((place, False), (place + 1, True), (head.size, True)):
            assert town.payer._may(UpTo(size), state, debt) is may  # type: ignore[arg-type]
        assert isinstance(state, State)
        assert not town.payer._may(UpTo(head.size), state, "no such debt")  # type: ignore[arg-type]


class SlowBank(PaperBank):
    """While it takes its time another process asks it too, and writes the answer down."""

    town: Town | None = None
    debt = ""

    def pay(self, instructions: list[Instruction]) -> list[Outcome]:
        answers = super().pay(instructions)
        assert self.town is not None
        with self.town.store.writing() as block:
            rows = block.instructions(self.debt, ["sent"])
            block.mark_instructions({**row, "state": "executed", "ref": "first"} for row in rows)
        return [Outcome(a.id, OutcomeState.PENDING, a.amount_fen) for a in answers]


def test_an_answer_that_comes_late_does_not_undo_what_another_process_wrote() -> None:
    town, debt = town_with_a_debt(paid=False)
    assert town.payer is not None
    slow = SlowBank()
    slow.town, slow.debt = town, debt
    town.payer.rail = slow
    alarms: list[Alarm] = []
    town.payer._send(debt, alarms)
    assert alarms == []
    assert {(i["state"], i["ref"]) for i in town.instructions(debt)} == {("executed", "first")}
