"""Leaving: a member is ended one block after it lost its seat: that block counts its vote."""

from __future__ import annotations

from typing import Any, cast

import pytest

from miaopei.cli.net.life import going, voting
from miaopei.cli.net.plan import Net
from miaopei.errors import OutsideFault

NET = cast(Net, None)  # every word of it is made up below


def told(monkeypatch: pytest.MonkeyPatch, heights: list[int]) -> list[int]:
    """The record as the member that has come furthest tells it, look by look; the last stays."""

    def ask(_: Any) -> dict[str, Any]:
        return {"height": heights.pop(0) if len(heights) > 1 else heights[0]}

    monkeypatch.setattr(voting, "ask", ask)
    return heights


def test_the_block_after_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    heights = told(monkeypatch, [7, 7, 7, 8, 9])
    going._last_vote(NET, 7)
    assert heights == [9], "looked until there was one more, and no longer"


def test_where_none_comes_nobody_is_ended_and_the_same_may_be_said_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told(monkeypatch, [7])
    monkeypatch.setattr(going, "NEXT_SECONDS", -1.0)
    with pytest.raises(OutsideFault, match="start the members that are down") as said:
        going._last_vote(NET, 7)
    assert said.value.retry
