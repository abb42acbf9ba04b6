"""What travels through the engine: parcels of acts, and the proposer's clock as first item.

The engine forgets what it could not place and never takes the same bytes twice, so a parcel carries
the number of the attempt; the acts inside are applied once whatever the number. Canonical JSON.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ...acts.envelope import Act, from_json
from ...acts.freshness import SINCE
from ...errors import Refused
from ...measures.identity import canonical, read_canonical

PARCEL_BYTES_MAX = 400_000  # of one item; a block takes several
ACTS_MAX = 1_000
TIME_BYTES_MAX = 32  # of the item that carries the proposer's clock
LATEST = 2**53 - 1
REMEMBERED = 128  # parcels that were read


@dataclass(frozen=True)
class Parcel:
    """Acts that one member sends together: applied one after another in one block."""

    attempt: int
    acts: tuple[Act, ...]

    def to_bytes(self) -> bytes:
        """The item."""
        return canonical({"attempt": self.attempt, "acts": [act.as_json() for act in self.acts]})


def parcels(acts: Sequence[Act]) -> list[tuple[Act, ...]]:
    """Acts in order, in as few parcels as their sizes allow."""
    found: list[list[Act]] = [[]]
    size = 0
    for act in acts:
        if found[-1] and (size + act.size > PARCEL_BYTES_MAX - 100 or len(found[-1]) == ACTS_MAX):
            found.append([])
            size = 0
        found[-1].append(act)
        size += act.size + 1
    return [tuple(part) for part in found if part]


@lru_cache(REMEMBERED)
def read_parcel(item: bytes) -> Parcel | None:
    """The parcel in an item; None for anything else: it changes nothing and stays in no leaf.

    Read once where the same bytes are checked, proposed, voted on and applied.
    """
    if len(item) > PARCEL_BYTES_MAX:
        return None
    value = _read(item)
    if not isinstance(value, dict) or set(value) != {"attempt", "acts"}:
        return None
    attempt, acts = value["attempt"], value["acts"]
    if type(attempt) is not int or not isinstance(acts, list) or not 0 < len(acts) <= ACTS_MAX:
        return None
    try:
        return Parcel(attempt, tuple(from_json(act) for act in acts))
    except (Refused, RecursionError):
        return None


def parcel_under(rules: int, item: bytes) -> Parcel | None:
    """As `read_parcel`, in a block of these rules: before rule set 5 an act that names its end is
    none to anybody, as it is to software of that time.
    """
    parcel = read_parcel(item)
    if parcel is None or (rules < SINCE and any(act.until is not None for act in parcel.acts)):
        return None
    return parcel


def time_item(time: int) -> bytes:
    """The item with which a proposer says what its clock says."""
    return canonical({"time": time})


def read_time(item: bytes) -> int | None:
    """The time in such an item; None for anything else."""
    return None if len(item) > TIME_BYTES_MAX else _time_in(item)


@lru_cache(REMEMBERED)
def _time_in(item: bytes) -> int | None:
    value = _read(item)
    if not isinstance(value, dict) or set(value) != {"time"} or type(value["time"]) is not int:
        return None
    time: int = value["time"]
    return time if 0 <= time <= LATEST else None


def _read(item: bytes) -> Any:
    try:
        return read_canonical(item)
    except (Refused, RecursionError):
        return None
