"""How long a round waits: for the carrier, and then for the others. Source: consortium.md, 10."""

from __future__ import annotations

from typing import Any

import pytest

from miaopei.acts import rounds
from miaopei.acts.base import Moment
from miaopei.acts.rule_sets import RULES
from miaopei.acts.state import State
from miaopei.adapters.memory_store import MemoryStore
from miaopei.measures.instant import DAY

BEGAN = 1_000_000


@pytest.mark.parametrize(
    ("named", "decide", "hold"),
    [
        ({}, 600, 3_600),
        ({"decide_seconds": 90, "hold_seconds": 7}, 90, 7),
        ({"decide_seconds": 32 * DAY, "hold_seconds": 93 * DAY}, 31 * DAY, 92 * DAY),
    ],
)
def test_a_round_ripens_at_its_deadline_and_at_its_end(
    named: dict[str, Any], decide: int, hold: int
) -> None:
    with MemoryStore().reading() as reading:
        state = State(reading)
        state.put("listing", "l", {"listing": {"solo": False, "deciders": [], **named}})
        trigger = {"rules": RULES, "listing": "l"}
        rounds.begin(state, "t", trigger, Moment(1, BEGAN, RULES, "act"))

        def due(after: int) -> list[str]:
            return list(rounds.due(state, Moment(2, BEGAN + after, RULES, "time")))

        assert [due(decide - 1), due(decide)] == [[], ["t"]]
        assert [due(decide + hold - 1), due(decide + hold)] == [[], ["t"]]
