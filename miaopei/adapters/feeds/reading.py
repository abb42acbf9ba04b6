"""What reading a file gives: one row for each event or line, an observation or named refusals.

Also the small steps that every reader shares: exact numbers, a shock from printed parts, its cell.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import h3  # type: ignore[import-untyped]  # the package ships no types

from ...errors import Fact, Refusal, Refused
from ...evidence.kinds import SHOCK
from ...evidence.observation import Observation, check, misplaced
from ...evidence.source import Box
from ...measures import place
from ...measures.instant import beijing_text
from ...measures.place import degrees_text, scaled
from ...measures.suites import in_use

CELL_RESOLUTION = 8
LARGEST_FILE = 64 * 1024 * 1024
LARGEST_LINE = 64 * 1024
MOST_ROWS = 200_000

# What a reader may meet in bytes that somebody else wrote; each becomes a refusal of its row.
TROUBLE = (
    *(Refused, ValueError, KeyError, TypeError, IndexError, AttributeError),
    *(OverflowError, RecursionError),
)


@dataclass(frozen=True)
class Row:
    """One event of a file: what was read, where it stood, and the very bytes it was read from."""

    line: int
    part: str
    original: bytes
    observation: Observation | None = None
    refusals: tuple[Refusal, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """For `feed read --json`."""
        seen = self.observation
        return {
            "line": self.line,
            "part": self.part,
            "id": None if seen is None else seen.id,
            "observation": None if seen is None else seen.as_json(),
            "refusals": [refusal.as_json() for refusal in self.refusals],
        }


@dataclass(frozen=True)
class Reading:
    """A whole file: its format found by content, the source it speaks for, its rows in order."""

    format: str
    source: str
    media: str
    file_digest: str
    rows: tuple[Row, ...]

    @property
    def observations(self) -> tuple[Observation, ...]:
        """The rows that gave an observation."""
        return tuple(row.observation for row in self.rows if row.observation is not None)

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        """Everything refused, each with its line."""
        return tuple(
            Refusal(r.code, {**r.facts, "line": row.line})
            for row in self.rows
            for r in row.refusals
        )

    def as_json(self) -> dict[str, Any]:
        """For `feed read --json`."""
        return {
            "format": self.format,
            "source": self.source,
            f"file_{in_use.suite.hash_name}": self.file_digest,
            "rows": [row.as_json() for row in self.rows],
        }


@dataclass(frozen=True)
class Given:
    """What the reader is told from outside: the time of receipt and where the source reports."""

    now: int | None = None
    box: Box | None = None


def no(code: str, **facts: Fact) -> Refused:
    """The exception that refuses one row."""
    return Refused(Refusal(f"feed.{code}", facts))


def refusals_of(error: BaseException) -> tuple[Refusal, ...]:
    """What a row that could not be read is refused with."""
    if isinstance(error, Refused):
        return error.refusals
    return (Refusal("feed.bad_row", {"why": f"{type(error).__name__}: {error}"[:120]}),)


def exact(text: str, places: int) -> int:
    """Decimal text -> integer of that many places; finer figures are refused, not rounded."""
    value = scaled(text, places)
    if scaled(text, places + 12) != value * 10**12:
        raise no("too_fine", value=text.strip()[:40], places=places)
    return value


def plain(text: str) -> str:
    """Text in NFC without spaces at its ends."""
    return unicodedata.normalize("NFC", text).strip()


def needed(value: str | None, field: str) -> str:
    """The text of a field that must not be empty."""
    found = plain(value or "")
    if not found:
        raise no("missing_field", field=field)
    return found


@dataclass(frozen=True)
class Printed:
    """A shock as its source prints it; `key` is None where the source prints no key of its own."""

    source: str
    key: str | None
    revision: int
    status: str
    origin: int
    latitude: str
    longitude: str
    depth_m: int | None
    magnitude: str
    magnitude_type: str
    place: str
    event_type: str
    published_at: int | None = None


def shock(printed: Printed, given: Given) -> Observation:
    """The normalised observation with its cell.

    Errors   Refused, naming position, number or field.
    """
    lat, lon = scaled(printed.latitude, 6), scaled(printed.longitude, 6)
    if refusal := misplaced(lat, lon, given.box):
        raise Refused(refusal)
    values: Mapping[str, Any] = {
        "origin": printed.origin,
        "lat_udeg": lat,
        "lon_udeg": lon,
        "depth_m": printed.depth_m,
        "magnitude_raw": printed.magnitude,
        "magnitude_tenths": scaled(printed.magnitude, 1),
        "magnitude_type": _type(printed.magnitude_type),
        "place": printed.place,
        "event_type": printed.event_type,
        "cell": h3.latlng_to_cell(lat / place.MICRO, lon / place.MICRO, CELL_RESOLUTION),
        "published_at": printed.published_at,
    }
    key = printed.key or f"{beijing_text(printed.origin)} {degrees_text(lat)} {degrees_text(lon)}"
    found = Observation(SHOCK, printed.source, key, printed.revision, printed.status, values)
    return checked(found, given)


def checked(observation: Observation, given: Given) -> Observation:
    """The observation, or everything that speaks against it."""
    if refusals := check(observation, None, given.now):
        raise Refused(*refusals)
    Observation.from_json(observation.as_json())
    return observation


def _type(text: str) -> str:
    """'MS' and 'ms' are Ms, 'ml' is ML; all others stay as printed (mb and mB differ)."""
    return {"MS": "Ms", "ML": "ML"}.get(text.upper(), text)
