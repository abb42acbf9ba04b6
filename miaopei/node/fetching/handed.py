"""What one member hands another of a blob: the bytes to each, and to each reader its own keys."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..granted.asking import Keys
from ..ports import Reading
from ..vault.rowkeys import READER


@dataclass(frozen=True)
class Fetched:
    """A blob's bytes, and where the other side keeps them for us the wrapped data key, and the
    keys of its rows.
    """

    data: bytes
    wrap: bytes | None = None
    rows: bytes | None = None

    def keys(self) -> Keys | None:
        """The keys alone; None where there are none."""
        return None if self.wrap is None else Keys(self.wrap, self.rows)


def handed(reading: Reading, name: str, boxes: Iterable[str]) -> Fetched | None:
    """What a seat with these box keys (hex; the one in force, then earlier ones) is handed of a
    blob; None where it is not here.
    """
    data = reading.blob(name)
    if data is None:
        return None
    wraps = (reading.wrapped(name, box) for box in boxes)
    wrap = next((wrapped for wrapped in wraps if wrapped is not None), None)
    return Fetched(data, wrap, None if wrap is None else reading.wrapped(name, READER))
