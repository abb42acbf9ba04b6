"""The register of sources: who publishes, what they may say, with which keys, and where.

An entry replaces the one before it; facts already recorded keep what they were checked with.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import Refusal, Refused
from ..measures.shape import exactly
from ..measures.suites import in_use

_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,59}", re.ASCII)


@dataclass(frozen=True)
class Box:
    """South, west, north, east in micro-degrees, edges included: where a source's word is taken."""

    south: int
    west: int
    north: int
    east: int

    def holds(self, lat_udeg: int, lon_udeg: int) -> bool:
        """Whether a position lies inside or on the edge."""
        return self.south <= lat_udeg <= self.north and self.west <= lon_udeg <= self.east


@dataclass(frozen=True)
class Key:
    """One public key of the suite (hex) and the time [since, until) in which it may sign."""

    key: str
    since: int
    until: int | None = None


@dataclass(frozen=True)
class Source:
    """One source. `counted`: whether its values may settle a claim; others are shown only."""

    id: str
    operator: str
    name: Mapping[str, str]
    kinds: tuple[str, ...]
    counted: bool
    keys: tuple[Key, ...] = ()
    box: Box | None = None

    def key(self, key: str) -> Key | None:
        """The register's entry for a public key."""
        return next((k for k in self.keys if k.key == key), None)

    def as_json(self) -> dict[str, Any]:
        """The form that is filed in the record."""
        box = self.box
        return {
            "id": self.id,
            "operator": self.operator,
            "name": dict(self.name),
            "kinds": list(self.kinds),
            "counted": self.counted,
            "keys": [{"key": k.key, "since": k.since, "until": k.until} for k in self.keys],
            "box": None if box is None else [box.south, box.west, box.north, box.east],
        }

    @classmethod
    def from_json(cls, value: Any) -> Source:
        """Read an entry. Errors   Refused evidence.bad_source naming the field."""
        names = ("id", "operator", "name", "kinds", "counted", "keys", "box")
        if not exactly(value, names):
            raise _bad("fields")
        if not (isinstance(value["id"], str) and _ID.fullmatch(value["id"])):
            raise _bad("id")
        if not (isinstance(value["operator"], str) and 0 < len(value["operator"]) <= 60):
            raise _bad("operator")
        name = value["name"]
        if not exactly(name, ("zh", "en")):
            raise _bad("name")
        if not all(isinstance(text, str) and 0 < len(text) <= 200 for text in name.values()):
            raise _bad("name")
        kinds = value["kinds"]
        if not (isinstance(kinds, list) and kinds and all(isinstance(k, str) for k in kinds)):
            raise _bad("kinds")
        if type(value["counted"]) is not bool:
            raise _bad("counted")
        if not isinstance(value["keys"], list):
            raise _bad("keys")
        return cls(
            value["id"],
            value["operator"],
            dict(name),
            tuple(kinds),
            value["counted"],
            tuple(_key(k) for k in value["keys"]),
            _box(value["box"]),
        )


def _key(value: Any) -> Key:
    if not exactly(value, ("key", "since", "until")):
        raise _bad("keys")
    key, since, until = value["key"], value["since"], value["until"]
    if not (isinstance(key, str) and in_use.suite.is_public(key)) or type(since) is not int:
        raise _bad("keys")
    if until is not None and (type(until) is not int or until <= since):
        raise _bad("keys")
    return Key(key, since, until)


def _box(value: Any) -> Box | None:
    if value is None:
        return None
    if not isinstance(value, list) or [type(part) for part in value] != [int] * 4:
        raise _bad("box")
    box = Box(*value)
    if not (-90_000_000 <= box.south < box.north <= 90_000_000):
        raise _bad("box")
    if not (-180_000_000 <= box.west < box.east <= 180_000_000):
        raise _bad("box")
    return box


def _bad(field: str) -> Refused:
    return Refused(Refusal("evidence.bad_source", {"field": field}))
