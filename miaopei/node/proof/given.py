"""What of the record was given to this member whole, by a snapshot or when it took its seat.

Up to there it has the leaves, checked against a certified root and applied, but neither checkpoints
of its own nor the heights of blocks in which only time passed.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...measures.identity import canonical, read_canonical
from ..ports import Reading, Writing

PROGRESS = "given"


@dataclass(frozen=True)
class Given:
    """Entries, and up to which height; none of either where all was made here."""

    size: int = 0
    height: int = -1


def given(reading: Reading) -> Given:
    """What was given. Errors   RecordDamaged (alarm) where the note of it is altered."""
    kept = reading.progress(PROGRESS)
    return Given() if kept is None else Given(**read_canonical(kept))


def keep_given(block: Writing, height: int) -> None:
    """All that is here now was given, by a record that stood at this height."""
    block.put_progress(PROGRESS, canonical({"size": block.head().size, "height": height}))
