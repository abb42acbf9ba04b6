"""The door of the engine's queue: who sent it, by which key, is it signed, is it late, is it too
much. Cheap on purpose.

The engine asks for every item at every member while votes wait behind it, so nothing here asks the
database: genesis, rules and members are kept at hand and read again when a block has changed them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ...acts import freshness
from ...acts.apply import ActResult, admit
from ...acts.base import Moment
from ...acts.envelope import Act
from ...acts.freshness import ENDED
from ...acts.raise_rules import rules_at
from ...acts.rule_sets import RULES
from ...acts.state import State
from ...errors import Refusal, Refused
from ..ports import Clock, Reading

TABLES = ("genesis", "member", "convened", "rules")
BYTES_A_SECOND = 1_000_000  # of one member's acts, in the long run
AT_ONCE = 8_000_000  # bytes that it may be ahead of that
# What stands against bytes that its sender has not signed, or has given up: no honest engine queues
# them, and who puts them into a block of his own uses up nothing of what their sender may send.
OTHERS = frozenset({"act.signature_bad", "act.key_not_in_force", "act.key_changed", *ENDED})
REFUSED_BYTES = 100_000  # what an act weighs that the record keeps as refused, whatever its size


class Pace:
    """How much each member of a live record has put on it of late.

    Weighed is what blocks have taken that was new, or newly refused, at the block's time: whoever
    sends another's acts once more uses up nothing of what that other may send, and blocks that are
    caught up with weigh nothing by now. It decides what is let in here and nothing that stands on
    the record, so that members need not be of one mind about it.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock, self._latest = clock, 0
        self._weight = dict[str, tuple[int, int]]()  # member -> bytes, at a second

    def weigh(self, acts: Sequence[Act], results: Sequence[ActResult], at: int) -> None:
        """What a block of this time has made of these acts."""
        self._latest = at
        for act, result in zip(acts, results, strict=True):
            others = any(refusal.code in OTHERS for refusal in result.refusals)
            if result.new and not others:
                size = act.size if result.ok else max(act.size, REFUSED_BYTES)
                self._weight[act.by] = self._left(act.by, at) + size, at

    def wait(self, member: str) -> int:
        """Seconds until more of this member is let in; 0 where there is room."""
        over = self._left(member, max(self._clock(), self._latest)) - AT_ONCE
        return max(0, -(-over // BYTES_A_SECOND))

    def _left(self, member: str, now: int) -> int:
        weight, at = self._weight.get(member, (0, now))
        return max(0, weight - max(0, now - at) * BYTES_A_SECOND)


class Door:
    """Admits acts by what the record said of its members when it was last read."""

    def __init__(self, clock: Clock) -> None:
        self.pace = Pace(clock)
        self.usual = freshness.USUAL  # how far away an end is that we name
        self._clock = clock
        self._kept: dict[tuple[str, str], bytes] = {}
        self._time = self._height = 0
        self._rules, self._ends = 1, False

    def learn(self, reading: Reading) -> None:
        """Read members, rules and genesis again."""
        self._kept = {
            (table, key): value for table in TABLES for key, value in reading.range(table, "")
        }
        self._ends = freshness.ends(State(self))
        self._rules = rules_at(State(self), self._height + 1)

    def pass_time(self, time: int, height: int) -> None:
        """The last block's time and height: keys come in force and go out of it, rules too."""
        rules = rules_at(State(self), height + 1)
        self._time, self._rules, self._height = time, rules, height  # others ask meanwhile

    def rules_of(self, height: int) -> int:
        """The rule set of a height up to that of the next block; later ones may yet be raised."""
        next_one = height == self._height + 1  # asked for with each item that comes
        return self._rules if next_one else rules_at(State(self), height)

    def end(self) -> int | None:
        """The end that an act names which is signed now; None where this record wants none.

        Ours is not the only clock: the record may be ahead of it.
        """
        if not self._ends or self._rules < freshness.SINCE:
            return None
        return max(self._clock(), self._time) + self.usual

    def too_fast(self, acts: Iterable[Act]) -> Refusal | None:
        """Busy, where one whose acts these are has put too much on the record of late."""
        for member in dict.fromkeys(act.by for act in acts):
            if seconds := self.pace.wait(member):
                return Refusal("net.too_fast", {"member": member, "seconds": seconds})
        return None

    def objection(self, act: Act) -> Refusal | None:
        """What is to be said against an act before it is put in order; None where nothing is.

        The block that takes it is no earlier than the last one, and hardly later than our clock.
        """
        rules, latest = min(self._rules, RULES), max(self._time, self._clock())
        try:
            admit(State(self), act, Moment(0, self._time, rules, act.id), latest)
        except Refused as refused:
            return refused.refusals[0]
        return None

    def get(self, table: str, key: str) -> bytes | None:
        """See `acts.state.Reader`."""
        return self._kept.get((table, key))

    def range(
        self, table: str, first: str, last: str | None = None, limit: int | None = None
    ) -> Iterator[tuple[str, bytes]]:
        """See `acts.state.Reader`."""
        found = sorted(
            (key, value)
            for (tab, key), value in self._kept.items()
            if tab == table and first <= key and (last is None or key < last)
        )
        return iter(found[:limit])

    def prefetch(self, keys: Iterable[tuple[str, str]]) -> None:
        """Everything is at hand already."""
