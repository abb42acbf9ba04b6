"""The port's values: a different amount is never taken for a payment, silence never for a no."""

from __future__ import annotations

import pytest

from miaopei.accounts.rail import Outcome, OutcomeState
from miaopei.errors import texts


@pytest.mark.parametrize("state", [OutcomeState.EXECUTED, OutcomeState.PENDING])
def test_another_amount_is_seen(state: OutcomeState) -> None:
    outcome = Outcome("p-1", state, amount_fen=999, ref="r", at=5)
    assert outcome.against(999) == outcome
    assert outcome.against(1000).state is OutcomeState.DIFFERENT_AMOUNT
    assert outcome.against(1000).amount_fen == 999


@pytest.mark.parametrize("state", [OutcomeState.REFUSED, OutcomeState.UNKNOWN])
def test_where_nothing_was_paid_no_amount_is_compared(state: OutcomeState) -> None:
    assert Outcome("p-1", state).against(1000).state is state


def test_only_executed_and_refused_are_final() -> None:
    assert {s for s in OutcomeState if s.final} == {OutcomeState.EXECUTED, OutcomeState.REFUSED}


def test_a_refusal_can_be_said() -> None:
    outcome = Outcome("p-1", OutcomeState.REFUSED, 5, code="bank.insufficient_funds", bank="B")
    assert "p-1" in texts.say(outcome.refusal(), "zh")
    assert "p-1" in texts.say(outcome.refusal(), "en")
    assert texts.say(Outcome("x", OutcomeState.CONFLICT, bank="B").refusal()).count("x")
    assert outcome.as_json()["state"] == "refused"
