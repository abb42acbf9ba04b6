"""A refusal in words: what counts seconds is told as a clock, and nothing else is."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from miaopei.errors import Refusal
from miaopei.errors.texts import SYSTEM_ZH, say

DALI = 1621604915  # 2021-05-21T13:48:35Z, the quake of Yangbi


def test_an_instant_is_told_in_the_time_of_its_readers() -> None:
    refusal = Refusal("act.rotated_lately", {"by": "bank", "next": DALI, "seconds": 60})
    assert "2021-05-21 21:48:35 Beijing time" in say(refusal, "en")
    assert "2021-05-21 21:48:35（北京时间）" in say(refusal, "zh")


def test_what_the_system_says_is_known_by_its_words() -> None:
    """The room of texts may not ask the system: these words stand in it, and are those of here."""
    assert set(SYSTEM_ZH) <= {os.strerror(number) for number in errno.errorcode}


def test_what_the_system_says_of_a_file_is_told_in_the_readers_language() -> None:
    with pytest.raises(NotADirectoryError) as error:
        Path(__file__, "in-a-file").read_bytes()
    refusal = Refusal("backup.not_written", {"path": "x", "why": str(error.value.strerror)})
    assert "Not a directory" in say(refusal, "en")
    assert "路径中有一段不是文件夹" in say(refusal, "zh")


@pytest.mark.parametrize("text", ["# no JSON", '{"a', '{"a":1} more', "{'a':1}", '{"a" 1}'])
def test_where_json_stops_to_be_is_told_in_the_readers_language(text: str) -> None:
    with pytest.raises(json.JSONDecodeError) as error:
        json.loads(text)
    told = Refusal("net.seat_file", {"file": "x", "why": str(error.value)})
    assert f"读到第 1 行第 {error.value.colno} 列为止" in say(told, "zh")
    assert str(error.value) in say(told, "en")


def test_a_number_that_is_no_instant_stays_as_it_is() -> None:
    numbered = Refusal("act.rules_not_next", {"next": 6, "rules": 8})
    assert "the next is 6" in say(numbered)
    named = Refusal("ledger.proof_malformed", {"at": 3})
    assert "Hash 3" in say(named)
    amount = Refusal("identity.too_large", {"value": DALI, "at": "fen"})
    assert str(DALI) in say(amount)
