"""How far a mass is: a bar on standard error for each thing that is done to a book at once."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from .. import speak

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from ...wiring import Member

LEAST = 10_000  # policies from which on anybody has to wait


def work(member: Member, speaker: speak.Speaker) -> int:
    """`member.work`, with bars while it does something to many policies."""
    bars = Bars(speaker)
    before = member.tell(bars)
    try:
        return member.work()
    finally:
        member.tell(before)
        bars.close()


class Bars:
    """Hears of masses. Where standard error is no terminal each part is a line once it is done."""

    def __init__(self, speaker: speak.Speaker) -> None:
        self._speaker, self._screen = speaker, speak.console(err=True)
        self._progress: Progress | None = None
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, what: str, done: int, of: int) -> None:
        """`done` of `of` policies are through one part."""
        if of < LEAST:
            return
        said = self._speaker.text(f"mass_{what}")
        if not self._screen.is_terminal:
            if done >= of:
                speak.note(self._speaker.text("mass_done", what=said, count=of))
            return
        progress = self._shown()
        if what not in self._tasks or progress.tasks[self._tasks[what]].finished:
            self._tasks[what] = progress.add_task(said, total=of)
        progress.update(self._tasks[what], completed=done, total=of)

    def close(self) -> None:
        """Take the bars away."""
        if self._progress is not None:
            self._progress.stop()

    def _shown(self) -> Progress:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
        from rich.progress import TimeElapsedColumn as Elapsed

        if self._progress is None:
            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
            self._progress = Progress(
                *columns, Elapsed(), console=self._screen, redirect_stdout=sys.stdout.isatty()
            )
            self._progress.start()
        return self._progress
