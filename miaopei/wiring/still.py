"""Whether a member's engine stands still while the others go on, or could.

Where an engine could not write for once (a full disk), its consensus stands for good: it lives,
answers, and never votes again, also once there is room. Only the others show it. A node that has
seen so for a minute ends, and with it its engine: whoever supervises starts both anew. The file of
what the engine has signed stays as it is.

Looks are counted and not seconds, so that a member that was frozen for long has its minute all the
same. It is not judged by one alone, which may lie, nor by those whose root at its height is not its
own: a start mends no record that differs. By others that stand as well only where they have with us
the votes for a block, and none has come for two minutes: an idle record makes one each 15 s, so
that the engines of several stand (one disk for all of them), and each may be one of these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ..errors import Refusal, Refused
from .duties import Duty

STILL_SECONDS = 5.0  # between looks
QUIET = 3  # looks without a block before the others are asked: one comes each 15 s at least
AHEAD = 9  # further ones, at each of which others were ahead of it
ALL_STAND, ALL_ANEW = 9, 24  # looks without a block anywhere, though there could be one
Others = Callable[[int], Mapping[str, Mapping[str, Any] | None]]  # see `Seated.others`


class StandsStill(Exception):
    """With which a member ends, to be started anew."""


class Standstill:
    """`at` tells the height of our engine, None while it is not to be judged; `root` is our root
    after a block; `suffice` whether these others and we could make one; `failed` ends this member.
    """

    def __init__(
        self,
        at: Callable[[], int | None],
        root: Callable[[int], str | None],
        others: Others,
        suffice: Callable[[Sequence[str]], bool],
        failed: Callable[[BaseException], None] = lambda _: None,
    ) -> None:
        self._at, self._root, self._others = at, root, others
        self._suffice, self.failed = suffice, failed
        self._height: int | None = None
        self._looks = self._ahead = 0
        self._could = 0  # looks at which there could have been a block, and was none
        self._first = 0  # where the others stood when they were first seen ahead

    def duties(self) -> Iterator[Duty]:
        """For a round."""
        yield "engine", self.look

    def look(self) -> None:
        """Errors   Refused engine.stands_still, engine.all_stand; when that has lasted, this member
        ends.
        """
        height = self._at()
        if height is None or height != self._height:
            self._height, self._looks, self._ahead, self._could = height, 0, 0, 0
            return
        self._looks += 1
        if self._looks < QUIET:
            return
        said = self._like_us(height)
        heights = sorted(one["height"] for one in said.values())
        top = max([height, *heights[-2:-1]])  # how far two of them have come
        self._first = self._first if self._ahead else top
        self._ahead = self._ahead + 1 if top > height else 0
        if top in (height, self._first):  # they stand too, one block ahead at most
            self._all(height, said)
            return
        self._could = 0
        if self._ahead > AHEAD:
            told = f"the engine stands still at height {height}, others are at {top}"
            self.failed(StandsStill(told))
        raise Refused(Refusal("engine.stands_still", {"height": height, "others": self._first}))

    def _all(self, height: int, said: Mapping[str, Mapping[str, Any]]) -> None:
        """Nobody goes on: whether they could, with us."""
        near = [name for name, one in said.items() if abs(one["height"] - height) <= 1]
        vote = [name for name in near if not said[name].get("waits")]
        self._could = self._could + 1 if self._suffice(vote) else 0
        if self._could < ALL_STAND:
            return
        if self._could > ALL_ANEW:
            told = f"no block after height {height}, though others could make one with us"
            self.failed(StandsStill(told))
        # Not for how long by now: it is told once, and looks take longer where others are silent.
        facts = {"height": height, "seconds": int(ALL_STAND * STILL_SECONDS)}
        raise Refused(Refusal("engine.all_stand", facts))

    def _like_us(self, height: int) -> dict[str, Mapping[str, Any]]:
        """The others that answer, where their root at this height is ours or no longer at hand."""
        ours = self._root(height)
        said = self._others(height).items()
        return {name: one for name, one in said if one and one["root"] in (None, ours)}
