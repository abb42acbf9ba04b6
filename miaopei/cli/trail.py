"""`miaopei why` and `miaopei caused`: from any fen back to a bulletin's bytes, and forward."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ..acts.state import State
from ..node.ports import Reading
from ..policies.book import Recorded
from ..reports.lineage import caused, why
from ..settings import Language
from . import speak
from .place import Place


class RecordTrail:
    """A snapshot as lineage reads it (`reports.lineage.Trail`)."""

    def __init__(self, reading: Reading, state: State) -> None:
        self._reading, self._state = reading, state

    def get(self, table: str, key: str) -> Any | None:
        return self._state.get(table, key)

    def range(self, table: str, prefix: str) -> Iterator[tuple[str, Any]]:
        return self._state.range(table, prefix)

    def place(self, name: str) -> int | None:
        return self._reading.place(name)

    def leaf(self, position: int) -> bytes:
        return self._reading.leaf(position)

    def rows(self, book: str, size: int) -> Sequence[Recorded]:
        return self._reading.rows(book, size)

    def claims(self, trigger: str) -> Sequence[dict[str, Any]]:
        return self._reading.claims(trigger)

    def instructions(self, debt: str) -> Sequence[dict[str, Any]]:
        return self._reading.instructions(debt)

    def blob(self, name: str) -> bytes | None:
        return self._reading.blob(name)


def run(
    place: Place, name: str, *, forward: bool, as_json: bool, language: Language
) -> int:
    """Tell why a thing is as it is, or all that it caused."""
    with place.record() as member, member.node.reading() as (reading, state):
        trail = RecordTrail(reading, state)
        told = caused(trail, name) if forward else why(trail, name)
        if as_json:
            speak.show_json(told.as_json())
        else:
            for line in told.text(language):
                speak.out(line)
    return 0
