"""What neither payer can pay is not handed to and fro for ever, and who pays is not interrupted."""

from __future__ import annotations

import json

from miaopei.acts.state import State
from miaopei.acts.take_over import other_payer

from .court import Court
from .founding import TAKE_OVER, rows_of


def test_turns_become_rarer_and_start_from_the_last_payment() -> None:
    """One of three policyholders has no account anywhere."""
    court = Court()
    policy = rows_of("hills")[0].policy
    for name in ("insurer", "agent"):
        with court.by[name].disk.writing() as block:
            block.forget_person(f"policy/{policy}")
    court.shake()
    court.pass_by(40 * TAKE_OVER)
    with court.by["cloud"].disk.reading() as reading:
        leaves = [json.loads(leaf) for leaf in reading.leaves(0, reading.head().size)]
        state = State(reading)
        ((debt, payment),) = state.range("payment", "")
        taken = state.need("takeover", debt)
        other, due = other_payer(state, debt, 4)
    acts = [leaf for leaf in leaves if leaf.get("leaf") == "act"]
    turns = [leaf["act"]["by"] for leaf in acts if leaf["act"]["kind"] == "take_over"]
    assert 3 <= len(turns) <= 6, "1 + 1 + 2 + 4 + 8 + 16 terms; before it was one each term"
    assert turns == ["agent", "insurer"] * (len(turns) // 2) + ["agent"] * (len(turns) % 2)
    assert other not in (None, payment["payer"])
    assert taken["turn"] == len(turns)
    since = max(taken["at"], payment["last_at"])
    assert due == since + (TAKE_OVER << (len(turns) - 1))
    assert 0 < payment["executed_fen"] < payment["due_fen"]
    whats = {alarm.what for member in court.by.values() for alarm in member.alarms}
    assert whats == {"no account is on file for a payee or payer"}
