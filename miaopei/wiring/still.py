"""Whether a member's engine stands still while the others go on.

Where an engine could not write for once (a full disk), its consensus stands for good: it lives,
answers, and never votes again, also once there is room. Only the others show it. A node that has
seen so for a minute ends, and with it its engine: whoever supervises starts both anew. The file of
what the engine has signed stays as it is.

Looks are counted and not seconds, so that a member that was frozen for long has its minute all the
same. It is not judged by others that stand as well (the net itself halts), nor by one alone, which
may lie, nor by those whose root at its height is not its own: a start mends no record that differs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..errors import Refusal, Refused
from .duties import Duty

LOOK_SECONDS = 5.0
QUIET = 3  # looks without a block before the others are asked: one comes each 15 s at least
AHEAD = 9  # further ones, at each of which others were ahead of it
Others = Callable[[int], Mapping[str, Mapping[str, Any] | None]]  # see `Seated.others`


class StandsStill(Exception):
    """With which a member ends, to be started anew."""


class Standstill:
    """`at` tells the height of our engine, None while it is not to be judged; `root` is our root
    after a block; `give_up` ends this member.
    """

    def __init__(
        self,
        at: Callable[[], int | None],
        root: Callable[[int], str | None],
        others: Others,
        give_up: Callable[[StandsStill], None],
    ) -> None:
        self._at, self._root, self._others, self._give_up = at, root, others, give_up
        self._height: int | None = None
        self._looks = self._ahead = 0
        self._first = 0  # where the others stood when they were first seen ahead

    def duties(self) -> Iterator[Duty]:
        """For a round."""
        yield "engine", self.look

    def look(self) -> None:
        """Errors   Refused engine.stands_still; when that has lasted, this member ends."""
        height = self._at()
        if height is None or height != self._height:
            self._height, self._looks, self._ahead = height, 0, 0
            return
        self._looks += 1
        if self._looks < QUIET:
            return
        top = self._top(height)
        if top <= height:
            self._ahead = 0
            return
        self._first = self._first if self._ahead else top
        self._ahead += 1
        if top == self._first:
            return  # they stand too, one block ahead
        if self._ahead > AHEAD:
            said = f"the engine stands still at height {height}, others are at {top}"
            self._give_up(StandsStill(said))
        raise Refused(Refusal("engine.stands_still", {"height": height, "others": self._first}))

    def _top(self, height: int) -> int:
        """How far two others have come, of those whose root at this height is ours or no longer at
        hand.
        """
        ours = self._root(height)
        said = [one for one in self._others(height).values() if one is not None]
        heights = sorted(one["height"] for one in said if one["root"] in (None, ours))
        return int(heights[-2]) if len(heights) > 1 else height
