"""A clock that is doubted: what is not plausible makes no block until a person accepts it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from miaopei.adapters.clock import AHEAD, APART, DoubtedClock
from miaopei.errors import Refused

NOW = 1_700_000_000


class Hands:
    """A wall clock and a steady one that a test moves."""

    def __init__(self) -> None:
        self.wall, self.steady = float(NOW), 50.0

    def pass_by(self, seconds: float) -> None:
        """Both go on."""
        self.wall += seconds
        self.steady += seconds


def doubted(
    hands: Hands, last: int | None = NOW - 60, server: int | None = NOW, *, accepted: bool = False
) -> Callable[[], int]:
    """The clock over a test's hands."""
    return DoubtedClock(
        lambda: last, lambda: server, accepted, lambda: hands.wall, lambda: hands.steady
    )


def refused(clock: Callable[[], int]) -> str:
    """The code with which a clock refuses."""
    with pytest.raises(Refused) as found:
        clock()
    return found.value.refusals[0].code


def test_a_plausible_clock_tells_the_time_also_after_days_at_rest() -> None:
    hands = Hands()
    clock = doubted(hands, last=NOW - AHEAD)
    assert clock() == NOW
    hands.pass_by(10 * AHEAD)
    assert clock() == NOW + 10 * AHEAD
    assert doubted(Hands(), last=None)() == NOW
    assert doubted(Hands(), last=NOW + 10**6)() == NOW  # behind: the record's own time goes on


def test_a_start_far_after_the_records_last_time_is_refused_until_accepted() -> None:
    assert refused(doubted(Hands(), last=NOW - AHEAD - 1)) == "clock.far_ahead"
    assert doubted(Hands(), last=NOW - 40 * AHEAD, accepted=True)() == NOW


@pytest.mark.parametrize("apart", [APART + 1, -APART - 1])
def test_two_clocks_that_differ_are_refused(apart: int) -> None:
    assert refused(doubted(Hands(), server=NOW + apart)) == "clock.server_differs"
    assert doubted(Hands(), server=NOW + APART)() == NOW
    assert doubted(Hands(), server=None)() == NOW


def test_a_clock_moved_ahead_while_running_is_refused_also_when_accepted() -> None:
    for accepted in (False, True):
        hands = Hands()
        clock = doubted(hands, accepted=accepted)
        clock()
        hands.pass_by(5)
        assert clock() == NOW + 5
        hands.wall += APART + 1
        assert refused(clock) == "clock.moved"
        hands.wall -= 2 * APART
        assert clock() == NOW + 6 - APART  # back again: the record's time stands still meanwhile
