"""An engine that stands still is told by others that go on, and by nobody else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from miaopei.errors import Refused
from miaopei.wiring.duties import Duties
from miaopei.wiring.still import AHEAD, ALL_ANEW, ALL_STAND, QUIET, Standstill

OURS, OTHER = "aa" * 32, "bb" * 32
Said = dict[str, dict[str, Any] | None]


class Played:
    """A member whose engine stands at 5, looked at again and again."""

    def __init__(self) -> None:
        self.height: int | None = 5
        self.said: Said = {}
        self.asked = 0
        self.ended: list[BaseException] = []
        self.codes = set[str]()
        self.watch = Standstill(
            lambda: self.height, lambda _: OURS, self._others, self._suffice, self.ended.append
        )

    def _suffice(self, others: Sequence[str]) -> bool:
        """Of four with a vote each."""
        return len(others) >= 2

    def _others(self, height: int) -> Said:
        assert height == self.height
        self.asked += 1
        return self.said

    def troubles(self, looks: int, each: Callable[[int], Said]) -> int:
        """How many of so many looks have named it."""
        found = 0
        for number in range(looks):
            self.said = each(number)
            try:
                self.watch.look()
            except Refused as refused:
                (refusal,) = refused.refusals
                self.codes.add(refusal.code)
                assert refusal.facts["height"] == 5
                found += 1
        return found


def at(*heights: int | None, root: str | None = OURS) -> Said:
    """Others that say they stand so."""
    return {
        f"m{i}": None if height is None else {"height": height, "root": root}
        for i, height in enumerate(heights)
    }


def growing(number: int) -> Said:
    return at(6 + number, 6 + number, None)


def test_it_is_named_at_once_and_ended_after_a_minute_of_looks() -> None:
    played = Played()
    assert played.troubles(1 + QUIET + AHEAD - 1, growing) == AHEAD - 1
    assert not played.ended
    assert played.troubles(1, lambda _: growing(99)) == 1
    assert played.codes == {"engine.stands_still"}
    assert [str(error) for error in played.ended] == [
        "the engine stands still at height 5, others are at 105"
    ]


@pytest.mark.parametrize(
    "each",
    [
        lambda _: at(5, None, None),  # no block is to be had
        lambda _: at(9, 9, 1),  # nor with those that are elsewhere
        lambda _: {**at(5, 5), "m2": {"height": 5, "root": OURS, "waits": True}, "m1": None},
        lambda _: at(None, None, None),
        lambda _: at(),
        lambda number: at(6 + number, 5, None),  # one alone may lie
        lambda number: at(6 + number, 6 + number, root=OTHER),  # we differ: a start mends nothing
    ],
)
def test_nobody_is_ended_where_the_net_itself_halts_or_differs(each: Callable[[int], Said]) -> None:
    played = Played()
    assert played.troubles(100, each) == 0
    assert not played.ended


@pytest.mark.parametrize("said", [at(5, 5, 5), at(6, 6, 6), at(4, None, 5), at(6, 5, root=None)])
def test_where_all_stand_that_could_go_on_it_is_named_and_ended_after_two_minutes(
    said: Said,
) -> None:
    """A disk that was full for all of them: nobody was ahead, and the record stood for good."""
    played = Played()
    assert played.troubles(QUIET + ALL_ANEW, lambda _: said) == ALL_ANEW - ALL_STAND + 1
    assert played.codes == {"engine.all_stand"}
    assert not played.ended
    assert played.troubles(1, lambda _: said) == 1
    (error,) = played.ended
    assert str(error) == "no block after height 5, though others could make one with us"


def test_that_all_stand_is_told_once_and_not_at_each_look() -> None:
    """A line each five seconds, on a disk that had been full."""
    played, heard = Played(), list[str]()
    duties = Duties(lambda trouble: heard.append(trouble.code))
    played.said = at(5, 5, 5)
    for _ in range(QUIET + ALL_ANEW):
        duties.run(played.watch.duties())
    assert heard == ["engine.all_stand"]
    assert [told["facts"] for told in duties.refusals()] == [{"height": 5, "seconds": 45}]


def test_others_that_no_longer_have_the_root_at_hand_count() -> None:
    played = Played()
    played.troubles(100, lambda number: at(6 + number, 6 + number, root=None))
    assert played.ended


def test_an_engine_that_goes_on_asks_nobody_and_a_halted_net_has_its_minute_again() -> None:
    played = Played()
    for height in range(5, 40):
        played.height = height
        assert played.troubles(QUIET, growing) == 0
    assert (played.asked, played.ended) == (0, [])
    played.height = 5
    assert played.troubles(500, lambda _: at(5, None, 5, root=OTHER)) == 0
    assert played.troubles(2, growing) == 1  # named, and not ended for what was before
    assert not played.ended


def test_it_is_not_judged_while_it_waits_for_us() -> None:
    played = Played()
    for _ in range(20):
        played.height = 5
        played.troubles(QUIET, growing)
        played.height = None
        played.troubles(1, growing)
    assert (played.asked, played.ended) == (0, [])
