"""The schedules of the books that this member decides, in memory and in files.

A file is only a copy for speed: its digest stands in `own` beside the rows, and a file that is cut,
altered or missing is made again from the rows. Source: docs/specs/record.md, section 5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ...acts.state import State
from ...errors import RecordDamaged, Refused
from ...measures.identity import canonical, read_canonical
from ...policies.row import PolicyRow
from ...policies.schedule import Schedule, from_rows, joined
from ..ports import Reading, ScheduleFiles, Writing

SCHEDULE = "schedule/"  # of a book: how many rows its files of columns hold, and their digest
AT_ONCE = 50_000  # rows read from the database at a time where a schedule is made again


@dataclass(frozen=True)
class Held:
    """Rows that we have said we hold; until their batch is in force another may take their place.

    `heads` are those of the complete runs of rows from the run `first_run` on.
    """

    batch: str
    start: int
    rows: Sequence[PolicyRow]
    first_run: int
    heads: Sequence[bytes]


class Schedules:
    """One schedule a book, as far as its rows are in force and opened here."""

    def __init__(self, files: ScheduleFiles | None = None) -> None:
        self.files = files
        self.rebuilt: list[tuple[str, str]] = []  # book, and why its file was not taken
        self._kept: dict[str, Schedule] = {}
        self._held: dict[str, Held] = {}

    def of(self, block: Writing, state: State, book: str, size: int) -> Schedule:
        """The schedule up to a size.

        Errors   RecordDamaged (alarm) where rows of the book are missing here.
        """
        self.settle(block, state, book)
        have = self._kept.get(book) or self._from_files(block, book)
        if have is None or have.size < size:
            start = 0 if have is None else have.size
            have = self._keep(block, book, self.extended(block, book, have, size), start)
        self._kept[book] = have
        return have.upto(size)

    def checked(self, block: Writing, state: State, book: str, size: int) -> Schedule:
        """As `of`, every byte held against its digest now: what decides over money.

        A file may have been altered or cut since it was mapped, and both readings would read it.
        """
        if self.files is not None:
            self._kept.pop(book, None)
        return self.of(block, state, book, size)

    def add(self, book: str, held: Held) -> None:
        """Rows of a batch that is not in force yet."""
        self._held[book] = held

    def forget(self, block: Writing, state: State, book: str) -> None:
        """A row of a book was erased: its columns are made again, in memory and in files."""
        self._kept.pop(book, None)
        if block.progress(f"{SCHEDULE}{book}") is not None:
            block.put_progress(f"{SCHEDULE}{book}", None)
            self.of(block, state, book, state.need("book", book)["size"])

    def waiting(self) -> list[str]:
        """Books of which we hold rows that are not in the schedule yet."""
        return list(self._held)

    def settle(self, block: Writing, state: State, book: str) -> None:
        """Take what we hold into the schedule, if its batch has come in force where we put it."""
        held = self._held.pop(book, None)
        if held is None:
            return
        first = state.need("batch", held.batch)["first"]
        if first is None:
            self._held[book] = held
        elif first == held.start:
            before = self.of(block, state, book, held.start)
            more = self._columns(block, book, held.start, held.rows)
            self._kept[book] = self._keep(block, book, joined(before, more), held.start)
            block.put_runs(book, held.first_run, held.heads)

    def _columns(
        self, reading: Reading, book: str, start: int, rows: Sequence[PolicyRow]
    ) -> Schedule:
        later = [row.policy for row in rows if row.transaction != "issue"]
        firsts: dict[str, int] = {}
        for recorded in reading.rows_of(book, start, later) if later else ():
            firsts.setdefault(recorded.row.policy, recorded.position)
        return from_rows(book, rows, start, firsts)

    def extended(self, reading: Reading, book: str, have: Schedule | None, size: int) -> Schedule:
        """Columns up to a size, from the rows themselves after those that we `have`; kept nowhere.

        Errors   RecordDamaged (alarm) where rows of the book are missing here.
        """
        parts = [] if have is None else [have]
        at = 0 if have is None else have.size
        while at < size:
            rows = reading.rows_between(book, at, min(at + AT_ONCE, size))
            if [r.position for r in rows] != list(range(at, min(at + AT_ONCE, size))):
                have_now = at + len(rows)
                raise RecordDamaged(
                    "rows of a book are missing here", book=book, have=have_now, want=size
                )
            parts.append(self._columns(reading, book, at, [r.row for r in rows]))
            at += len(rows)
        whole = parts[0] if parts else from_rows(book, [])
        for part in parts[1:]:
            whole = joined(whole, part)
        return whole

    def _from_files(self, reading: Reading, book: str) -> Schedule | None:
        if self.files is None or (kept := reading.progress(f"{SCHEDULE}{book}")) is None:
            return None
        said: dict[str, Any] = read_canonical(kept)
        try:
            return self.files.check(book, said["size"], said["digest"])
        except Refused as refused:
            self.rebuilt.append((book, refused.refusals[0].code))
            return None

    def _keep(self, block: Writing, book: str, schedule: Schedule, start: int) -> Schedule:
        """Write the rows from `start` on to the files, where there are any, and read from these."""
        if self.files is None or not schedule.size:
            return schedule
        try:
            digest = self.files.write(schedule, start)
        except Refused as refused:  # what was mapped has been altered: nothing of it is taken over
            self.rebuilt.append((book, refused.refusals[0].code))
            schedule = self.extended(block, book, None, schedule.size)
            digest = self.files.write(schedule, 0)
        said = {"size": schedule.size, "digest": digest}
        block.put_progress(f"{SCHEDULE}{book}", canonical(said))
        return self.files.open(book, schedule.size, digest)


def recorded_times(state: State, book: str) -> list[tuple[int, int]]:
    """For each batch in force its first position and when it came in force, in book order."""
    batches = (state.need("batch", batch) for _, batch in state.range("in_force", f"{book}/"))
    return [(batch["first"], batch["recorded_at"]) for batch in batches]
