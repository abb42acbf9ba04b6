"""The blobs that applied acts name, and what they say of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ....acts.blobs import REFERENCE
from ....errors import Refused
from ...fetching.naming import names_in

UNREADABLE = (KeyError, TypeError, ValueError, AttributeError, IndexError, Refused)


@dataclass(frozen=True)
class Named:
    """A blob as an act names it; of an original only its name and media."""

    position: int
    act: Mapping[str, Any]
    reference: Mapping[str, Any]

    @property
    def key(self) -> tuple[str, str]:
        """The blob and its media: one blob may be named as several things."""
        return self.reference["blob"], self.reference["media"]


def references(values: Sequence[Any]) -> Iterator[Named]:
    """Every blob that the applied acts among the leaves name, as the fetcher finds them."""
    for position, value in enumerate(values):
        match value:
            case {"leaf": "act", "act": {"body": dict()} as act, "result": {"ok": True} as result}:
                for each in names_in(act, result):
                    yield Named(position, act, each)


def media_within(value: Any) -> Iterator[tuple[str, str]]:
    """Every reference anywhere in a leaf, and by which media: more than a member asks for, since
    what was refused or not taken counts too, and digests are not looked at. Originals are none.
    """
    match value:
        case {"blob": str(name), "media": str(media)} if set(value) == REFERENCE:
            yield name, media
        case dict():
            for part in value.values():
                yield from media_within(part)
        case list():
            for part in value:
                yield from media_within(part)
