"""How each concentrator stands: born, dead by its last will, stale, and what of it is missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

from ...measures.identity import canonical, read_canonical
from ...node.ports import Reading, Writing
from ..grid.line import WIDEST_GAP, Line
from .admitted.trust import Concentrators
from .speech import Word

STALE = 180  # seconds without a word of one that is online; a heartbeat comes every 60
NEVER, ONLINE, STALE_STATE, DEAD = "never", "online", "stale", "dead"
REVOKED = "revoked"


@dataclass(frozen=True)
class Device:
    """One concentrator, as far as it has been heard. Times are UTC seconds of receipt."""

    id: str
    session: int = -1  # of its birth, by its own clock
    online: bool = False
    said_at: int = -1  # by its own clock
    heard_at: int | None = None
    last: int = 0  # its newest number, by its own word
    refused: int = 0  # payloads that were not taken
    wrong: int = 0  # readings that could not be read
    foreign: int = 0  # readings about customers that it does not read
    why: str = ""  # the newest refusal's code

    @classmethod
    def of(cls, reading: Reading, name: str) -> Device:
        """As it is kept; a new one where nothing has come yet."""
        kept = reading.progress(f"meters/device/{name}")
        return cls(name) if kept is None else cls(**read_canonical(kept))

    def keep(self, block: Writing) -> None:
        """Write it down."""
        block.put_progress(f"meters/device/{self.id}", canonical(asdict(self)))

    def told(self, word: Word, at: int) -> Device:
        """After a birth, heartbeat or last will; an older word than the last changes nothing.

        A last will was written when its session began, so it counts by the session alone.
        """
        if word.session < self.session or (word.online and word.at < self.said_at):
            return self
        again = word.session == self.session
        if again and not word.online and not self.online:
            return self
        return replace(
            self,
            session=word.session,
            online=word.online,
            said_at=max(word.at, self.said_at) if again else word.at,
            heard_at=at if word.online else self.heard_at,
            last=max(word.last, self.last),
        )

    def state(self, now: int) -> str:
        """never, online, stale or dead."""
        if self.heard_at is None:
            return NEVER if self.session < 0 else DEAD
        if not self.online and self.session >= 0:
            return DEAD
        return STALE_STATE if now - self.heard_at > STALE else ONLINE


def line_of(reading: Reading, name: str) -> Line:
    """The line of a concentrator's numbers."""
    return Line.of(reading, f"meters/{name}")


def missing_of(line: Line, device: Device) -> tuple[int, ...]:
    """What has not come: the gaps, and what the concentrator says it has beyond them."""
    return (*line.missing, *range(line.next, min(device.last, line.next + WIDEST_GAP) + 1))


def rows(reading: Reading, known: Concentrators, now: int) -> Iterator[dict[str, Any]]:
    """One row a concentrator that is or was admitted, for tables and JSON."""
    for name in sorted(known.keys):
        device, line = Device.of(reading, name), line_of(reading, name)
        yield {
            "id": name,
            "state": REVOKED if known.is_revoked(name, now) else device.state(now),
            "heard_at": device.heard_at,
            "next": line.next,
            "missing": len(missing_of(line, device)),
            "lost": len(line.lost),
            "refused": device.refused,
            "why": device.why,
            "wrong_readings": device.wrong,
            "foreign_readings": device.foreign,
        }
