"""An observation: what a source said about one event, as one normalised value with a content id.

The same fact read twice, anywhere, is one observation: nothing of its receipt is in it (that stands
in the attestation). Forms of values are in `kinds`, signatures in `attestation`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import Fact, Refusal, Refused
from ..measures import place
from ..measures.identity import canonical, content_id
from ..measures.shape import exactly
from ..measures.suites import OfSuite
from . import kinds
from .source import Box, Source

STATUSES = ("automatic", "reviewed", "final")
TOLERANCE = 300  # seconds that a clock may be ahead of ours
_FIELDS = ("kind", "source", "event_key", "revision", "status", "values")


@dataclass(frozen=True)
class Observation:
    """One revision of one event by one source.

    `event_key` is the source's own key, or the printed time and place where it has none; `revision`
    grows with each correction of the same key (a version number, or the instant of the update).
    """

    kind: str
    source: str
    event_key: str
    revision: int
    status: str
    values: Mapping[str, Any]

    @OfSuite
    def id(self) -> str:
        """Content id over everything here; see docs/specs/evidence.md, section 1."""
        return content_id("observation", self.as_json())

    @property
    def instant(self) -> int:
        """When the event happened, in UTC seconds."""
        return kinds.instant(self.kind, self.values)

    def as_json(self) -> dict[str, Any]:
        """The form that is hashed, signed and recorded."""
        return {name: getattr(self, name) for name in _FIELDS} | {"values": dict(self.values)}

    @classmethod
    def from_json(cls, value: Any) -> Observation:
        """Read one. Errors   Refused evidence.bad_observation or evidence.bad_value, all fields."""
        if not exactly(value, _FIELDS):
            raise _bad("fields")
        for name in ("kind", "source", "event_key"):
            if not (isinstance(value[name], str) and 0 < len(value[name]) <= 200):
                raise _bad(name)
        if type(value["revision"]) is not int or value["revision"] < 0:
            raise _bad("revision")
        if value["status"] not in STATUSES:
            raise _bad("status")
        if not isinstance(value["values"], Mapping):
            raise _bad("values")
        if found := kinds.misfits(value["kind"], value["values"]):
            raise Refused(*found)
        canonical(value)
        return cls(**{**value, "values": dict(value["values"])})


def check(
    observation: Observation, source: Source | None, received_at: int | None
) -> list[Refusal]:
    """Why this observation may not be taken from this source at this time; empty where it may.

    `source` None leaves out what the register says, `received_at` None the test for the future.
    """
    found = kinds.misfits(observation.kind, observation.values)
    if source is not None:
        if observation.source != source.id:
            found.append(Refusal("evidence.unknown_source", {"source": observation.source}))
        if observation.kind not in source.kinds:
            facts = {"source": source.id, "kind": observation.kind}
            found.append(Refusal("evidence.kind_not_allowed", facts))
    if found:
        return found
    instant = observation.instant
    if received_at is not None and instant > received_at + TOLERANCE:
        late: dict[str, Fact] = {
            "instant": instant,
            "received_at": received_at,
            "limit": TOLERANCE,
        }
        found.append(Refusal("evidence.in_future", late))
    if observation.kind == kinds.SHOCK:
        values = observation.values
        box = source.box if source else None
        refusal = misplaced(values["lat_udeg"], values["lon_udeg"], box)
        found += [refusal] if refusal else []
        if values["published_at"] is not None and values["published_at"] < instant:
            found.append(Refusal("evidence.published_before_origin", {"instant": instant}))
    return found


def misplaced(lat_udeg: int, lon_udeg: int, box: Box | None) -> Refusal | None:
    """A position that is none, outside the source's box, or plainly with its parts swapped."""
    facts: dict[str, Fact] = {"lat_udeg": lat_udeg, "lon_udeg": lon_udeg}
    world = Box(
        -place.LARGEST_LATITUDE,
        -place.LARGEST_LONGITUDE,
        place.LARGEST_LATITUDE,
        place.LARGEST_LONGITUDE,
    )
    if (box or world).holds(lat_udeg, lon_udeg):
        return None
    if (box or world).holds(lon_udeg, lat_udeg):
        return Refusal("evidence.swapped", facts)
    if not world.holds(lat_udeg, lon_udeg):
        return Refusal("evidence.out_of_range", facts)
    return Refusal("evidence.outside_box", facts)


def _bad(field: str) -> Refused:
    return Refused(Refusal("evidence.bad_observation", {"field": field}))
