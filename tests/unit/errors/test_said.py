"""A refusal in words: what counts seconds is told as a clock, and nothing else is."""

from __future__ import annotations

from miaopei.errors import Refusal
from miaopei.errors.texts import say

DALI = 1621604915  # 2021-05-21T13:48:35Z, the quake of Yangbi


def test_an_instant_is_told_in_the_time_of_its_readers() -> None:
    refusal = Refusal("act.rotated_lately", {"by": "bank", "next": DALI, "seconds": 60})
    assert "2021-05-21 21:48:35 Beijing time" in say(refusal, "en")
    assert "2021-05-21 21:48:35（北京时间）" in say(refusal, "zh")


def test_a_number_that_is_no_instant_stays_as_it_is() -> None:
    numbered = Refusal("act.rules_not_next", {"next": 6, "rules": 8})
    assert "the next is 6" in say(numbered)
    named = Refusal("ledger.proof_malformed", {"at": 3})
    assert "Hash 3" in say(named)
    amount = Refusal("identity.too_large", {"value": DALI, "at": "fen"})
    assert str(DALI) in say(amount)
