"""The door of the engine's queue: who sent it, by which key, and is it signed. Cheap on purpose.

The engine asks for every item at every member while votes wait behind it, so nothing here asks the
database: genesis and members are kept at hand and read again when a block has changed them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ...acts.apply import admit
from ...acts.base import Moment
from ...acts.envelope import Act
from ...acts.rule_sets import RULES
from ...acts.state import State
from ...errors import Refusal, Refused
from ..ports import Reading

TABLES = ("genesis", "member")


class Door:
    """Admits acts by what the record said of its members when it was last read."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], bytes] = {}
        self._time = 0

    def learn(self, reading: Reading) -> None:
        """Read members and genesis again."""
        self._kept = {
            (table, key): value for table in TABLES for key, value in reading.range(table, "")
        }

    def pass_time(self, time: int) -> None:
        """The last block's time: keys come in force and go out of it."""
        self._time = time

    def objection(self, act: Act) -> Refusal | None:
        """What is to be said against an act before it is put in order; None where nothing is."""
        try:
            admit(State(self), act, Moment(0, self._time, RULES, act.id))
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
